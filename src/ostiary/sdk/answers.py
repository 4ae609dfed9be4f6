"""From a response to a result, or to the error that it stands for."""

from __future__ import annotations

from typing import Any, Final, TypeVar

import httpx2
import msgspec

from ostiary.errors import OstiaryError
from ostiary.sdk.call import Call
from ostiary.sdk.failures import Unreachable, UnusableAnswer, from_problem
from ostiary.sdk.results import SessionList

T = TypeVar("T")

_NOTHING: Final = frozenset({b"", b"null"})  # an answer of the standards that says all by its status
_JSON: Final = frozenset({"application/json", "application/problem+json"})


def read(call: Call[T], response: httpx2.Response) -> T:
    """The result of a call.

    Raises:
        OstiaryError: refused.
        Unreachable: what stands in front of the authority does not reach it.
        UnusableAnswer: not an answer of an authority.
    """
    if not 200 <= response.status_code < 300:
        raise refusal(response)
    try:
        return _decoded(call, b"{}" if response.content in _NOTHING else response.content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass  # its words could repeat what was sent
    raise UnusableAnswer(f"{_place(response)} sent something else than what was asked for")


def refusal(response: httpx2.Response) -> OstiaryError:
    """What a response that is no success means."""
    status = response.status_code
    content = _json(response)
    if isinstance(content, dict) and {"code", "error", "message"} & content.keys() and status >= 400:
        return from_problem(status, content, response.headers.get("x-request-id"))
    if status in {502, 503, 504}:  # a proxy that has lost the authority
        return Unreachable(f"{_place(response)} answered {status}", retry_after=retry_after(response))
    if 300 <= status < 400:
        return UnusableAnswer(f"{_place(response)} redirects, which is not followed")
    return UnusableAnswer(f"{_place(response)} answered {status}, and not as an authority does")


def retry_after(response: httpx2.Response) -> int | None:
    """Seconds from `Retry-After`; dates, which no authority sends, are not read."""
    text = response.headers.get("retry-after", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else None


def _decoded(call: Call[T], content: bytes) -> T:
    if call.answer is SessionList:  # the one answer that is a bare array
        listed: Any = msgspec.convert({"sessions": msgspec.json.decode(content)}, SessionList)
        found: T = listed
        return found
    return msgspec.json.decode(content, type=call.answer)


def _json(response: httpx2.Response) -> object:
    media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in _JSON:
        return None
    try:
        return msgspec.json.decode(response.content)
    except msgspec.DecodeError:
        return None


def _place(response: httpx2.Response) -> str:
    """Where it was asked, without anything that may be private."""
    url = response.request.url
    return f"{url.scheme}://{url.netloc.decode('ascii', 'replace')}"
