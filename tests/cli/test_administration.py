"""`auth-session` and `user` through the server, as an administrator; the same output as at the database itself."""

from __future__ import annotations

import json

import pytest

from ostiary.cli.address import parse_address
from ostiary.cli.server_calls import ServerCalls
from tests.support.people import PASSWORD
from tests.support.processes import CommandLine, curl


def test_the_cookie_opens_a_page_with_real_curl(root, new_person):
    ada = new_person()
    line = root.ostiary.ok("auth-session", "login", ada.name, "--expire-after=4h30m", "--only-cookie")
    assert line.startswith("__Host-session=sess_")
    assert line.endswith("; Path=/; HttpOnly; Secure; SameSite=Lax\n")
    inline = curl("--cookie", line.strip(), f"{root.server.url}/api/v1/auth/whoami")
    assert json.loads(inline.stdout)["user"]["username"] == ada.name


def test_curl_loads_the_cookie_jar(root, new_person):
    ada = new_person()
    root.ostiary.ok("auth-session", "login", ada.name, "--cookie-jar", "jar.txt")
    jar = root.ostiary.home / "jar.txt"
    assert jar.stat().st_mode & 0o777 == 0o600
    done = curl("--cookie", str(jar), f"{root.server.url}/api/v1/auth/whoami")
    assert json.loads(done.stdout)["user"]["username"] == ada.name
    port = root.server.url.rsplit(":", 1)[1]
    elsewhere = curl("--cookie", str(jar), f"http://localhost:{port}/api/v1/auth/whoami")
    assert json.loads(elsewhere.stdout)["code"] == "no_credentials"  # it is for one host


def test_logging_out_ends_all_of_that_user_and_nobody_else(root, new_person):
    ada, bob = new_person(), new_person()
    tokens = [ada.elsewhere()[1], ada.elsewhere()[1]]
    _, of_bob = bob.elsewhere()
    ended = root.ostiary.ok("auth-session", "logout", ada.name)
    assert ended.endswith("(2 rows)\n")
    assert [ada.server.get("/api/v1/auth/whoami", bearer=one)[0] for one in tokens] == [401, 401]
    assert bob.server.get("/api/v1/auth/whoami", bearer=of_bob)[0] == 200


def test_both_ways_say_the_same(root, new_person):
    ada = new_person()
    ada.elsewhere()
    root.ostiary.ok("auth-session", "login", ada.name)
    direct = CommandLine(root.ostiary.home, OSTIARY_DATABASE_URL=root.server.database_url)
    for form in ("table", "json"):
        listed = ("auth-session", "list", "--user", ada.name, "--format", form)
        assert root.ostiary.ok(*listed) == direct.ok(*listed)
        shown = ("user", "show", ada.name, "--format", form)
        assert root.ostiary.ok(*shown) == direct.ok(*shown)
    ended = ("auth-session", "logout", ada.name)
    assert root.ostiary.ok(*ended) == direct.ok(*ended)
    unknown = ("auth-session", "logout", "nobody-at-all")
    first, second = root.ostiary(*unknown), direct(*unknown)
    assert (first.returncode, first.stderr) == (3, 'error: user "nobody-at-all" does not exist\n')
    assert (second.returncode, second.stderr) == (first.returncode, first.stderr)


def test_one_session_can_be_targeted(root, new_person):
    ada = new_person()
    first, token = ada.elsewhere()
    second, other = ada.elsewhere()
    ended = root.ostiary.ok("auth-session", "logout", ada.name, "--session", first[:14])
    assert first in ended
    assert second not in ended
    assert ada.server.get("/api/v1/auth/whoami", bearer=token)[0] == 401
    assert ada.server.get("/api/v1/auth/whoami", bearer=other)[0] == 200
    foreign, _ = root.elsewhere()
    assert root.ostiary("auth-session", "logout", ada.name, "--session", foreign).returncode == 3


@pytest.mark.parametrize("span", ["0s", "2161h"])
def test_a_duration_out_of_bounds_mints_nothing(root, new_person, span):
    ada = new_person()
    done = root.ostiary("auth-session", "login", ada.name, "--expire-after", span)
    assert (done.returncode, done.stdout) == (2, "")
    assert root.ostiary.ok("auth-session", "list", "--user", ada.name).endswith("(0 rows)\n")


def test_who_is_no_administrator_is_exit_4(ada):
    for words in (("auth-session", "list"), ("auth-session", "login", "root"), ("user", "list")):
        done = ada.ostiary(*words)
        assert done.returncode == 4
        assert "role admin" in done.stderr


def test_accounts_over_http(root, new_terminal):
    name = "Zoë.Example"
    root.ostiary.ok("user", "add", name, "--email", "z@example.org", "--password-stdin", stdin=PASSWORD)
    assert root.ostiary("user", "add", name.upper(), "--password-stdin", stdin=PASSWORD).returncode == 5
    other = new_terminal()
    other.ok("login", "--username", name, "--password-stdin", stdin=PASSWORD)
    shown = json.loads(root.ostiary.ok("user", "show", name, "-f", "json"))
    assert (shown["username"], shown["email"], shown["sessions"]) == (name, "z@example.org", 1)
    changed = root.ostiary("user", "passwd", name, "--password-stdin", stdin="another password")
    assert changed.returncode == 0
    assert other("whoami").returncode == 4
    root.ostiary.ok("user", "disable", name, "--yes")
    refused = other("login", "--username", name, "--password-stdin", stdin="another password")
    assert refused.returncode == 4
    root.ostiary.ok("user", "enable", name)
    other.ok("login", "--username", name, "--password-stdin", stdin="another password")
    root.ostiary.ok("user", "delete", name, "--yes")
    assert other("whoami").returncode == 4
    assert root.ostiary("user", "show", name).returncode == 3


@pytest.mark.parametrize("name", ["..", ".", "a/b", "a?b", "%2e%2e", "x y"])
def test_a_strange_name_reaches_no_other_path(root, name):
    done = root.ostiary("user", "delete", name, "--yes")
    assert done.returncode in {2, 3}


def test_doctor_is_content_with_a_healthy_house(root):
    done = root.ostiary("doctor", "--database-url", root.server.database_url, "--format", "json")
    found = {one["check"]: one["verdict"] for one in json.loads(done.stdout)}
    assert {"reachable", "clock", "credential", "database"} <= set(found)
    assert set(found.values()) <= {"ok", "info"}
    assert done.returncode == 0


def test_pages_are_read_to_their_end_in_order(root, new_person):
    ada = new_person()
    ids = [ada.elsewhere()[0] for _ in range(5)]
    _, token = root.elsewhere()
    calls = ServerCalls(parse_address(root.server.url), token)
    query = {"user": ada.name, "sort": "created_at", "limit": 2}
    assert [one["id"] for one in calls.ask_pages("search_sessions", "sessions", **query)] == ids
    assert [one["id"] for one in calls.ask_pages("search_sessions", "sessions", most=3, **query)] == ids[:3]
