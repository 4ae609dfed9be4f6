"""Real processes on real stores."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from ostiary.authority import Authority
from ostiary.core.caller import Caller
from ostiary.settings import Settings
from tests.support.people import PASSWORD, SERVED_PASSWORDS
from tests.support.processes import CommandLine, Server, serving


def add_people(database_url: str, **people: str) -> None:
    """Accounts by name, each with its roles; `tests/cli` adds them by the command line."""

    async def add() -> None:
        async with Authority(Settings(database_url=database_url, **SERVED_PASSWORDS)) as authority:
            for username, roles in people.items():
                await authority.accounts.add(username, PASSWORD, by=Caller.operator("tests"), roles=roles.split())

    asyncio.run(add())


@pytest.fixture
def home(tmp_path):
    directory = tmp_path / "home"
    directory.mkdir()
    return directory


@pytest.fixture
def people(database_url) -> None:
    """ada, eve, and an administrator root; all with the same password."""
    add_people(database_url, ada="member", eve="member", root="admin member")


@pytest.fixture
def server(database_url, home, people) -> Iterator[Server]:
    with serving(database_url, home) as server:
        yield server


@pytest.fixture
def ostiary(server, home) -> CommandLine:
    """The command line of a user whose server is the one above."""
    return CommandLine(home, OSTIARY_SERVER=server.url)
