"""The tables of OAuth. Every grant is a row of `sessions`: whether a token still works is asked there alone."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, Index, LargeBinary, Table, Text, false

from ostiary.storage.columns import Instant, Words, metadata

clients = Table(
    "clients",
    metadata,
    Column("id", Text, primary_key=True),
    Column("secret_hash", LargeBinary),  # null for a public client
    Column("name", Text, nullable=False),
    Column("application_id", Text, nullable=False),
    Column("application_type", Text, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("tenant_subdomain", Text),
    Column("redirect_uris", Words, nullable=False),
    Column("post_logout_redirect_uris", Words, nullable=False),
    Column("grants", Words, nullable=False),
    Column("scopes", Words, nullable=False),
    Column("third_party", Boolean, nullable=False),
    Column("standing", Boolean, nullable=False, server_default=false()),
    Column("created_at", Instant, nullable=False),
    Column("pkce", Text, nullable=False, server_default="required"),
    Column("jwks", JSON(none_as_null=True)),  # the public keys of a client that has no secret, but signs
)

resources = Table(
    "resources",
    metadata,
    Column("id", Text, primary_key=True),
    Column("uri", Text, nullable=False),
    Column("uri_key", Text, nullable=False),  # what its spellings have in common
    Column("name", Text, nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("clients", Text, nullable=False),
    Column("listed", Words, nullable=False),
    Column("introspect", Words, nullable=False),
    Column("created_at", Instant, nullable=False),
    Index("ix_resources_uri_key", "uri_key", unique=True),
)

# Authorization requests that clients pushed (RFC 9126). The secret is in the request_uri; only its hash is here.
pushed_requests = Table(
    "pushed_requests",
    metadata,
    Column("id", Text, primary_key=True),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("client_id", Text, nullable=False),
    Column("parameters", JSON, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("address", Text),  # of a public client, and what is around it: names of `authority.counting`
    Column("site", Text),
    Index("ix_pushed_requests_expires_at", "expires_at"),
)

# Client assertions that were used (RFC 7523 3): each works once, for as long as it would be valid.
used_assertions = Table(
    "used_assertions",
    metadata,
    Column("client_id", Text, primary_key=True),
    Column("jti_hash", LargeBinary, primary_key=True),
    Column("expires_at", Instant, nullable=False),
    Index("ix_used_assertions_expires_at", "expires_at"),
)

signing_keys = Table(
    "signing_keys",
    metadata,
    Column("kid", Text, primary_key=True),
    Column("alg", Text, nullable=False),
    Column("public_key", JSON, nullable=False),
    Column("private_key", LargeBinary),  # encrypted; null once it is retired
    Column("created_at", Instant, nullable=False),
    Column("retired_at", Instant),
)

authorization_codes = Table(
    "authorization_codes",
    metadata,
    Column("id", Text, primary_key=True),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("client_id", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("session_id", Text, nullable=False),  # of the browser that signed in
    Column("redirect_uri", Text, nullable=False),
    Column("scopes", Words, nullable=False),
    Column("code_challenge", Text, nullable=False),
    Column("nonce", Text),
    Column("auth_time", Instant, nullable=False),
    Column("amr", Words, nullable=False),
    Column("cut_off", Instant),  # the user's, when the code was made
    Column("ip", Text),
    Column("user_agent", Text),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
    Column("granted_session_id", Text),  # the session that it was exchanged for
    Column("resource", Text),  # whom the access tokens are for (RFC 8707)
    Index("ix_authorization_codes_expires_at", "expires_at"),
)

# One row a session: the family. Only the newest of its tokens has its hash here; see core/oauth/refresh.py.
refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("id", Text, primary_key=True),
    Column("session_id", Text, nullable=False),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("rotated_at", Instant, nullable=False),
    Column("scopes", Words, nullable=False),
    Index("ix_refresh_tokens_session_id", "session_id", unique=True),
)

consents = Table(
    "consents",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("client_id", Text, primary_key=True),
    Column("scopes", Words, nullable=False),
    Column("granted_at", Instant, nullable=False),
)
