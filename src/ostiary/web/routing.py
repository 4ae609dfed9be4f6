"""How a page is declared: its path, what it takes, who may open it, and which errors show the same page again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, TypeVar

from starlette.responses import Response

from ostiary.contract.operation import MAXIMUM_BODY, Takes
from ostiary.errors import OstiaryError
from ostiary.web.visit import Visit


class PageTakes(Takes, kw_only=True, forbid_unknown_fields=False):
    """What a page takes of its path and query; anything else there is left alone, as links come from everywhere."""


class Nothing(PageTakes):
    """Nothing."""


A = TypeVar("A", bound=PageTakes)
Handler: TypeAlias = Callable[[Visit, A], Awaitable[Response]]
Again: TypeAlias = Callable[[Visit, OstiaryError], Response]


@dataclass(frozen=True, slots=True)
class Page:
    """One method of one path of a page.

    Attributes:
        is_public: works without anybody signed in.
        is_unattended: a script asks, no person: it must not count as use, or an open page would never idle.
        leaves: signs out: where nobody is signed in, there is nothing that a form could do.
        steps_up: may come with the password, when the authority asked for it.
        again: which errors show this page again, or another one, with what was wrong.
    """

    method: str
    path: str
    takes: type[PageTakes]
    handler: Handler[Any]
    is_public: bool = False
    is_unattended: bool = False
    leaves: bool = False
    steps_up: bool = False
    again: Mapping[type[OstiaryError], Again] = field(default_factory=dict)
    maximum_body: int = MAXIMUM_BODY

    @property
    def is_console(self) -> bool:
        """True if only administrators may know of it."""
        return self.path == CONSOLE or self.path.startswith(f"{CONSOLE}/")


CONSOLE: Final = "/admin"
PAGES: Final[list[Page]] = []


def get(
    path: str | Iterable[str],
    takes: type[A],
    *,
    public: bool = False,
    unattended: bool = False,
    again: Mapping[type[OstiaryError], Again] | None = None,
) -> Callable[[Handler[A]], Handler[A]]:
    """A page to look at."""

    def keep(handler: Handler[A]) -> Handler[A]:
        for one in [path] if isinstance(path, str) else path:
            PAGES.append(
                Page("GET", one, takes, handler, is_public=public, is_unattended=unattended, again=again or {})
            )
        return handler

    return keep


def post(
    path: str,
    takes: type[A],
    *,
    public: bool = False,
    leaves: bool = False,
    steps_up: bool = False,
    again: Mapping[type[OstiaryError], Again] | None = None,
) -> Callable[[Handler[A]], Handler[A]]:
    """A form that does something."""

    def keep(handler: Handler[A]) -> Handler[A]:
        made = Page("POST", path, takes, handler, is_public=public, leaves=leaves, steps_up=steps_up, again=again or {})
        PAGES.append(made)
        return handler

    return keep
