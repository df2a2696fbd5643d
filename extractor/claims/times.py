"""Of which year a number is: the words of time in a sentence, and what they say of the report year."""

from __future__ import annotations

import re
from functools import lru_cache

_YEAR = r"(?:(?:19|20)\d\d|二[〇零○][一二三][〇零○一二三四五六七八九])"
TIME = (
    rf"(?:{_YEAR}年?[-—至到]{{1,2}})?{_YEAR}年?学年(?:度)?"
    rf"|(?:自|从)?{_YEAR}年(?:度)?(?:\d{{1,2}}月(?:\d{{1,2}}日)?)?(?:以来|至今|起至今|开始)"
    rf"|{_YEAR}年?(?:度)?(?:-|至|到){_YEAR}年(?:度)?"
    rf"|(?:自|从)?{_YEAR}年1月1日(?:起)?(?:,)?(?:-|至|到)(?:{_YEAR}年|同年|当年)?12月31日(?:止|期间|,)?"
    rf"|(?:截至|截止|截止到|到|至)?(?:{_YEAR}年|今年|当年|本年)?(?:12月31日|年底|底|年末|末)(?=[,止前期])(?:止|前|期间)?"
    rf"|(?:截至|截止|截止到|到)(?:{_YEAR}年(?:度)?)?(?:12月(?:31日)?|年?底|年?末|目前)"
    rf"|(?:{_YEAR}年)?\d{{1,2}}(?:-|至|到)\d{{1,2}}月(?:份)?|(?:{_YEAR}年)?\d{{1,2}}月(?:\d{{1,2}}日)?(?:份|底|初|中旬|上旬|下旬)?(?:前|起|以来)?"
    r"|(?:前|第)?[一二三四]个?季度|[上下]半年|近期|近日"
    rf"|{_YEAR}年(?:度)?(?:同期)?(?!代)"
    r"|(?:近|过去|最近|这|前|连续)(?:[二两三四五六七八九十\d]{1,2}|几|数)个?年(?:来|间|内|里)?|历年|多年|(?:[二两三四五六七八九十]|几)年来|近年来?|往年|(?:施行|实施|成立|颁布|修订|组建)以来|任期内"
    r"|(?:上一?个?年|去年|前一年|上年)(?:度)?(?:同期|全年)?|前年"
    r"|(?:下一?个?年|明年|来年|次年)(?:度)?|下一步|今后|下一阶段"
    r"|今年以来|十[一二三四五]五(?:时期|期间)?|以来|过去一年|一年来|(?:今|本|当)年(?:度)?|本报告年度|报告年度|年度内|报告期内|年内|全年(?:度)?|年底|年末"
)
_DIGITS = {char: str(value) for value, char in enumerate("〇一二三四五六七八九")} | {"零": "0", "○": "0"}
_IN = re.compile(_YEAR)
_AGAINST = re.compile(r"(?:较之?|比|与|同|相较于?|相比|对比|由|从|对照)$")
_SEVERAL = re.compile(
    r"(?<!今年)以来|至今|开始|近|十[一二三四五]五|过去(?!一年)|最近|连续|历年|多年|往年|任期|这[二两三四五六七八九十几]"
    r"|[二两三四五六七八九十几数\d]个?年(?:来|间|内)"
)
_PART = re.compile(r"季度|半年|近期|近日|\d月(?!31日)|\d月份")
_WHOLE = re.compile(r"1月1日|12月31日|[截到].*12月$|底|末|目前")


@lru_cache(maxsize=512)
def years_of(word: str, report: int | None) -> tuple[int | None, str]:
    """The year that a word of time names and its kind: `one`, `several` (no single year), `part` (less than a year),
    `next` (the words of a plan without a year)."""
    named = [int("".join(_DIGITS.get(char, char) for char in year)) for year in _IN.findall(word)]
    if word.endswith(("学年", "学年度")) and len(named) > 1:
        return named[0], "part"
    if len(set(named)) > 1 or _SEVERAL.search(word):
        return None, "several"
    if _PART.search(word) and not _WHOLE.search(word):
        return (named[0] if named else report), "part"
    if named:
        return named[0], "one"
    if word.startswith(("下一步", "今后", "下一阶段")):
        return report, "next"
    if report is None:
        return None, "one"
    if word.startswith("前年"):
        return report - 2, "one"
    if word.startswith(("上", "去", "前")):
        return report - 1, "one"
    if word.startswith(("下", "明", "来", "次")):
        return report + 1, "one"
    return report, "one"


def is_against(text: str, start: int) -> bool:
    """Whether the time at `start` is what something is compared with (较上年, 与2022年相比, 由2023年的)."""
    return _AGAINST.search(text[max(0, start - 3) : start]) is not None
