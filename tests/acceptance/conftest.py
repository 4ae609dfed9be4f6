"""Real processes on real stores."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.support.people import PASSWORD
from tests.support.processes import CommandLine, Server, clean_environment, serving


def add_user(database_url: str, home, username: str, *options: str) -> None:
    """By the break-glass door: directly in the database."""
    subprocess.run(
        [sys.executable, "-m", "ostiary", "user", "add", username, "--password-stdin", *options],
        input=f"{PASSWORD}\n", text=True, check=True, capture_output=True, timeout=60,
        env=clean_environment(home, {"OSTIARY_DATABASE_URL": database_url}), cwd=home,
    )  # fmt: skip


@pytest.fixture
def home(tmp_path):
    directory = tmp_path / "home"
    directory.mkdir()
    return directory


@pytest.fixture
def people(database_url, home) -> None:
    """ada, eve, and an administrator root; all with the same password."""
    add_user(database_url, home, "ada")
    add_user(database_url, home, "eve")
    add_user(database_url, home, "root", "--admin")


@pytest.fixture
def server(database_url, home, people) -> Iterator[Server]:
    with serving(database_url, home) as server:
        yield server


@pytest.fixture
def ostiary(server, home) -> CommandLine:
    """The command line of a user whose server is the one above."""
    return CommandLine(home, OSTIARY_SERVER=server.url)
