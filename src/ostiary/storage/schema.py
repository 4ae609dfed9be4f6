"""The tables. `migrations/` brings a database here; a test holds the two together."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    text,
)
from sqlalchemy.types import JSON

from ostiary.storage import browser_schema, oauth_schema
from ostiary.storage.columns import Instant, Prefixed, Words, position

# Of all tables: those of the other modules, which are there by now, and the ones below.
metadata = oauth_schema.clients.metadata
assert browser_schema.device_marks.metadata is metadata  # noqa: S101

# With `created_at`, all that says whether a session is live.
_STATE = ("revoked_at", "last_used_at", "expires_at", "device_since", "stays")


REVOKED = ("revoked_at", "revoked_reason", "revoked_by", "suspended_until")  # in the order of `core.session.Revocation`


def _only(condition: str) -> dict[str, Any]:
    """Of an index: the rows that it holds. What lies outside costs it nothing."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


users = Table(
    "users",
    metadata,
    Column("id", Text, primary_key=True),
    Column("username", Text, nullable=False),
    Column("username_key", Text, nullable=False),
    Column("email", Text),
    Column("password_hash", Text, nullable=False),
    Column("roles", Words, nullable=False, server_default=""),
    Column("created_at", Instant, nullable=False),
    Column("password_changed_at", Instant, nullable=False),
    Column("disabled_at", Instant),
    Column("updated_at", Instant),  # when what others are told of the account last changed; null: as it was made
    Index("ix_users_username_key", "username_key", unique=True),
    Index("ix_users_username_key_begins", "username_key", postgresql_ops={"username_key": "text_pattern_ops"}),
)

# What we know of a user whoever keeps the directory. Every start, and every act that ends more than one session,
# holds this row first: that is what makes "log out everywhere" and a sign-in under way take turns.
subjects = Table(
    "subjects",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("cut_off", Instant),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("auth_time", Instant, nullable=False),
    Column("last_used_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("ip", Text),
    Column("user_agent", Text),
    Column("label", Text),
    Column("application_id", Text),
    Column("tenant", Text, nullable=False),
    Column("amr", Words, nullable=False, server_default=""),
    Column("issued_by", Text),
    Column("client_id", Text),
    # Where it hangs; see core/tree.py. Whether what it is bound to has ended is written here, too, in the same
    # transaction, and nothing bound is used later than that: so whether it is live stands in its own row.
    Column("parent_id", Text),
    Column("root_id", Text),
    Column("path", Words, nullable=False, server_default=""),
    Column("device_since", Instant),
    Column("stays", Boolean),
    Column("resource", Text),
    Column("revoked_at", Instant),
    Column("revoked_reason", Text),
    Column("revoked_by", Text),
    # Of its user's account, so that a verification reads one row; kept equal by storage/accounts.py (decision 0023).
    Column("username", Text),
    Column("email", Text),
    Column("roles", Words),
    # What search looks at: made of `ip`, `user_agent` and `label` when they are written; see core/selector.py.
    Column("address", LargeBinary),
    Column("browser", Text),
    Column("system", Text),
    Column("device", Text),
    Column("label_key", Prefixed),
    # The plan that suspended it, and until when that can be undone. Both are null once its ending is final.
    Column("undo_plan_id", Text),
    Column("suspended_until", Instant),
    Index("ix_sessions_user_id_created_at", "user_id", "created_at"),
    Index("ix_sessions_live", "user_id", "last_used_at", **_only("revoked_at IS NULL")),
    Index("ix_sessions_revoked_at", "revoked_at", **_only("revoked_at IS NOT NULL")),
    Index("ix_sessions_expires_at", "expires_at"),
    Index("ix_sessions_client_id", "client_id", **_only("client_id IS NOT NULL")),
    Index("ix_sessions_parent_id", "parent_id", **_only("parent_id IS NOT NULL")),
    # One for each filter. With the time that a page is sorted by and the state in it, counts, and the times on a page,
    # are read from the index alone. Ids would make each of them half as large again: see storage/selecting.py.
    Index("ix_sessions_created_at", "created_at", *_STATE),
    Index(
        "ix_sessions_last_used_at", "last_used_at", "created_at", "revoked_at", "expires_at", "device_since", "stays"
    ),
    # What an agent is read as is asked for together: Chrome on a desktop, or an iPhone.
    Index("ix_sessions_browser", "browser", "created_at", *_STATE, "system", "device"),
    Index("ix_sessions_system", "system", "created_at", *_STATE, "device"),
    *(
        Index(f"ix_sessions_{name}", name, "created_at", *_STATE)
        for name in ("device", "address", "application_id", "tenant")
    ),
    Index("ix_sessions_revoked_reason", "revoked_reason", "created_at", **_only("revoked_at IS NOT NULL")),
    Index("ix_sessions_label_key", "label_key", "created_at", **_only("label_key IS NOT NULL")),
)

cli_tokens = Table(
    "cli_tokens",
    metadata,
    Column("id", Text, primary_key=True),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("scopes", Words, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("last_used_at", Instant),
    Column("revoked_at", Instant),
    Column("minted_by", Text),
    Column("session_id", Text),
    Index("ix_cli_tokens_user_id_created_at", "user_id", "created_at"),
)

events = Table(
    "events",
    metadata,
    position(),
    Column("at", Instant, nullable=False),
    Column("kind", Text, nullable=False),
    Column("user_id", Text),
    Column("session_id", Text),
    Column("by", Text),
    Column("ip", Text),
    Column("user_agent", Text),
    Column("reason", Text),
    Column("request_id", Text),
    Column("detail", JSON, nullable=False),
    Index("ix_events_at", "at"),
    Index("ix_events_user_id_position", "user_id", "position"),
    Index("ix_events_session_id", "session_id"),
    Index(  # they are kept for a shorter time than the others
        "ix_events_refused_at",
        "at",
        sqlite_where=text("kind IN ('sign_in.refused', 'sign_in.throttled')"),
        postgresql_where=text("kind IN ('sign_in.refused', 'sign_in.throttled')"),
    ),
    sqlite_autoincrement=True,
)

# Failed sign-ins inside the window, for the limits only; what happened is in `events`.
refusals = Table(
    "refusals",
    metadata,
    position(),
    Column("at", Instant, nullable=False),
    Column("account", Text, nullable=False),  # a hash: people type passwords into the username field
    Column("address", Text, nullable=False),
    Index("ix_refusals_account_at", "account", "at"),
    Index("ix_refusals_address_at", "address", "at"),
    Index("ix_refusals_at", "at"),
    sqlite_autoincrement=True,
)

setup_codes = Table(
    "setup_codes",
    metadata,
    Column("id", Text, primary_key=True),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("expires_at", Instant, nullable=False),
)

# One row: what the view `web_sessions` tells expired sessions by. Servers write it; no server reads it.
policy_in_force = Table(
    "policy_in_force",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("lifetime_s", BigInteger, nullable=False),
    Column("idle_timeout_s", BigInteger),
    Column("browser_idle_s", BigInteger),
    Column("written_at", Instant, nullable=False),
)

# Programs that remember sessions, by chain of requests; see core/verifier.py. Rows come and go within minutes.
verifiers = Table(
    "verifiers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("reader", Text, nullable=False),
    Column("name", Text),
    Column("address", Text),
    Column("since", Instant, nullable=False),
    Column("applied_at", Instant),
    Column("trust_until", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("written_at", Instant, nullable=False),
    Column("max_staleness", Float, nullable=False),
    Index("ix_verifiers_owner", "owner"),
)

# How long endings took to be refused everywhere: one row a half hour, for charts.
lags = Table(
    "lags",
    metadata,
    Column("begins_at", Instant, primary_key=True),
    Column("endings", Integer, nullable=False),
    Column("seconds", Float, nullable=False),  # of all of them together
    Column("slowest", Float, nullable=False),  # seconds
)

# Who does a task that one node at a time may do, until when by the store's own clock; see storage/leases.py.
leases = Table(
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("until", Instant, nullable=False),
    Column("mark", BigInteger),  # how far the task has come; what it counts is the task's own matter
    Column("marked_at", Instant),
)

# One row for each sealed event, in the order of sealing; see core/chain.py.
event_chain = Table(
    "event_chain",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("position", BigInteger, nullable=False),
    Column("at", Instant, nullable=False),
    Column("kind", Text, nullable=False),
    Column("salt", LargeBinary),  # null once what is personal in the event was forgotten
    Column("personal", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Index("ix_event_chain_position", "position", unique=True),
)

# Chosen sessions, pinned. See core/plan.py.
plans = Table(
    "plans",
    metadata,
    Column("id", Text, primary_key=True),
    Column("complete", Boolean, nullable=False),  # false while its sessions are being pinned
    Column("filters", JSON, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("spared", Text),  # the session that made it, which is never pinned
    Column("expires_at", Instant, nullable=False),
    Column("count", Integer, nullable=False),
    Column("users", Integer, nullable=False),
    Column("started_at", Instant),
    Column("started_by", Text),
    Column("undo_until", Instant),
    Column("looked_at", Integer, nullable=False),
    Column("ended", Integer, nullable=False),
    Column("applied_at", Instant),
    Column("undone_at", Instant),
    Column("undone_by", Text),
    Column("restored", Integer, nullable=False),
    Column("restored_at", Instant),
    # What can no longer be undone is made final: from when on that is so, how many of the pins are done, and when all.
    Column("final_at", Instant),
    Column("settled", Integer, nullable=False, server_default="0"),
    Column("settled_at", Instant),
    Index("ix_plans_expires_at", "expires_at"),
)

# In the order of the sessions' start: their neighbours in every index are ended together, which costs half.
plan_sessions = Table(
    "plan_sessions",
    metadata,
    Column("plan_id", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),  # from 1
    Column("session_id", Text, nullable=False),
)
