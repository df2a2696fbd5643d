"""docs/service-measured.md: each measurement writes its own part and leaves the others as they are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from extractor.eval.bench.report import surroundings

HEAD = """# The service, measured

Written by `make load` and `make soak`, against a real `gouji serve` on loopback with its SQLite files in a folder.
What is promised are ratios; the times are this machine's. What a killed server keeps: [deploying](deploying.md).
"""


def write_part(path: Path, title: str, lines: Sequence[str]) -> None:
    """Writes one part of the page anew; the parts stand in alphabetical order."""
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    parts = {part.partition("\n")[0]: part for part in re.split(r"^## ", old, flags=re.MULTILINE)[1:]}
    about = ", ".join(
        f"{name} {value}" for name, value in surroundings().items() if name in ("date", "python", "processor")
    )
    parts[title] = "\n".join([title, "", *lines, "", f"Measured: {about}.", ""])
    page = [HEAD, *("## " + parts[name].rstrip() + "\n" for name in sorted(parts))]
    path.write_text("\n".join(page), encoding="utf-8")
