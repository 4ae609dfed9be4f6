"""A real server on each kind of database, and programs that ask it through the SDK."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import itertools
from collections.abc import Callable, Iterator

import pytest

from ostiary.sdk import Ostiary
from tests.acceptance.conftest import add_people
from tests.support import databases
from tests.support.people import PASSWORD
from tests.support.processes import Server

_NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def servers(tmp_path_factory) -> Iterator[Callable[[str], Server]]:
    """A running server with `root` and `ada`, on a kind of database; it is started once for all tests."""
    with contextlib.ExitStack() as running:

        @functools.cache
        def start(kind: str) -> Server:
            home = tmp_path_factory.mktemp("server")
            is_sqlite = kind == "sqlite"
            made = databases.new_sqlite(home, home / "template.db") if is_sqlite else databases.new_postgres()
            url = asyncio.run(made)
            if not is_sqlite:
                running.callback(lambda: asyncio.run(databases.drop_postgres(url)))
            add_people(url, root="admin member", ada="member")
            server = Server(url, home, environment={"OSTIARY_KEY": "k" * 43}).start()
            running.callback(server.stop)
            return server

        yield start


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def server(request, servers) -> Server:
    """A running server with the administrator `root` and the user `ada`, on each kind of database."""
    if request.param == "postgresql" and not databases.postgres_answers():
        databases.skip(f"no PostgreSQL at {databases.POSTGRES}")
    running: Server = servers(request.param)
    return running


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
