"""What a proxy asks at `/verify` beyond "who is it?": about which application, and where a sign-in should lead.

The query is the proxy's own, written in its configuration. What the person asked the proxy for stands in forwarded
headers, and those are believed from trusted proxies only; one that was sent twice or as a list is not believed at all.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode

from ostiary.core.return_address import allowed
from ostiary.errors import InvalidRequest
from ostiary.http.addresses import Addresses, Headers, only
from ostiary.http.problems import BadRequest

MEMBERS: Final = ("app", "rd", "status")
MAXIMUM_QUERY: Final = 4096  # bytes, as everywhere
SAFE_METHODS: Final = frozenset({"GET", "HEAD"})
VISIBLE: Final = "".join(map(chr, range(0x21, 0x7F)))


@dataclass(frozen=True, slots=True)
class Question:
    """One question.

    Attributes:
        application: whose rule decides.
        host: what the person asked the proxy for; None if nobody we trust says.
        leads: True if somebody who is not signed in may be led to the sign-in page.
        return_to: where the sign-in leads afterwards, at an origin of the allow-list; None for our own pages.
        keeps_status: True if the proxy wants a 401 with the address in a header, as nginx does.
    """

    application: str | None = None
    host: str | None = None
    leads: bool = False
    return_to: str | None = None
    keeps_status: bool = False


def read(scope: Any, addresses: Addresses, origins: Collection[str]) -> Question:
    """The question of a request.

    Args:
        origins: the allow-list of return addresses.

    Raises:
        InvalidRequest: a member that is unknown, given twice or not what it can be.
    """
    asked = _members(scope["query_string"])
    is_believed = addresses.trusts(scope)
    headers = scope["headers"]
    host = addresses.forwarded_host(headers) if is_believed else None
    if "rd" not in asked:
        return Question(asked.get("app"), host)
    method = (only(headers, b"x-forwarded-method") if is_believed else None) or scope["method"]
    address = asked["rd"] or (_asked_for(headers, host, addresses.forwarded_scheme(headers)) if is_believed else None)
    return Question(
        application=asked.get("app"),
        host=host,
        leads=method in SAFE_METHODS and is_navigation(headers),
        return_to=allowed(address, origins),
        keeps_status="status" in asked,
    )


def read_below(scope: Any, addresses: Addresses) -> Question:
    """The question of a request below `/verify`: path and query are those that the person asked the proxy for.

    So nothing that is in them can be the proxy's word. Which application it is about, its host says.
    """
    if not addresses.trusts(scope):
        return Question()
    return Question(host=addresses.host_asked_for(scope["headers"]))


def is_navigation(headers: Headers) -> bool:
    """True if a person follows a link or types an address; a script, an image or a socket cannot follow to a form."""
    mode = _first(headers, b"sec-fetch-mode")
    if mode is not None:
        return mode.lower() == "navigate"
    return _first(headers, b"authorization") is None and "text/html" in (_first(headers, b"accept") or "").lower()


def sign_in_address(public_url: str, question: Question, *, again: bool) -> str:
    """Where somebody signs in to come back.

    Args:
        again: True if they are signed in, but too long ago: the form is shown all the same.
    """
    query = {"again": "true" if again else None, "next": question.return_to}
    said = urlencode({name: value for name, value in query.items() if value})
    return f"{public_url}/sign-in?{said}" if said and len(said) <= MAXIMUM_QUERY else f"{public_url}/sign-in"


def _members(query: bytes) -> dict[str, str]:
    if len(query) > MAXIMUM_QUERY:
        raise BadRequest(414, f"the query is longer than {MAXIMUM_QUERY} bytes")
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, max_num_fields=16, errors="strict")
    except ValueError:
        raise BadRequest(400, "the query cannot be read") from None
    found = dict(pairs)
    for name in found:
        if name not in MEMBERS:
            raise InvalidRequest(name[:64], f"is no member of the query; there are {', '.join(MEMBERS)}")
    if len(found) != len(pairs):
        raise InvalidRequest("query", "names a member twice")
    if found.get("status", "401") != "401":
        raise InvalidRequest("status", "can be 401, or be left out")
    return found


def _asked_for(headers: Headers, host: str | None, scheme: str | None) -> str | None:
    """The address that the person asked the proxy for; None if the proxy does not tell all of it."""
    path = only(headers, b"x-forwarded-uri", is_list=False)
    if scheme is None or host is None or path is None or not path.startswith("/") or set("/?") & set(host):
        return None
    return f"{scheme}://{host}{quote(path.partition('#')[0], safe=VISIBLE.replace(chr(92), ''), encoding='latin-1')}"


def _first(headers: Headers, name: bytes) -> str | None:
    return next((value.decode("latin-1") for key, value in headers if key == name), None)
