"""`login`, `logout`, `whoami`, `profile` against the real server."""

from __future__ import annotations

import json
import tomllib

import pytest

from tests.support.keyboard import at_terminal
from tests.support.people import PASSWORD
from tests.support.processes import CommandLine, free_port

# Through a server the command line cannot tell one kind of database from another.
pytestmark = pytest.mark.parametrize("server", ["sqlite"], indirect=True)


def stored(ostiary: CommandLine, profile: str = "default") -> dict[str, str]:
    path = ostiary.home / "config" / "ostiary" / "config.toml"
    found: dict[str, str] = tomllib.loads(path.read_text())["profiles"][profile]
    return found


def live(person) -> list[str]:
    """Ids of the person's live sessions, as the server knows them."""
    _, token = person.server.sign_in("root")
    path = f"/api/v1/admin/sessions?user={person.name}&status=active&limit=1000"
    _, _, page = person.server.ask("GET", path, bearer=token)
    return [one["id"] for one in page["sessions"]]


def test_signing_in_makes_one_session_of_the_kind_cli_and_says_who(new_person):
    ada = new_person()
    done = ada.ostiary("login", "--username", ada.name, "--password-stdin", stdin=f"{PASSWORD}\n")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith(f"✓ Signed in as {ada.name}. ")
    assert len(live(ada)) == 1
    who = json.loads(ada.ostiary.ok("whoami", "--format", "json"))
    assert who["user"]["username"] == ada.name
    assert who["session"]["id"] == live(ada)[0]
    assert who["session"]["client"]["kind"] == "cli"
    assert who["session"]["user_agent"].startswith("ostiary/")
    assert (who["server"], who["credential"]) == (ada.server.url, "session")


def test_signing_in_again_leaves_exactly_one(ada):
    first = live(ada)
    second = ada.sign_in()
    assert live(ada) == [second]
    assert first != [second]


def test_signing_in_again_when_the_earlier_session_has_ended_already_says_nothing_of_it(ada):
    ada.server.ask("POST", "/api/v1/auth/logout", {}, bearer=stored(ada.ostiary)["credential"])
    done = ada.ostiary("login", "--username", ada.name, "--password-stdin", stdin=PASSWORD)
    assert "Note" not in done.stderr


def test_what_is_stored_is_private_and_no_password(ada):
    path = ada.ostiary.home / "config" / "ostiary" / "config.toml"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert PASSWORD not in path.read_text()
    assert stored(ada.ostiary)["issued_for"] == ada.server.url


def test_a_wrong_password_is_exit_4_and_stores_nothing(new_person):
    ada = new_person()
    done = ada.ostiary("login", "--username", ada.name, "--password-stdin", stdin="wrong password")
    assert (done.returncode, done.stderr) == (4, "error: the username or the password is wrong\n")
    assert not (ada.ostiary.home / "config").exists()


def test_the_password_is_asked_for_on_stderr_and_not_shown(new_person):
    ada = new_person()
    seen = at_terminal(
        ada.ostiary, "login", answers=[("Username: ", f"{ada.name}\n"), ("Password for ", f"{PASSWORD}\n")]
    )
    assert (seen.exit_code, seen.stdout) == (0, "")
    assert PASSWORD not in seen.screen
    assert f"Signed in as {ada.name}." in seen.screen


def test_without_a_terminal_or_a_password_it_is_a_usage_error(new_person):
    ada = new_person()
    done = ada.ostiary("login", "--username", ada.name)
    assert done.returncode == 2
    assert "--password-stdin or OSTIARY_PASSWORD" in done.stderr
    assert ada.ostiary("login").returncode == 2


def test_the_environment_carries_a_password_but_never_both(new_person):
    ada = new_person()
    ada.ostiary.environment["OSTIARY_PASSWORD"] = PASSWORD
    assert ada.ostiary("login", "--username", ada.name, "--password-stdin", stdin=PASSWORD).returncode == 2
    ada.ostiary.ok("login", "--username", ada.name)


def test_ctrl_c_at_the_question_is_aborted(new_person):
    ada = new_person()
    seen = at_terminal(ada.ostiary, "login", answers=[("Username: ", "\x04")])
    assert seen.exit_code == 1
    assert seen.screen.endswith("aborted\n")


def test_signing_out_ends_it_on_the_server_and_forgets_it(ada):
    credential = stored(ada.ostiary)["credential"]
    done = ada.ostiary("logout")
    assert done.returncode == 0
    assert done.stderr.startswith("✓ Signed out. ")
    status, _, problem = ada.server.ask("GET", "/api/v1/auth/whoami", bearer=credential)
    assert (status, problem["code"], problem["reason"]) == (401, "session_revoked", "logout")
    assert "credential" not in stored(ada.ostiary)
    assert ada.ostiary("whoami").returncode == 4
    assert ada.ostiary("logout").returncode == 4


def test_signing_out_forgets_it_even_when_the_server_is_away_and_says_so(ada):
    path = ada.ostiary.home / "config" / "ostiary" / "config.toml"
    gone = f"http://127.0.0.1:{free_port()}"
    path.write_text(path.read_text().replace(ada.server.url, gone))
    done = ada.ostiary("logout", "--server", gone)
    assert done.returncode == 8
    assert "forgotten here" in done.stderr
    assert "cannot be reached" in done.stderr
    assert "credential" not in stored(ada.ostiary)


def test_a_token_is_checked_before_it_is_remembered(ada, new_terminal):
    _, token = ada.elsewhere()
    other = new_terminal()
    other.ok("login", "--token", stdin=f"{token}\n")
    assert stored(other)["credential"] == token
    wrong = new_terminal()
    done = wrong("login", "--token", f"{token[:-4]}AAAA")
    assert done.returncode == 4
    assert done.stderr == "error: the credential is not valid\n"
    assert not (wrong.home / "config").exists()


def test_a_remembered_cli_token_is_only_forgotten(ada, new_terminal):
    secret = ada.ostiary.ok("token", "create", "ci", "--quiet").strip()
    other = new_terminal()
    other.ok("login", "--token", secret)
    assert json.loads(other.ok("whoami", "--format", "json"))["credential"] == "token"
    done = other("logout")
    assert "still works" in done.stderr
    new_terminal(OSTIARY_TOKEN=secret).ok("token", "validate")


def test_the_token_of_the_environment_comes_first(ada, new_person):
    other = new_person()
    _, token = other.elsewhere()
    ada.ostiary.environment["OSTIARY_TOKEN"] = token
    assert json.loads(ada.ostiary.ok("whoami", "--format", "json"))["user"]["username"] == other.name


def test_a_refused_token_of_the_environment_is_named(new_terminal):
    done = new_terminal(OSTIARY_TOKEN="sess_x.y")("whoami")
    assert (done.returncode, done.stdout) == (4, "")
    assert "OSTIARY_TOKEN is what was refused: replace or unset it, or run 'ostiary login'" in done.stderr


def test_an_ended_session_is_exit_4_with_the_reason_and_the_next_step(ada):
    ada.ostiary.ok("session", "revoke-all", "--yes")
    done = ada.ostiary("whoami", "--format", "json")
    assert (done.returncode, done.stdout) == (4, "")
    first, second = done.stderr.splitlines()
    assert first.startswith("error: the session was ended (reason: user_all, ")
    assert first.endswith("; run 'ostiary login'")
    assert json.loads(second)["code"] == "session_revoked"


def test_profiles_are_apart(ada, new_person):
    other = new_person()
    ada.ostiary.ok("login", "--profile", "other", "--username", other.name, "--password-stdin", stdin=PASSWORD)
    names = [
        json.loads(ada.ostiary.ok("whoami", "--format", "json", *words))["user"]["username"]
        for words in ((), ("--profile", "other"))
    ]
    assert names == [ada.name, other.name]
    listed = json.loads(ada.ostiary.ok("profile", "list", "--format", "json"))
    assert [(one["name"], one["is_current"], one["username"]) for one in listed] == [
        ("default", True, ada.name),
        ("other", False, other.name),
    ]
    assert stored(ada.ostiary)["credential"] not in ada.ostiary.ok("profile", "show", "--format", "json")
    ada.ostiary.ok("profile", "use", "other")
    assert json.loads(ada.ostiary.ok("whoami", "--format", "json"))["user"]["username"] == other.name
    ada.ostiary.environment["OSTIARY_PROFILE"] = "default"
    assert json.loads(ada.ostiary.ok("whoami", "--format", "json"))["user"]["username"] == ada.name
    removed = ada.ostiary("profile", "remove", "other")
    assert "still works until" in removed.stderr
    assert ada.ostiary("profile", "remove", "other").returncode == 3


def test_a_failure_to_store_ends_the_session_that_was_made(new_person):
    ada = new_person()
    directory = ada.ostiary.home / "config" / "ostiary"
    directory.parent.mkdir()
    directory.write_text("a file where the directory should be")
    done = ada.ostiary("login", "--username", ada.name, "--password-stdin", stdin=PASSWORD)
    assert done.returncode == 1
    assert live(ada) == []


@pytest.mark.parametrize("form", ["json", "yaml", "csv", "table"])
def test_no_secret_is_shown_by_whoami(ada, form):
    secret = stored(ada.ostiary)["credential"].partition(".")[2]
    assert secret not in ada.ostiary.ok("whoami", "--format", form)


def test_verbose_tells_of_requests_without_secrets(ada):
    done = ada.ostiary("whoami", "--verbose")
    assert f"GET {ada.server.url}/api/v1/auth/whoami -> 200 in " in done.stderr
    assert stored(ada.ostiary)["credential"] not in done.stderr
