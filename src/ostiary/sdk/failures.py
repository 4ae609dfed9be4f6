"""From a refusal to its error: the same tree as the server's, and a few more for what only who asks can find wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from ostiary import errors
from ostiary.errors import FieldValue, OstiaryError, Unauthenticated

MAXIMUM_WORDS: Final = 500  # characters of a server's message that are repeated

# Members of a problem object that say what the class says already, or are the message.
_USUAL: Final = frozenset({"type", "title", "status", "code", "detail", "request_id", "error", "message", "instance"})


class Unreachable(OstiaryError):
    """The authority did not answer: nothing is known, so let nobody in. An act may or may not have been done.

    Fields:
        retry_after: in seconds, where something in front of it said so.
    """

    code = "unreachable"
    status = 503
    title = "The session authority cannot be reached"
    remedy = "Let nobody in, sign nobody out, and try again."


class UnusableAnswer(OstiaryError):
    """Something answered, but not as an authority does: a wrong address, or a proxy in between."""

    code = "unusable_answer"
    status = 502
    title = "The answer is not one of a session authority"
    remedy = "Look at the address, and at what stands in front of the authority."


class CallbackMismatch(OstiaryError):
    """What came to the callback is not the answer to a sign-in that this browser began: nobody is signed in by it."""

    code = "callback_mismatch"
    status = 400
    title = "This sign-in was not begun here"
    remedy = "Begin again by `authorization_url()`; keep its checks in the browser."


class IdTokenInvalid(Unauthenticated):
    """An ID token that is not the authority's, not for this client, or not of this sign-in: nobody is signed in."""

    code = "id_token_invalid"
    title = "The ID token cannot be accepted"
    remedy = (
        "Sign nobody in by it; begin again by `authorization_url()`. If it stays so, look at `issuer` and the clock."
    )

    def __init__(self, why: str) -> None:
        super().__init__(f"the ID token cannot be accepted: {why}")


def from_problem(status: int, content: object, request_id: str | None) -> OstiaryError:
    """The error that the server raised, by its code; by its status where this version does not know the code."""
    said: Mapping[str, object] = content if isinstance(content, dict) else {}
    code = _text(said.get("code")) or _text(said.get("error")) or ""
    kind = CLASSES.get(code) or _by_status(status)
    words = _text(said.get("detail")) or _text(said.get("error_description")) or _text(said.get("message"))
    error = kind.__new__(kind)
    fields = {name: _value(name, value) for name, value in said.items() if name not in _USUAL}
    OstiaryError.__init__(error, (words or kind.title)[:MAXIMUM_WORDS], **fields)
    error.status = status  # type: ignore[misc]  # `invalid_request` has several
    error.request_id = _text(said.get("request_id")) or request_id
    if code and code.isidentifier() and code not in CLASSES and "code" in said:
        error.code = code  # type: ignore[misc]  # of a newer server: kept, so that a program can tell it apart
    error.add_note(f"What to do: {kind.remedy}")
    return error


def _classes(kind: type[OstiaryError]) -> Iterator[type[OstiaryError]]:
    for one in kind.__subclasses__():
        if one.__module__.startswith(errors.__name__):
            yield one
            yield from _classes(one)


CLASSES: Final[Mapping[str, type[OstiaryError]]] = {one.code: one for one in _classes(OstiaryError)}


def _by_status(status: int) -> type[OstiaryError]:
    known: Mapping[int, type[OstiaryError]] = {
        401: errors.Unauthenticated,
        403: errors.NotAllowed,
        404: errors.NotFound,
        409: errors.Conflict,
        429: errors.TooManyRequests,
        503: errors.StoreUnavailable,
    }
    return known.get(status, errors.ServerFault if status >= 500 else errors.InvalidRequest)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _value(name: str, value: object) -> FieldValue:
    """Instants as instants, as on the server; what is no plain value is left out."""
    if isinstance(value, str) and name.endswith("_at"):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            return value
    return value if isinstance(value, str | int | bool) else None
