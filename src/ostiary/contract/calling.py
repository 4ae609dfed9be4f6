"""An operation as a method of a client: blocking or to be awaited, with the arguments of what it takes."""

from __future__ import annotations

import inspect
import typing
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec, Protocol, TypeAlias, TypeVar, overload

from msgspec import Meta, structs

if TYPE_CHECKING:
    from ostiary.contract.operation import Operation, Stream, Takes

P = ParamSpec("P")
A = TypeVar("A", bound="Takes")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Item = TypeVar("Item")
Item_co = TypeVar("Item_co", covariant=True)

Coming: TypeAlias = Coroutine[Any, Any, T]


class HasHeaders(Protocol):
    """A request of a web framework."""

    @property
    def headers(self) -> Any: ...


Incoming: TypeAlias = HasHeaders | Mapping[str, Any]


class Page(Protocol[Item_co]):
    """One page. `next_cursor`, given as `cursor`, leads to the next; it is None at the end."""

    @property
    def items(self) -> Sequence[Item_co]: ...
    @property
    def next_cursor(self) -> str | None: ...


class Blocking(ABC):
    """How a client asks that waits for the answer."""

    @abstractmethod
    def ask(self, operation: Operation[..., A, T], asked: A, request: Incoming | None = None) -> T:
        """Ask, for whoever sent `request`, and wait for the answer."""

    def each(
        self, operation: Operation[..., A, Page[Item]], asked: A, request: Incoming | None = None
    ) -> Iterator[Item]:
        """Everything on this page and those that follow."""
        following: A | None = asked
        while following is not None:
            page = self.ask(operation, following, request)
            yield from page.items
            following = _after(page, asked)

    def follow(self, stream: Stream[..., A, T], asked: A, request: Incoming | None = None) -> Iterator[T]:
        """What is told, as it is told, until the other side ends it."""
        raise NotImplementedError


class Awaiting(ABC):
    """How an async client asks."""

    @abstractmethod
    async def ask(self, operation: Operation[..., A, T], asked: A, request: Incoming | None = None) -> T:
        """Ask, for whoever sent `request`, and await the answer."""

    async def each(
        self, operation: Operation[..., A, Page[Item]], asked: A, request: Incoming | None = None
    ) -> AsyncIterator[Item]:
        """Everything on this page and those that follow."""
        following: A | None = asked
        while following is not None:
            page = await self.ask(operation, following, request)
            for item in page.items:
                yield item
            following = _after(page, asked)

    def follow(self, stream: Stream[..., A, T], asked: A, request: Incoming | None = None) -> AsyncIterator[T]:
        """What is told, as it is told, until the other side ends it."""
        raise NotImplementedError


W = TypeVar("W", bound=Blocking | Awaiting)


class Call(Protocol[P, T_co]):
    """A method. In front of its arguments it takes a request, to act for whoever sent that.

    `each` goes through all pages, where the answer is one.
    """

    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T_co: ...
    @overload
    def __call__(self, request: Incoming, /, *args: P.args, **kwargs: P.kwargs) -> T_co: ...

    @overload
    def each(self: Call[P, Page[Item]], *args: P.args, **kwargs: P.kwargs) -> Iterator[Item]: ...
    @overload
    def each(self: Call[P, Page[Item]], request: Incoming, /, *args: P.args, **kwargs: P.kwargs) -> Iterator[Item]: ...
    @overload
    def each(self: Call[P, Coming[Page[Item]]], *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[Item]: ...
    @overload
    def each(
        self: Call[P, Coming[Page[Item]]], request: Incoming, /, *args: P.args, **kwargs: P.kwargs
    ) -> AsyncIterator[Item]: ...


def method(operation: Operation[..., Any, Any], wire: Any) -> Callable[..., Any]:
    """A function, as only of those `help()` shows the arguments."""
    asks = getattr(wire, operation.asked_by)

    def call(*args: Any, **kwargs: Any) -> Any:
        request, rest = _split(args)
        return asks(operation, operation.takes(*rest, **kwargs), request)

    def each(*args: Any, **kwargs: Any) -> Any:
        request, rest = _split(args)
        return wire.each(operation, operation.takes(*rest, **kwargs), request)

    signature, words = _shown(operation)
    call.__name__ = call.__qualname__ = operation.name
    call.__doc__ = words
    call.__dict__["__signature__"] = signature
    if hasattr(operation.answers, "items"):
        call.__dict__["each"] = each
    return call


def _split(args: tuple[Any, ...]) -> tuple[Incoming | None, tuple[Any, ...]]:
    """The request in front, if any, and the operation's own arguments: none of those is a mapping or has headers."""
    if args and (isinstance(args[0], Mapping) or hasattr(args[0], "headers")):
        return args[0], args[1:]
    return None, args


def _after(page: Page[Any], asked: A) -> A | None:
    cursor = page.next_cursor
    return structs.replace(asked, cursor=cursor) if cursor else None


@cache
def _shown(operation: Operation[..., Any, Any]) -> tuple[inspect.Signature, str]:
    """The arguments, without their bounds, and the words of `help()`."""
    hints = typing.get_type_hints(operation.takes)
    found = inspect.signature(operation.takes).parameters.values()
    shown = [one.replace(annotation=hints[one.name]) for one in found]
    return inspect.Signature(shown, return_annotation=operation.returns), _words(operation)


def _words(operation: Operation[..., Any, Any]) -> str:
    """As a docstring has them: what it does, its arguments, and the errors that are its own."""
    hints = typing.get_type_hints(operation.takes, include_extras=True)
    arguments = [f"    {name}: {words}" for name, hint in hints.items() if (words := _description(hint))]
    raises = [f"    {error.__name__}: {error.title}." for error in operation.own_errors]
    parts = [operation.description]
    parts += ["\n".join(["Args:", *arguments])] if arguments else []
    parts += ["\n".join(["Raises:", *raises])] if raises else []
    return "\n\n".join(parts)


def _description(hint: Any) -> str | None:
    if typing.get_origin(hint) is Annotated:
        for meta in reversed(hint.__metadata__):
            if isinstance(meta, Meta) and meta.description:
                return meta.description
    return next((found for one in typing.get_args(hint) if (found := _description(one))), None)
