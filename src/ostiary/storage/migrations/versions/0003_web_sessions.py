"""The view `web_sessions` for those who watch the database, and the limits that it needs for that."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Columns and their order are documented in docs/reference/sql.md: they stay. The status is that of
# `Session.status` at the moment of the query; a test holds the two together.
VIEW = """
CREATE VIEW web_sessions AS
SELECT coalesce(users.username, sessions.user_id) AS username,
       sessions.id AS session_id,
       sessions.created_at AS created_at,
       sessions.expires_at AS expires_at,
       sessions.revoked_at AS revoked_at,
       sessions.last_used_at AS last_used_at,
       sessions.ip AS ip,
       sessions.user_agent AS user_agent,
       CASE WHEN sessions.revoked_at IS NOT NULL THEN 'revoked'
            WHEN sessions.expires_at <= {now}
              OR sessions.created_at <= {lifetime_ago}
              OR sessions.last_used_at <= {idle_timeout_ago} THEN 'expired'
            WHEN sessions.last_used_at < {stale_ago} THEN 'stale'
            ELSE 'active' END AS status,
       sessions.user_id AS user_id
  FROM sessions
  LEFT JOIN users ON users.id = sessions.user_id
  LEFT JOIN policy_in_force ON policy_in_force.id = 1
"""
POSTGRESQL = {
    "now": "now()",
    "lifetime_ago": "now() - policy_in_force.lifetime_s * interval '1 second'",
    "idle_timeout_ago": "now() - policy_in_force.idle_timeout_s * interval '1 second'",
    "stale_ago": "now() - interval '30 days'",
}
# Times are texts of fixed width there, which compare as times do; a missing last digit changes that by a millisecond.
SQLITE = {
    "now": "strftime('%Y-%m-%d %H:%M:%f', 'now')",
    "lifetime_ago": "strftime('%Y-%m-%d %H:%M:%f', 'now', '-' || policy_in_force.lifetime_s || ' seconds')",
    "idle_timeout_ago": "strftime('%Y-%m-%d %H:%M:%f', 'now', '-' || policy_in_force.idle_timeout_s || ' seconds')",
    "stale_ago": "strftime('%Y-%m-%d %H:%M:%f', 'now', '-30 days')",
}


def upgrade() -> None:
    """Bring the schema forward."""
    op.create_table(
        "policy_in_force",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("lifetime_s", sa.BigInteger(), nullable=False),
        sa.Column("idle_timeout_s", sa.BigInteger(), nullable=True),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_policy_in_force"),
    )
    words = SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL
    op.get_bind().exec_driver_sql(VIEW.format(**words).strip())
