"""Which route answers a path: a tree of segments, in which what is written out comes before what is a parameter."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from starlette.responses import Response

from ostiary.contract.operation import MAXIMUM_BODY, Shared
from ostiary.http.exchange import Exchange

Parameters: TypeAlias = dict[str, str]  # of the path, decoded
Endpoint: TypeAlias = Callable[[Exchange, Parameters, bytes], Awaitable[Response]]
Failed: TypeAlias = Callable[[Exchange, Exception], Awaitable[Response]]

PARAMETER: Final = "{}"  # in the tree, any segment


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path.

    Attributes:
        path: a template, such as `/admin/users/{username}`.
        endpoint: answers it, from its parameters and its whole body.
        failed: answers whatever goes wrong on the way to the endpoint and in it.
        maximum_body: in bytes.
        shared: with whose scripts its answers are shared, see `cors`.
    """

    method: str
    path: str
    endpoint: Endpoint
    failed: Failed
    maximum_body: int = MAXIMUM_BODY
    shared: Shared = "nobody"


@dataclass(slots=True)
class _Node:
    methods: dict[str, Route] = field(default_factory=dict)
    below: dict[str, _Node] = field(default_factory=dict)


class Routes:
    """All routes of an application."""

    def __init__(self, routes: Iterable[Route]) -> None:
        """Put the tree together.

        Raises:
            ValueError: two routes with one method and one path.
        """
        self._root = _Node()
        for route in routes:
            node = self._root
            for segment in _segments(route.path):
                node = node.below.setdefault(PARAMETER if segment.startswith("{") else segment, _Node())
            if route.method in node.methods:
                raise ValueError(f"{route.method} {route.path} is there twice")
            node.methods[route.method] = route

    def find(self, path: str) -> tuple[Mapping[str, Route], tuple[str, ...]] | None:
        """The routes of a path by their methods, and the values of its parameters; None where there is nothing."""
        return _find(self._root, _segments(path), ())


def parameters(route: Route, values: tuple[str, ...]) -> Parameters:
    """Names for the values that `Routes.find` found."""
    names = [segment[1:-1] for segment in _segments(route.path) if segment.startswith("{")]
    return dict(zip(names, values, strict=True))


def _segments(path: str) -> list[str]:
    return path.split("/")[1:]


def _find(node: _Node, rest: list[str], values: tuple[str, ...]) -> tuple[Mapping[str, Route], tuple[str, ...]] | None:
    if not rest:
        return (node.methods, values) if node.methods else None
    first, others = rest[0], rest[1:]
    if (below := node.below.get(first)) is not None and (found := _find(below, others, values)) is not None:
        return found
    if first and (below := node.below.get(PARAMETER)) is not None:
        return _find(below, others, (*values, first))
    return None
