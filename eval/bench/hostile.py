"""Texts made to hurt: 5 MB of one thing inside a report. Each is read in a process of its own, with a time limit."""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from extractor.eval.bench.measure import Target, cpu_seconds, floor
from extractor.eval.bench.papers import paper

from extractor.form import FORM
from extractor.results import TRUSTED

# What a hostile text of 5 MB may take at most; ordinary prose of this length is the measure beside it.
SECONDS = 10.0
KILL_AFTER = 60.0

_TABLE_2 = "规章\t"
_TABLE_3 = "（一）予以公开\t"
_LABELS = "".join(f"{row.ordinal}{row.label}" for row in FORM.rows)
_PROSE = "2024年，本机关主动公开政府信息318条，收到申请12件，予以公开7件，均按期答复。\n"


def _run(unit: str, size: int) -> str:
    """`unit` repeated to `size` bytes of UTF-8, ended at a whole unit."""
    return unit * (size // len(unit.encode()))


def _after(label: str, unit: str, layout: str = "tabs") -> Callable[[int], str]:
    """A whole report with a run of `unit` right behind a label."""

    def build(size: int) -> str:
        report = paper(3, layout)
        label_here = label if layout == "tabs" else label.rstrip("\t")
        at = report.index(label_here) + len(label_here)
        return report[:at] + _run(unit, size) + report[at:]

    return build


def _at_end(unit: str) -> Callable[[int], str]:
    """Behind the last figure of table 4."""

    def build(size: int) -> str:
        head, mark, tail = paper(3, "tabs").partition("\n五、")
        return head + _run(unit, size) + mark + tail

    return build


def _alone(before: str, unit: str) -> Callable[[int], str]:
    return lambda size: before + _run(unit, size)


# Name → text of a size in bytes, and whether it may be trusted (blanks behind a label change nothing; figures do).
CASES: dict[str, tuple[Callable[[int], str], bool]] = {
    "ordinary prose": (_after("一、总体情况\n", _PROSE), True),
    "digits behind a label alone": (_alone("（一）予以公开", "1"), False),
    "digits in table 2": (_after(_TABLE_2, "7"), False),
    "digits in table 3": (_after(_TABLE_3, "1"), False),
    "zeros in table 3": (_after(_TABLE_3, "0"), False),
    "digits in table 3, glued": (_after(_TABLE_3, "1203", "glued"), False),
    "digits behind table 4": (_at_end("12"), False),
    "figures apart in table 2": (_after(_TABLE_2, "1 2\t"), False),
    "figures apart in table 3": (_after(_TABLE_3, "1 2\t"), False),
    "figures apart behind table 4": (_at_end("\t3"), False),
    "page numbers behind table 4": (_at_end("\n3"), True),
    "tabs in table 2": (_after(_TABLE_2, "\t"), True),
    "tabs in table 3": (_after(_TABLE_3, "\t"), True),
    "newlines in table 3": (_after(_TABLE_3, "\n"), True),
    "newlines behind table 4": (_at_end("\n"), True),
    "spaces in table 3": (_after(_TABLE_3, " "), True),
    "bars in table 3": (_after(_TABLE_3, "|"), True),
    "label characters in narrative": (_after("一、总体情况\n", "公开"), True),
    "label characters in table 3": (_after(_TABLE_3, "公开"), True),
    "words of the heads": (_after("一、总体情况\n", "其他总计"), True),
    "all row labels, again and again": (_after("一、总体情况\n", _LABELS), True),
    "all row labels with figures": (_after("一、总体情况\n", _LABELS.replace("（", "1 2 3（")), True),
    "headings": (_after("一、总体情况\n", "三、收到和处理政府信息公开申请情况\n"), True),
    "titles": (_after("一、总体情况\n", "某县2024年政府信息公开工作年度报告\n"), True),
    "years on one line": (_after("一、总体情况\n", "2024年"), True),
    "outcomes of table 4": (_at_end("结果维持"), True),
    "less-than signs": (_after("一、总体情况\n", "<a"), True),
    "dashes": (_after("一、总体情况\n", "-"), True),
    "brackets": (_after("一、总体情况\n", "（"), True),
}


def read_one(name: str, size: int) -> dict[str, Any]:
    """Reads one case in this process: seconds, floor, verdicts, peak memory."""
    from extractor.pipeline import extract_all

    text = CASES[name][0](size)
    results: list[Any] = []
    seconds = cpu_seconds(lambda: results.extend(extract_all(text)))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    data = text.encode()
    return {
        "case": name,
        "bytes": len(data),
        "seconds": seconds,
        "floor_seconds": cpu_seconds(lambda: floor(data)),
        "verdict": results[0].verdict,
        "tables": results[0].verdicts,
        "reports": len(results),
        "peak_mb": peak / 1024,
    }


def measure(size: int, names: tuple[str, ...] = tuple(CASES)) -> list[dict[str, Any]]:
    """A row per case; a case that does not end is killed and counts as its time limit."""
    rows = []
    for name in names:
        command = [sys.executable, "-m", "extractor.eval.bench.hostile", name, str(size)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=KILL_AFTER, check=True)
            row = json.loads(done.stdout)
        except subprocess.TimeoutExpired:
            row = {"case": name, "bytes": size, "seconds": KILL_AFTER, "verdict": f"not done in {KILL_AFTER:.0f} s"}
        except subprocess.CalledProcessError as error:
            last = (error.stderr.strip().splitlines() or ["no message"])[-1]
            row = {"case": name, "bytes": size, "seconds": KILL_AFTER, "verdict": f"raised: {last[:80]}"}
        row["trusted_ok"] = CASES[name][1]
        rows.append(row)
    ordinary = rows[0]["seconds"]
    for row in rows:
        row["ordinary"] = row["seconds"] / ordinary
    return rows


def targets(rows: list[dict[str, Any]]) -> list[Target]:
    """Each ends within the limit, and no figure that was put in is trusted."""
    out = [Target(f"hostile, {row['case']}", row["seconds"], SECONDS, "s") for row in rows]
    wrong = [row for row in rows if not row["trusted_ok"] and row["verdict"] in TRUSTED]
    return [*out, Target("hostile figures trusted", len(wrong), 0, "texts")]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=CASES)
    parser.add_argument("size", type=int)
    arguments = parser.parse_args()
    json.dump(read_one(arguments.name, arguments.size), sys.stdout, ensure_ascii=False)
