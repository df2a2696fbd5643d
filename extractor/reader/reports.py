"""Which chains of labels are tables 3.

Narrative and headings repeat the form's words, so a table is known by a chain of its row labels in the form's order,
together with what stands over it or in it.
"""

from __future__ import annotations

import itertools
import re

from extractor.form import FORM, REQUEST_ROWS
from extractor.reader.anchors import DATA, first_at
from extractor.reader.labels import Hit

# Two row labels of one table stand no further apart than this (page breaks and running headers included).
REACH = 4000
ORDER = {key: index for index, key in enumerate(REQUEST_ROWS)}
# What ends a figure in a sentence and never in a cell.
SENTENCE = re.compile(r"\d\s*[件项条份起宗次个][,、。;]|。")


def request_chains(norm: str, hits: list[Hit]) -> list[list[Hit]]:
    """The chains of row labels that are tables: one per report."""
    runs: list[list[Hit]] = []
    heads_since = False
    rows: list[Hit] = []
    for hit in hits:
        # A label printed again over its own merged cell (converters repeat it) is the same label.
        again = rows and hit.kind == "row" and rows[-1].key == hit.key
        again = again and hit.start - rows[-1].end < 200 and not DATA.search(norm, rows[-1].end, hit.start)
        if hit.kind in ("row", "column") and not again and not _in_note(norm, hit.start):
            rows.append(hit)
    for index, hit in enumerate(rows):
        heads_since |= hit.kind == "column"
        if hit.kind != "row":
            continue
        if runs and len(runs[-1]) > 2 and _is_stray(hit, runs[-1][-1], rows[index + 1 : index + 2]):
            continue
        follows = runs and ORDER[hit.key] > ORDER[runs[-1][-1].key] and hit.start - runs[-1][-1].end < REACH
        # Column heads between two labels: the first was narrative (in a table they stand over all labels).
        if follows and not (heads_since and len(runs[-1]) <= 2):
            runs[-1].append(hit)
        else:
            runs.append([hit])
        heads_since = False
    joined: list[list[Hit]] = []
    for run in runs:
        # A stray label (a decoy in a note, a doubled word) does not end a table: go on where the order goes on.
        for back in range(1, min(3, len(joined)) + 1):
            earlier = joined[-back]
            between = joined[len(joined) - back + 1 :]
            if (
                ORDER[run[0].key] >= ORDER[earlier[-1].key]
                and run[0].start - earlier[-1].end < REACH
                and all(len(stray) <= 2 for stray in between)
                and (len(run) > 1 or len(earlier) > 2)
                and (len(earlier) > 2 or not _heads_between(hits, earlier[-1].end, run[0].start))
                and (run[0].key != earlier[-1].key or run[0].start - earlier[-1].end < 200)
            ):
                # A doubled label, or one wrapped around its own figures: its data begin behind the first part.
                earlier.extend(run[1:] if run[0].key == earlier[-1].key else run)
                del joined[len(joined) - back + 1 :]
                break
        else:
            joined.append(list(run))
    return [run for run in joined if _is_table(norm, hits, run)]


_NOTE = re.compile(r"\d\s?[件项条份]?\s?[(][^()\n]{0,20}$")


def _in_note(norm: str, position: int) -> bool:
    """Whether a label's words stand in a note behind a figure: `0（含1件上年结转）`."""
    return bool(_NOTE.search(norm[max(0, position - 28) : position]))


def _is_stray(hit: Hit, last: Hit, following: list[Hit]) -> bool:
    """A label out of order (in a note behind a figure) after which the table goes on as if it were not there."""
    return (
        ORDER[hit.key] <= ORDER[last.key]
        and bool(following)
        and following[0].kind == "row"
        and ORDER[following[0].key] > ORDER[last.key]
        and following[0].start - last.end < REACH
    )


def _heads_between(hits: list[Hit], start: int, end: int) -> bool:
    return any(hit.kind == "column" for hit in hits[first_at(hits, start) : first_at(hits, end)])


def _is_table(norm: str, hits: list[Hit], run: list[Hit]) -> bool:
    """A chain is a table when the column heads stand over it, or when figures stand behind its labels as in cells."""
    if len(run) < 3:
        return False
    first = first_at(hits, run[0].start)
    over = {
        hit.key
        for hit in hits[max(0, first - 24) : first]
        if run[0].start - hit.end < 600 and (hit.kind == "column" or hit.key in FORM.furniture["requests"])
    }
    prose = sum(
        1
        for here, following in itertools.pairwise(run)
        if SENTENCE.search(norm, here.end, min(following.start, here.end + 80))
    )
    if prose * 2 >= len(run) - 1:
        return False
    if len(over) >= 2:
        return True
    dense = 0
    for here, following in itertools.pairwise(run):
        between = norm[here.end : min(following.start, here.end + 200)]
        dense += sum(1 for _ in DATA.finditer(between)) >= 7
    return len(run) >= 6 and dense * 2 >= len(run)
