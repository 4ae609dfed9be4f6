"""Search: what it looks at in columns of their own, with an index for each filter."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from ostiary.core.address import address_key
from ostiary.core.selector import browser_key, device_key, label_key, system_key

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_STATE = ("revoked_at", "last_used_at", "expires_at")
_ENDED = sa.text("revoked_at IS NOT NULL")
_LABELLED = sa.text("label_key IS NOT NULL")


def upgrade() -> None:
    """Bring the schema forward, and fill the new columns from the old ones."""
    op.add_column("sessions", sa.Column("address", sa.LargeBinary(), nullable=True))
    for name in ("browser", "system", "device"):
        op.add_column("sessions", sa.Column(name, sa.Text(), nullable=True))
    prefixed = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.add_column("sessions", sa.Column("label_key", prefixed, nullable=True))
    _fill()
    op.drop_index("ix_sessions_created_at_id", "sessions")
    op.create_index("ix_sessions_created_at", "sessions", ["created_at", "id", *_STATE])
    op.create_index(
        "ix_sessions_last_used_at", "sessions", ["last_used_at", "id", "created_at", "revoked_at", "expires_at"]
    )
    for name in ("address", "browser", "system", "device", "application_id", "tenant"):
        op.create_index(f"ix_sessions_{name}", "sessions", [name, "created_at", "id", *_STATE])
    for name, where in (("revoked_reason", _ENDED), ("label_key", _LABELLED)):
        op.create_index(
            f"ix_sessions_{name}",
            "sessions",
            [name, "created_at", "id"],
            sqlite_where=where,
            postgresql_where=where,
        )
    op.create_index(
        "ix_users_username_key_begins", "users", ["username_key"], postgresql_ops={"username_key": "text_pattern_ops"}
    )


BATCH = 5000  # rows; a million take about a minute


def _fill() -> None:
    names = ("id", "ip", "user_agent", "label", "browser", "system", "device", "label_key")
    sessions = sa.table(
        "sessions", *(sa.column(name, sa.Text()) for name in names), sa.column("address", sa.LargeBinary())
    )
    db = op.get_bind()
    filled = (
        sa.update(sessions)
        .where(sessions.c.id == sa.bindparam("of"))
        .values(
            **{name: sa.bindparam(f"new_{name}") for name in ("address", "browser", "system", "device", "label_key")}
        )
    )
    read = sa.select(sessions.c.id, sessions.c.ip, sessions.c.user_agent, sessions.c.label).order_by(sessions.c.id)
    last = ""
    while rows := db.execute(read.where(sessions.c.id > last).limit(BATCH)).all():
        db.execute(
            filled,
            [
                {
                    "of": row.id,
                    "new_address": address_key(row.ip),
                    "new_browser": browser_key(row.user_agent),
                    "new_system": system_key(row.user_agent),
                    "new_device": device_key(row.user_agent),
                    "new_label_key": label_key(row.label),
                }
                for row in rows
            ],
        )
        last = rows[-1].id
