"""`/verify`: who sent this request? For proxies that ask before they let a request through."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from ostiary.contract.answer import Answer
from ostiary.contract.calling import W
from ostiary.contract.operation import Namespace, Operation, Takes
from ostiary.contract.shapes import Instant
from ostiary.core.session import Kind
from ostiary.errors import ReauthenticationRequired


class VerifiedUser(Answer):
    """Whose request it is."""

    id: str
    username: str | None
    roles: tuple[str, ...]


class VerifiedSession(Answer):
    """By which session."""

    id: str
    expires_at: Instant
    auth_time: Instant | None  # null: an administrator made it, and nobody proved who they are
    kind: Kind
    tenant: str
    application_id: str | None
    amr: tuple[str, ...]


class VerifiedToken(Answer):
    """By which CLI token, and what it may do."""

    id: str
    scopes: tuple[str, ...]


class Verified(Answer):
    """The answer: one of `session` and `token` is null."""

    user: VerifiedUser
    session: VerifiedSession | None
    token: VerifiedToken | None


class Verify(Takes, kw_only=True):
    """For a proxy that asks before it lets a request through: nginx `auth_request`, Caddy `forward_auth`, Traefik.

    Send the request's own cookie or bearer. All four headers are always there, so that copying them overwrites whatever
    a client sent under their names.
    """

    app: Annotated[
        Annotated[str, Meta(max_length=64)] | None, Meta(description="The application whose rule decides, by its id.")
    ] = None
    rd: Annotated[
        str | None,
        Meta(
            description="Lead browsers to the sign-in page, and afterwards to this address; empty: to the one in "
            "X-Forwarded-Proto, -Host and -Uri."
        ),
    ] = None
    status: Annotated[
        Literal["401"] | None,
        Meta(description="With rd: answer 401 with the sign-in page in Ostiary-Sign-In instead of a 302."),
    ] = None


class Gateway(Namespace[W]):
    """What proxies ask."""

    tag = "machines"

    verify = Operation(
        "GET",
        "/verify",
        Verify,
        Verified,
        summary="Who sent this request?",
        errors=(ReauthenticationRequired,),
        redirects="With rd, for a browser that is not signed in: to the sign-in page",
        headers={
            "Ostiary-User": "Username, else user id; percent-encoded where it is not ASCII.",
            "Ostiary-Session": "Session id; empty for a CLI token.",
            "Ostiary-Roles": "With commas between.",
            "Ostiary-Tenant": "Empty for a CLI token.",
        },
    )
