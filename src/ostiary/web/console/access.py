"""Who may open the console."""

from __future__ import annotations

from litestar.handlers.base import BaseRouteHandler

from ostiary.errors import NotFound
from ostiary.web.access import Connection
from ostiary.web.visit import visit_of


def administrators(connection: Connection, _: BaseRouteHandler) -> None:
    """Let administrators through. For everybody else there is nothing here, as the contract of the pages says.

    Raises:
        NotFound: signed in, without the role.
    """
    caller = visit_of(connection).caller
    if caller is not None and not caller.is_admin:
        raise NotFound
