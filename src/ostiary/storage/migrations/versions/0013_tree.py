"""Sessions in a tree: where each hangs, whether its browser is to be left signed in, and for whom its tokens are.

A client's grant hangs under the sign-in of the code that it was exchanged for, where that is still known: bound if the
client is the house's own on the web, else standing, as is every other grant. No session that lives ends by this.
"""

from __future__ import annotations

from alembic import context, op
from sqlalchemy import Connection

from ostiary.storage.naming import PLACEHOLDER, Naming

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_STATE = "revoked_at, last_used_at, expires_at, device_since, stays"
_COLUMNS = (
    "sessions ADD COLUMN parent_id TEXT",
    "sessions ADD COLUMN root_id TEXT",
    "sessions ADD COLUMN path TEXT DEFAULT '' NOT NULL",
    "sessions ADD COLUMN device_since {instant}",
    "sessions ADD COLUMN stays BOOLEAN",
    "sessions ADD COLUMN resource TEXT",
    "clients ADD COLUMN standing BOOLEAN DEFAULT {false} NOT NULL",
    "policy_in_force ADD COLUMN browser_idle_s BIGINT",
)
# Made anew, so that counts are read from them alone as before.
_INDEXES = {
    "created_at": f"created_at, {_STATE}",
    "last_used_at": "last_used_at, created_at, revoked_at, expires_at, device_since, stays",
    "browser": f"browser, created_at, {_STATE}, system, device",
    "system": f"system, created_at, {_STATE}, device",
    **{name: f"{name}, created_at, {_STATE}" for name in ("device", "address", "application_id", "tenant")},
}
_MARKS = (
    "CREATE TABLE {here}device_marks (mark_hash {bytes} NOT NULL, user_id TEXT NOT NULL, session_id TEXT NOT NULL,"
    " marked_at {instant} NOT NULL, CONSTRAINT {pk} PRIMARY KEY (mark_hash, user_id))",
    "CREATE INDEX {ix_user} ON {here}device_marks (user_id)",
    "CREATE INDEX {ix_marked} ON {here}device_marks (marked_at)",
)
_PARENTS = (
    "UPDATE {here}sessions AS grant_ SET parent_id = codes.session_id, root_id = codes.session_id"
    " FROM {here}authorization_codes AS codes, {here}sessions AS root"
    " WHERE codes.granted_session_id = grant_.id AND root.id = codes.session_id AND grant_.id <> root.id",
    "UPDATE {here}sessions AS grant_ SET path = root.id, device_since = root.created_at,"
    " expires_at = CASE WHEN root.expires_at < grant_.expires_at THEN root.expires_at ELSE grant_.expires_at END"
    " FROM {here}sessions AS root, {here}clients AS clients"
    " WHERE root.id = grant_.parent_id AND clients.id = grant_.client_id"
    " AND root.revoked_at IS NULL AND grant_.revoked_at IS NULL"
    " AND (root.issued_by IS NOT NULL OR root.kind <> 'browser'"
    " OR (NOT clients.third_party AND clients.application_type <> 'native'))",
    # Nothing bound was used later than what it is bound to.
    "UPDATE {here}sessions AS root SET last_used_at = used.at"
    " FROM (SELECT parent_id, max(last_used_at) AS at FROM {here}sessions WHERE path <> '' GROUP BY parent_id) AS used"
    " WHERE used.parent_id = root.id AND used.at > root.last_used_at",
)
# As in 0012, with what became of expiry.
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
              OR coalesce(sessions.device_since, sessions.created_at) <= {lifetime_ago}
              OR sessions.last_used_at <= {idle_timeout_ago}
              OR (NOT sessions.stays AND sessions.last_used_at <= {browser_idle_ago}) THEN 'expired'
            WHEN sessions.last_used_at < {stale_ago} THEN 'stale'
            ELSE 'active' END AS status,
       sessions.user_id AS user_id,
       sessions.suspended_until AS suspended_until
  FROM {place}{prefix}sessions AS sessions
  LEFT JOIN {place}{prefix}users AS users ON users.id = sessions.user_id
  LEFT JOIN {place}{prefix}policy_in_force AS policy_in_force ON policy_in_force.id = 1
"""


def upgrade() -> None:
    """Bring the schema forward."""
    connection, naming = op.get_bind(), context.config.attributes["naming"]
    is_sqlite = connection.dialect.name == "sqlite"

    words = {
        "here": f"{PLACEHOLDER}.",
        "instant": "DATETIME" if is_sqlite else "TIMESTAMP WITH TIME ZONE",
        "bytes": "BLOB" if is_sqlite else "BYTEA",
        "false": "0" if is_sqlite else "false",
        "pk": "pk_device_marks",
        "ix_user": naming.named("ix_device_marks_user_id"),
        "ix_marked": naming.named("ix_device_marks_marked_at"),
    }

    def run(statement: str) -> None:
        connection.exec_driver_sql(naming.statement(statement.format(**words)))

    for column in _COLUMNS:
        run(f"ALTER TABLE {{here}}{column}")
    for name, columns in _INDEXES.items():
        index = naming.named(f"ix_sessions_{name}")
        connection.exec_driver_sql(f"DROP INDEX {'' if is_sqlite else f'{naming.schema}.'}{index}")
        run(f"CREATE INDEX {index} ON {{here}}sessions ({columns})")
    only = "WHERE parent_id IS NOT NULL"
    run(f"CREATE INDEX {naming.named('ix_sessions_parent_id')} ON {{here}}sessions (parent_id) {only}")
    for statement in (*_MARKS, *_PARENTS):
        run(statement)
    _make_view(connection, naming, is_sqlite=is_sqlite)


def _make_view(connection: Connection, naming: Naming, *, is_sqlite: bool) -> None:
    if is_sqlite:
        connection.exec_driver_sql("DROP VIEW web_sessions")
    connection.exec_driver_sql(
        WEB_SESSIONS.format(
            or_replace="" if is_sqlite else "OR REPLACE ",
            place="" if is_sqlite else f"{naming.schema}.",
            prefix=naming.prefix,
            now=_ago(None, is_sqlite=is_sqlite),
            lifetime_ago=_ago("policy_in_force.lifetime_s", is_sqlite=is_sqlite),
            idle_timeout_ago=_ago("policy_in_force.idle_timeout_s", is_sqlite=is_sqlite),
            browser_idle_ago=_ago("policy_in_force.browser_idle_s", is_sqlite=is_sqlite),
            stale_ago=_ago("2592000", is_sqlite=is_sqlite),
        ).strip()
    )


def _ago(seconds: str | None, *, is_sqlite: bool) -> str:
    if is_sqlite:
        since = "" if seconds is None else f", '-' || {seconds} || ' seconds'"
        return f"strftime('%Y-%m-%d %H:%M:%f', 'now'{since})"
    return "now()" if seconds is None else f"now() - {seconds} * interval '1 second'"
