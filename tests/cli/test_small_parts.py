"""Durations with days, ids by their beginning, cookie jars, private files, what a failure says."""

from __future__ import annotations

import http.cookiejar
from datetime import timedelta

import pytest

from ostiary.cli.address import parse_address
from ostiary.cli.cookie_jar import to_cookie_jar
from ostiary.cli.failures import Failure, from_error, from_problem
from ostiary.cli.matching import is_whole, match
from ostiary.cli.private_file import PrivateFile
from ostiary.cli.span import parse_span
from ostiary.core.token import new_id
from ostiary.errors import SessionRevoked, UserNotFound, WrongCredentials

IDS = ["sess_abcd1111", "sess_abcd2222", "sess_xyz33333"]


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("30d", timedelta(days=30)),
        ("1d12h", timedelta(days=1, hours=12)),
        ("4h30m", timedelta(hours=4, minutes=30)),
        ("0d1s", timedelta(seconds=1)),
    ],
)
def test_a_span_may_begin_with_days(text, span):
    assert parse_span(text) == span


@pytest.mark.parametrize("text", ["", "0d", "-1d", "d", "1.5d", "1d-1h", "1h1d", "30", "1w", "1d0h", "999999d", "٣d"])
def test_what_is_no_span_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        parse_span(text)


def test_an_id_is_found_by_its_beginning_with_or_without_the_prefix():
    assert match("sess_xyz", IDS, "sess", "session") == "sess_xyz33333"
    assert match("xyz3", IDS, "sess", "session") == "sess_xyz33333"
    assert match("sess_abcd1111", [*IDS, "sess_abcd11112"], "sess", "session") == "sess_abcd1111"


@pytest.mark.parametrize(
    ("text", "exit_code", "says"),
    [
        ("sess_abcd", 2, "sess_abcd1111, sess_abcd2222"),
        ("sess_", 2, "too short"),
        ("", 2, "too short"),
        ("sess_x", 2, "too short"),
        ("sess_nobody", 3, "no session"),
    ],
)
def test_an_ambiguous_or_unknown_beginning_is_refused(text, exit_code, says):
    with pytest.raises(Failure, match=says) as failed:
        match(text, IDS, "sess", "session")
    assert failed.value.exit_code == exit_code


def test_only_a_complete_id_needs_no_looking_up():
    assert is_whole(new_id("sess"), "sess")
    assert not is_whole(new_id("sess"), "ost")
    assert not is_whole("sess_abcd", "sess")


def test_a_cookie_jar_is_for_one_host_and_loads(tmp_path):
    line = "__Host-session=sess_a.b; Path=/; HttpOnly; Secure; SameSite=Lax"
    text = to_cookie_jar(line, parse_address("https://auth.example.org:8443"), "2099-01-01T00:00:00Z")
    assert text.splitlines()[-1] == "#HttpOnly_auth.example.org\tFALSE\t/\tTRUE\t4070908800\t__Host-session\tsess_a.b"
    path = tmp_path / "jar"
    path.write_text(text)
    jar = http.cookiejar.MozillaCookieJar(str(path))
    jar.load(ignore_discard=True)
    assert [(cookie.name, cookie.value, cookie.secure) for cookie in jar] == [("__Host-session", "sess_a.b", True)]


@pytest.mark.parametrize("line", ["", "novalue", "a=b\nc", "a=\x1b"])
def test_a_line_that_is_no_cookie_makes_no_jar(line):
    with pytest.raises(Failure):
        to_cookie_jar(line, parse_address("https://a"), "")


def test_a_private_file_is_private_and_whole(tmp_path):
    path = tmp_path / "secret"
    with PrivateFile(str(path), replace=False) as file:
        assert not path.exists()
        file.write("s\n")
    assert path.read_text() == "s\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["secret"]


def test_a_private_file_replaces_nothing_unless_told(tmp_path):
    path = tmp_path / "secret"
    path.write_text("old")
    with pytest.raises(Failure, match="exists"), PrivateFile(str(path), replace=False) as file:
        file.write("new")
    assert path.read_text() == "old"
    with PrivateFile(str(path), replace=True) as file:
        file.write("new")
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_private_file_loses_a_race_without_harm(tmp_path):
    path = tmp_path / "secret"
    with pytest.raises(Failure), PrivateFile(str(path), replace=False) as file:
        path.write_text("theirs")
        file.write("ours")
    assert path.read_text() == "theirs"
    assert [one.name for one in tmp_path.iterdir()] == ["secret"]


def test_a_private_file_goes_through_no_link_and_into_no_device(tmp_path):
    target = tmp_path / "target"
    target.write_text("x")
    link = tmp_path / "link"
    link.symlink_to(target)
    for path in (link, "/dev/null"):
        with pytest.raises(Failure, match="not a regular file"), PrivateFile(str(path), replace=True):
            pass
    assert target.read_text() == "x"


def test_an_act_that_fails_leaves_no_draft(tmp_path):
    with pytest.raises(RuntimeError), PrivateFile(str(tmp_path / "secret"), replace=False):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_a_failure_is_one_safe_line_however_the_server_puts_it():
    failure = from_problem(404, {"code": "x", "message": "a\nerror: forged\x1b[2J" + "y" * 10_000})
    assert failure.line.isprintable()
    assert len(failure.line) < 600
    assert failure.exit_code == 3


@pytest.mark.parametrize(
    ("status", "exit_code"),
    [(400, 2), (422, 2), (401, 4), (403, 4), (404, 3), (409, 5), (429, 6), (500, 7), (503, 7)],
)
def test_every_status_has_its_exit_code(status, exit_code):
    assert from_problem(status, {"code": "c", "message": "m"}).exit_code == exit_code


def test_errors_of_this_process_say_the_same_as_a_servers():
    assert from_error(UserNotFound("x")).line == 'error: user "x" does not exist'
    assert from_error(WrongCredentials()).line == "error: the username or the password is wrong"
    from datetime import UTC, datetime

    failure = from_error(SessionRevoked(datetime(2026, 1, 1, tzinfo=UTC), "admin"))
    assert failure.line == "error: the session was ended (reason: admin, 2026-01-01T00:00:00Z); run 'ostiary login'"
    assert failure.problem["reason"] == "admin"
