"""Whose report it is, and of which year: title, issuing body, report year (never the year of publication)."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

_YEAR = r"(?:20[0-3]\d|二[〇零○Oo0][一二][〇零○一二三四五六七八九0-9])"
_GAP = r"[\s#*]{0,6}"  # a title may be wrapped, as a heading of two lines too
_NAME = _GAP.join("政府信息公开").replace("府", "[府务]", 1)
_REPORT = rf"{_NAME}{_GAP}(?:工作)?{_GAP}(?:情况)?(?:的)?{_GAP}(?:年{_GAP}度)?{_GAP}(?:工作)?{_GAP}(?:报{_GAP}告|年报)"
_TITLE = re.compile(
    rf"(?:(?P<year>{_YEAR})[ \t]*年[ \t]*度?(?P<middle>[^\n。;《》]{{0,40}}?){_REPORT}"
    rf"|{_REPORT}(?:[ \t]*|\s*(?=[(]))[(]?[ \t]*(?P<after>{_YEAR})\s*年?\s*度?\s*[)]?)"
)
_PERIOD = re.compile(rf"(?:自|从)?(?P<year>{_YEAR})\s*年\s*1\s*月\s*1\s*日\s*(?:起)?\s*,?\s*(?:至|到|-)")
_IN_YEAR = re.compile(rf"(?<!\d)(?P<year>{_YEAR})\s*年(?!\s*\d{{1,2}}\s*月)")
_DATE_LINE = re.compile(rf"^[ \t]*(?P<year>{_YEAR})\s*年\s*\d{{1,2}}\s*月\s*\d{{1,2}}\s*日\s*$", re.MULTILINE)
_BODY_TAIL = (
    "人民政府办公室|人民政府办公厅|人民政府|政府办公室|管理委员会|管委会|委员会|办公室|办公厅|办事处|"
    "[^\\s,。、]{0,12}?(?:局|厅|委|院|处|中心|大队|支队|总队|街道|集团|公司|法院|学校|大学|学院|医院|馆|站|会|部|署|所|关|县|市|区|旗|乡|镇|省|盟|州)"
)
_BODY = re.compile(rf"^[ \t*#]*(?P<body>[一-鿿()]{{2,30}}?(?:{_BODY_TAIL}))[ \t]*$", re.MULTILINE)
_IN_TEXT = re.compile(r"(?P<body>[一-鿿]{2,16}?(?:人民政府(?:办公室|办公厅)?|街道办事处|管理委员会|管委会))")
_DIGITS = {c: str(i) for i, c in enumerate("〇一二三四五六七八九")} | {"零": "0", "○": "0", "O": "0", "o": "0"}
_WEB = re.compile(r"^(?:当前位置|首页|您的位置|发布|来源|索引|信息公开|标题|名称|主题|网站|返回)")


@dataclass(frozen=True, slots=True)
class Identity:
    """Title as printed, issuing body and report year; None where the text does not say."""

    title: str | None
    organization: str | None
    year: int | None


def _year(text: str) -> int:
    return int("".join(_DIGITS.get(char, char) for char in text))


_HEADING = re.compile(r"[一二三四五六七八九十]+、")
_EDGES = re.compile(r"^[#*|<>:_·.,、()\"'-]+|[#*|<>:_·.,、()\"'-]+$")


def _clean(text: str) -> str:
    return _EDGES.sub("", re.sub(r"\s+", "", text))


def identify(
    text: str, norm: str, start: int, end: int, first_table: int, named: tuple[int, int] | None = None
) -> Identity:
    """Reads title, body and year of the report that lies in [start, end); the tables begin at `first_table`.

    `named` is a line that holds nothing but the body's name, or the year, where the report has no title.
    """
    head = norm[start : min(first_table, start + 6000)]
    title, body, year = _from_title(text, head, start)
    if named is not None:
        line = _clean(text[slice(*named)])
        if re.match(_YEAR, line):
            year = _year(line[:4])
        else:
            title, body = None, line  # a title over several names is of all of them
    if year is None:
        year = _from_text(norm, start, end, head)
    if body is None:
        body = _signature(text, norm, start, end) or _first_body(head)
    return Identity(title, body, year)


def _from_title(text: str, head: str, offset: int) -> tuple[str | None, str | None, int | None]:
    """The title that stands nearest before section one (links to other years' reports come earlier or later), or
    the first one where that section is not found."""
    overview = head.find("总体情况")
    limit = overview if overview >= 0 else len(head)
    found = [t for t in (_title_at(text, head, offset, m) for m in _TITLE.finditer(head[:6000])) if t]
    before = [title for title in found if title[3] < limit]
    if not found:
        return None, None, None
    best = max(before or found[:1], key=lambda title: (title[1] is not None, title[3]))
    return best[:3]


def _title_at(
    text: str, head: str, offset: int, match: re.Match[str]
) -> tuple[str | None, str | None, int | None, int] | None:
    line_start = head.rfind("\n", 0, match.start()) + 1
    before = head[line_start : match.start()]
    if len(before) > 60 or re.search(r"[《\"]\s*$|根据|依据|按照|[。;]|>", before):
        return None
    stop = head.find("\n", match.end())
    rest = len(re.sub(r"[\s#*()]", "", head[match.end() : stop if stop >= 0 else len(head)]))
    opens = not head[:line_start].strip() and (stop < 0 or rest > 200)  # a text that lost its line ends
    if rest > 12 and not opens:
        return None
    begin, body = line_start, _clean(text[offset + line_start : offset + match.start()])
    if _HEADING.match(body):  # what stands beside the title on its line (a page's side bar) is none of it
        begin = line_start + before.rstrip().rfind(" ") + 1
        body = _clean(text[offset + begin : offset + match.start()]) if begin > line_start else ""
        if len(body) < 3:
            return None
    if not body and match["middle"]:
        body = _clean(text[offset + match.start("middle") : offset + match.end("middle")].removeprefix("度"))
    if not body:
        lines = head[:line_start].rstrip("\n \t#*").split("\n")
        previous = lines[-1]
        if (
            2 <= len(_clean(previous)) <= 30
            and not _HEADING.match(_clean(previous))
            and not _WEB.match(_clean(previous))
            and not re.search("[。>]", previous)
        ):
            begin = head.rfind(previous, 0, line_start)
            body = _clean(text[offset + begin : offset + begin + len(previous)])
    title = _clean(re.sub(r"\n[#*\s]*", "", text[offset + begin : offset + match.end()]))
    if match["after"] and title.count("（") > title.count("）"):
        title += "）"
    name = (_body_name(body) or None) if len(body) <= 40 else None
    return title, name, _year(match["year"] or match["after"]), match.start()


def _body_name(body: str) -> str:
    body = re.sub(r"^(?:标题|名称|Title)[:：]?", "", body)
    body = re.sub(r"^(?:.*(?:转发|印发))?(?:关于)?", "", body)
    return re.sub(r"(?:关于|发布|的|公布)$", "", body)


def _from_text(norm: str, start: int, end: int, head: str) -> int | None:
    period = _PERIOD.search(norm, start, end)
    if period:
        return _year(period["year"])
    # A paragraph that compares itself with an earlier year names that year as often as it likes.
    named = {(norm.rfind("\n", 0, m.start()), _year(m["year"])) for m in _IN_YEAR.finditer(norm, start, end)}
    plain = Counter(year for _, year in named)
    dates = [_year(m["year"]) for m in _DATE_LINE.finditer(norm, start, end)]
    if plain:
        top = max(plain.values())
        years = sorted(year for year, count in plain.items() if count == top)
        if dates and dates[-1] - 1 in plain:
            return dates[-1] - 1
        first = _IN_YEAR.search(head)
        if first and _year(first["year"]) in years:
            return _year(first["year"])
        return years[0]
    return dates[-1] - 1 if dates else None


def _signature(text: str, norm: str, start: int, end: int) -> str | None:
    """The last line that is nothing but a body's name, above the date."""
    floor = max(start, end - 600)
    found = [
        m.span("body")
        for m in _BODY.finditer(norm, floor, end)
        if not re.search(r"情况|事项|报告|公开|存在|问题", m["body"])
    ]
    return _clean(text[found[-1][0] : found[-1][1]]) if found else None


def _first_body(head: str) -> str | None:
    counts = Counter(
        re.sub(r"^.*?(?:年度?|根据|按照|由|向|在|和|与|为|的|对|经)", "", m["body"]) for m in _IN_TEXT.finditer(head)
    )
    counts = Counter({body: n for body, n in counts.items() if len(body) >= 5})
    return counts.most_common(1)[0][0] if counts else None
