"""`--wait` with real processes: it says when an ended session is refused everywhere, or by when it will be."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.processes import CommandLine, Server

READER = Path(__file__).parent / "reader.py"


@pytest.fixture
def token(server: Server) -> str:
    _, bearer = server.sign_in("root")
    status, _, made = server.ask("POST", "/api/v1/auth/cli-token", {"scopes": ["feed:read"]}, bearer=bearer)
    assert status == 201
    return str(made["token"])


@contextmanager
def reading(server: Server, token: str, name: str, staleness: float = 3) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, str(READER), server.url, token, name.lower().replace(" ", "-"), name, str(staleness)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None and process.stdout.readline() == b"heard\n"
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_wait_tells_of_verifiers_that_are_well_and_of_one_that_is_stopped(server, token, home):
    _, bearer = server.sign_in("root")
    ostiary = CommandLine(home, OSTIARY_SERVER=server.url, OSTIARY_TOKEN=bearer)
    with ExitStack() as stack:
        for number in range(3):
            stack.enter_context(reading(server, token, f"Shop {number}"))
        till = stack.enter_context(reading(server, token, "Till 7"))

        ended, _ = server.sign_in("root")
        done = ostiary("session", "revoke", "--yes", "--wait", ended)
        assert done.returncode == 0, done.stderr
        found = re.search(r"^refused everywhere in (\d+) ms \(4 verifiers\)$", done.stderr, re.MULTILINE)
        assert found, done.stderr
        assert int(found[1]) < 3000  # less than trust that had to run out

        till.send_signal(signal.SIGSTOP)
        stopped = datetime.now(UTC)
        ended, _ = server.sign_in("root")
        late = ostiary("auth-session", "revoke", "--wait", "--wait-timeout", "0.5s", ended)
        assert late.returncode == 1
        named = re.search(r"^Till 7 has not refused it yet; its trust runs out at (\S+)$", late.stderr, re.MULTILINE)
        assert named and "Shop" not in late.stderr, late.stderr
        runs_out = datetime.fromisoformat(named[1])
        assert stopped < runs_out <= stopped + timedelta(seconds=3.5)

        over = ostiary("--format", "json", "session", "revoke", "--yes", "--wait", ended)
        assert datetime.now(UTC) >= runs_out
        answer = json.loads(over.stdout)
        assert (over.returncode, answer["is_everywhere"], answer["late"]) == (0, True, [])
        listed = json.loads(ostiary.ok("verifier", "list", "--format", "json"))
        assert {one["name"] for one in listed} == {"Shop 0", "Shop 1", "Shop 2", "Till 7"}
