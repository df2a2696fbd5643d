"""Examples of the API: a small report of a body that does not exist, and what comes of it, made by gouji itself."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import Any

EXTRACTION = "x_0006440c2f4a1bd01122334455"
BATCH = "b_0006440c2f4a1bd01122334455"
SOURCE = "qingxi-2023.txt"


def report() -> str:
    """The whole report."""
    return (files("extractor.service.api") / "example.txt").read_text(encoding="utf-8")


GIVEN = {"year": 2023, "requests": {"granted": {"total": 83}, "partially_granted": {"total": 26}}}
REQUESTS: dict[str, Any] = {
    "text": {"text": report(), "source": SOURCE},
    "with your own parser's record": {
        "text": report(), "source": SOURCE, "given": GIVEN, "model": "none", "budget": {"max_calls": 4},
    },
    "a file": {"base64": "JVBERi0xLjQK", "source": "qingxi-2023.pdf"},
}  # fmt: skip
BATCHES: dict[str, Any] = {
    "two documents": {
        "documents": [{"text": report(), "source": SOURCE}, {"base64": "JVBERi0xLjQK", "source": "b.pdf"}]
    }
}


@lru_cache(maxsize=1)
def line() -> dict[str, Any]:
    """The line that comes of the report."""
    from extractor.pipeline import extract_all

    return extract_all(report(), SOURCE)[0].to_json()


@lru_cache(maxsize=1)
def checked() -> dict[str, Any]:
    """What the validator says of the line's record with one number changed."""
    from extractor.rules.intake import take
    from extractor.rules.session import Judged, judge

    record: dict[str, Any] = line()["record"]
    requests: dict[str, Any] = record["requests"]
    wrong = {**record, "requests": {**requests, "granted": {**requests["granted"], "total": 84}}}
    intake = take(wrong, 1)
    return Judged("records", intake, judge(intake)).to_json()


def status(state: str = "queued") -> dict[str, Any]:
    """Where the example's extraction stands."""
    from extractor.service.database.extractions import version

    self, done = f"/v1/extractions/{EXTRACTION}", state == "done"
    return {
        "id": EXTRACTION,
        "state": state,
        "source": SOURCE,
        "document": line()["sha256"],
        "created": "2026-01-31T08:00:00.123Z",
        "started": "2026-01-31T08:00:00.131Z" if done else None,
        "finished": "2026-01-31T08:00:00.146Z" if done else None,
        "retry_at": None,
        "model": None,
        "version": version(),
        "verdict": line()["verdict"] if done else None,
        "usage": {"calls": 0, "prompt_tokens": 0, "completion_tokens": 0, "cost": None},
        "error": None,
        "batch": None,
        "links": {
            "self": self,
            "result": f"{self}/result",
            "text": f"{self}/text",
            "document": f"{self}/document",
            "review": f"/review/{EXTRACTION}",
        },
    }


def result() -> dict[str, Any]:
    """Its result."""
    return {**status("done"), "results": [line()]}


def batch() -> dict[str, Any]:
    """A batch of two."""
    self = f"/v1/batches/{BATCH}"
    return {
        "id": BATCH,
        "created": "2026-01-31T08:00:00.123Z",
        "finished": False,
        "documents": 2,
        "states": {"queued": 1, "done": 1},
        "verdicts": {line()["verdict"]: 1},
        "links": {"self": self, "results": f"{self}/results"},
    }


def batch_page() -> dict[str, Any]:
    """The batch with its documents."""
    verdict = line()["verdict"]
    other = EXTRACTION[:-1] + "6"
    members = [
        {"number": 1, "source": SOURCE, "extraction": EXTRACTION, "state": "done", "verdict": verdict},
        {"number": 2, "source": "b.pdf", "extraction": other, "state": "queued", "verdict": None},
    ]
    return {**batch(), "members": members, "next": None}


def responses() -> dict[tuple[str, str, int], Any]:
    """The example of each answer: (path, method, status)."""
    from extractor.rules.catalogue import find_rule

    one, many = "/v1/extractions", "/v1/batches"
    rule = find_rule("requests.balance").to_json()
    return {
        (one, "post", 202): status(),
        (one, "post", 200): result(),
        (one, "get", 200): {"items": [status("done")], "next": None},
        (f"{one}/{{extraction}}", "get", 200): status("done"),
        (f"{one}/{{extraction}}/result", "get", 200): result(),
        (many, "post", 202): batch(),
        (f"{many}/{{batch}}", "get", 200): batch_page(),
        ("/v1/check", "post", 200): {"records": [checked()], "broken": 1, "notes": []},
        ("/v1/rules", "get", 200): {"rules": [rule]},
        ("/v1/rules/{code}", "get", 200): rule,
    }
