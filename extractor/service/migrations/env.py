"""What Alembic runs: the steps, on the connection that `upgrade` holds."""

from alembic import context

from extractor.service.database.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
