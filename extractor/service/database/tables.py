"""The service's tables, for SQLite and PostgreSQL alike. Times are ISO 8601 in UTC; BLOBs of text are zlib.

`documents` hold what was sent, `extractions` what is to be done with it and what came of it, `reports` one row for
each report of a result, `report_tables` one for each of its three tables, `failures` each rule that failed. Decisions
of reviewers hang on the content (`text_sha256`), not on an extraction: they stay when a document is read again.
"""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()

documents = sa.Table(
    "documents",
    metadata,
    sa.Column("sha256", sa.String(64), primary_key=True),  # of the bytes as sent
    sa.Column("kind", sa.Text, nullable=False),  # document/kinds.py
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("bytes", sa.LargeBinary, nullable=False),
    sa.Column("text", sa.LargeBinary),  # the stored text that spans count in; null until it was read
    sa.Column("text_sha256", sa.String(64), index=True),
    sa.Column("created", sa.Text, nullable=False),
)

extractions = sa.Table(
    "extractions",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),  # sorts by time
    sa.Column("document", sa.ForeignKey("documents.sha256"), nullable=False, index=True),
    sa.Column("fingerprint", sa.String(64), nullable=False, unique=True),  # of content, options and version
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),  # queued, running, waiting, done, failed
    sa.Column("model", sa.Text),
    sa.Column("budget", sa.Text),  # JSON
    sa.Column("given", sa.LargeBinary),  # JSON
    sa.Column("callback", sa.Text),  # addresses with a space between them
    sa.Column("batch", sa.Text),  # that it was first sent in
    sa.Column("key_id", sa.Text),
    sa.Column("request_id", sa.Text),
    sa.Column("instance", sa.Text),  # who works at it
    sa.Column("round", sa.Integer, nullable=False, default=1),  # raised when a failed one is queued again
    sa.Column("attempts", sa.Integer, nullable=False, default=0),  # of this round
    sa.Column("created", sa.Text, nullable=False),
    sa.Column("started", sa.Text),
    sa.Column("finished", sa.Text),
    sa.Column("retry_at", sa.Text),  # of a waiting one
    sa.Column("waits_since", sa.Text),  # when the model's endpoint was first found to be down
    sa.Column("version", sa.Text, nullable=False),  # of gouji
    sa.Column("verdict", sa.Text),  # the worst of its reports
    sa.Column("lines", sa.LargeBinary),  # the contract's objects, a JSON array
    sa.Column("error", sa.Text),  # JSON: code, message, hint
    sa.Column("calls", sa.Integer, nullable=False, default=0),
    sa.Column("prompt_tokens", sa.BigInteger, nullable=False, default=0),
    sa.Column("completion_tokens", sa.BigInteger, nullable=False, default=0),
    sa.Column("cost", sa.Text),  # decimal, US dollars
    # Lists are newest first: the id is in the index, so that nothing is sorted.
    sa.Index("extractions_state", "state", "id"),
    sa.Index("extractions_verdict", "verdict", "id"),
)

reports = sa.Table(
    "reports",
    metadata,
    sa.Column("extraction", sa.ForeignKey("extractions.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),  # from 1, in the document's order
    sa.Column("document", sa.String(64), nullable=False, index=True),
    sa.Column("current", sa.Boolean, nullable=False),  # of the document's newest extraction
    sa.Column("organization", sa.Text),
    sa.Column("year", sa.Integer, index=True),
    sa.Column("form", sa.Text),
    sa.Column("province", sa.Text),
    sa.Column("region_code", sa.Text),
    sa.Column("verdict", sa.Text, nullable=False, index=True),
    sa.Column("doubt", sa.Float, nullable=False),  # of its tables together; 0: nothing to settle
    sa.Column("reviewed_verdict", sa.Text),  # what the reviewers' decisions make of it; null where there are none
)

report_tables = sa.Table(
    "report_tables",
    metadata,
    sa.Column("extraction", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("table_key", sa.Text, primary_key=True),  # disclosure, requests, disputes
    sa.Column("verdict", sa.Text, nullable=False),
    sa.Column("doubtful_cells", sa.Integer, nullable=False),
    sa.Column("failed_rules", sa.Integer, nullable=False),  # hard ones
    sa.Column("doubt", sa.Float, nullable=False),
    # What the reviewers' decisions make of it; null where there are none.
    sa.Column("reviewed_verdict", sa.Text),
    sa.Column("settled", sa.Boolean, nullable=False, default=False),
    sa.ForeignKeyConstraint(["extraction", "number"], ["reports.extraction", "reports.number"], ondelete="CASCADE"),
)

# The reviewers' queue, in its order: only the few tables that are open stand in it.
_open = report_tables.c.settled == sa.false()
sa.Index(
    "report_tables_queue",
    report_tables.c.doubt.desc(),
    report_tables.c.extraction,
    report_tables.c.number,
    report_tables.c.table_key,
    sqlite_where=_open,
    postgresql_where=_open,
)

failures = sa.Table(
    "failures",
    metadata,
    sa.Column("extraction", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("ordinal", sa.Integer, primary_key=True),
    sa.Column("rule", sa.Text, nullable=False),
    sa.Column("severity", sa.Text, nullable=False),
    sa.Column("blame", sa.Text, nullable=False),
    sa.ForeignKeyConstraint(["extraction", "number"], ["reports.extraction", "reports.number"], ondelete="CASCADE"),
)

# Appended only (a trigger refuses changes); undoing is a decision too.
decisions = sa.Table(
    "decisions",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("text_sha256", sa.String(64), nullable=False, index=True),  # the content it speaks of
    sa.Column("number", sa.Integer, nullable=False),  # the report in that text
    sa.Column("table_key", sa.Text, nullable=False),
    sa.Column("path", sa.Text),  # the cell; null for a decision on the table or on a rule
    sa.Column("rule", sa.Text),  # of a "printed so": the rule that the print breaks
    sa.Column("state", sa.Text),  # what the cell is on paper; null for a decision on the table or on a rule
    sa.Column("action", sa.Text, nullable=False),  # accept, correct, not_printed, printed_so, undo
    sa.Column("value", sa.Text),  # as decimal text
    sa.Column("unit", sa.Text),
    sa.Column("raw", sa.Text),
    sa.Column("span_start", sa.Integer),
    sa.Column("span_end", sa.Integer),
    sa.Column("undoes", sa.Integer),  # the decision that an undo takes back
    sa.Column("why", sa.Text, nullable=False, default=""),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("form", sa.Text, nullable=False),
    sa.Column("rules_version", sa.Text, nullable=False),
    sa.Column("document", sa.String(64), nullable=False, index=True),  # the file that was looked at
    sa.Column("extraction", sa.Text, nullable=False),  # the one that was looked at
    sa.Column("seen", sa.Text, nullable=False),  # JSON: what was shown then (review/decisions.py)
)

batches = sa.Table(
    "batches",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("created", sa.Text, nullable=False),
    sa.Column("key_id", sa.Text),
    sa.Column("callback", sa.Text),
)

# The documents of a batch in the order sent; one content may stand in several batches, and twice in one.
batch_members = sa.Table(
    "batch_members",
    metadata,
    sa.Column("batch", sa.ForeignKey("batches.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),  # from 1
    sa.Column("extraction", sa.ForeignKey("extractions.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("source", sa.Text, nullable=False),  # as it was called in this batch
)

idempotency = sa.Table(
    "idempotency",
    metadata,
    sa.Column("key_id", sa.Text, primary_key=True),
    sa.Column("idempotency_key", sa.Text, primary_key=True),
    sa.Column("fingerprint", sa.String(64), nullable=False),  # of the request
    sa.Column("target", sa.Text, nullable=False, index=True),  # the extraction or batch that came of it
    sa.Column("created", sa.Text, nullable=False),
)

deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("event", sa.Text, nullable=False),  # extraction.finished, batch.finished
    sa.Column("target", sa.Text, nullable=False, index=True),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("payload", sa.Text, nullable=False),  # JSON, the same at every attempt: ids, states, verdicts, links
    sa.Column("state", sa.Text, nullable=False, index=True),  # pending, delivered, given_up
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("next_at", sa.Text),  # of a pending one
    sa.Column("status", sa.Integer),  # of the last answer
    sa.Column("error", sa.Text),
    sa.Column("created", sa.Text, nullable=False),
    sa.Column("finished", sa.Text),
)

keys = sa.Table(
    "keys",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),  # public: stands in logs and in the audit
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("hash", sa.String(64), nullable=False, unique=True),  # SHA-256 of a secret of 256 random bits
    sa.Column("scopes", sa.Text, nullable=False),  # separated by spaces
    sa.Column("rate", sa.Text),  # its own limit, else the service's
    sa.Column("created", sa.Text, nullable=False),
    sa.Column("expires", sa.Text),
    sa.Column("revoked", sa.Text),
    sa.Column("used", sa.Text),
)

# Browsers that showed a key at /login. A cookie is worth nothing without its row here.
sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("hash", sa.String(64), primary_key=True),  # SHA-256 of the cookie's value
    sa.Column("key_id", sa.ForeignKey("keys.id"), nullable=False),
    sa.Column("created", sa.Text, nullable=False),
    sa.Column("expires", sa.Text, nullable=False),
)

audit = sa.Table(
    "audit",
    metadata,
    # SQLite counts in its own INTEGER alone, which has 64 bits.
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("at", sa.Text, nullable=False, index=True),
    sa.Column("who", sa.Text, nullable=False),  # a key's id, or `loopback`, or `cli`
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("target", sa.Text, nullable=False, default=""),
    sa.Column("detail", sa.Text, nullable=False, default=""),  # JSON, never text of a document
    sa.Column("request_id", sa.Text),
)

instances = sa.Table(
    "instances",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("started", sa.Text, nullable=False),
    sa.Column("seen", sa.Text, nullable=False),
)

# What all instances share: the secret of cookies and of webhooks' signatures.
secrets = sa.Table(
    "secrets",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.LargeBinary, nullable=False),
)
