"""What the commands load: a model's libraries only where a model is asked."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from extractor.eval.bench.measure import Target
from extractor.eval.bench.papers import paper

UNWANTED = ("openai", "instructor")

# Runs the installed command in the process and says what it loaded, whatever exit it takes.
_PROBE = """
import contextlib, json, sys
names, seen = sys.argv[1].split(","), sys.argv[2]
sys.argv = ["gouji", *sys.argv[3:]]
from extractor.cli.main import main
code = 0
try:
    with open(seen + ".out", "w", encoding="utf-8") as out, contextlib.redirect_stdout(out):
        main()
except SystemExit as leaving:
    code = leaving.code
with open(seen, "w") as file:
    tops = {name.split(".")[0] for name in sys.modules}
    json.dump({"code": code, "loaded": [n for n in names if n in tops], "modules": len(sys.modules)}, file)
"""


def loaded(arguments: list[str]) -> dict[str, Any]:
    """Exit code, which of UNWANTED were loaded, and how many modules in all."""
    with tempfile.TemporaryDirectory(prefix="gouji-bench-") as folder:
        seen = Path(folder) / "seen.json"
        command = [sys.executable, "-c", _PROBE, ",".join(UNWANTED), str(seen), *arguments]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        found: dict[str, Any] = json.loads(seen.read_text())
    return found


def measure() -> list[dict[str, Any]]:
    """A row per command."""
    with tempfile.TemporaryDirectory(prefix="gouji-bench-") as folder:
        report = Path(folder) / "report.txt"
        report.write_text(paper(1, "tabs"), encoding="utf-8")
        commands = {
            "gouji --help": ["--help"],
            "gouji extract FILE --no-llm": ["extract", str(report), "--no-llm", "--quiet"],
            "gouji extract FILE --no-llm --json": ["extract", str(report), "--no-llm", "--json", "--quiet"],
        }
        return [{"command": name, **loaded(arguments)} for name, arguments in commands.items()]


def targets(rows: list[dict[str, Any]]) -> list[Target]:
    """None of UNWANTED loaded, and the commands did their work."""
    return [
        Target(f"model libraries loaded by `{row['command']}`", len(row["loaded"]) + bool(row["code"]), 0, "")
        for row in rows
    ]
