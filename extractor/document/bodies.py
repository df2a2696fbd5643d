"""Names of issuing bodies compared. Three notions, from the strictest to the loosest: `body_key`, `same_body`,
`one_name_holds_the_other`."""

from __future__ import annotations

import re

_SEAT = re.compile(r"(?:人民政府)?(?:办公室|办公厅)$|(?:人民)?政府$|(?<=街道)办(?:事处)?$|办事处$")


def body_key(name: str) -> str:
    """A body's name as it is looked up: without white space and brackets, without 人民政府 at its end."""
    folded = re.sub(r"[\s()（）]", "", name)
    return folded.removesuffix("人民政府") or folded


def same_body(one: str, other: str) -> bool:
    """Whether two names may be one body's: 中阳县 and 中阳县人民政府办公室, 小董乡人民政府 and 武陟县小董乡. Not
    中阳县 and 中阳县教育局."""
    a, b = (_SEAT.sub("", folded) or folded for folded in (re.sub(r"\s", "", one), re.sub(r"\s", "", other)))
    return a.endswith(b) or b.endswith(a)


def one_name_holds_the_other(one: str, other: str) -> bool:
    """Whether one name is part of the other: enough to tell apart the few reports of one document, where somebody wrote
    中阳县 for 中阳县教育局. An empty name holds nothing."""
    a, b = re.sub(r"\s", "", one), re.sub(r"\s", "", other)
    return bool(a and b) and (a in b or b in a)
