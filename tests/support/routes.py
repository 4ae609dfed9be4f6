"""Every route of the application, for the tests that walk them all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from msgspec import structs

from ostiary.contract.api import operations
from ostiary.contract.operation import Takes
from ostiary.http.api import api_routes
from ostiary.http.documents import document_routes
from ostiary.http.routing import Route
from ostiary.web.pages import page_routes
from ostiary.web.routing import PAGES

__all__ = ["PAGES", "api_routes", "document_routes", "every_route", "filled", "operations", "page_routes", "takes"]


@cache
def every_route() -> tuple[Route, ...]:
    """All that the dispatch finds: the API, its document, the pages. `/verify` is answered before it."""
    return (*api_routes(), *document_routes(), *page_routes())


@cache
def takes(method: str, path: str) -> tuple[str, ...]:
    """The names of what a route takes, wherever they travel."""
    kinds: dict[tuple[str, str], type[Takes]] = {(one.method, one.path): one.takes for one in operations()}
    kinds |= {(one.method, one.path): one.takes for one in PAGES}
    kind = kinds.get((method, path))
    return tuple(field.encode_name for field in structs.fields(kind)) if kind else ()


def filled(path: str, values: Mapping[str, str]) -> str:
    """A path with something in place of its parameters.

    Raises:
        KeyError: one that `values` does not have.
    """
    return re.sub(r"\{(\w+)\}", lambda name: values[name[1]], path)
