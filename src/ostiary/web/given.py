"""What several pages take of their path and query."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from ostiary.web.routing import PageTakes


class OfSession(PageTakes):
    """Which session."""

    session_id: str


class OfToken(PageTakes):
    """Which CLI token."""

    token_id: str


class OfPlan(PageTakes):
    """Which plan."""

    plan_id: str


class OfClient(PageTakes):
    """Which OAuth client."""

    client_id: str


class OfUser(PageTakes):
    """Which user."""

    username: Annotated[str, Meta(min_length=1, max_length=256)]


class Polled(PageTakes):
    """What an open page shows already: it is told only what is new."""

    seen: Annotated[str, Meta(max_length=64)] | None = None


class PageNumber(PageTakes):
    """Which page of a list."""

    page: Annotated[int, Meta(ge=1, le=10_000)] = 1
