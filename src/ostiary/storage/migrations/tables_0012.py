"""The tables as revision 0012 makes them: they stay as they are here, whatever becomes of `storage.schema`."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)
from sqlalchemy.schema import SchemaItem

TABLES = MetaData(naming_convention={"pk": "pk_%(table_name)s"})
INSTANT = DateTime(timezone=True)
PREFIXED = Text().with_variant(Text(collation="C"), "postgresql")
GROWING = BigInteger().with_variant(Integer, "sqlite")
_STATE = ("revoked_at", "last_used_at", "expires_at")


def _only(condition: str) -> dict[str, Any]:
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


def _table(name: str, *parts: SchemaItem, **options: Any) -> None:
    Table(name, TABLES, *parts, **options)


_table(
    "users",
    Column("id", Text, primary_key=True),
    Column("username", Text, nullable=False),
    Column("username_key", Text, nullable=False),
    Column("email", Text),
    Column("password_hash", Text, nullable=False),
    Column("roles", Text, nullable=False, server_default=""),
    Column("created_at", INSTANT, nullable=False),
    Column("password_changed_at", INSTANT, nullable=False),
    Column("disabled_at", INSTANT),
    Index("ix_users_username_key", "username_key", unique=True),
    Index("ix_users_username_key_begins", "username_key", postgresql_ops={"username_key": "text_pattern_ops"}),
)
_table("subjects", Column("user_id", Text, primary_key=True), Column("cut_off", INSTANT))
_table(
    "sessions",
    Column("id", Text, primary_key=True),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("created_at", INSTANT, nullable=False),
    Column("auth_time", INSTANT, nullable=False),
    Column("last_used_at", INSTANT, nullable=False),
    Column("expires_at", INSTANT, nullable=False),
    Column("ip", Text),
    Column("user_agent", Text),
    Column("label", Text),
    Column("application_id", Text),
    Column("tenant", Text, nullable=False),
    Column("amr", Text, nullable=False, server_default=""),
    Column("issued_by", Text),
    Column("client_id", Text),
    Column("revoked_at", INSTANT),
    Column("revoked_reason", Text),
    Column("revoked_by", Text),
    Column("username", Text),
    Column("email", Text),
    Column("roles", Text),
    Column("address", LargeBinary),
    Column("browser", Text),
    Column("system", Text),
    Column("device", Text),
    Column("label_key", PREFIXED),
    Column("undo_plan_id", Text),
    Column("suspended_until", INSTANT),
    Index("ix_sessions_user_id_created_at", "user_id", "created_at"),
    Index("ix_sessions_live", "user_id", "last_used_at", **_only("revoked_at IS NULL")),
    Index("ix_sessions_revoked_at", "revoked_at", **_only("revoked_at IS NOT NULL")),
    Index("ix_sessions_expires_at", "expires_at"),
    Index("ix_sessions_client_id", "client_id", **_only("client_id IS NOT NULL")),
    Index("ix_sessions_created_at", "created_at", *_STATE),
    Index("ix_sessions_last_used_at", "last_used_at", "created_at", "revoked_at", "expires_at"),
    Index("ix_sessions_browser", "browser", "created_at", *_STATE, "system", "device"),
    Index("ix_sessions_system", "system", "created_at", *_STATE, "device"),
    *(
        Index(f"ix_sessions_{name}", name, "created_at", *_STATE)
        for name in ("device", "address", "application_id", "tenant")
    ),
    Index("ix_sessions_revoked_reason", "revoked_reason", "created_at", **_only("revoked_at IS NOT NULL")),
    Index("ix_sessions_label_key", "label_key", "created_at", **_only("label_key IS NOT NULL")),
)
_table(
    "cli_tokens",
    Column("id", Text, primary_key=True),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("created_at", INSTANT, nullable=False),
    Column("expires_at", INSTANT),
    Column("last_used_at", INSTANT),
    Column("revoked_at", INSTANT),
    Column("minted_by", Text),
    Column("session_id", Text),
    Index("ix_cli_tokens_user_id_created_at", "user_id", "created_at"),
)
_table(
    "events",
    Column("position", GROWING, primary_key=True, autoincrement=True),
    Column("at", INSTANT, nullable=False),
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
    Index(
        "ix_events_refused_at",
        "at",
        **_only("kind IN ('sign_in.refused', 'sign_in.throttled')"),
    ),
    sqlite_autoincrement=True,
)
_table(
    "refusals",
    Column("position", GROWING, primary_key=True, autoincrement=True),
    Column("at", INSTANT, nullable=False),
    Column("account", Text, nullable=False),
    Column("address", Text, nullable=False),
    Index("ix_refusals_account_at", "account", "at"),
    Index("ix_refusals_address_at", "address", "at"),
    Index("ix_refusals_at", "at"),
    sqlite_autoincrement=True,
)
_table(
    "setup_codes",
    Column("id", Text, primary_key=True),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("expires_at", INSTANT, nullable=False),
)
_table(
    "clients",
    Column("id", Text, primary_key=True),
    Column("secret_hash", LargeBinary),
    Column("name", Text, nullable=False),
    Column("application_id", Text, nullable=False),
    Column("application_type", Text, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("tenant_subdomain", Text),
    Column("redirect_uris", Text, nullable=False),
    Column("post_logout_redirect_uris", Text, nullable=False),
    Column("grants", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("third_party", Boolean, nullable=False),
    Column("created_at", INSTANT, nullable=False),
)
_table(
    "signing_keys",
    Column("kid", Text, primary_key=True),
    Column("alg", Text, nullable=False),
    Column("public_key", JSON, nullable=False),
    Column("private_key", LargeBinary),
    Column("created_at", INSTANT, nullable=False),
    Column("retired_at", INSTANT),
)
_table(
    "authorization_codes",
    Column("id", Text, primary_key=True),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("client_id", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("session_id", Text, nullable=False),
    Column("redirect_uri", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("code_challenge", Text, nullable=False),
    Column("nonce", Text),
    Column("auth_time", INSTANT, nullable=False),
    Column("amr", Text, nullable=False),
    Column("cut_off", INSTANT),
    Column("ip", Text),
    Column("user_agent", Text),
    Column("expires_at", INSTANT, nullable=False),
    Column("used_at", INSTANT),
    Column("granted_session_id", Text),
    Index("ix_authorization_codes_expires_at", "expires_at"),
)
_table(
    "refresh_tokens",
    Column("id", Text, primary_key=True),
    Column("session_id", Text, nullable=False),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("rotated_at", INSTANT, nullable=False),
    Column("scopes", Text, nullable=False),
    Index("ix_refresh_tokens_session_id", "session_id", unique=True),
)
_table(
    "consents",
    Column("user_id", Text, primary_key=True),
    Column("client_id", Text, primary_key=True),
    Column("scopes", Text, nullable=False),
    Column("granted_at", INSTANT, nullable=False),
)
_table(
    "policy_in_force",
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("lifetime_s", BigInteger, nullable=False),
    Column("idle_timeout_s", BigInteger),
    Column("written_at", INSTANT, nullable=False),
)
_table(
    "verifiers",
    Column("id", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("reader", Text, nullable=False),
    Column("name", Text),
    Column("address", Text),
    Column("since", INSTANT, nullable=False),
    Column("applied_at", INSTANT),
    Column("trust_until", INSTANT, nullable=False),
    Column("seen_at", INSTANT, nullable=False),
    Column("written_at", INSTANT, nullable=False),
    Column("max_staleness", Float, nullable=False),
    Index("ix_verifiers_owner", "owner"),
)
_table(
    "lags",
    Column("begins_at", INSTANT, primary_key=True),
    Column("endings", Integer, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("slowest", Float, nullable=False),
)
_table(
    "leases",
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("until", INSTANT, nullable=False),
    Column("mark", BigInteger),
    Column("marked_at", INSTANT),
)
_table(
    "event_chain",
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("position", BigInteger, nullable=False),
    Column("at", INSTANT, nullable=False),
    Column("kind", Text, nullable=False),
    Column("salt", LargeBinary),
    Column("personal", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Index("ix_event_chain_position", "position", unique=True),
)
_table(
    "plans",
    Column("id", Text, primary_key=True),
    Column("complete", Boolean, nullable=False),
    Column("filters", JSON, nullable=False),
    Column("created_at", INSTANT, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("spared", Text),
    Column("expires_at", INSTANT, nullable=False),
    Column("count", Integer, nullable=False),
    Column("users", Integer, nullable=False),
    Column("started_at", INSTANT),
    Column("started_by", Text),
    Column("undo_until", INSTANT),
    Column("looked_at", Integer, nullable=False),
    Column("ended", Integer, nullable=False),
    Column("applied_at", INSTANT),
    Column("undone_at", INSTANT),
    Column("undone_by", Text),
    Column("restored", Integer, nullable=False),
    Column("restored_at", INSTANT),
    Column("final_at", INSTANT),
    Column("settled", Integer, nullable=False, server_default="0"),
    Column("settled_at", INSTANT),
    Index("ix_plans_expires_at", "expires_at"),
)
_table(
    "plan_sessions",
    Column("plan_id", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("session_id", Text, nullable=False),
)
