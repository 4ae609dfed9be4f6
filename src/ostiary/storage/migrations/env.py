"""Alembic's entry: it runs on the connection that `storage.migrate` hands over, in that connection's transaction."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    version_table=context.config.attributes["naming"].version_table,
    version_table_schema=context.config.attributes["naming"].schema,
    transactional_ddl=True,
)
context.run_migrations()
