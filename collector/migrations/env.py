"""Run by Alembic: takes the open connection that ``publish.migrate`` hands over and applies the steps on it."""

from alembic import context

from collector.published import OPERATIONS

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=OPERATIONS, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
