"""Work on a database itself: for when the server is down. Whoever can open it is trusted.

Every act is recorded as `database:<login>`. What the API does is done by the API's own handlers, in this process, so
that both ways give the same answers (docs/decisions/0004).
"""

from __future__ import annotations

import asyncio
import getpass
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from ostiary.authority import Authority
from ostiary.cli.calls import Calls
from ostiary.cli.failures import NOT_FOUND, Failure
from ostiary.cli.private_file import keep_new_files_private
from ostiary.core.caller import Caller
from ostiary.settings import load
from ostiary.storage import migrate

T = TypeVar("T")


class DatabaseCalls(Calls):
    """Operations on one database."""

    def __init__(self, url: str, *, create: bool = False) -> None:
        """With `create`, a SQLite file that is missing is made; else it means a mistyped name."""
        super().__init__("the database")
        self._url = url
        self._create = create

    def perform(self, operation: str, takes: Mapping[str, object]) -> object:
        """Let the API's handler do it.

        Raises:
            Failure: there is no such file.
            OstiaryError: as the operation.
        """
        from ostiary.http.in_process import ask

        return run(self._url, lambda it: ask(it, operator(), operation, takes), create=self._create)


def run(url: str | None, act: Callable[[Authority], Awaitable[T]], *, create: bool = False) -> T:
    """What `act` answers of an authority on this database, or on that of the settings.

    Raises:
        Failure: its file is missing, and is not to be made.
        OstiaryError: the settings are wrong, the database is out of reach or not migrated; and what `act` raises.
    """
    keep_new_files_private()
    authority = Authority(load({"database_url": url}).settings)
    file = authority.database.file
    is_missing = file is not None and not os.path.exists(file)
    if is_missing and not create:
        raise Failure(f"there is no database at {file}", NOT_FOUND, code="not_found")

    async def open_and_act() -> T:
        async with authority:
            if is_missing:
                await migrate.upgrade(authority.database)
            await authority.ensure_migrated()
            return await act(authority)

    return asyncio.run(open_and_act())


def operator() -> Caller:
    """Whoever runs this command."""
    try:
        login = getpass.getuser()
    except (OSError, KeyError):  # a container may run as a user id without a name
        login = str(os.getuid()) if hasattr(os, "getuid") else "unknown"
    return Caller.operator(login)
