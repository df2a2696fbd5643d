"""How the time grows when a document does: each case at 1, 2, 4 and 8 times its size."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

from extractor.eval.bench.measure import Target, best_of, doublings
from extractor.eval.bench.papers import paper

from extractor.pipeline import extract_all

TIMES = (1, 2, 4, 8)
LIMIT = 2.0
# The clock's own unsteadiness on documents of a few milliseconds; a quadratic step would be 4.
NOISE = 1.2

_PROSE = (
    "{n}年，本机关围绕中心工作，主动公开政府信息{n}条，收到政府信息公开申请{m}件，均在法定期限内答复，"
    "其中予以公开{m}件，部分公开1件，不予公开0件；没有行政复议和行政诉讼。完善年度报告制度，规范办理流程。\n"
)


def _prose(characters: int) -> str:
    lines: list[str] = []
    length = number = 0
    while length < characters:
        number += 1
        lines.append(_PROSE.format(n=2000 + number % 30, m=number % 97))
        length += len(lines[-1])
    return "".join(lines)[:characters]


def narrative(times: int) -> str:
    """A report of 20,000 × times characters, nearly all of them narrative with the form's words and numbers in it."""
    report = paper(1, "tabs")
    head, _, rest = report.partition("二、主动公开政府信息情况")
    room = 20_000 * times - len(report)
    return f"{head}{_prose(room * 3 // 4)}\n二、主动公开政府信息情况{rest}\n{_prose(room // 4)}"


def reports(times: int) -> str:
    """4 × times reports of different years one behind the other."""
    return "\n".join(paper(seed, "tabs") for seed in range(4 * times))


def tables(times: int) -> str:
    """One report that prints table 3 4 × times times over: never told apart, never a mixture."""
    report = paper(1, "tabs")
    start, end = report.index("三、收到和处理"), report.index("四、政府信息公开行政复议")
    return report[:start] + report[start:end] * (4 * times) + report[end:]


def blank_lines(times: int) -> str:
    """A table whose rows stand 50 × times empty lines apart."""
    return paper(1, "tabs").replace("\n", "\n" * (50 * times))


def zeros(times: int) -> str:
    """A glued report in which every run of zeros is `times` as long: too many figures, and no border between them."""
    return re.sub(r"0{3,}", lambda run: run.group() * times, paper(3, "glued"))


def all_zeros(times: int) -> str:
    """A glued report that prints nothing but zeros, `times` as many in each row as it has cells."""
    return re.sub(r"(?<=[一-鿿）”])0+", lambda run: run.group() * times, paper(3, "glued", empty=True))


def digits(times: int) -> str:
    """A glued report whose runs of digits are repeated `times`: more and more ways to cut them."""
    return re.sub(r"(?<=[一-鿿）”])\d{6,}", lambda run: run.group() * times, paper(3, "glued"))


CASES: dict[str, Callable[[int], str]] = {
    "narrative": narrative,
    "reports in one file": reports,
    "table 3 printed again": tables,
    "empty lines between rows": blank_lines,
    "glued, longer runs of zeros": zeros,
    "glued, nothing but zeros": all_zeros,
    "glued, repeated digits": digits,
}

# More digits, more ways to cut them: the time jumps to the search's budget and must stay there.
SEARCHED = frozenset({"glued, repeated digits"})
SECONDS = 2.0


def measure(repeats: int) -> list[dict[str, Any]]:
    """A row per case: seconds and verdicts at each size, and the ratio of each doubling."""
    rows = []
    for name, build in CASES.items():
        texts = [build(times) for times in TIMES]
        works = [partial(extract_all, text) for text in texts]
        seconds = best_of(repeats, *works)
        if max(doublings(seconds)) > LIMIT * NOISE:  # a busy machine, or true: more rounds tell
            seconds = tuple(map(min, seconds, best_of(3 * repeats, *works)))
        steps = doublings(seconds)
        rows.append(
            {
                "case": name,
                "characters": [len(text) for text in texts],
                "seconds": list(seconds),
                "doublings": steps,
                "worst": max(steps),
                "verdicts": [extract_all(text)[0].verdict for text in texts],
            }
        )
    return rows


def targets(rows: list[dict[str, Any]]) -> list[Target]:
    """No doubling takes more than twice the time, with the clock's noise allowed for; the searched case only ends."""
    return [
        Target(f"bounded, {row['case']}", max(row["seconds"]), SECONDS, "s")
        if row["case"] in SEARCHED
        else Target(f"doubling, {row['case']}", row["worst"], LIMIT * NOISE)
        for row in rows
    ]
