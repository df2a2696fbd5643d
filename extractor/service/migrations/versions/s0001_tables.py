"""The first tables; decisions and the audit can only be appended to. What they hold is said in database/tables.py."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_SQLITE = """
create trigger {table}_unchanged before update on {table}
begin select raise(abort, '{table} are only appended to'); end
"""
_POSTGRES = """
create function {table}_unchanged() returns trigger language plpgsql as $$
begin raise exception '{table} are only appended to'; end $$;
create trigger {table}_unchanged before update on {table} for each row execute function {table}_unchanged();
"""


def upgrade() -> None:
    """Deleting stays possible: whoever deletes a document deletes what hangs on it."""
    _tables()
    connection = op.get_bind()
    words = _SQLITE if connection.dialect.name == "sqlite" else _POSTGRES
    for table in ("decisions", "audit"):
        connection.exec_driver_sql(words.format(table=table))


def _tables() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("request_id", sa.Text),
    )
    op.create_index("ix_audit_at", "audit", ["at"])
    op.create_table(
        "batches",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("created", sa.Text, nullable=False),
        sa.Column("key_id", sa.Text),
        sa.Column("callback", sa.Text),
    )
    op.create_table(
        "decisions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("text_sha256", sa.String(64), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("table_key", sa.Text, nullable=False),
        sa.Column("path", sa.Text),
        sa.Column("rule", sa.Text),
        sa.Column("state", sa.Text),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("value", sa.Text),
        sa.Column("unit", sa.Text),
        sa.Column("raw", sa.Text),
        sa.Column("span_start", sa.Integer),
        sa.Column("span_end", sa.Integer),
        sa.Column("undoes", sa.Integer),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("form", sa.Text, nullable=False),
        sa.Column("rules_version", sa.Text, nullable=False),
        sa.Column("document", sa.String(64), nullable=False),
        sa.Column("extraction", sa.Text, nullable=False),
        sa.Column("seen", sa.Text, nullable=False),
    )
    op.create_index("ix_decisions_document", "decisions", ["document"])
    op.create_index("ix_decisions_text_sha256", "decisions", ["text_sha256"])
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_at", sa.Text),
        sa.Column("status", sa.Integer),
        sa.Column("error", sa.Text),
        sa.Column("created", sa.Text, nullable=False),
        sa.Column("finished", sa.Text),
    )
    op.create_index("ix_deliveries_state", "deliveries", ["state"])
    op.create_index("ix_deliveries_target", "deliveries", ["target"])
    op.create_table(
        "documents",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("bytes", sa.LargeBinary, nullable=False),
        sa.Column("text", sa.LargeBinary),
        sa.Column("text_sha256", sa.String(64)),
        sa.Column("created", sa.Text, nullable=False),
    )
    op.create_index("ix_documents_text_sha256", "documents", ["text_sha256"])
    op.create_table(
        "idempotency",
        sa.Column("key_id", sa.Text, primary_key=True),
        sa.Column("idempotency_key", sa.Text, primary_key=True),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("created", sa.Text, nullable=False),
    )
    op.create_index("ix_idempotency_target", "idempotency", ["target"])
    op.create_table(
        "instances",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("started", sa.Text, nullable=False),
        sa.Column("seen", sa.Text, nullable=False),
    )
    op.create_table(
        "keys",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False, unique=True),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("rate", sa.Text),
        sa.Column("created", sa.Text, nullable=False),
        sa.Column("expires", sa.Text),
        sa.Column("revoked", sa.Text),
        sa.Column("used", sa.Text),
    )
    op.create_table(
        "secrets",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "extractions",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("document", sa.String(64), sa.ForeignKey("documents.sha256"), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False, unique=True),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("model", sa.Text),
        sa.Column("budget", sa.Text),
        sa.Column("given", sa.LargeBinary),
        sa.Column("callback", sa.Text),
        sa.Column("batch", sa.Text),
        sa.Column("key_id", sa.Text),
        sa.Column("request_id", sa.Text),
        sa.Column("instance", sa.Text),
        sa.Column("round", sa.Integer, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("created", sa.Text, nullable=False),
        sa.Column("started", sa.Text),
        sa.Column("finished", sa.Text),
        sa.Column("retry_at", sa.Text),
        sa.Column("waits_since", sa.Text),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("verdict", sa.Text),
        sa.Column("lines", sa.LargeBinary),
        sa.Column("error", sa.Text),
        sa.Column("calls", sa.Integer, nullable=False),
        sa.Column("prompt_tokens", sa.BigInteger, nullable=False),
        sa.Column("completion_tokens", sa.BigInteger, nullable=False),
        sa.Column("cost", sa.Text),
    )
    op.create_index("extractions_state", "extractions", ["state", "id"])
    op.create_index("extractions_verdict", "extractions", ["verdict", "id"])
    op.create_index("ix_extractions_document", "extractions", ["document"])
    op.create_table(
        "sessions",
        sa.Column("hash", sa.String(64), primary_key=True),
        sa.Column("key_id", sa.Text, sa.ForeignKey("keys.id"), nullable=False),
        sa.Column("created", sa.Text, nullable=False),
        sa.Column("expires", sa.Text, nullable=False),
    )
    op.create_table(
        "batch_members",
        sa.Column("batch", sa.Text, sa.ForeignKey("batches.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("extraction", sa.Text, sa.ForeignKey("extractions.id", ondelete="CASCADE"), nullable=False),
        sa.Column("source", sa.Text, nullable=False),
    )
    op.create_index("ix_batch_members_extraction", "batch_members", ["extraction"])
    op.create_table(
        "reports",
        sa.Column("extraction", sa.Text, sa.ForeignKey("extractions.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("document", sa.String(64), nullable=False),
        sa.Column("current", sa.Boolean, nullable=False),
        sa.Column("organization", sa.Text),
        sa.Column("year", sa.Integer),
        sa.Column("form", sa.Text),
        sa.Column("province", sa.Text),
        sa.Column("region_code", sa.Text),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("doubt", sa.Float, nullable=False),
        sa.Column("reviewed_verdict", sa.Text),
    )
    op.create_index("ix_reports_document", "reports", ["document"])
    op.create_index("ix_reports_verdict", "reports", ["verdict"])
    op.create_index("ix_reports_year", "reports", ["year"])
    op.create_table(
        "failures",
        sa.Column("extraction", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("ordinal", sa.Integer, primary_key=True),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("severity", sa.Text, nullable=False),
        sa.Column("blame", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["extraction", "number"], ["reports.extraction", "reports.number"], ondelete="CASCADE"),
    )
    op.create_table(
        "report_tables",
        sa.Column("extraction", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("table_key", sa.Text, primary_key=True),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("doubtful_cells", sa.Integer, nullable=False),
        sa.Column("failed_rules", sa.Integer, nullable=False),
        sa.Column("doubt", sa.Float, nullable=False),
        sa.Column("reviewed_verdict", sa.Text),
        sa.Column("settled", sa.Boolean, nullable=False),
        sa.ForeignKeyConstraint(["extraction", "number"], ["reports.extraction", "reports.number"], ondelete="CASCADE"),
    )
    open_ones = sa.column("settled") == sa.false()
    op.create_index(
        "report_tables_queue",
        "report_tables",
        [sa.column("doubt").desc(), "extraction", "number", "table_key"],
        sqlite_where=open_ones,
        postgresql_where=open_ones,
    )
