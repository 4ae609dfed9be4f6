"""All tables and the view `web_sessions`, made anew, or brought along from 0010 or 0011.

Before this, eleven revisions had made tables under bare names; nothing of them was released.
"""

from __future__ import annotations

from alembic import context, op

from ostiary.storage import former
from ostiary.storage.migrations.tables_0012 import TABLES

revision = "0012"
down_revision = None
branch_labels = None
depends_on = None

# Columns and their order are documented in docs/reference/sql.md: they stay. The status is that of `Session.status` at
# the moment of the query, but that a suspended session is `revoked`: it is refused as one.
WEB_SESSIONS = """
CREATE {or_replace}VIEW {place}web_sessions AS
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
  FROM {place}{prefix}sessions AS sessions
  LEFT JOIN {place}{prefix}users AS users ON users.id = sessions.user_id
  LEFT JOIN {place}{prefix}policy_in_force AS policy_in_force ON policy_in_force.id = 1
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
    """Bring the schema forward."""
    connection, naming = op.get_bind(), context.config.attributes["naming"]
    if not former.bring_along(connection, naming, TABLES):
        former.ensure_free(connection, naming, TABLES)
        naming.placed(TABLES).create_all(connection, checkfirst=False)
    is_sqlite = connection.dialect.name == "sqlite"
    connection.exec_driver_sql(
        WEB_SESSIONS.format(
            or_replace="" if is_sqlite else "OR REPLACE ",
            place="" if is_sqlite else f"{naming.schema}.",
            prefix=naming.prefix,
            **(SQLITE if is_sqlite else POSTGRESQL),
        ).strip()
    )
