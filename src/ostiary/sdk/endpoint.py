"""From a call's description to a method: blocking on a blocking client, awaitable on an async one."""

from __future__ import annotations

import inspect
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any, Generic, ParamSpec, Protocol, TypeAlias, TypeVar, overload

from ostiary.sdk.admin_results import Page
from ostiary.sdk.call import Call

P = ParamSpec("P")
T = TypeVar("T")
Item = TypeVar("Item")
T_co = TypeVar("T_co", covariant=True)
Item_co = TypeVar("Item_co", covariant=True)


class HasHeaders(Protocol):
    """A request of a web framework."""

    @property
    def headers(self) -> Any: ...


Incoming: TypeAlias = HasHeaders | Mapping[str, Any]


class Blocking(Protocol):
    """How a blocking client sends."""

    def send(self, call: Call[T], request: Incoming | None = None) -> T:
        """Ask, and wait for the answer."""

    def each(self, calls: Callable[[str | None], Call[Page[Item]]], request: Incoming | None) -> Iterator[Item]:
        """Ask for one page after the other."""


class Awaiting(Protocol):
    """How an async client sends."""

    async def send(self, call: Call[T], request: Incoming | None = None) -> T:
        """Ask, and await the answer."""

    def each(self, calls: Callable[[str | None], Call[Page[Item]]], request: Incoming | None) -> AsyncIterator[Item]:
        """Ask for one page after the other."""


W = TypeVar("W", bound=Blocking | Awaiting)


class Namespace(Generic[W]):
    """Calls that belong together, on one client."""

    def __init__(self, wire: W) -> None:
        """Part of a client; `wire` is how it sends."""
        self._wire: W = wire


class BlockingCall(Protocol[P, T_co]):
    """A method that waits. In front of its arguments it takes a request, to act for whoever sent that."""

    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T_co: ...
    @overload
    def __call__(self, request: Incoming, /, *args: P.args, **kwargs: P.kwargs) -> T_co: ...


class AwaitingCall(Protocol[P, T_co]):
    """The same, to be awaited."""

    @overload
    async def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T_co: ...
    @overload
    async def __call__(self, request: Incoming, /, *args: P.args, **kwargs: P.kwargs) -> T_co: ...


class Endpoint(Generic[P, T]):
    """One call as a method of a namespace."""

    def __init__(self, describe: Callable[P, Call[T]]) -> None:
        """`describe` makes the call from the method's arguments."""
        self.describe = describe
        self.__doc__ = describe.__doc__
        self._shown = _shown(describe, r"Call\[(.*)\]", r"\1")

    @overload
    def __get__(self, namespace: None, owner: Any) -> Endpoint[P, T]: ...
    @overload
    def __get__(self, namespace: Namespace[Blocking], owner: Any) -> BlockingCall[P, T]: ...
    @overload
    def __get__(self, namespace: Namespace[Awaiting], owner: Any) -> AwaitingCall[P, T]: ...
    def __get__(self, namespace: Any, owner: Any) -> Any:
        """The method of that client."""
        if namespace is None:
            return self

        @self._shown
        def method(*args: Any, **kwargs: Any) -> Any:
            request, rest = split(args)
            return namespace._wire.send(self.describe(*rest, **kwargs), request)

        return method


class Pages(Generic[P, Item]):
    """A call that answers pages, as a method that goes through all of them."""

    def __init__(self, describe: Callable[P, Call[Any]], item: type[Item]) -> None:
        """`describe` takes a `cursor`; `item` is what the pages hold."""
        self.describe = describe
        self.item = item
        self.__doc__ = f"Each of them, page by page. {describe.__doc__}"
        self._shown = _shown(describe, "^.*$", f"Iterator[{item.__name__}]")

    @overload
    def __get__(self, namespace: None, owner: Any) -> Pages[P, Item]: ...
    @overload
    def __get__(self, namespace: Namespace[Blocking], owner: Any) -> Callable[P, Iterator[Item]]: ...
    @overload
    def __get__(self, namespace: Namespace[Awaiting], owner: Any) -> Callable[P, AsyncIterator[Item]]: ...
    def __get__(self, namespace: Any, owner: Any) -> Any:
        """The method of that client."""
        if namespace is None:
            return self

        @self._shown
        def method(*args: Any, **kwargs: Any) -> Any:
            request, rest = split(args)
            first = kwargs.pop("cursor", None)
            describe: Any = self.describe
            return namespace._wire.each(lambda cursor: describe(*rest, **kwargs, cursor=cursor or first), request)

        method.__doc__ = self.__doc__
        return method


def _shown(describe: Callable[..., Any], answer: str, shown: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give methods the name, the help and the arguments of a description, and say what they answer."""
    found = inspect.signature(describe)
    signature = found.replace(return_annotation=re.sub(answer, shown, str(found.return_annotation)))

    def dress(method: Callable[..., Any]) -> Callable[..., Any]:
        method.__name__ = method.__qualname__ = describe.__name__
        method.__doc__ = describe.__doc__
        method.__signature__ = signature  # type: ignore[attr-defined]
        return method

    return dress


def split(args: tuple[Any, ...]) -> tuple[Incoming | None, tuple[Any, ...]]:
    """The request in front, if any, and the call's own arguments: none of those is a mapping or has headers."""
    if args and (isinstance(args[0], Mapping) or hasattr(args[0], "headers")):
        return args[0], args[1:]
    return None, args
