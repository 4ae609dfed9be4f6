"""The authority's own HTTP API, and its pages, inside an application that has an `Embedded` authority."""

from __future__ import annotations

from ostiary.http.app import Application
from ostiary.integrations.embedded import Embedded


def api(keeper: Embedded) -> Application:
    """The HTTP API (`/api/v1`, `/verify`, `/healthz`, `/oauth` …), to be mounted under any path.

    It has its own defence against requests from other sites, its own limits, and asks the same authority.
    """
    return Application(keeper.settings, keeper.authority)


def api_and_pages(keeper: Embedded) -> Application:
    """The same with the pages. Their links begin at the root: mount it there, behind the application's own routes."""
    from ostiary.web import failures
    from ostiary.web.pages import page_routes

    return Application(keeper.settings, keeper.authority, routes=page_routes(), nothing=failures.nothing)
