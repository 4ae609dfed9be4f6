"""A real server on each kind of database, and programs that ask it through the SDK."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator

import pytest

from ostiary.sdk import Ostiary
from tests.acceptance.conftest import add_people
from tests.support import databases
from tests.support.people import PASSWORD
from tests.support.processes import Server

_NUMBERS = itertools.count()


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def server(request, tmp_path_factory) -> Iterator[Server]:
    """A running server with the administrator `root` and the user `ada`."""
    home = tmp_path_factory.mktemp("server")
    if request.param == "sqlite":
        url = asyncio.run(databases.new_sqlite(home, home / "template.db"))
    else:
        if not databases.postgres_answers():
            databases.skip(f"no PostgreSQL at {databases.POSTGRES}")
        url = asyncio.run(databases.new_postgres())
    add_people(url, root="admin member", ada="member")
    running = Server(url, home, environment={"OSTIARY_KEY": "k" * 43}).start()
    try:
        yield running
    finally:
        running.stop()
    if request.param == "postgresql":
        asyncio.run(databases.drop_postgres(url))


@pytest.fixture
def ostiary(server) -> Iterator[Ostiary]:
    """Nobody yet."""
    with Ostiary(server.url) as ostiary:
        yield ostiary


@pytest.fixture
def root(ostiary: Ostiary) -> Ostiary:
    """The administrator."""
    return ostiary.for_token(ostiary.auth.sign_in("root", PASSWORD).token or "")


@pytest.fixture
def new_user(root) -> Callable[[], str]:
    """The name of a user whom nobody else uses."""

    def make() -> str:
        name = f"user{next(_NUMBERS)}"
        root.admin.users.add(name, PASSWORD)
        return name

    return make
