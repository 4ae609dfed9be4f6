"""What is held about one person, for administrators: written out, or erased."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Router, post
from litestar.di import NamedDependency
from msgspec import Meta, Struct

from ostiary import errors
from ostiary.authority import Authority
from ostiary.core.caller import Caller
from ostiary.server import requests
from ostiary.server.admin_shapes import AdminUser
from ostiary.server.refusals import refusals
from ostiary.server.shapes import Count, Instant

Rows = list[dict[str, Any]]


class PersonExport(Struct, kw_only=True):
    """Everything that is held about one person, without secrets, and without what is about others."""

    user_id: str
    exported_at: Instant
    account: Annotated[AdminUser | None, Meta(description="Null where another application keeps it, or it is gone.")]
    sessions: Rows
    tokens: Rows
    consents: Rows
    codes: Rows
    events: Rows
    failed_sign_ins: Annotated[Count, Meta(description="How many the sign-in limits still count.")]


class PersonErased(Struct, kw_only=True):
    """What an erasure did."""

    ok: bool = True
    user_id: Annotated[str, Meta(description="The pseudonym under which sessions and events stay.")]
    sessions: Count
    tokens: Count
    events: Annotated[Count, Meta(description="In how many events something was forgotten.")]


@post(
    "/users/{username:str}/export",
    operation_id="export_user",
    summary="Everything that is held about one person",
    status_code=200,
    responses=refusals(errors.UserNotFound, errors.ReauthenticationRequired),
)
async def export_user(
    username: requests.UsernameInPath, authority: NamedDependency[Authority], caller: NamedDependency[Caller]
) -> PersonExport:
    """To be given to them. That it was written out is in the audit trail."""
    found = await authority.privacy.export(username, by=caller)
    account = found.account
    return PersonExport(
        user_id=found.user_id,
        exported_at=found.exported_at,
        account=AdminUser(
            id=account.id,
            username=account.username,
            email=account.email,
            roles=list(account.roles),
            created_at=account.created_at,
            disabled_at=account.disabled_at,
        )
        if account
        else None,
        sessions=found.sessions,
        tokens=found.tokens,
        consents=found.consents,
        codes=found.codes,
        events=found.events,
        failed_sign_ins=found.failed_sign_ins,
    )


@post(
    "/users/{username:str}/erase",
    operation_id="erase_user",
    summary="Erase a person",
    status_code=200,
    responses=refusals(errors.UserNotFound, errors.Conflict, errors.ReauthenticationRequired),
)
async def erase_user(
    username: requests.UsernameInPath, authority: NamedDependency[Authority], caller: NamedDependency[Caller]
) -> PersonErased:
    """Everything of theirs ends now, and what is personal is removed. There is no way back."""
    done = await authority.privacy.erase(username, by=caller)
    return PersonErased(user_id=done.user_id, sessions=done.sessions, tokens=done.tokens, events=done.events)


router = Router("/admin", route_handlers=[export_user, erase_user], tags=["administration: users"])
