"""From a request to what its operation takes: nothing is guessed, nothing is ignored."""

from __future__ import annotations

import re
from typing import Any, Final, TypeAlias, TypeVar
from urllib.parse import parse_qsl

import msgspec

from ostiary.contract.operation import Operation, Takes
from ostiary.errors import InvalidRequest
from ostiary.errors.translatable import translatable
from ostiary.http.complaints import in_words
from ostiary.http.problems import BadRequest
from ostiary.http.routing import Parameters

Given: TypeAlias = dict[str, Any]
A = TypeVar("A", bound=Takes)

_decoder: Final = msgspec.json.Decoder(Given)


def read(
    operation: Operation[..., A, Any], parameters: Parameters, query: bytes, content_type: str | None, body: bytes
) -> A:
    """What was sent, within its bounds.

    Args:
        query: as it was sent; ASCII.

    Raises:
        BadRequest: a body that is not JSON, or not sent as JSON.
        InvalidRequest: a field is wrong, unknown or there twice; names it.
    """
    given: Given = dict(parameters)
    if operation.has_body:
        given |= _of_body(operation, content_type, body)
        return convert(given, operation.takes, is_text=False)
    if query:
        given |= _of_query(operation, query)
    return convert(given, operation.takes, is_text=True)


def ensure_known(operation: Operation[..., Any, Any], query: bytes) -> None:
    """Return if a query holds what the operation takes there, and nothing twice.

    Raises:
        InvalidRequest: it does not.
    """
    if query:
        _of_query(operation, query)


def convert(given: Given, kind: type[A], *, is_text: bool) -> A:
    """The same as its type; `is_text` where numbers and the like come as text.

    Raises:
        InvalidRequest: a field is wrong; names it.
    """
    try:
        return msgspec.convert(given, kind, strict=not is_text)
    except msgspec.ValidationError as why:
        message, _, path = str(why).partition(" - at `")
        raise InvalidRequest(field_at(path, message), in_words(message)) from None


def field_at(path: str, message: str) -> str:
    """The field that a message of msgspec is about: `scopes[0]` of "$.scopes[0]`"; for a missing one, its name."""
    named = re.search(r"(?:required|unknown) field `([^`]{1,64})`", message)
    parent = path.rstrip("`").removeprefix("$").removeprefix(".")
    return ".".join(part for part in (parent, named[1] if named else "") if part) or "body"


def _of_query(operation: Operation[..., Any, Any], query: bytes) -> Given:
    given: Given = {}
    for name, value in parse_qsl(query.decode("ascii", "replace"), keep_blank_values=True):
        if operation.places.get(name) != "query":
            raise InvalidRequest(name[:64], "there is no such query parameter here")
        if name in given:
            raise InvalidRequest(name[:64], "was given more than once")
        given[name] = value
    return given


def _of_body(operation: Operation[..., Any, Any], content_type: str | None, body: bytes) -> Given:
    if not body and operation.is_body_optional and content_type is None:
        return {}
    if (content_type or "").partition(";")[0].strip().lower() != "application/json":
        raise BadRequest(415, "send the body as Content-Type: application/json")
    if operation.is_body_optional and body in (b"", b"null"):
        return {}
    given = _object(body)
    for name in given:
        if operation.places.get(name) == "path":
            raise InvalidRequest(name, "is not known here")
    return given


def _object(body: bytes) -> Given:
    try:
        return _decoder.decode(body)
    except msgspec.ValidationError:
        raise InvalidRequest("body", "must be an object") from None
    except RecursionError:
        raise InvalidRequest("body", "is nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as why:
        raise BadRequest(400, translatable("the body is not JSON: %(why)s", why=str(why))) from None
