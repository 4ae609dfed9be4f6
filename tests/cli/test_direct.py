"""On the database itself, without a server: `user`, `auth-session`, `migrate`, `purge`, `doctor`."""

from __future__ import annotations

import asyncio
import json
import sqlite3

import asyncpg
import pytest

from ostiary.authority import Authority
from ostiary.core.client import seen
from ostiary.settings import Settings
from ostiary.storage import sessions
from ostiary.storage.schema import sessions as sessions_table
from tests.support import databases
from tests.support.people import CHROME, PASSWORD, SERVED_PASSWORDS, add_user
from tests.support.processes import free_port


async def with_people(url: str) -> None:
    async with Authority(Settings(database_url=url, **SERVED_PASSWORDS)) as authority:
        await add_user(authority, "root", admin=True)
        await add_user(authority, "web_user")


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path, tmp_path_factory):
    """A database with `root` and `web_user`."""
    if request.param == "sqlite":
        fresh = asyncio.run(databases.new_sqlite(tmp_path, tmp_path_factory.getbasetemp() / "template.db"))
        asyncio.run(with_people(fresh))
        yield fresh
        return
    if not databases.postgres_answers():
        databases.skip(f"no PostgreSQL at {databases.POSTGRES}")
    fresh = asyncio.run(databases.new_postgres())
    asyncio.run(with_people(fresh))
    yield fresh
    asyncio.run(databases.drop_postgres(fresh))


@pytest.fixture
def ostiary(alone, url):
    alone.environment["OSTIARY_DATABASE_URL"] = url
    return alone


on_sqlite = pytest.mark.parametrize("url", ["sqlite"], indirect=True)  # where the kind of database plays no part


def cookie_id(line: str) -> str:
    return line.removeprefix("__Host-session=").partition(".")[0]


def test_the_first_account_makes_a_private_sqlite_file(alone, tmp_path):
    path = tmp_path / "new" / "ostiary.db"
    alone.ok(
        "user", "add", "root", "--admin", "--password-stdin", "--database-url", f"sqlite:///{path}", stdin=PASSWORD
    )
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_mistyped_file_name_makes_no_database(alone, tmp_path):
    done = alone("user", "list", "--database-url", f"sqlite:///{tmp_path / 'typo.db'}")
    assert done.returncode == 3
    assert not (tmp_path / "typo.db").exists()


def test_auth_session_login_list_and_logout_as_documented(ostiary):
    minted = ostiary.ok("auth-session", "login", "web_user", "--expire-after=4h30m").splitlines()
    assert [cell.strip() for cell in minted[0].split("|")] == ["username", "session ID", "authentication cookie"]
    assert minted[2].startswith("  web_user | sess_")
    assert minted[2].endswith("; Path=/; HttpOnly; Secure; SameSite=Lax")
    assert minted[3] == "(1 row)"
    line = ostiary.ok("auth-session", "login", "WEB_USER", "--only-cookie")
    assert line.count("\n") == 1
    other = ostiary.ok("auth-session", "login", "root", "--only-cookie")

    listed = ostiary.ok("auth-session", "list").splitlines()
    assert [cell.strip() for cell in listed[0].split("|")] == [
        "username", "session ID", "created", "expires", "revoked", "last used",
    ]  # fmt: skip
    assert [row.split("|")[0].strip() for row in listed[2:-1]] == ["web_user", "web_user", "root"]
    assert all(row.split("|")[4].strip() == "NULL" for row in listed[2:-1])

    ended = json.loads(ostiary.ok("auth-session", "logout", "web_user", "--format", "json"))
    assert [row["username"] for row in ended] == ["web_user", "web_user"]
    assert cookie_id(line) in {row["session_id"] for row in ended}
    again = json.loads(ostiary.ok("auth-session", "logout", "web_user", "--format", "json"))
    assert again == ended

    rows = json.loads(ostiary.ok("auth-session", "list", "--format", "json"))
    assert {row["session_id"]: row["status"] for row in rows}[cookie_id(other)] == "active"
    assert list(rows[0]) == [
        "username", "session_id", "created_at", "expires_at", "revoked_at", "last_used_at", "status",
    ]  # fmt: skip
    assert rows[0]["revoked_at"].endswith("Z")
    only = json.loads(ostiary.ok("auth-session", "list", "--user", "root", "--status", "active", "--format", "json"))
    assert [row["username"] for row in only] == ["root"]
    limited = ostiary("auth-session", "list", "--limit", "1")
    assert limited.stdout.endswith("(1 row)\n")
    assert "more than 1" in limited.stderr


def test_one_session_can_be_targeted(ostiary):
    first = cookie_id(ostiary.ok("auth-session", "login", "web_user", "--only-cookie"))
    second = cookie_id(ostiary.ok("auth-session", "login", "web_user", "--only-cookie"))
    foreign = cookie_id(ostiary.ok("auth-session", "login", "root", "--only-cookie"))
    ended = ostiary.ok("auth-session", "logout", "web_user", "--session", first[:12])
    assert first in ended
    assert ended.endswith("(1 row)\n")
    assert ostiary("auth-session", "logout", "web_user", "--session", foreign).returncode == 3
    live = json.loads(ostiary.ok("auth-session", "list", "--status", "active", "--format", "json"))
    assert {row["session_id"] for row in live} == {second, foreign}


def test_nobody_to_log_out_is_a_header_and_zero_rows(ostiary):
    assert ostiary.ok("auth-session", "logout", "web_user").splitlines()[-1] == "(0 rows)"


async def let_in(url: str, root_id: str) -> str:
    """Hang what acts while its user is away under a session. Its id."""
    async with Authority(Settings(database_url=url, **SERVED_PASSWORDS)) as authority:
        async with authority.database.reading() as db:
            parent = await sessions.find(db, root_id)
        assert parent is not None
        standing = await authority.sessions.start(parent.user_id, client=seen("203.0.113.9", CHROME))
        async with authority.database.transaction() as db:
            where = sessions_table.c.id == standing.session.id
            hangs = {"parent_id": root_id, "root_id": root_id, "path": (), "kind": "oauth"}
            await db.execute(sessions_table.update().where(where).values(hangs))
    return str(standing.session.id)


def test_what_stands_under_a_session_that_was_ended_is_said_with_the_command_that_ends_it(ostiary, url):
    device = cookie_id(ostiary.ok("auth-session", "login", "web_user", "--only-cookie"))
    standing = asyncio.run(let_in(url, device))
    words = ("auth-session", "logout", "web_user", "--session", device)
    for _ in range(2):
        done = ostiary(*words)
        assert done.returncode == 0
        assert done.stderr == (
            "Note: 1 grant that it let in still works, as it may act while its user is away; "
            f"to end: ostiary auth-session logout web_user --session {device} --standing\n"
        )
    active = ("auth-session", "list", "--status", "active", "--format", "json")
    assert [row["session_id"] for row in json.loads(ostiary.ok(*active))] == [standing]
    done = ostiary(*words, "--standing")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(ostiary.ok(*active)) == []
    assert ostiary("auth-session", "logout", "web_user", "--standing").returncode == 2


@on_sqlite
@pytest.mark.parametrize("verb", ["login", "logout"])
def test_an_unknown_user_is_exit_3(ostiary, verb):
    done = ostiary("auth-session", verb, "x")
    assert (done.returncode, done.stdout, done.stderr) == (3, "", 'error: user "x" does not exist\n')


@on_sqlite
def test_a_bad_duration_mints_nothing(ostiary):
    for span in ("0s", "-1h", "1x", "", "90000h", "1h 30m"):
        done = ostiary("auth-session", "login", "web_user", f"--expire-after={span}")
        assert (done.returncode, done.stdout) == (2, "")
    assert ostiary.ok("auth-session", "list").endswith("(0 rows)\n")


@on_sqlite
def test_the_policy_in_force_here_bounds_what_is_minted(ostiary):
    ostiary.environment["OSTIARY_POLICY"] = "nist-aal2"
    done = ostiary("auth-session", "login", "web_user", "--expire-after=25h")
    assert done.returncode == 2
    assert "24h" in done.stderr


@on_sqlite
def test_a_cookie_jar_that_cannot_be_written_mints_nothing(ostiary):
    taken = ostiary.home / "jar"
    taken.write_text("mine")
    done = ostiary("auth-session", "login", "web_user", "--cookie-jar", str(taken))
    assert done.returncode == 1
    assert taken.read_text() == "mine"
    assert ostiary.ok("auth-session", "list").endswith("(0 rows)\n")
    ostiary.ok(
        "auth-session", "login", "web_user", "--cookie-jar", str(taken), "--force", "--server", "https://a.example"
    )
    assert "#HttpOnly_a.example\tFALSE\t/\tTRUE\t" in taken.read_text()
    assert taken.stat().st_mode & 0o777 == 0o600


def test_accounts_from_adding_to_deleting(ostiary):
    added = ostiary("user", "add", "WEB_user", "--password-stdin", stdin=PASSWORD)
    assert (added.returncode, added.stderr) == (5, 'error: user "WEB_user" exists already\n')
    users = json.loads(ostiary.ok("user", "list", "--format", "json"))
    assert [(one["username"], one["roles"]) for one in users] == [
        ("root", ["admin", "member"]),
        ("web_user", ["member"]),
    ]
    ostiary.ok("auth-session", "login", "web_user", "--only-cookie")
    assert json.loads(ostiary.ok("user", "show", "web_user", "--format", "json"))["sessions"] == 1

    refused = ostiary("user", "disable", "web_user")
    assert (refused.returncode, refused.stderr) == (1, "aborted: no terminal to ask on; confirm with --yes\n")
    disabled = ostiary("user", "disable", "web_user", "--yes")
    assert disabled.stderr == "✓ User web_user disabled; 1 sessions and 0 CLI tokens ended.\n"
    assert ostiary("auth-session", "login", "web_user").returncode == 3
    ostiary.ok("user", "enable", "web_user")
    ostiary.ok("user", "passwd", "web_user", "--password-stdin", stdin="another password")
    ostiary.ok("user", "delete", "web_user", "-y")
    assert ostiary("user", "show", "web_user").returncode == 3
    last = ostiary("user", "delete", "root", "-y")
    assert last.returncode == 5


@on_sqlite
@pytest.mark.parametrize(("password", "why"), [("short", "8"), ("", "8"), ("web_user2", "username")])
def test_a_password_that_may_not_be_one_is_exit_2(ostiary, password, why):
    done = ostiary("user", "add", "web_user2", "--password-stdin", stdin=f"{password}\n")
    assert done.returncode == 2
    assert why in done.stderr


@on_sqlite
def test_exactly_one_line_ending_is_taken_off_a_password(ostiary):
    assert ostiary("user", "add", "a", "--password-stdin", stdin="seven77\n\n").returncode == 0  # 8 with one newline
    assert ostiary("user", "add", "b", "--password-stdin", stdin="seven77\r\n").returncode == 2
    assert ostiary("user", "add", "c", "--password-stdin", stdin="seven77 \n").returncode == 0


@on_sqlite
def test_a_password_comes_from_one_place_only(ostiary):
    ostiary.environment["OSTIARY_PASSWORD"] = PASSWORD
    done = ostiary("user", "add", "c", "--password-stdin", stdin=PASSWORD)
    assert done.returncode == 2
    ostiary.ok("user", "add", "c")
    del ostiary.environment["OSTIARY_PASSWORD"]
    assert "--password-stdin" in ostiary("user", "add", "d").stderr


def test_what_the_operator_did_is_recorded_as_such(ostiary, url):
    ostiary.ok("auth-session", "login", "web_user", "--only-cookie")
    query = "SELECT issued_by FROM sessions"
    if url.startswith("sqlite"):
        database = sqlite3.connect(url.removeprefix("sqlite:///"))
        found = [row[0] for row in database.execute(query)]
        database.close()
    else:

        async def read() -> list[str]:
            connection = await asyncpg.connect(url)
            try:
                return [row[0] for row in await connection.fetch(query)]
            finally:
                await connection.close()

        found = asyncio.run(read())
    assert len(found) == 1
    assert found[0].startswith("database:")


def test_migrate_says_where_the_database_is_and_again_changes_nothing(alone, tmp_path):
    url = f"sqlite:///{tmp_path / 'm.db'}"
    first = json.loads(alone.ok("migrate", "--database-url", url, "--format", "json"))
    assert first["before"] is None
    second = json.loads(alone.ok("migrate", "--database-url", url, "--format", "json"))
    assert second == {"before": first["after"], "after": first["after"], "database": url}
    assert alone("migrate", "--database-url", url).stderr == f"✓ {url} is at schema {first['after']} already.\n"


@on_sqlite
def test_purge_removes_only_what_is_past(ostiary):
    ostiary.ok("auth-session", "login", "web_user", "--only-cookie")
    ostiary.ok("auth-session", "logout", "web_user")
    assert json.loads(ostiary.ok("purge", "--older-than", "30d", "--format", "json")) == {
        "sessions": 0, "tokens": 0, "events": 0, "forgotten": 0,
    }  # fmt: skip
    assert ostiary("purge", "--older-than", "0d").returncode == 2


def test_a_database_that_is_out_of_reach_is_exit_7_and_no_traceback(alone):
    done = alone("user", "list", "--database-url", "postgresql://nobody:secret@127.0.0.1:1/none")
    assert done.returncode == 7
    assert done.stderr.count("\n") == 1
    assert "secret" not in done.stderr
    assert alone("user", "list", "--database-url", "mysql://x/y").returncode == 2


@on_sqlite
def test_doctor_finds_what_is_unsafe_and_hides_the_databases_password(ostiary, url):
    found = json.loads(ostiary("doctor", "--format", "json", "--server", f"http://127.0.0.1:{free_port()}").stdout)
    by_check = {one["check"]: one for one in found}
    assert by_check["database"]["verdict"] == "ok"
    assert by_check["reachable"]["verdict"] == "broken"  # nothing runs
    assert "environment" in by_check["database_url"]["found"]
    ostiary.environment |= {"OSTIARY_TRUSTED_PROXIES": "0.0.0.0/0", "OSTIARY_ALLOW_PLAIN_HTTP": "true"}
    done = ostiary("doctor", "--format", "json", "--database-url", "postgresql://u:hunter2@127.0.0.1:1/x")
    assert done.returncode == 1
    unsafe = {one["check"] for one in json.loads(done.stdout) if one["verdict"] == "unsafe"}
    assert unsafe == {"trusted_proxies", "sign-in"}
    assert "hunter2" not in done.stdout + done.stderr


def test_doctor_names_a_setting_that_is_wrong(alone):
    alone.environment["OSTIARY_PORT"] = "many"
    done = alone("doctor")
    assert done.returncode == 1
    assert "port (from environment)" in done.stdout
