"""What a new user types, with real processes and a real curl, on both databases."""

from __future__ import annotations

import json
import re
import stat

from tests.support.people import FIREFOX, IPHONE, PASSWORD
from tests.support.processes import curl


def test_sign_in_list_revoke_and_sign_out(server, ostiary):
    ostiary.ok("login", "--username", "ada", "--password-stdin", stdin=f"{PASSWORD}\n")
    elsewhere = [server.sign_in(agent=agent) for agent in (FIREFOX, IPHONE, "curl/8.5.0")]
    table = ostiary.ok("session", "list").splitlines()
    assert re.split(r"\s{2,}", table[0].strip()) == [
        "ID", "CURRENT", "STATUS", "CREATED", "LAST USED", "IP", "USER AGENT",
    ]  # fmt: skip
    assert len(table) == 5
    listed = json.loads(ostiary.ok("session", "list", "--format", "json"))
    assert [row["is_current"] for row in listed].count(True) == 1
    agents = {row["id"]: row["user_agent"] for row in listed}
    for (session_id, _), agent in zip(elsewhere, (FIREFOX, IPHONE, "curl/8.5.0"), strict=True):
        assert agents[session_id] == agent
    assert {row["ip"] for row in listed} == {"127.0.0.1"}
    mine = next(row for row in listed if row["is_current"])
    assert mine["client"]["kind"] == "cli"

    victim, token = elsewhere[0]
    assert server.get("/api/v1/auth/whoami", token)[0] == 200
    done = ostiary("session", "revoke", victim, "--yes")
    assert done.returncode == 0
    assert f"✓ Session {victim} revoked." in done.stdout + done.stderr
    status, headers, problem = server.get("/api/v1/auth/whoami", token)
    assert (status, problem["code"], problem["reason"]) == (401, "session_revoked", "user")
    assert headers["www-authenticate"].startswith("Bearer")

    done = ostiary("session", "revoke", mine["id"][:12], "-y")
    assert done.returncode == 0
    note = "Note: that was your current session — re-run 'ostiary login' to continue."
    assert note in done.stdout + done.stderr
    done = ostiary("session", "list")
    assert done.returncode == 4
    assert done.stderr.startswith("error: ")
    assert "run 'ostiary login'" in done.stderr
    assert done.stdout == ""


def test_signing_in_makes_exactly_one_session_and_logout_ends_it(server, ostiary):
    ostiary.ok("login", "--username", "ada", "--password-stdin", stdin=f"{PASSWORD}\n")
    ostiary.ok("login", "--username", "ada", "--password-stdin", stdin=f"{PASSWORD}\n")
    listed = json.loads(ostiary.ok("session", "list", "-f", "json"))
    assert [row["is_current"] for row in listed] == [True]
    ostiary.ok("logout")
    _, watcher = server.sign_in()
    _, _, sessions = server.get("/api/v1/auth/sessions?include=ended", watcher)
    assert next(row for row in sessions if row["id"] == listed[0]["id"])["reason"] == "logout"


def test_an_administrator_makes_a_cookie_and_ends_it_again(server, ostiary, home):
    ostiary.ok("login", "--username", "root", "--password-stdin", stdin=f"{PASSWORD}\n")
    cookie = ostiary.ok("auth-session", "login", "ada", "--expire-after=4h30m", "--only-cookie").strip()
    form = r"__Host-session=sess_[a-z2-7]{26}\.[A-Za-z0-9_-]{43}; Path=/; HttpOnly; Secure; SameSite=Lax"
    assert re.fullmatch(form, cookie)
    page = f"{server.url}/api/v1/auth/whoami"
    assert json.loads(curl("--cookie", cookie, page).stdout)["user"]["username"] == "ada"

    jar = home / "cookies.txt"
    ostiary.ok("auth-session", "login", "ada", "--cookie-jar", str(jar))
    assert stat.S_IMODE(jar.stat().st_mode) == 0o600
    assert json.loads(curl("--cookie", str(jar), page).stdout)["user"]["username"] == "ada"

    server.stop()
    server.start()
    assert json.loads(curl("--cookie", str(jar), page).stdout)["user"]["username"] == "ada"

    eves = server.sign_in("eve")[1]
    ended = ostiary.ok("auth-session", "logout", "ada")
    assert ended.splitlines()[0].split("|")[0].strip() == "username"
    assert ended.rstrip().endswith("(2 rows)")
    for given in (cookie, str(jar)):
        assert json.loads(curl("--cookie", given, page).stdout)["code"] == "session_revoked"
    assert server.get("/api/v1/auth/whoami", eves)[0] == 200

    listed = ostiary.ok("auth-session", "list").splitlines()
    assert [name.strip() for name in listed[0].split("|")] == [
        "username", "session ID", "created", "expires", "revoked", "last used",
    ]  # fmt: skip
    assert set(listed[1]) == {"-", "+"}
    rows = [[cell.strip() for cell in line.split("|")] for line in listed[2:-1]]
    assert [row[4] == "NULL" for row in rows if row[0] == "ada"] == [False, False]
    assert [row[4] for row in rows if row[0] == "eve"] == ["NULL"]
    assert [row[2] for row in rows] == sorted(row[2] for row in rows)


def test_what_an_administrator_may_not_mint_mints_nothing(server, ostiary):
    ostiary.ok("login", "--username", "root", "--password-stdin", stdin=f"{PASSWORD}\n")
    before = ostiary.ok("auth-session", "list", "-f", "json")
    done = ostiary("auth-session", "login", "nobody")
    assert (done.returncode, done.stdout) == (3, "")
    assert 'error: user "nobody" does not exist' in done.stderr
    for wrong in ("0s", "-1h", "soon", "1d", "9000h"):
        done = ostiary("auth-session", "login", "ada", f"--expire-after={wrong}")
        assert (done.returncode, done.stdout) == (2, "")
    assert ids(ostiary.ok("auth-session", "list", "-f", "json")) == ids(before)


def ids(listed: str) -> set[str]:
    return {row["session_id"] for row in json.loads(listed)}


def test_break_glass_works_while_the_server_is_down_and_is_recorded(server, ostiary, database_url):
    _, token = server.sign_in()
    server.stop()
    direct = ["--database-url", database_url]
    made = ostiary.ok("auth-session", "login", "ada", "--only-cookie", *direct)
    assert made.startswith("__Host-session=sess_")
    assert "(2 rows)" in ostiary.ok("auth-session", "logout", "ada", *direct)
    server.start()
    assert server.get("/api/v1/auth/whoami", token)[2]["reason"] == "admin"
    ostiary.ok("login", "--username", "root", "--password-stdin", stdin=f"{PASSWORD}\n")
    bearer = server.sign_in("root")[1]
    _, _, trail = server.get("/api/v1/admin/events?limit=100", bearer)
    assert any(str(event["by"]).startswith("database:") for event in trail["events"])


def test_wrong_password_unknown_server_and_unknown_format(server, ostiary):
    done = ostiary("login", "--username", "ada", "--password-stdin", stdin="wrong\n")
    assert (done.returncode, done.stdout) == (4, "")
    done = ostiary("--server", "http://127.0.0.1:1", "whoami")
    assert done.returncode in (4, 8)
    done = ostiary("session", "list", "--format", "xml")
    assert done.returncode == 2
    assert "ndjson" in done.stderr
    done = ostiary("session", "revoke", "sess_x")
    assert done.returncode in (1, 4)
