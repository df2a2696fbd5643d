"""Who did what and when; rows are only ever appended (a trigger refuses changes), and hold no document's content.

`record` takes the caller's connection: an entry is written in the transaction of what it speaks of, so that the two
are kept together or not at all, and a submission costs no further commit.
"""

from __future__ import annotations

import json
from typing import Any, Literal

import sqlalchemy as sa

from extractor.service.database.tables import audit
from extractor.service.ids import now

Action = Literal[
    "key.added", "key.revoked", "login", "login.refused", "logout", "submit", "delete", "decision", "export", "denied",
]  # fmt: skip
LONGEST = 1_000  # characters of `target` and of `detail`


def record(
    connection: sa.Connection,
    who: str,
    action: Action,
    target: str = "",
    request_id: str | None = None,
    **detail: str | int | bool | None,
) -> None:
    """Appends an entry. `who`: a key's public id, `loopback`, `cli` or `nobody`; `target`: what it was done to.

    `detail` holds identifiers, counts and codes, never text of a document, a cell's value, a key or a cookie.
    """
    told = json.dumps(detail, ensure_ascii=False) if detail else ""
    row = {
        "at": now(),
        "who": who,
        "action": action,
        "target": target[:LONGEST],
        "detail": told if len(told) <= LONGEST else json.dumps({"left_out": len(told)}),
        "request_id": request_id,
    }
    connection.execute(sa.insert(audit), row)


def page(
    connection: sa.Connection,
    *,
    before: int | None = None,
    limit: int = 100,
    who: str | None = None,
    action: str | None = None,
) -> list[dict[str, Any]]:
    """At most so many entries, the newest first; `before`: the id of the last one of the page before."""
    asked = sa.select(audit).order_by(audit.c.id.desc()).limit(limit)
    if before is not None:
        asked = asked.where(audit.c.id < before)
    if who is not None:
        asked = asked.where(audit.c.who == who)
    if action is not None:
        asked = asked.where(audit.c.action == action)
    return [
        {**row, "detail": json.loads(row["detail"]) if row["detail"] else {}}
        for row in connection.execute(asked).mappings()
    ]
