"""`ostiary admin neutralise`: shown, asked, ended; the secret stays out of sight."""

from __future__ import annotations

import json
import os

import pytest

from ostiary.core.token import mint
from tests.support.keyboard import at_terminal


def works(server, token: str) -> bool:
    return bool(server.get("/verify", bearer=token)[0] == 200)


@pytest.fixture
def leaked(ada):
    """A session of ada's, and a CLI token that was made in it."""
    session_id, token = ada.elsewhere()
    status, _, made = ada.server.ask(
        "POST", "/api/v1/auth/cli-token", {"name": "thief", "scopes": ["gateway"]}, bearer=token
    )
    assert status == 201
    return session_id, token, made


def test_a_cookie_line_on_stdin_is_shown_and_ended(root, ada, leaked):
    session_id, token, made = leaked
    line = f"Cookie: theme=dark; __Host-session={token}\n"
    dry = root.ostiary("admin", "neutralise", "--stdin", "--dry-run", stdin=line)
    assert dry.returncode == 0
    assert dry.stdout.splitlines()[0].split() == ["ID", "WHAT", "WORKS", "MADE", "LAST", "USED", "EXPIRES", "ABOUT"]
    assert {line.split()[0] for line in dry.stdout.splitlines()[1:]} == {session_id, made["id"]}
    assert f"of {ada.name}: 1 session and 1 CLI token would end" in dry.stderr
    assert works(root.server, token)
    done = root.ostiary("admin", "neutralise", "--stdin", "--yes", "--format", "json", stdin=line)
    answer = json.loads(done.stdout)
    assert (answer["sessions"], answer["tokens"], answer["matches"], answer["applied"]) == (1, 1, True, True)
    assert not works(root.server, token)
    assert not works(root.server, made["token"])
    again = root.ostiary("admin", "neutralise", session_id, "--yes")
    assert (again.returncode, "nothing to end" in again.stderr) == (0, True)
    secret = token.partition(".")[2]
    assert secret not in dry.stdout + dry.stderr + done.stdout + done.stderr
    assert secret not in root.server.log.read_text()


def test_it_asks_for_the_credential_without_showing_it_and_asks_before_it_ends(root, leaked):
    _, token, _ = leaked
    answers = [("not shown", f"{token}\n"), ("End all of it now?", "n\n")]
    seen = at_terminal(root.ostiary, "admin", "neutralise", answers=answers)
    assert seen.exit_code == 1
    assert token.partition(".")[2] not in seen.screen + seen.stdout
    assert works(root.server, token)
    seen = at_terminal(root.ostiary, "admin", "neutralise", answers=[*answers[:1], ("End all of it now?", "y\n")])
    assert (seen.exit_code, "1 session and 1 CLI token ended" in seen.screen) == (0, True)
    assert not works(root.server, token)


def test_a_wrong_secret_is_said_and_the_administrator_decides(root, leaked, tmp_path):
    session_id, token, _ = leaked
    file = tmp_path / "line.txt"
    file.write_text(f"{session_id}.{mint('sess').secret}")
    refused = root.ostiary("admin", "neutralise", "--file", str(file), "--yes")
    assert (refused.returncode, "give the id alone" in refused.stderr) == (5, True)
    assert works(root.server, token)
    seen = at_terminal(root.ostiary, "admin", "neutralise", "--file", str(file), answers=[("its id anyway?", "y\n")])
    assert (seen.exit_code, "does not match" in seen.screen) == (0, True)
    assert not works(root.server, token)


def test_a_secret_as_an_argument_works_with_a_warning(root, leaked):
    _, token, _ = leaked
    done = root.ostiary("admin", "neutralise", token, "--yes")
    assert (done.returncode, "shell's history" in done.stderr) == (0, True)
    assert not works(root.server, token)


def test_directly_on_the_database(root, leaked):
    session_id, token, _ = leaked
    direct = ("--database-url", root.server.database_url)
    done = root.ostiary("admin", "neutralise", "--stdin", "--yes", *direct, "--format", "json", stdin=token)
    assert (done.returncode, json.loads(done.stdout)["tokens"]) == (0, 1), done.stderr
    assert not works(root.server, token)
    assert root.ostiary("admin", "neutralise", mint("sess").id, *direct).returncode == 3
    _, _, trail = root.server.get("/api/v1/admin/events?limit=20", bearer=root.elsewhere()[1])
    act = next(event for event in trail["events"] if event["kind"] == "credential.neutralised")
    assert (act["session_id"], act["by"].startswith("database:")) == (session_id, True)


@pytest.mark.parametrize(
    ("words", "stdin", "code", "says"),
    [
        ((), None, 2, "no terminal"),
        (("sess_a", "--stdin"), "x", 2, "only one"),
        (("--stdin",), "garbage", 2, "there is no session token"),
        (("--stdin",), "x" * 20_000, 2, "at most"),
        (("--stdin",), "x" * 1_000_000, 2, "too long"),
        (("--file", "missing.txt"), None, 1, "missing.txt"),
        (("sess_" + "a" * 26,), None, 3, "nothing is known"),
        (("ost_" + "a" * 26,), None, 3, "nothing is known"),
    ],
)
def test_what_cannot_be_is_said(root, words, stdin, code, says):
    done = root.ostiary("admin", "neutralise", *words, stdin=stdin)
    assert (done.returncode, says in done.stderr) == (code, True), done.stderr
    assert len(done.stderr) < 400


def test_a_large_or_binary_file_is_refused(root, tmp_path):
    for name, content in (("large", b"x" * 70_000), ("binary", os.urandom(99) + b"\xff")):
        (tmp_path / name).write_bytes(content)
        done = root.ostiary("admin", "neutralise", "--file", str(tmp_path / name))
        assert done.returncode == 2, done.stderr


def test_only_administrators(ada, leaked):
    done = ada.ostiary("admin", "neutralise", leaked[0], "--yes")
    assert (done.returncode, "role admin" in done.stderr) == (4, True)
    assert works(ada.server, leaked[1])
