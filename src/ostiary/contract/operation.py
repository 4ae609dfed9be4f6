"""What an operation of the API is: one value that every door reads, so that nothing about it is said twice.

    class RevokeSession(Takes): ...                 the words, and what it takes, with its bounds
    revoke = Operation("POST", "/api/v1/…", …)      what HTTP adds: where, for whom, what it answers, which errors

The server dispatches by it and checks what comes in. Read from a client it is a method, with the arguments of what it
takes. The OpenAPI document and the tests that walk all operations are made of it (docs/decisions/0035).
"""

from __future__ import annotations

import copy
import inspect
import re
import types
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from functools import cached_property
from typing import Any, ClassVar, Final, Generic, Literal, ParamSpec, TypeAlias, TypeVar, cast, get_type_hints, overload

from msgspec import Struct, structs

from ostiary import errors
from ostiary.contract.answer import Listing
from ostiary.contract.calling import Awaiting, Blocking, Call, Coming, W, method
from ostiary.errors import OstiaryError

P = ParamSpec("P")
A = TypeVar("A", bound="Takes")
T = TypeVar("T")
Q = ParamSpec("Q")
B = TypeVar("B", bound="Takes")

Method: TypeAlias = Literal["GET", "POST", "DELETE"]
Place: TypeAlias = Literal["path", "query", "body"]
Who: TypeAlias = Literal["nobody", "anybody", "caller", "service", "client", "access_token"]
Speaks: TypeAlias = Literal["problem", "oauth", "message"]
Shared: TypeAlias = Literal["nobody", "clients", "everybody"]

API: Final = "/api/v1"
ADMINISTRATION: Final = f"{API}/admin/"  # under it, everything is an administrator's
MAXIMUM_BODY: Final = 64 * 1024  # bytes; the largest honest body is a password of 1024 characters

Kinds: TypeAlias = tuple[type[OstiaryError], ...]

ANY: Final[Kinds] = (errors.InvalidRequest, errors.StoreUnavailable, errors.ServerFault)  # whatever is asked
CREDENTIAL: Final[Kinds] = (  # where somebody has to be signed in
    errors.NoCredentials,
    errors.SessionInvalid,
    errors.SessionExpired,
    errors.SessionRevoked,
    errors.TokenExpired,
    errors.TokenRevoked,
    errors.NotAllowed,
)

_REFUSALS: Final[Mapping[Who, Kinds]] = {
    "caller": CREDENTIAL,
    "service": CREDENTIAL,
    "access_token": CREDENTIAL,
    "client": (errors.InvalidClient,),
}


class Takes(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What an operation takes. A subclass's docstring is the operation's description.

    A field that stands in the path travels there; any other in the query of a GET, or in the JSON body of a POST. What
    equals its default does not travel.
    """

    def __repr__(self) -> str:
        """Without the values: passwords are among them."""
        return f"{type(self).__name__}(…)"


class Nothing(Takes):
    """Nothing but the path."""


class Operation(Generic[P, A, T]):
    """One operation of the API.

    Attributes:
        id: `operationId`; never changes. Left out: the name of what it takes, as `revoke_session`.
        path: a template, with a field of `takes` in each pair of braces.
        takes: what it takes.
        answers: the type of its answer.
        summary: its title.
        who: `caller` needs a credential that works; `service` also takes an OAuth client's own, by HTTP Basic; for
            `anybody` one that does not work is as good as none; of `nobody` none is looked at. A `client` is an OAuth
            client that proves itself, and an `access_token` the only credential that counts.
        errors: what it can answer instead, beyond `ANY`, and `CREDENTIAL` where one is needed.
        status: of its answer.
        sends: how a body is written: as JSON, or as the forms of OAuth (RFC 6749 appendix B).
        speaks: how errors are said: as problems (RFC 9457), in OAuth's words (RFC 6749 5.2), or in `message` alone.
        media_type: of its answer.
        headers: that its answer can have, with what they say.
        redirects: what a redirect is about, where browsers can be led elsewhere.
        redirect_status: of that.
        shared: with the scripts of which origins (CORS): those of `clients` are the exact origins of the redirect URIs
            of public clients.
        maximum_body: in bytes.
        is_body_optional: no body at all is as good as one of defaults. Not so where who forgets it would get more.
        repeatable: doing it twice is the same as doing it once, and answers the same, so it may be asked again when an
            answer is lost. Left out: true of a GET and a DELETE.
        variant_of: of what this is a narrower form, for clients.
    """

    asked_by: ClassVar[Literal["ask", "follow"]] = "ask"  # of a client's wire
    group: type[Namespace[Any]]
    name: str

    def __init__(
        self,
        method: Method,
        path: str,
        takes: Callable[P, A],
        answers: type[T],
        *,
        id: str | None = None,
        summary: str,
        who: Who = "caller",
        errors: Kinds = (),
        status: int = 200,
        sends: Literal["json", "form"] = "json",
        speaks: Speaks = "problem",
        media_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
        redirects: str | None = None,
        redirect_status: int = 302,
        shared: Shared = "nobody",
        maximum_body: int = MAXIMUM_BODY,
        is_body_optional: bool = False,
        repeatable: bool | None = None,
    ) -> None:
        """Said once, in a `Namespace`; `takes` is typed as a callable, as that is how a type checker learns `P`."""
        self.method = method
        self.path = path
        self.takes = cast("type[A]", takes)
        self.id = id or re.sub(r"(?<!^)(?=[A-Z])", "_", self.takes.__name__).lower()
        self.answers = answers
        self.summary = summary
        self.who = who
        self.errors: Kinds = (*ANY, *_REFUSALS.get(who, ()), *errors)
        self.status = status
        self.sends = sends
        self.speaks = speaks
        self.media_type = media_type
        self.headers = headers or {}
        self.redirects = redirects
        self.redirect_status = redirect_status
        self.shared = shared
        self.maximum_body = maximum_body
        self.is_body_optional = is_body_optional
        self.repeatable = method != "POST" if repeatable is None else repeatable
        self.own_errors = errors
        self.variant_of: Operation[..., Any, T] | None = None

    def __set_name__(self, owner: type, name: str) -> None:
        """Learn where it belongs."""
        self.group, self.name = owner, name

    @overload
    def __get__(self, at: None, owner: type) -> Operation[P, A, T]: ...
    @overload
    def __get__(self, at: Namespace[Blocking], owner: type) -> Call[P, T]: ...
    @overload
    def __get__(self, at: Namespace[Awaiting], owner: type) -> Call[P, Coming[T]]: ...
    def __get__(self, at: Namespace[Any] | None, owner: type) -> Any:
        """Of a namespace itself; of one of a client, the method."""
        return self if at is None else method(self, at.wire)

    def variant(
        self, takes: Callable[Q, B], *, who: Who | None = None, repeatable: bool | None = None
    ) -> Operation[Q, B, T]:
        """The same operation for clients, where a narrower form of what it takes says more: its server knows only one.

        What is always sent is a tag of `takes`.
        """
        found = cast("Operation[Q, B, T]", copy.copy(self))
        found.takes = cast("type[B]", takes)
        found.who = who or self.who
        found.repeatable = self.repeatable if repeatable is None else repeatable
        found.variant_of = self
        return found

    @property
    def returns(self) -> Any:
        """What the method of a blocking client returns."""
        return self.answers

    @property
    def description(self) -> str:
        """What it does: the words of what it takes, never those of a base."""
        return inspect.cleandoc(self.takes.__doc__ or "")

    @cached_property
    def travels(self) -> Any:
        """The type of what travels as its answer."""
        kind: Any = self.answers  # an array is no type
        return structs.fields(kind)[0].type if isinstance(kind, type) and issubclass(kind, Listing) else kind

    @property
    def is_administration(self) -> bool:
        """True if only administrators may ask."""
        return self.path.startswith(ADMINISTRATION)

    @cached_property
    def places(self) -> Mapping[str, Place]:
        """Where each field of `takes` travels."""
        rest: Place = "body" if self.method == "POST" else "query"
        names = structs.fields(self.takes)
        return {field.encode_name: "path" if f"{{{field.encode_name}}}" in self.path else rest for field in names}

    @cached_property
    def has_body(self) -> bool:
        """True if a body is read at all."""
        return "body" in self.places.values()

    def __repr__(self) -> str:
        """Its id."""
        return f"<Operation {self.id}>"


class Stream(Operation[P, A, T]):
    """An operation that tells one thing after the other: server-sent events. A method of it returns an iterator.

    Attributes:
        reads: from an event's name and data to what it tells; raises ValueError where it cannot be read.
    """

    asked_by = "follow"

    def __init__(
        self,
        path: str,
        takes: Callable[P, A],
        reads: Callable[[str, bytes], T],
        *,
        id: str | None = None,
        summary: str,
        who: Who,
        errors: Kinds,
        headers: Mapping[str, str],
    ) -> None:
        """As `Operation`. What travels is a text."""
        text = cast("type[T]", str)
        super().__init__(
            "GET",
            path,
            takes,
            text,
            id=id,
            summary=summary,
            who=who,
            errors=errors,
            headers=headers,
            media_type="text/event-stream",
            repeatable=False,
        )
        self.reads = reads

    @property
    def returns(self) -> Any:
        """An iterator."""
        return types.GenericAlias(Iterator, get_type_hints(self.reads)["return"])

    @overload  # type: ignore[override]  # a method of it returns another thing
    def __get__(self, at: None, owner: type) -> Stream[P, A, T]: ...
    @overload
    def __get__(self, at: Namespace[Blocking], owner: type) -> Call[P, Iterator[T]]: ...
    @overload
    def __get__(self, at: Namespace[Awaiting], owner: type) -> Call[P, AsyncIterator[T]]: ...
    def __get__(self, at: Namespace[Any] | None, owner: type) -> Any:
        """As of an operation."""
        return self if at is None else method(self, at.wire)


class Namespace(Generic[W]):
    """Operations that belong together, as methods of a client.

    Attributes:
        tag: what the OpenAPI document has them under; empty where each says something else.
    """

    tag: ClassVar[str] = ""

    def __init__(self, wire: W) -> None:
        """`wire` is how the client asks."""
        self.wire: W = wire


def operations_of(group: type[Namespace[Any]]) -> Iterator[Operation[..., Any, Any]]:
    """Those of a namespace, with their variants, as they are written down."""
    for value in vars(group).values():
        if isinstance(value, Operation):
            yield value
