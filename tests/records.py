"""Records for the tests of the validator: a true one, with cells changed, and how they are checked by the command."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

import helpers as h

ROOT = Path(__file__).parent.parent
GOUJI = (sys.executable, "-m", "extractor")
R = "requests."


@lru_cache
def true_record() -> dict[str, Any]:
    record = h.read(h.report()).record
    assert record is not None
    return record


def record(**changes: Any) -> dict[str, Any]:
    """A true record with cells changed, `path=value`; a value of `...` removes the key."""
    made = copy.deepcopy(true_record())
    for path, value in changes.items():
        put(made, path, value)
    return made


def put(made: dict[str, Any], path: str, value: Any) -> None:
    head, _, rest = path.partition(".")
    if not rest:
        keys, node = [head], made
    elif head == "requests":
        row, _, column = rest.rpartition(".")
        keys, node = ([column], made[head][row]) if row else ([rest], made[head])
    else:
        *above, last = rest.split(".")
        node, keys = made[head], [last]
        for key in above:
            node = node[key]
    if value is ...:
        del node[keys[0]]
    else:
        node[keys[0]] = value


def gouji(*args: object, data: bytes = b"", cwd: Path | None = None) -> tuple[int, str, str]:
    done = subprocess.run([*GOUJI, *map(str, args)], input=data, capture_output=True, timeout=60, cwd=cwd, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def check(
    tmp_path: Path, *records: Any, args: tuple[object, ...] = ("--json",)
) -> tuple[int, list[dict[str, Any]], str]:
    file = tmp_path / "records.jsonl"
    file.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in records), encoding="utf-8")
    code, out, err = gouji("check", file, *args)
    return code, [json.loads(line) for line in out.splitlines()], err


def rules(line: dict[str, Any], status: str = "fail") -> set[str]:
    return {finding["rule"] for finding in line["findings"] if finding["status"] == status}
