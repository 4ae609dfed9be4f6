"""What a new session may be, beside whose and from where."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, TypedDict

from ostiary.authority.results import Beginning
from ostiary.core.caller import Caller
from ostiary.core.tree import Position
from ostiary.errors import InvalidRequest

MAXIMUM_TEXT: Final = 128  # characters of an application id or a tenant


class Opening(TypedDict, total=False):
    """What `start` may be told about a new session, beside its user, client and kind.

    Attributes:
        began: from `begin`, when the sign-in took time; without it the sign-in begins now.
        lifetime: shorter than the policy's, if wanted; a longer one is cut to it.
        auth_time: when the user proved who they are; now by default.
        amr: how (RFC 8176).
        label: what the user calls the device.
        application_id, tenant: what it is a session of.
        client_id: the OAuth client that holds it.
        by: who minted it, when it was not the user's own sign-in.
        issued_by: who minted the session that it comes of.
        reason: why it was minted, as the issuer says.
        position: where it hangs, whose sessions are held then; a root by default.
        stays: of a root, as of `Session`.
        resource: as of `Session`.
    """

    began: Beginning | None
    lifetime: timedelta | None
    auth_time: datetime | None
    amr: tuple[str, ...]
    label: str | None
    application_id: str | None
    tenant: str
    client_id: str | None
    by: Caller | None
    issued_by: str | None
    reason: str | None
    position: Position
    stays: bool | None
    resource: str | None


def check(opening: Opening) -> None:
    """Return if it can be done.

    Raises:
        InvalidRequest: application id or tenant are too long, or not printable.
        TypeError: there is no such argument. A limit that was dropped in silence would be no limit.
    """
    if unknown := opening.keys() - Opening.__annotations__.keys():
        raise TypeError(f"start has no argument {', '.join(sorted(unknown))}")
    for name, text in (("application_id", opening.get("application_id")), ("tenant", opening.get("tenant"))):
        if text is not None and not (0 < len(text) <= MAXIMUM_TEXT and text.isprintable()):
            raise InvalidRequest(name, f"use 1 to {MAXIMUM_TEXT} printable characters")


def check_why(text: str | None) -> str | None:
    """Return why a session is made for somebody, if that can be said.

    Raises:
        InvalidRequest: too long, or not printable.
    """
    why = (text or "").strip() or None
    if why is not None and not (len(why) <= MAXIMUM_TEXT and why.isprintable()):
        raise InvalidRequest("reason", f"use at most {MAXIMUM_TEXT} printable characters")
    return why
