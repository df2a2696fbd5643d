"""The colours of a workbook and what they mean."""

from __future__ import annotations

from extractor.export.sheet import PLAIN, Look

VERDICT_SHORT = {
    "verified": "已证实",
    "reconciled": "已勾稽",
    "inconsistent": "原文不符",
    "needs_review": "需核对",
    "failed": "未找到",
}
_GOOD = Look("E3F4E8", "1B6B3A", center=True)
_ODD = Look("FFF1C2", "8A5A00", center=True)
_OPEN = Look("FDE3CF", "A33E00", center=True)
_BAD = Look("E4E7EC", "475467", center=True)
VERDICT_LOOKS = {
    "verified": Look("D1EBD9", "1B6B3A", center=True),
    "reconciled": _GOOD,
    "inconsistent": _ODD,
    "needs_review": _OPEN,
    "failed": _BAD,
}
STATUS_LOOKS = {
    "trusted": Look("D1EBD9", "1B6B3A", center=True),
    "partial": _ODD,
    "conflict": Look("E9DDF7", "5B2A9B", center=True),
    "needs_review": _OPEN,
    "failed": _BAD,
    "absent": Look("", "98A2B3", center=True),
}
TITLE = Look("", "1F3864", bold=True)
YEAR = Look(center=True)
ZERO = Look("", "B0B7C3")
UNTRUSTED = Look("FDEFE4", "A33E00", italic=True)
DERIVED = Look("E6F0FB", "1F5FA8", italic=True)
READ_BY_MODEL = Look("DFF5F2", "0B6E63")
_DOUBT = Look("F9C7C7", "9B1C1C", bold=True)
_SUSPECT = Look("FFE08A", "7A4B00", bold=True)

LEGEND = (
    (PLAIN, "12", "原文印有的数，可信"),
    (ZERO, "0", "原文印有的零（空格不是零：没有数就是空的）"),
    (DERIVED, "推算", "原文没有印数，由勾稽关系唯一推出"),
    (READ_BY_MODEL, "模型读取", "由模型读出，并由勾稽关系证实"),
    (_DOUBT, "存疑", "原文有几种读法，或印的不是数字：见“存疑的格”"),
    (_SUSPECT, "涉嫌", "所在的勾稽关系不成立，改动这一格可使其成立：见“勾稽结果”（只提示，不改数）"),
    (UNTRUSTED, "未证实", "整张表没有证实，数不导出（--untrusted 时以斜体给出）"),
    (STATUS_LOOKS["conflict"], "冲突", "同一机关同一年度的几份文件数字不同，数不导出：见“冲突”"),
)


def doubt_look(state: str, suspect: bool) -> Look | None:
    """How a doubtful cell looks; None for one that is not."""
    if state in ("ambiguous", "illegible"):
        return _DOUBT
    return _SUSPECT if suspect else None
