"""Search's indexes without ids; pins of a plan in an order, by which an undo walks, too."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_STATE = ("revoked_at", "last_used_at", "expires_at")
_INDEXES: dict[str, tuple[tuple[str, ...], str | None]] = {
    "client_id": (("client_id",), "client_id IS NOT NULL"),
    "created_at": (("created_at", *_STATE), None),
    "last_used_at": (("last_used_at", "created_at", "revoked_at", "expires_at"), None),
    "browser": (("browser", "created_at", *_STATE, "system", "device"), None),
    "system": (("system", "created_at", *_STATE, "device"), None),
    **{name: ((name, "created_at", *_STATE), None) for name in ("device", "address", "application_id", "tenant")},
    "revoked_reason": (("revoked_reason", "created_at"), "revoked_at IS NOT NULL"),
    "label_key": (("label_key", "created_at"), "label_key IS NOT NULL"),
}


def upgrade() -> None:
    """Bring the schema forward: a minute for a million sessions."""
    op.drop_index("ix_sessions_undo_plan_id", "sessions")
    for name, (columns, condition) in _INDEXES.items():
        where = sa.text(condition) if condition else None
        op.drop_index(f"ix_sessions_{name}", "sessions")
        op.create_index(f"ix_sessions_{name}", "sessions", columns, sqlite_where=where, postgresql_where=where)
    _number_pins()


def _number_pins() -> None:
    """Plans under way go on where they were: by number, no longer by id."""
    op.execute("CREATE TABLE old_plan_sessions AS SELECT plan_id, session_id FROM plan_sessions")
    op.drop_table("plan_sessions")
    op.create_table(
        "plan_sessions",
        sa.Column("plan_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("plan_id", "number", name="pk_plan_sessions"),
    )
    op.execute(
        "INSERT INTO plan_sessions (plan_id, number, session_id) SELECT plan_id,"
        " row_number() OVER (PARTITION BY plan_id ORDER BY session_id), session_id FROM old_plan_sessions"
    )
    op.add_column("plans", sa.Column("looked_at", sa.Integer(), nullable=False, server_default="0"))
    op.execute(
        "UPDATE plans SET looked_at = (SELECT count(*) FROM old_plan_sessions AS pins"
        " WHERE pins.plan_id = plans.id AND pins.session_id <= plans.cursor) WHERE undone_at IS NULL"
    )
    op.drop_table("old_plan_sessions")
    with op.batch_alter_table("plans") as plans:
        plans.drop_column("cursor")
        plans.alter_column("looked_at", server_default=None)
