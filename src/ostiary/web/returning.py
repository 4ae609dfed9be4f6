"""Where a sign-in leads: to our own pages, to the OAuth client that asked for it, to an application behind a proxy.

An authorization request that has to wait for a sign-in travels along in `r`, packed, so that it passes wherever a path
of ours does.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.responses import Response

from ostiary.core.oauth.fields import read_fields
from ostiary.core.return_address import allowed
from ostiary.errors import InvalidRequest, OstiaryError
from ostiary.web.destinations import own_path
from ostiary.web.visit import Visit

PATH: Final = "/oauth/authorize"
PACKED: Final = "r"


def destination(visit: Visit, text: str | None) -> str:
    """`text` if it is a path of ours or an address that the operator listed; else our own first page."""
    return allowed(text, visit.context.settings.return_addresses) or own_path(text)


def pack(asked: Mapping[str, str]) -> str:
    """A request as one plain word."""
    return base64.urlsafe_b64encode(urlencode(asked).encode()).rstrip(b"=").decode()


def unpack(text: str) -> dict[str, str]:
    """The request of `pack`.

    Raises:
        InvalidRequest: it is none.
    """
    try:
        return read_fields(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
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
    packed = dict(parse_qsl(parts.query)).get(PACKED) if parts.path == PATH else None
    if packed is None:
        return
    try:
        client = await visit.context.authority.oauth.authorization.destination(unpack(packed))
    except OstiaryError:
        return
    visit.form_targets = (target(client.redirect_uri),)


def target(uri: str) -> str:
    """An address as a source in a content security policy: its origin, or its scheme where it has none."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else f"{parts.scheme}:"


def send(visit: Visit, uri: str, answer: Mapping[str, str | None]) -> Response:
    """Back to a registered address of a client, by 303: a form's content is not sent along (RFC 9700 4.12)."""
    fields = urlencode({name: value for name, value in answer.items() if value is not None})
    separator = "" if not fields else "&" if urlsplit(uri).query else "?"
    return visit.respond(Response(status_code=303, headers={"location": f"{uri}{separator}{fields}"}))
