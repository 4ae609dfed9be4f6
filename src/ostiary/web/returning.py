"""Where a sign-in leads: to our own pages, to the OAuth client that asked for it, to an application behind a proxy.

An authorization request that has to wait for a sign-in travels along in `r`, packed, so that it passes wherever a path
of ours does.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Mapping
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.responses import Response

from ostiary.core.oauth.fields import AUTHORIZATION, read_fields, written
from ostiary.core.oauth.request import ResponseMode
from ostiary.core.return_address import allowed
from ostiary.errors import InvalidRequest, OstiaryError
from ostiary.web.destinations import own_path
from ostiary.web.rendering import page
from ostiary.web.visit import Visit

PATH: Final = "/oauth/authorize"
DECISION: Final = "/oauth/authorize/decision"
PACKED: Final = "r"


def destination(visit: Visit, text: str | None) -> str:
    """`text` if it is a path of ours or an address that the operator listed; else our own first page."""
    return allowed(text, visit.context.settings.return_addresses) or own_path(text)


def pack(asked: Mapping[str, str]) -> str:
    """A request as one plain word.

    Raises:
        InvalidRequest: it is longer than any that we take.
    """
    return base64.urlsafe_b64encode(written(asked)).rstrip(b"=").decode()


def unpack(text: str, names: Collection[str]) -> dict[str, str]:
    """The request of `pack`.

    Raises:
        InvalidRequest: it is none.
    """
    try:
        return read_fields(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True), names)
    except (binascii.Error, ValueError):
        raise InvalidRequest("request", "cannot be read") from None


def path_of(asked: Mapping[str, str]) -> str:
    """The path of ours that takes the request up again."""
    return f"{PATH}?{PACKED}={pack(asked)}"


async def allow(visit: Visit, then: str) -> None:
    """Let the forms of this page lead to the application at `then`, or to the client whose request waits in it.

    Browsers hold a form's policy against every redirect that its answer leads to. Only an address that the operator has
    listed, or that the client has registered, is let through.
    """
    parts = urlsplit(then)
    if parts.netloc:  # of the list: `destination` let it through
        visit.form_targets = (target(then),)
        return
    try:
        client = await visit.context.authority.oauth.authorization.destination(request_in(then))
    except OstiaryError:
        return
    visit.form_targets = (target(client.redirect_uri),)


def request_in(path: str) -> dict[str, str]:
    """The authorization request that waits in a path of ours; empty where none does."""
    parts = urlsplit(path)
    packed = dict(parse_qsl(parts.query)).get(PACKED) if parts.path == PATH else None
    try:
        return unpack(packed, AUTHORIZATION) if packed else {}
    except InvalidRequest:
        return {}


def target(uri: str) -> str:
    """An address as a source in a content security policy: its origin, or its scheme where it has none."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else f"{parts.scheme}:"


def send(visit: Visit, uri: str, answer: Mapping[str, str | None], mode: ResponseMode = "query") -> Response:
    """Back to a registered address of a client.

    In a query by 303: a form's content is not sent along (RFC 9700 4.12). By `form_post` in a form that sends itself,
    so that no address, and no history, has the answer in it (OAuth 2.0 Form Post Response Mode 2).
    """
    told = {name: value for name, value in answer.items() if value is not None}
    if mode == "form_post":
        return page(visit, "form_post.html", uri=uri, fields=told)
    fields = urlencode(told)
    separator = "" if not fields else "&" if urlsplit(uri).query else "?"
    return visit.respond(Response(status_code=303, headers={"location": f"{uri}{separator}{fields}"}))
