"""The real server and the real command line, each a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import databases
from tests.support.people import PASSWORD
from tests.support.processes import CommandLine, Server, serving

_NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def servers(tmp_path_factory) -> Iterator[Callable[[str], Server]]:
    """A running server with the administrator `root`, on a kind of database; it is started once for all tests."""
    with contextlib.ExitStack() as running:

        @functools.cache
        def start(kind: str) -> Server:
            home = tmp_path_factory.mktemp("server")
            url = f"sqlite:///{home / 'ostiary.db'}" if kind == "sqlite" else asyncio.run(databases.new_postgres())
            if kind != "sqlite":
                running.callback(lambda: asyncio.run(databases.drop_postgres(url)))
            command = CommandLine(home)
            command.ok("user", "add", "root", "--admin", "--password-stdin", "--database-url", url, stdin=PASSWORD)
            (home / "ostiary.toml").write_text(f'key = "{"k" * 43}"\n')  # for what is signed, such as receipts
            return running.enter_context(serving(url, home))

        yield start


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def server(request, servers) -> Server:
    """One on each kind of database."""
    if request.param == "postgresql" and not databases.postgres_answers():
        databases.skip(f"no PostgreSQL at {databases.POSTGRES}")
    running: Server = servers(request.param)
    return running


@dataclass(frozen=True)
class Person:
    """A user of the server, and their terminal."""

    name: str
    server: Server
    ostiary: CommandLine

    def sign_in(self) -> str:
        """Sign in on the command line; answers the session's id."""
        return self.ostiary.ok(
            "login", "--username", self.name, "--password-stdin", "--format", "quiet", stdin=PASSWORD
        ).strip()

    def elsewhere(self, agent: str = "curl/8") -> tuple[str, str]:
        """Sign in from another device: session id and token."""
        return self.server.sign_in(self.name, agent=agent)


@pytest.fixture
def new_terminal(server, tmp_path) -> Callable[..., CommandLine]:
    """A command line with a home of its own, pointed at the server."""

    def make(**environment: str) -> CommandLine:
        home = tmp_path / f"home{next(_NUMBERS)}"
        home.mkdir()
        return CommandLine(home, **{"OSTIARY_SERVER": server.url, **environment})

    return make


@pytest.fixture
def root(server, new_terminal) -> Person:
    """The administrator, signed in."""
    person = Person("root", server, new_terminal())
    person.sign_in()
    return person


@pytest.fixture
def new_person(server, new_terminal) -> Callable[[], Person]:
    """A new user each time, not signed in."""

    def make() -> Person:
        name = f"user{next(_NUMBERS)}"
        _, token = server.sign_in("root")
        body = {"username": name, "email": None, "password": PASSWORD, "roles": ["member"]}
        status, _, answer = server.ask("POST", "/api/v1/admin/users", body, bearer=token)
        assert status == 201, answer
        return Person(name, server, new_terminal())

    return make


@pytest.fixture
def ada(new_person) -> Person:
    """A user, signed in on the command line."""
    person: Person = new_person()
    person.sign_in()
    return person


@pytest.fixture
def alone(tmp_path: Path) -> CommandLine:
    """A command line without a server."""
    return CommandLine(tmp_path)
