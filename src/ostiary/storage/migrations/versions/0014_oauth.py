"""OAuth: resources, pushed requests, client assertions; a client's keys and how it uses PKCE; a code's resource.

And when an account was last changed, which OIDC calls `updated_at`.
"""

from __future__ import annotations

from alembic import context, op
from sqlalchemy import JSON, Column, DateTime, Index, LargeBinary, MetaData, Table, Text

from ostiary.storage.naming import PLACEHOLDER

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_INSTANT = DateTime(timezone=True)
_TABLES = MetaData(naming_convention={"pk": "pk_%(table_name)s"})
Table(
    "resources",
    _TABLES,
    Column("id", Text, primary_key=True),
    Column("uri", Text, nullable=False),
    Column("uri_key", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("clients", Text, nullable=False),
    Column("listed", Text, nullable=False),
    Column("introspect", Text, nullable=False),
    Column("created_at", _INSTANT, nullable=False),
    Index("ix_resources_uri_key", "uri_key", unique=True),
)
Table(
    "pushed_requests",
    _TABLES,
    Column("id", Text, primary_key=True),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("client_id", Text, nullable=False),
    Column("parameters", JSON, nullable=False),
    Column("expires_at", _INSTANT, nullable=False),
    Index("ix_pushed_requests_expires_at", "expires_at"),
)
Table(
    "used_assertions",
    _TABLES,
    Column("client_id", Text, primary_key=True),
    Column("jti_hash", LargeBinary, primary_key=True),
    Column("expires_at", _INSTANT, nullable=False),
    Index("ix_used_assertions_expires_at", "expires_at"),
)
_COLUMNS = (
    "clients ADD COLUMN pkce TEXT DEFAULT 'required' NOT NULL",
    "clients ADD COLUMN jwks JSON",
    "authorization_codes ADD COLUMN resource TEXT",
    "users ADD COLUMN updated_at {instant}",
)


def upgrade() -> None:
    """Bring the schema forward."""
    connection, naming = op.get_bind(), context.config.attributes["naming"]
    naming.placed(_TABLES).create_all(connection, checkfirst=False)
    instant = "DATETIME" if connection.dialect.name == "sqlite" else "TIMESTAMP WITH TIME ZONE"
    for column in _COLUMNS:
        statement = f"ALTER TABLE {PLACEHOLDER}.{column.format(instant=instant)}"
        connection.exec_driver_sql(naming.statement(statement))
