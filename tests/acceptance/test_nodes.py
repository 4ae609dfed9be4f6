"""Several nodes, killed nodes, a store that goes away."""

from __future__ import annotations

import random
import signal
import sqlite3
import threading
import time
from http.client import HTTPException

import pytest

from tests.support.databases import PrivatePostgres
from tests.support.processes import serving


# On SQLite it is one file and two processes: the same rule, at the pace of its single writer.
@pytest.mark.parametrize(
    ("database_url", "rounds"),
    [("sqlite", 100), ("postgresql", 200), pytest.param("postgresql", 1000, marks=pytest.mark.long)],
    indirect=["database_url"],
)
def test_revocations_on_one_node_are_refused_at_once_by_the_other(server, home, database_url, rounds):
    """Acceptance: none of a thousand accepted. Each revocation is followed at once by a request on the other node."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    with serving(database_url, home) as other:
        nodes = [server, other]
        admin = server.sign_in("root")[1]
        accepted = 0
        for _ in range(rounds):
            one, two = dice.sample(nodes, 2)
            status, _, made = one.ask("POST", "/api/v1/admin/users/ada/sessions", {"expire_after": "1h"}, bearer=admin)
            assert status == 201
            token = made["cookie"].split(";")[0].split("=", 1)[1]
            assert two.get("/verify", token)[0] == 200
            assert one.ask("POST", f"/api/v1/admin/sessions/{made['session']['id']}/revoke", bearer=admin)[0] == 200
            accepted += two.get("/verify", token)[0] != 401
        assert accepted == 0


def test_killed_in_a_storm_of_revocations_every_acknowledged_one_holds(server, database_url):
    tokens = [server.sign_in(agent="storm") for _ in range(60)]
    watcher = server.sign_in()[1]
    acknowledged: list[str] = []
    started = threading.Event()

    def storm(mine: list[tuple[str, str]]) -> None:
        for session_id, token in mine:
            try:
                if server.ask("DELETE", f"/api/v1/auth/sessions/{session_id}", bearer=watcher, timeout=5)[0] == 200:
                    acknowledged.append(token)
                    if len(acknowledged) > 10:
                        started.set()
            except (OSError, HTTPException):  # killed before its answer, or in the middle of it
                return

    threads = [threading.Thread(target=storm, args=(tokens[part::4],)) for part in range(4)]
    for thread in threads:
        thread.start()
    assert started.wait(30)
    server.stop(signal.SIGKILL)
    for thread in threads:
        thread.join()
    print(f"{len(acknowledged)} of {len(tokens)} were acknowledged before the kill")
    if database_url.startswith("sqlite"):
        with sqlite3.connect(database_url.removeprefix("sqlite:///")) as file:
            assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    server.start()
    for token in acknowledged:
        assert server.get("/verify", token)[2]["code"] == "session_revoked"
    for _, token in tokens:
        status, _, body = server.get("/verify", token)
        assert status == 200 or body["code"] == "session_revoked"


@pytest.fixture
def private_postgres(tmp_path_factory):
    with PrivatePostgres(tmp_path_factory.mktemp("pg")) as postgres:
        yield postgres


def test_a_store_that_stops_is_503_and_ends_nobody(private_postgres, home):
    from tests.acceptance.conftest import add_people
    from tests.support.processes import CommandLine

    url = private_postgres.url
    CommandLine(home, OSTIARY_DATABASE_URL=url).ok("migrate")
    add_people(url, ada="member")
    with serving(url, home) as server:
        session_id, token = server.sign_in()
        cookie = {"Cookie": f"__Host-session={token}"}
        assert server.ask("GET", "/verify", headers=cookie)[0] == 200
        private_postgres.stop()
        for method, path, body in (
            ("GET", "/verify", None),
            ("GET", "/api/v1/auth/whoami", None),
            ("GET", "/api/v1/auth/sessions", None),
            ("POST", f"/api/v1/auth/sessions/{session_id}/revoke", None),
            ("POST", "/api/v1/auth/logout", None),
        ):
            status, headers, problem = server.ask(
                method, path, body, headers=cookie | {"Sec-Fetch-Site": "same-origin"}
            )
            assert (status, problem["code"]) == (503, "store_unavailable"), path
            assert int(headers["retry-after"]) > 0
            assert "set-cookie" not in headers
            assert "clear-site-data" not in headers
        assert server.get("/readyz")[0] == 503
        assert server.get("/healthz")[0] == 200
        private_postgres.start()
        deadline = time.monotonic() + 20
        while server.ask("GET", "/verify", headers=cookie)[0] != 200:
            assert time.monotonic() < deadline, "no recovery without a restart"
            time.sleep(0.1)
        _, _, sessions = server.get("/api/v1/auth/sessions?include=ended", token)
        assert [row["status"] for row in sessions] == ["active"]
