"""Machines whose clocks are wrong, on one database: what one of them ends, no other accepts, whatever the hour there.

Real processes under libfaketime. Sessions are made for one hour on the machine that accepts them, by its clock; then
the other machine ends them, by its own.
"""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from tests.acceptance.conftest import add_people
from tests.support.faked_time import environment
from tests.support.people import PASSWORD
from tests.support.processes import CommandLine, Server, free_port

pytestmark = pytest.mark.timeout(300)  # seconds; each starts two servers
API = "/api/v1"
# An hour ahead, which is more than the sessions live, and a hundred days behind; the other two in `make check-long`.
OFFSETS = ("+61m", "-100d", *(pytest.param(offset, marks=pytest.mark.long) for offset in ("-61m", "+100d")))


class Machines:
    """One that acts, and one that accepts."""

    def __init__(self, database_url: str, home: Any, acting: str, accepting: str) -> None:
        self.database_url = database_url
        self.acting = Server(database_url, home, environment=environment(acting))
        self.accepting = Server(database_url, home, environment=environment(accepting))
        self.operator = CommandLine(home, **environment(acting))
        self.root = self.there = ""

    def __enter__(self) -> Machines:
        self.acting.start()
        self.accepting.start()
        self.root = self.acting.sign_in("root")[1]
        self.there = self.accepting.sign_in("root")[1]
        return self

    def __exit__(self, *_: object) -> None:
        self.acting.stop()
        self.accepting.stop()

    def act(self, method: str, path: str, body: object = None, bearer: str | None = None) -> Any:
        status, _, answer = self.acting.ask(method, API + path, body, bearer=bearer or self.root)
        assert status in {200, 201, 204}, (path, status, answer)
        return answer

    def session_of(self, username: str) -> str:
        """Of one hour, by the clock of the machine that accepts it."""
        path, asked = f"{API}/admin/users/{username}/sessions", {"expire_after": "1h"}
        status, _, made = self.accepting.ask("POST", path, asked, bearer=self.there)
        assert status == 201, made
        return str(made["cookie"].split(";")[0].split("=", 1)[1])

    def accepts(self, bearer: str) -> bool:
        status = self.accepting.get("/verify", bearer)[0]
        assert status in {200, 401}
        return status == 200


def log_out(m: Machines, name: str, _: str) -> None:
    m.act("POST", f"/admin/users/{name}/logout")


def disable(m: Machines, name: str, _: str) -> None:
    m.act("POST", f"/admin/users/{name}/disable")


def delete(m: Machines, name: str, _: str) -> None:
    m.act("DELETE", f"/admin/users/{name}")


def erase(m: Machines, name: str, _: str) -> None:
    m.act("POST", f"/admin/users/{name}/erase")


def set_password(m: Machines, name: str, _: str) -> None:
    m.act("POST", f"/admin/users/{name}/password", {"new": "another long password"})


def revoke_all(m: Machines, name: str, _: str) -> None:
    m.act("POST", "/auth/sessions/revoke-all", {"tokens": True}, bearer=m.acting.sign_in(name)[1])


def revoke_others(m: Machines, name: str, _: str) -> None:
    m.act("POST", "/auth/sessions/revoke-others", bearer=m.acting.sign_in(name)[1])


def change_password(m: Machines, name: str, _: str) -> None:
    asked = {"current": PASSWORD, "new": "another long password"}
    m.act("POST", "/auth/password", asked, bearer=m.acting.sign_in(name)[1])


def revoke(m: Machines, _: str, token: str) -> None:
    m.act("POST", f"/admin/sessions/{token.partition('.')[0]}/revoke")


def neutralise(m: Machines, _: str, token: str) -> None:
    m.act("POST", "/admin/neutralise/apply", {"credential": token})


def plan(m: Machines, name: str, _: str) -> None:
    made = m.act("POST", "/admin/sessions/plan", {"user": name})
    m.act("POST", f"/admin/sessions/plan/{made['plan_id']}/apply", {"undo_for": "0s"})


def log_out_by_command(m: Machines, name: str, _: str) -> None:
    m.operator.ok("auth-session", "logout", name, "--database-url", m.database_url)


def disable_by_command(m: Machines, name: str, _: str) -> None:
    m.operator.ok("user", "disable", name, "--yes", "--database-url", m.database_url)


Ending = Callable[[Machines, str, str], None]
ENDINGS: tuple[Ending, ...] = (
    log_out, disable, delete, erase, set_password, revoke_all, revoke_others, change_password, revoke, neutralise, plan,
)  # fmt: skip
COMMANDS = (log_out_by_command, disable_by_command)


@pytest.mark.parametrize("wrong", ["acting", "accepting"])
@pytest.mark.parametrize("offset", OFFSETS)
def test_what_one_machine_ends_no_other_accepts_whatever_its_clock_says(database_url, home, offset, wrong):
    acting, accepting = (offset, "") if wrong == "acting" else ("", offset)
    assert survivors(database_url, home, acting, accepting, ENDINGS) == []


@pytest.mark.parametrize("offset", ["+61m", pytest.param("+100d", marks=pytest.mark.long)])
def test_what_an_operator_ends_at_the_database_on_a_machine_that_is_ahead_no_server_accepts(database_url, home, offset):
    assert survivors(database_url, home, offset, "", COMMANDS) == []


def survivors(database_url: str, home: Any, acting: str, accepting: str, endings: tuple[Ending, ...]) -> list[str]:
    """The endings after which the session of their user is still accepted."""
    names = {ending: f"user{number}" for number, ending in enumerate(endings)}
    add_people(database_url, root="admin member", **dict.fromkeys(names.values(), "member"))
    found = []
    with Machines(database_url, home, acting, accepting) as machines:
        for ending, name in names.items():
            token = machines.session_of(name)
            assert machines.accepts(token)
            ending(machines, name, token)
            if machines.accepts(token):
                found.append(ending.__name__)
    return found


# Of SQLite there is one machine with one clock.
ON_POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@ON_POSTGRESQL
def test_a_machine_whose_clock_is_ahead_forgets_nothing_that_lives_for_the_others(database_url, home):
    """What is past retention is so by the database's clock. SQLite has none but its machine's."""
    add_people(database_url, root="admin member", ada="member")
    with Machines(database_url, home, "", "") as machines:
        token = machines.session_of("ada")
        ahead = CommandLine(home, **environment("+400d"))
        ahead.ok("purge", "--database-url", database_url)
        ahead.ok("purge", "--older-than", "1h", "--database-url", database_url)
        assert machines.accepts(token)
        assert machines.accepts(machines.there)


@ON_POSTGRESQL
def test_a_wrong_clock_is_told_of_at_the_start_by_doctor_and_as_a_metric(database_url, home):
    add_people(database_url, root="admin member")
    metrics = f"127.0.0.1:{free_port()}"
    ahead = Server(database_url, home, environment=environment("+61m") | {"OSTIARY_METRICS_ADDRESS": metrics}).start()
    try:
        deadline = time.monotonic() + 30
        while "clock.differs" not in ahead.log.read_text():
            assert time.monotonic() < deadline, ahead.log.read_text()
            time.sleep(0.05)
        with urllib.request.urlopen(f"http://{metrics}/metrics", timeout=10) as answer:
            assert b"ostiary_clock_difference_seconds 36" in answer.read()
    finally:
        ahead.stop()
    found = CommandLine(home, **environment("+61m"))("doctor", "--database-url", database_url, "--format", "json")
    assert "apart from this machine" in found.stdout
