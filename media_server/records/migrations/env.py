"""What Alembic runs: the steps that are missing, on the connection that it is given, in one transaction."""

from alembic import context

from media_server.records.tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
