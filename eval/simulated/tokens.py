"""Tokens of the model stage on the fixtures against the naive way: whole document, whole schema, numbers typed.

Both are counted by the same counter (messages, schema of the answer, completion), the naive one as if each of its
answers were right and came at the first call.
"""

from __future__ import annotations

import json
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from extractor.eval.naive import shown_text, whole_question
from extractor.eval.score import gold_cells
from extractor.eval.simulated.reader import Simulated
from extractor.eval.simulated.server import SimulatedServer, tokens_of_request

from extractor.ask.runner import Limits, Runner, tokens_about
from extractor.document.sources import read_bytes
from extractor.pipeline import read_all, settle
from extractor.results import TRUSTED


@dataclass(frozen=True, slots=True)
class Fixture:
    """One file: tokens of the naive call, of our calls, and how many tables each way leaves open."""

    name: str
    naive: int
    ours: int
    calls: int
    finished: bool
    open_before: int
    open_after: int


@dataclass(frozen=True, slots=True)
class Tokens:
    """All files; `calls`: the server's count."""

    fixtures: tuple[Fixture, ...]
    calls: int

    def ratio(self, unfinished_only: bool) -> float:
        """Our tokens over the naive ones."""
        chosen = [f for f in self.fixtures if not (unfinished_only and f.finished)]
        naive = sum(f.naive for f in chosen)
        return sum(f.ours for f in chosen) / naive if naive else 0.0

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        unfinished = [f for f in self.fixtures if not f.finished]
        return {
            "files": len(self.fixtures),
            "calls": self.calls,
            "ratio_all": self.ratio(False),
            "ratio_unfinished": self.ratio(True),
            "ours": sum(f.ours for f in self.fixtures),
            "naive": sum(f.naive for f in self.fixtures),
            "naive_unfinished": sum(f.naive for f in unfinished),
            "unfinished": [
                {"name": f.name, "naive": f.naive, "ours": f.ours, "calls": f.calls,
                 "open_before": f.open_before, "open_after": f.open_after}
                for f in unfinished
            ],
        }  # fmt: skip


def naive_tokens(version: str, text: str, record: dict[str, Any]) -> int:
    """What one call of the naive way (eval/naive.py) costs that sends a whole report and gets the whole record."""
    messages, answer = whole_question(version, text)
    body = {
        "messages": [{"role": role, "content": content} for role, content in messages],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "record", "schema": answer.model_json_schema()},
        },
    }
    typed = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    return tokens_of_request(body) + tokens_about(typed)


def measure(fixtures: Path) -> Tokens:
    """Every file of fixtures/reports, its gold as the truth; cells that the text does not decide are answered null."""
    gold: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for path in sorted((fixtures / "gold").glob("*.json")):
        label = json.loads(path.read_text(encoding="utf-8"))
        gold[label["source"].partition("#")[0]].append(label)
    files: list[Fixture] = []
    with (
        SimulatedServer(Simulated({})) as server,
        tempfile.TemporaryDirectory() as folder,
        Runner(server.spec, Limits(ledger=Path(folder) / "model.sqlite"), {}) as runner,
    ):
        truths: dict[str, dict[str, Any]] = {}
        server.simulated = Simulated(truths)
        for name, labels in sorted(gold.items()):
            path = fixtures / "reports" / name
            text = read_bytes(path.read_bytes())
            before = [settle(reading) for reading in read_all(text, name)]
            readings = read_all(text, name)
            truths[readings[0].sha256[:16]] = _truth(labels[0])
            server.register(readings[0].sha256, text)
            counted = len(server.chats)
            after = [runner.submit(reading).result() for reading in readings]
            chats = server.chats[counted:]
            files.append(
                Fixture(
                    name,
                    sum(
                        naive_tokens(reading.version, shown_text(reading, len(readings) == 1), label["record"])
                        for reading, label in zip(readings, labels, strict=True)
                    ),
                    sum(r.prompt_tokens + r.completion_tokens for r in chats),
                    len(chats),
                    all(v in TRUSTED for result in before for v in result.verdicts.values()),
                    sum(v not in TRUSTED for result in before for v in result.verdicts.values()),
                    sum(v not in TRUSTED for result in after for v in result.verdicts.values()),
                )
            )
        return Tokens(tuple(files), len(server.chats))


def _truth(label: dict[str, Any]) -> dict[str, Any]:
    cells = {path: None if value == "?" else value for path, value in gold_cells(label["record"])}
    return {**cells, "organization": label["organization"], "year": label["year"]}
