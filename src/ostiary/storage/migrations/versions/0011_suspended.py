"""Suspended is a state: until when, in the session's row and in the view `web_sessions`; plans are settled."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# As in 0003, with one more column at the end. There a suspended session is `revoked`: it is refused as one.
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
       sessions.user_id AS user_id,
       sessions.suspended_until AS suspended_until
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
SQLITE = {
    "now": "strftime('%Y-%m-%d %H:%M:%f', 'now')",
    "lifetime_ago": "strftime('%Y-%m-%d %H:%M:%f', 'now', '-' || policy_in_force.lifetime_s || ' seconds')",
    "idle_timeout_ago": "strftime('%Y-%m-%d %H:%M:%f', 'now', '-' || policy_in_force.idle_timeout_s || ' seconds')",
    "stale_ago": "strftime('%Y-%m-%d %H:%M:%f', 'now', '-30 days')",
}


def upgrade() -> None:
    """Bring the schema forward, and say of what is suspended now until when."""
    op.add_column("sessions", sa.Column("suspended_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("plans", sa.Column("final_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("plans", sa.Column("settled", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("plans", sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(
        "UPDATE sessions SET suspended_until = plans.undo_until FROM plans"
        " WHERE plans.id = sessions.undo_plan_id AND plans.undo_until IS NOT NULL"
    )
    # Of a plan that was forgotten, nothing can be undone.
    op.execute("UPDATE sessions SET undo_plan_id = NULL WHERE undo_plan_id IS NOT NULL AND suspended_until IS NULL")
    words = SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP VIEW web_sessions")
        op.get_bind().exec_driver_sql(VIEW.format(**words).strip())
    else:  # in place: what was granted on it stays
        op.get_bind().exec_driver_sql(VIEW.format(**words).strip().replace("CREATE VIEW", "CREATE OR REPLACE VIEW", 1))
