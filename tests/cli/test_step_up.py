"""Acts that need a fresh sign-in, asked for on a terminal and said without one; and sign-ins that come too often."""

from __future__ import annotations

import json
import time
import tomllib

import pytest

from tests.support.keyboard import at_terminal
from tests.support.people import PASSWORD
from tests.support.processes import CommandLine, serving


@pytest.fixture
def stale(tmp_path):
    """Signed in at a server that forgets how fresh a sign-in is after a second, and that second has passed."""
    home = tmp_path / "server"
    home.mkdir()
    (home / "ostiary.toml").write_text('step_up_age = "1s"\n')
    url = f"sqlite:///{home / 'ostiary.db'}"
    CommandLine(home).ok("user", "add", "ada", "--admin", "--password-stdin", "--database-url", url, stdin=PASSWORD)
    with serving(url, home) as running:
        ostiary = CommandLine(tmp_path, OSTIARY_SERVER=running.url)
        ostiary.ok("login", "--username", "ada", "--password-stdin", stdin=PASSWORD)
        other, token = running.sign_in("ada")
        time.sleep(1.1)  # the server has a clock of its own
        yield ostiary, other, lambda: running.get("/api/v1/auth/whoami", bearer=token)[0]


def test_too_many_failures_are_exit_6_and_say_when_to_come_back(tmp_path):
    (tmp_path / "ostiary.toml").write_text("sign_in_failures = 2\n")
    url = f"sqlite:///{tmp_path / 'ostiary.db'}"
    with serving(url, tmp_path) as running:
        ostiary = CommandLine(tmp_path, OSTIARY_SERVER=running.url, OSTIARY_PASSWORD="wrong password")
        codes = [ostiary("login", "--username", "nobody").returncode for _ in range(2)]
        refused = ostiary("login", "--username", "nobody", "--format", "json")
    assert codes == [4, 4]
    assert refused.returncode == 6
    first, second = refused.stderr.splitlines()
    assert "; try again in " in first
    assert json.loads(second)["code"] == "too_many_requests"


def credential(ostiary: CommandLine) -> str:
    text = (ostiary.home / "config" / "ostiary" / "config.toml").read_text()
    found: str = tomllib.loads(text)["profiles"]["default"]["credential"]
    return found


def test_on_a_terminal_the_password_is_asked_and_the_act_done(stale):
    ostiary, other, status = stale
    before = credential(ostiary)
    seen = at_terminal(ostiary, "session", "revoke", other, "--yes", answers=[("Password: ", f"{PASSWORD}\n")])
    assert seen.exit_code == 0
    assert f"Session {other} revoked." in seen.screen
    assert PASSWORD not in seen.screen
    assert status() == 401
    assert credential(ostiary).partition(".")[0] == before.partition(".")[0]  # the same session
    assert credential(ostiary) != before  # under a new secret, which was kept
    assert ostiary("whoami").returncode == 0


def test_a_wrong_password_changes_nothing(stale):
    ostiary, other, status = stale
    seen = at_terminal(ostiary, "session", "revoke", other, "--yes", answers=[("Password: ", "wrong password\n")])
    assert seen.exit_code == 4
    assert status() == 200
    assert ostiary("whoami").returncode == 0


def test_without_a_terminal_it_says_what_to_do(stale):
    ostiary, other, status = stale
    done = ostiary("session", "revoke", other, "--yes")
    assert done.returncode == 4
    assert "run 'ostiary login --step-up'" in done.stderr
    assert status() == 200
