"""From where an authorization request was pushed, under a key: for public clients the limit counts by that."""

from __future__ import annotations

from alembic import context, op

from ostiary.storage.naming import PLACEHOLDER

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward."""
    connection, naming = op.get_bind(), context.config.attributes["naming"]
    for column in ("address", "site"):
        statement = f"ALTER TABLE {PLACEHOLDER}.pushed_requests ADD COLUMN {column} TEXT"
        connection.exec_driver_sql(naming.statement(statement))
