"""Whether a table's heads stand in the form's order.

No equation can see that two columns or blocks changed places, so the printed heads decide: heads out of the form's
order are a doubt. Heads that are missing or damaged say nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from extractor.form import DISPUTE_BLOCKS, DISPUTE_COLUMNS, FORM, REQUEST_COLUMNS
from extractor.reader.anchors import Region
from extractor.reader.labels import Hit

_COLUMN = {key: index for index, key in enumerate(REQUEST_COLUMNS)}
_BLOCK = {key: index for index, key in enumerate(DISPUTE_BLOCKS)}
_OUTCOME = {key: index for index, key in enumerate(DISPUTE_COLUMNS)}
# Heads of one row stand side by side: no word and no figure between them.
_BETWEEN = re.compile(r"[\w]")
# The fields of one row of table 2 stand in the order in which the form's rows list them.
_FIELDS = [names for row in FORM.disclosure for names in row.fields.values()]


# The applicants' heads as words of their own: found by their letters alone, because two of them side by side may
# read as another label of the form (其他 法律服务机构 as the row 其他法律行政法规禁止公开). 其他 of 法人或其他组织 is
# no head.
_GAP = r"[^\w]*+"
_APPLICANTS = [(index, column) for index, column in enumerate(FORM.columns) if column.key != "total"]
_HEAD = re.compile(
    "|".join(
        f"(?P<h{index}>"
        + "|".join(
            (r"(?<![或者和及])" if column.key == "other_organization" else "")
            + _GAP.join(wording)
            + (rf"(?!{_GAP}组{_GAP}织)" if column.key == "other_organization" else "")
            for wording in column.wordings
        )
        + ")"
        for index, column in _APPLICANTS
    )
)
# In a row of cells: the total stands left of the applicants, litigation left of reconsideration.
_TOTAL_LEFT = re.compile(r"(?:\n|\A)(?:(?!申\s?请\s?人)[^\n])*(?:总\s?计|合\s?计)[ |]*\t[\s|]*自\s?然\s?人")
_LITIGATION_LEFT = re.compile(r"行\s?政\s?诉\s?讼[ |]*\t[ \t|]*行\s?政\s?复\s?议(?!\w)")
_ENDS_HEADS = re.compile(r"[\d。;]")
_MOST_HEADS = 600  # characters


def _applicants_as_printed(norm: str, stop: int) -> list[int]:
    """The applicants' heads that stand over the first row's label, in the order of the text."""
    found: list[re.Match[str]] = []
    for match in _HEAD.finditer(norm, max(0, stop - _MOST_HEADS), stop):
        if found and _ENDS_HEADS.search(norm, found[-1].end(), match.start()):
            found.clear()
        found.append(match)
    return [int((match.lastgroup or "h0")[1:]) for match in found]


def request_heads_in_order(norm: str, region: Region) -> bool:
    """Table 3: the applicants from left to right, the total not before them on one line."""
    header = region.header
    for order in (
        [_COLUMN[hit.key] for hit in header if hit.kind == "column"],
        _applicants_as_printed(norm, region.anchors[0].start),
    ):
        if order != sorted(order) and len(set(order)) == len(order):
            return False
    # A total before all applicants counts only where the heads stand apart on one line of their own.
    first = next((hit for hit in header if hit.key == "natural_person"), None)
    if first is None:
        return True
    if _TOTAL_LEFT.search(norm, max(0, norm.rfind("\n", 0, first.start)), first.end):
        return False
    line, stop = norm.rfind("\n", 0, first.start) + 1, norm.find("\n", first.end)
    inside = [hit for hit in header if line <= hit.start < (stop if stop >= 0 else len(norm))]
    own = [hit for hit in inside if hit.kind in ("column", "shared")]
    apart = all(norm[a.end : b.start].strip(" ") != "" or b.start - a.end > 1 for a, b in pairwise(own))
    if len(own) != len(inside) or len(own) < 6 or not apart:
        return True
    return own[0].key != "total"


def dispute_heads_in_order(norm: str, header: Sequence[Hit]) -> bool:
    """Table 4: the blocks and, within each, the outcomes from left to right (a head may be lost)."""
    blocks = [_BLOCK[hit.key] for hit in header if hit.kind == "block"]
    if blocks[-3:] != sorted(blocks[-3:]):
        return False
    if header and _LITIGATION_LEFT.search(norm, norm.rfind("\n", 0, header[0].start) + 1, header[-1].end):
        return False
    outcomes = [hit for hit in header if hit.kind == "outcome"]
    if len(outcomes) < 8:
        return True  # Heads chopped over lines: their pieces do not stand in order.
    last = -1
    for hit in outcomes:
        index = _OUTCOME[hit.key]
        # A new block may begin anywhere behind the third outcome of the last (its first heads may be lost).
        if index <= last and not (last >= 2 and index <= 1):
            return False
        last = index
    totals = [hit for hit in header if (hit.kind, hit.key) == ("shared", "total")]
    # A sentence above the heads may speak of a total (a note below table 3); between heads stands no sentence.
    return not totals or outcomes[0].start < totals[0].start or "。" in norm[totals[0].end : outcomes[0].start]


def disclosure_heads_in_order(norm: str, header: Sequence[Hit]) -> bool:
    """Table 2: the fields of each group of rows from left to right."""
    fields = [hit for hit in header if hit.kind == "field"]
    for before, behind in pairwise(fields):
        if before.key == behind.key or _BETWEEN.search(norm, before.end, behind.start):
            continue
        together = [names for names in _FIELDS if before.key in names and behind.key in names]
        if together and all(names.index(before.key) > names.index(behind.key) for names in together):
            return False
    return True
