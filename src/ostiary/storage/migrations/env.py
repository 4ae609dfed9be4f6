"""Alembic's entry: it runs on the connection that `storage.migrate` hands over, in that connection's transaction."""

from alembic import context

from ostiary.storage.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
context.run_migrations()
