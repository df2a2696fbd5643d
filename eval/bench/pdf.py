"""Reading a PDF against pdfplumber's own table extraction, and the memory of a long one.

Compared, in the same run and on the same bytes: `read_pdf` (a warm child, its answer and the laying out included)
and `pdfplumber.open` with `page.extract_tables()` of every page, each page's cache given back. Seconds are wall
clock, since the reading is done in a child process; the best of the rounds.
"""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from extractor.eval.bench.measure import Target, median
from extractor.eval.bench.papers import paper
from extractor.eval.files import make_file
from extractor.eval.files.pdf import missing
from extractor.eval.files.printing import printer
from extractor.eval.generator import generate

from extractor.document.formats.pdf import read_pdf
from extractor.document.sandbox import Sandbox

LIMIT = 1.5
MEMORY_MB = 300.0
PAGES = 50


def documents(count: int) -> list[tuple[str, bytes]]:
    """Generated reports printed by Chromium; none where it is not installed."""
    if missing():
        return []
    return [(f"pdf {seed}", make_file("pdf", generate(seed, "html").text, seed)) for seed in range(count)]


def long_document(pages: int = PAGES) -> bytes:
    """A PDF of so many pages, each full of text and with a ruled table of 25 rows."""
    prose = "".join(f"<p>{line}</p>" for line in paper(3, "tabs").split("\n"))[:900]
    rows = "".join("<tr>" + f"<td>{row}</td>" * 12 + "</tr>" for row in range(25))
    page = f'<div style="break-after:page;font-size:8px">{prose}<table border=1>{rows}</table></div>'
    return printer().pdf(f"<html><head></head><body>{page * pages}</body></html>", scale=0.6)


def seconds_of(work: Callable[[], object]) -> float:
    """Wall-clock seconds of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def plumbed(data: bytes) -> int:
    """How many tables pdfplumber finds."""
    import pdfplumber

    logging.getLogger("pdfminer").setLevel(logging.CRITICAL)  # it complains of each font that Chromium makes
    found = 0
    with pdfplumber.open(io.BytesIO(data)) as pdf:
        for page in pdf.pages:
            found += len(page.extract_tables())
            page.close()
    return found


def measure(count: int, repeats: int) -> dict[str, Any]:
    """A row per document, and the child's peak memory over a PDF of PAGES pages; empty without Chromium."""
    rows = []
    for name, data in documents(count):
        read_pdf(data)  # the child is there and has its libraries
        best = [min(seconds) for seconds in zip(*(_round(data) for _ in range(repeats)), strict=True)]
        rows.append({"document": name, "bytes": len(data), "read": best[0], "pdfplumber": best[1]})
    if not rows:
        return {}
    return {"documents": rows, **_long()}


def _round(data: bytes) -> tuple[float, float]:
    return seconds_of(lambda: read_pdf(data)), seconds_of(lambda: plumbed(data))


def _long() -> dict[str, Any]:
    data = long_document()
    box = Sandbox()
    try:
        found = box.run("pdf", data)
        status = Path(f"/proc/{box.pid}/status")
        lines = status.read_text().splitlines() if status.exists() else []
        peak = next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")), float("nan"))
    finally:
        box.close()
    return {"pages": found["pages"], "bytes": len(data), "peak_mb": peak}


def ratios(measured: dict[str, Any]) -> list[float]:
    """Each document's reading in pdfplumber's table extractions."""
    return [row["read"] / row["pdfplumber"] for row in measured["documents"]]


def targets(measured: dict[str, Any]) -> list[Target]:
    """The dearest document, and the memory of the long one."""
    if not measured:
        return []
    return [
        Target("PDF against pdfplumber's extract_tables, worst", max(ratios(measured)), LIMIT),
        Target(f"peak memory over a PDF of {measured['pages']} pages", measured["peak_mb"], MEMORY_MB, "MB"),
    ]


def lines(measured: dict[str, Any]) -> list[str]:
    """The page's paragraph."""
    if not measured:
        return []
    found = ratios(measured)
    milliseconds = 1000 * median([row["read"] for row in measured["documents"]])
    return [
        "## PDF",
        "",
        f"{len(found)} generated reports printed by Chromium. Compared with `page.extract_tables()` of pdfplumber over",
        "all pages of the same file in the same run (wall clock; the reading is done in a child process). Target:",
        f"≤ {LIMIT:g} ×; peak memory of the child over a PDF of {measured['pages']} pages < {MEMORY_MB:.0f} MB.",
        "",
        f"Median {median(found):.2f} ×, worst {max(found):.2f} ×; median {milliseconds:.0f} ms a document.",
        f"Peak {measured['peak_mb']:.0f} MB.",
        "",
    ]
