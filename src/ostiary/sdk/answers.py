"""From a response to a result, or to the error that it stands for."""

from __future__ import annotations

import types
from typing import Any, Final, TypeVar, cast

import httpx2
import msgspec

from ostiary.contract.operation import Operation
from ostiary.contract.tolerant import tolerant
from ostiary.errors import OstiaryError
from ostiary.sdk.failures import Unreachable, UnusableAnswer, from_problem

T = TypeVar("T")

_JSON: Final = frozenset({"application/json", "application/problem+json"})


def read(operation: Operation[..., Any, T], response: httpx2.Response) -> T:
    """What an operation was answered.

    Raises:
        OstiaryError: refused.
        Unreachable: what stands in front of the authority does not reach it.
        UnusableAnswer: not an answer of an authority.
    """
    if not 200 <= response.status_code < 300:
        raise refusal(response)
    try:
        return _decoded(operation, response.content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass  # its words could repeat what was sent
    raise unusable(response.request)


def unusable(request: httpx2.Request) -> UnusableAnswer:
    """That an answer is not one of an authority."""
    return UnusableAnswer(f"{place_of(request)} sent something else than what was asked for")


def refusal(response: httpx2.Response) -> OstiaryError:
    """What a response that is no success means."""
    status = response.status_code
    content = _json(response)
    if isinstance(content, dict) and {"code", "error", "message"} & content.keys() and status >= 400:
        return from_problem(status, content, response.headers.get("x-request-id"))
    if status in {502, 503, 504}:  # a proxy that has lost the authority
        return Unreachable(f"{place_of(response.request)} answered {status}", retry_after=retry_after(response))
    if 300 <= status < 400:
        return UnusableAnswer(f"{place_of(response.request)} redirects, which is not followed")
    return UnusableAnswer(f"{place_of(response.request)} answered {status}, and not as an authority does")


def retry_after(response: httpx2.Response) -> int | None:
    """Seconds from `Retry-After`; dates, which no authority sends, are not read."""
    text = response.headers.get("retry-after", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else None


def _decoded(operation: Operation[..., Any, T], content: bytes) -> T:
    answers: Any = operation.answers
    if answers is types.NoneType:
        return cast("T", None)
    if answers is str:
        return cast("T", content.decode())
    found = msgspec.json.decode(content, type=tolerant(operation.travels))
    if operation.travels is not answers:  # a bare array
        found = tolerant(answers)(**{answers.__struct_fields__[0]: found})
    return cast("T", found)


def _json(response: httpx2.Response) -> object:
    media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in _JSON:
        return None
    try:
        return msgspec.json.decode(response.content)
    except msgspec.DecodeError:
        return None


def place_of(request: httpx2.Request) -> str:
    """Where it was asked, without anything that may be private."""
    url = request.url
    return f"{url.scheme}://{url.netloc.decode('ascii', 'replace')}"
