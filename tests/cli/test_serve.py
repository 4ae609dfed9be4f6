"""`serve`: thin, so here is only what the command line adds to the server."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys

import asyncpg

from tests.support import databases
from tests.support.processes import free_port, serving


def test_the_first_start_makes_a_private_database_and_prints_the_link(tmp_path):
    with serving(f"sqlite:///{tmp_path / 'data' / 'ostiary.db'}", tmp_path) as running:
        assert f"{running.url}/setup?code=setup_" in running.log.read_text()
        assert (tmp_path / "data" / "ostiary.db").stat().st_mode & 0o777 == 0o600
        assert running.process is not None
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(20) in {0, -signal.SIGTERM}  # it shuts down, then ends as it was told to
        running.process = None


def test_a_database_that_is_not_migrated_is_refused_with_the_command_to_run(alone):
    if not databases.postgres_answers():
        databases.skip(f"no PostgreSQL at {databases.POSTGRES}")
    url = f"{databases.POSTGRES}/postgres_empty_{free_port()}"
    asyncio.run(_create(url))
    try:
        done = alone("serve", "--port", str(free_port()), "--database-url", url)
        assert done.returncode == 2
        assert "run 'ostiary migrate --database-url postgresql://" in done.stderr
        assert url.rpartition("/")[2] in done.stderr
        assert "Traceback" not in done.stderr
    finally:
        asyncio.run(databases.drop_postgres(url))


async def _create(url: str) -> None:
    admin = await asyncpg.connect(f"{databases.POSTGRES}/postgres", timeout=5)
    try:
        await admin.execute(f'CREATE DATABASE "{url.rsplit("/", 1)[1]}"')
    finally:
        await admin.close()


def test_an_address_that_is_taken_is_one_error(alone):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = alone(
            "serve", "--port", str(taken.getsockname()[1]), "--database-url", f"sqlite:///{alone.home / 'a.db'}"
        )
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("error: ")
    assert "Traceback" not in done.stderr


def test_a_setting_that_is_wrong_names_it(alone):
    done = alone("serve", "--policy", "nonsense")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: policy (from argument): must be one of ")


def test_ctrl_c_stops_it(alone):
    options = ["--port", str(free_port()), "--database-url", f"sqlite:///{alone.home / 'a.db'}"]
    process = subprocess.Popen(
        [sys.executable, "-m", "ostiary", "serve", *options],
        env=alone.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        for line in process.stdout:
            if "setup?code=" in line:
                break
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == 0
    assert "Traceback" not in rest
