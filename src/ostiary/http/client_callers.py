"""OAuth clients that call for themselves: by HTTP Basic, with their own id and secret (RFC 6749 2.3.1)."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import unquote_plus

from ostiary.authority import Authority
from ostiary.core.account import User
from ostiary.core.caller import Caller
from ostiary.core.client import Client
from ostiary.errors import InvalidClient, SessionInvalid
from ostiary.http.callers import Identified


def read_basic(header: str | None) -> tuple[str, str] | None:
    """Id and secret of an `Authorization: Basic`; None when it is none. What cannot be read has neither."""
    scheme, _, content = (header or "").strip().partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        text = base64.b64decode(content.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return "", ""
    client_id, separator, secret = (unquote_plus(part) for part in text.partition(":"))
    return (client_id, secret) if separator else ("", "")


async def identify_client(authority: Authority, basic: tuple[str, str], client: Client) -> Identified:
    """The client as a caller with the scopes that it is registered for.

    Raises:
        SessionInvalid: unknown, public, or a wrong secret: one answer.
        StoreUnavailable: nothing is known.
    """
    try:
        holder = await authority.oauth.clients.authenticate(basic[0], basic[1])
    except InvalidClient:
        raise SessionInvalid("no such client, or a wrong secret") from None
    if holder.is_public:
        raise SessionInvalid("no such client, or a wrong secret")
    return Identified(Caller(User(holder.id), client=client, granted=holder.scopes), by_cookie=False)
