"""The figures as docs/benchmarks.md. Names no path and no host."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from extractor.eval.bench import pdf
from extractor.eval.bench.growth import LIMIT, NOISE, SEARCHED
from extractor.eval.bench.hostile import SECONDS
from extractor.eval.bench.html import LIMIT as PAGES
from extractor.eval.bench.measure import Target, figure
from extractor.eval.bench.reading import LIMIT as READING
from extractor.eval.bench.reading import LIMIT_GLUED, WISH

_LIBRARIES = ("gouji", "rapidfuzz", "lxml", "pypdfium2", "pdfplumber", "pydantic", "typer")


def surroundings() -> dict[str, str]:
    """What the figures depend on: date, versions, processor."""
    cpu = Path("/proc/cpuinfo")
    lines = cpu.read_text().splitlines() if cpu.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    model = models[0] if models else platform.machine()
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": f"{platform.system()} {platform.machine()}",
        "processor": f"{model}, {os.cpu_count()} cores",
        **{name: version(name) for name in _LIBRARIES},
    }


def table(heads: list[str], rows: list[list[str]]) -> list[str]:
    """A Markdown table; all columns but the first are set to the right."""
    rule = ["---", *["---:"] * (len(heads) - 1)]
    return ["| " + " | ".join(cells) + " |" for cells in (heads, rule, *rows)]


def markdown(results: dict[str, Any], targets: list[Target]) -> str:
    """The whole page."""
    about = results["surroundings"]
    missed = [target for target in targets if not target.met]
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench`; do not edit. What is compared is measured side by side in one run, so that ratios",
        "hold on other machines although seconds do not. Timings are processor time of one process, the best of",
        f"{results['repeats']} rounds in which the works compared take turns.",
        "",
        f"Measured on {about['date']} with {about['python']} on {about['system']} ({about['processor']}): "
        + ", ".join(f"{name} {about[name]}" for name in _LIBRARIES)
        + (". Short form: few documents, small texts." if results["short"] else "."),
        "",
        f"**{len(targets) - len(missed)} of {len(targets)} targets met.**",
        *(f"- missed: {target.words()}" for target in missed),
        "",
        *_reading(results["reading"]),
        *_html(results["html"]),
        *_growth(results["growth"]),
        *_hostile(results["hostile"]),
        *pdf.lines(results["pdf"]),
        *_memory(results["memory"]),
        *_imports(results["imports"]),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _reading(rows: list[dict[str, Any]]) -> list[str]:
    return [
        "## Reading a document",
        "",
        "In floors. One floor is to decode the same text from UTF-8, normalise it, and run one compiled regular",
        "expression for all labels of the form (spaced or wrapped) and all numbers over it; that expression is the",
        f"bench's own, so that it stays as it is when the reader's changes. Target: median ≤ {READING:g}, glued pages",
        f"≤ {LIMIT_GLUED:g}; {WISH:g} is where we want to be. `over` counts the documents above the target.",
        "",
        *table(
            ["documents", "n", "median", "9 in 10 ≤", "worst", "(which)", "over", "target", "ms", "floor ms"],
            [
                [
                    row["group"],
                    str(row["documents"]),
                    figure(row["median"]),
                    figure(row["p90"]),
                    figure(row["worst"]),
                    row["worst_document"],
                    str(row["over"]),
                    f"{row['limit']:g}",
                    figure(row["milliseconds"]),
                    figure(row["floor_milliseconds"]),
                ]
                for row in rows
            ],
        ),
        "",
    ]


def _html(rows: list[dict[str, Any]]) -> list[str]:
    return [
        "## Pages",
        "",
        "An HTML file to its stored text, and to the checked record, in `pandas.read_html` (lxml) of the same file.",
        f"Target: both medians ≤ {PAGES:g}.",
        "",
        *table(
            [
                "documents",
                "n",
                "text, median",
                "9 in 10 ≤",
                "worst",
                "(which)",
                "record, median",
                "text ms",
                "pandas ms",
            ],
            [
                [
                    row["group"],
                    str(row["documents"]),
                    figure(row["median"]),
                    figure(row["p90"]),
                    figure(row["worst"]),
                    row["worst_document"],
                    figure(row["record"]),
                    figure(row["milliseconds"]),
                    figure(row["pandas_milliseconds"]),
                ]
                for row in rows
            ],
        ),
        "",
    ]


def _growth(rows: list[dict[str, Any]]) -> list[str]:
    return [
        "## Growth",
        "",
        "Milliseconds at 1, 2, 4 and 8 times the size, and how many times longer each doubling takes. Target: no",
        f"doubling takes more than {LIMIT:g} times as long ({LIMIT * NOISE:g} with the clock's noise).",
        *(f"*{name}* has more readings the longer it is: the search's budget must bound it." for name in SEARCHED),
        "",
        *table(
            ["case", "characters", "ms at 1×", "2×", "4×", "8×", "doublings", "verdicts"],
            [
                [
                    row["case"],
                    f"{row['characters'][0]:,} to {row['characters'][-1]:,}",
                    *(figure(1000 * seconds) for seconds in row["seconds"]),
                    " ".join(f"{step:.2f}" for step in row["doublings"]),
                    ", ".join(dict.fromkeys(row["verdicts"])),
                ]
                for row in rows
            ],
        ),
        "",
    ]


def _hostile(rows: list[dict[str, Any]]) -> list[str]:
    return [
        "## Hostile texts",
        "",
        f"{rows[0]['bytes'] / 1e6:.1f} MB of one thing inside a whole report. `ordinary` compares with as much prose.",
        f"Target: each ends within {SECONDS:g} s, and none of the figures put in is trusted.",
        "",
        *table(
            ["case", "s", "ordinary", "peak MB", "verdict"],
            [
                [
                    row["case"],
                    figure(row["seconds"]),
                    f"{figure(row['ordinary'])} ×",
                    f"{row['peak_mb']:.0f}" if "peak_mb" in row else "",
                    row["verdict"],
                ]
                for row in rows
            ],
        ),
        "",
    ]


def _memory(row: dict[str, Any]) -> list[str]:
    if not row:
        return []
    return [
        "## Memory",
        "",
        f"`gouji extract FOLDER --json --no-llm` over {row['documents']:,} different documents of about",
        f"{row['document_bytes']:,} bytes (tabs, pipes and glued in turn; {row['output_bytes']:,} bytes of JSON each).",
        "",
        *table(
            ["", "resident MB"],
            [
                [f"after {row['first']:,} documents", f"{row['first_mb']:.1f}"],
                [f"at the end ({row['documents']:,})", f"{row['end_mb']:.1f}"],
                ["highest", f"{row['peak_mb']:.1f}"],
                ["end over beginning (target ≤ 1.2)", f"{row['ratio']:.3f} ×"],
            ],
        ),
        "",
        f"{row['per_second']:.0f} documents in a second of processor time, from the file to its line of JSON.",
        "",
    ]


def _imports(rows: list[dict[str, Any]]) -> list[str]:
    return [
        "## Imports",
        "",
        *table(
            ["command", "openai or instructor loaded", "modules"],
            [[f"`{row['command']}`", ", ".join(row["loaded"]) or "no", str(row["modules"])] for row in rows],
        ),
    ]
