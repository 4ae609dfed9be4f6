"""A call as data: what to ask, and what the answer is. Nothing here sends anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, Literal, TypeAlias, TypeVar
from urllib.parse import quote

T = TypeVar("T")

Credential: TypeAlias = Literal["caller", "nobody", "client"]

API: Final = "/api/v1"


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request to an authority.

    Attributes:
        path: from the server's root; what comes from outside is in it only through `segment`.
        answer: the type that the body is read as; it ignores members that it does not know.
        query: None values are left out.
        body: sent as JSON; None values in it are left out by `given`.
        form: sent as a form, as the OAuth endpoints want it.
        credential: whose: the caller's, the OAuth client's own, or nobody's.
        repeatable: doing it twice is the same as doing it once, so it may be sent again when an answer is lost.
    """

    method: str
    path: str
    answer: type[T]
    query: Mapping[str, object] | None = None
    body: Mapping[str, object] | None = None
    form: Mapping[str, str] | None = None
    credential: Credential = "caller"
    repeatable: bool = False


def get(path: str, answer: type[T], **query: object) -> Call[T]:
    """A question. It changes nothing, so it may always be repeated."""
    return Call("GET", API + path, answer, query=query, repeatable=True)


def post(
    path: str,
    answer: type[T],
    body: Mapping[str, object] | None = None,
    *,
    credential: Credential = "caller",
    repeatable: bool = False,
) -> Call[T]:
    """An act."""
    return Call("POST", API + path, answer, body=body or {}, credential=credential, repeatable=repeatable)


def delete(path: str, answer: type[T], *, repeatable: bool = True) -> Call[T]:
    """An ending."""
    return Call("DELETE", API + path, answer, repeatable=repeatable)


def given(**values: object) -> dict[str, object]:
    """Those that are not None: the server's own default holds for the rest."""
    return {name: value for name, value in values.items() if value is not None}


def segment(text: Any) -> str:
    """A value as one segment of a path, so that no id or name is ever taken for another path."""
    quoted = quote(str(text), safe="")
    return {".": "%2E", "..": "%2E%2E", "": "%20"}.get(quoted, quoted)  # a dot segment would be resolved away
