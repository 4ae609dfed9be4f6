"""`event`: the trail on a terminal, through a server and at the database."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from ostiary.authority import Authority
from ostiary.cli.calls import Calls
from ostiary.cli.event import event
from ostiary.cli.failures import Unreachable
from ostiary.cli.following import Following
from ostiary.cli.invocation import Invocation
from ostiary.settings import Settings
from tests.support import databases
from tests.support.people import SERVED_PASSWORDS, add_user, at, sign_in


def cheap(url: str) -> Settings:
    return Settings(database_url=url, **SERVED_PASSWORDS)


@pytest.fixture
def url(tmp_path, tmp_path_factory):
    """A SQLite database in which `ada` was ended by a stranger's hostile browser."""
    fresh = asyncio.run(databases.new_sqlite(tmp_path, tmp_path_factory.getbasetemp() / "template.db"))
    asyncio.run(happen(fresh))
    return fresh


async def happen(url: str) -> None:
    async with Authority(cheap(url)) as authority:
        await add_user(authority)
        started = await sign_in(authority, client=at(user_agent='=cmd|" /C calc"!A0'))
        await authority.sessions.log_out(by=await authority.verify(started.token, at(user_agent="\x1b[2Jgone")))


@pytest.fixture
def ostiary(alone, url):
    alone.environment["OSTIARY_DATABASE_URL"] = url
    return alone


def test_a_list_takes_filters_through_a_server_and_at_its_database_alike(root, server):
    session_id = root.ostiary.ok("whoami", "--format", "json")
    session_id = json.loads(session_id)["session"]["id"]
    words = ("event", "list", "--kind", "session.started", "--user", "root", "--since", "1h", "--session", session_id)
    found = json.loads(root.ostiary.ok(*words, "--format", "json"))
    assert [one["session_id"] for one in found] == [session_id]
    root.ostiary.environment["OSTIARY_DATABASE_URL"] = server.database_url
    assert json.loads(root.ostiary.ok(*words, "--format", "json")) == found
    assert json.loads(root.ostiary.ok(*words, "--until", "1h", "--format", "json")) == []


@pytest.mark.parametrize(
    "words",
    [("--kind", "nonsense"), ("--since", "yesterday"), ("--user", "nobody-here"), ("--limit", "0"), ("--until", "-1h")],
)
def test_what_cannot_be_is_refused_in_words(root, words):
    done = root.ostiary("event", "list", *words)
    assert done.returncode in {2, 3} and done.stderr.startswith("error:") and done.stderr.count("\n") == 1


def test_nobody_but_an_administrator_reads_the_trail(ada):
    for words in (("list",), ("export",), ("receipt", "1")):
        assert ada.ostiary("event", *words).returncode == 4


def test_an_export_is_whole_in_its_order_and_runs_in_no_spreadsheet(ostiary):
    lines = [json.loads(line) for line in ostiary.ok("event", "export").splitlines()]
    assert [one["kind"] for one in lines] == ["user.added", "session.started", "session.revoked"]
    assert lines[1]["user_agent"] == '=cmd|" /C calc"!A0'
    rows = list(csv.DictReader(io.StringIO(ostiary.ok("event", "export", "--format", "csv"))))
    assert [row["kind"] for row in rows] == [one["kind"] for one in lines]
    assert rows[1]["user_agent"] == """'=cmd|" /C calc"!A0"""
    assert rows[2]["user_agent"] == "\\x1b[2Jgone"
    assert ostiary("event", "export", "--format", "html").returncode == 2
    assert ostiary.ok("event", "export", "--until", "1h") == ""


def test_an_export_of_many_pages_holds_one_at_a_time(monkeypatch):
    asked = []

    class Trail(Calls):
        def perform(self, operation, takes):
            asked.append((operation, takes["order"], takes["limit"], takes.get("cursor")))
            number = int(takes.get("cursor", 0))
            rows = [{"position": number + one, "kind": "user.added"} for one in range(1, takes["limit"] + 1)]
            return {"events": rows, "next_cursor": str(number + len(rows)) if number < 4000 else None}

    monkeypatch.setattr(Invocation, "administration", lambda _: Trail("a server"))
    done = CliRunner().invoke(event, ["export"], obj=Invocation())
    assert done.exit_code == 0, done.output
    assert asked == [("list_events", "oldest", 1000, cursor) for cursor in (None, "1000", "2000", "3000", "4000")]
    assert [json.loads(line)["position"] for line in done.stdout.splitlines()] == list(range(1, 5001))


class Writers(Calls):
    """A trail whose events appear in another order than that of their positions."""

    def __init__(self) -> None:
        super().__init__("a server")
        self.there: list[int] = []
        self.settled = 0
        self.is_away = False

    def perform(self, operation, takes):
        if self.is_away:
            raise Unreachable("http://localhost", "connection refused")
        if "order" not in takes:
            return {"events": [{"position": max(self.there)}] if self.there else []}
        found = [{"position": one} for one in sorted(self.there) if one > takes["after"]]
        return {"events": found, "settled": self.settled}


def told(following, *, back: bool) -> list[int]:
    return [one["position"] for one in following.look(back=back, on_trouble=lambda _: None)]


def test_who_follows_hears_each_event_once_also_those_that_come_up_late():
    trail = Writers()
    trail.there = [1, 2, 3]
    following = Following(trail, {}, None)
    assert told(following, back=True) == []  # what was before
    trail.there += [5]
    assert told(following, back=False) == [5]
    trail.there += [4, 6]  # 4 was written first, and committed last
    assert told(following, back=False) == [6]
    assert told(following, back=True) == [4]
    trail.settled = 5
    assert told(following, back=True) == []
    assert following.settled == 5
    trail.there += [7]
    assert told(following, back=True) == [7]  # and not 6 again


def test_who_follows_goes_on_after_an_outage_and_says_so_once():
    trail = Writers()
    words: list[str] = []
    following = Following(trail, {}, 0)
    trail.is_away = True
    for _ in range(3):
        assert list(following.look(back=True, on_trouble=words.append)) == []
    assert len(words) == 1
    trail.there, trail.is_away = [1, 2], False
    assert told(following, back=True) == [1, 2]


def test_tail_shows_what_happens_and_ends_cleanly_at_ctrl_c(ostiary, url, tmp_path):
    words = [sys.executable, "-m", "ostiary", "event", "tail", "--after", "0", "--format", "ndjson"]
    errors = tmp_path / "errors"
    with errors.open("w") as stderr:
        process = subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=stderr, env=ostiary.environment, cwd=tmp_path, text=True
        )
    with process:
        assert process.stdout is not None
        kinds = [json.loads(process.stdout.readline())["kind"] for _ in range(3)]
        asyncio.run(happen_again(url))
        kinds.append(json.loads(process.stdout.readline())["kind"])
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    assert kinds == ["user.added", "session.started", "session.revoked", "session.started"]
    said = errors.read_text()
    assert "event tail --after" in said and "Traceback" not in said and said.count("\n") == 1


async def happen_again(url: str) -> None:
    async with Authority(cheap(url)) as authority:
        await sign_in(authority)


# Proof


def test_verify_names_the_row_that_was_tampered_with(ostiary, url):
    import sqlite3

    sound = json.loads(ostiary.ok("event", "verify", "--format", "json"))
    assert sound["is_sound"] and sound["events"] == 3 and sound["findings"] == []
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        connection.execute("UPDATE events SET reason = 'user' WHERE kind = 'session.revoked'")
    done = ostiary("event", "verify")
    assert done.returncode == 1
    assert "3" in done.stdout.splitlines()[1].split() and "altered" in done.stdout
    assert "tampered" in done.stderr


def test_a_checkpoint_shows_a_chain_that_was_made_anew(ostiary, url, tmp_path):
    import sqlite3

    (tmp_path / "monday.jws").write_text(ostiary.ok("event", "checkpoint"))
    (tmp_path / "keys.json").write_text(json.dumps(asyncio.run(key_set(url))))
    words = ("event", "verify", "--checkpoint", "monday.jws", "--jwks", "keys.json", "--format", "json")
    assert json.loads(ostiary.ok(*words))["checkpoint"] == "agrees"
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        connection.execute("UPDATE events SET reason = 'user' WHERE kind = 'session.revoked'")
        connection.execute("DELETE FROM event_chain")
    assert json.loads(ostiary.ok("event", "verify", "--format", "json"))["is_sound"]
    done = ostiary(*words)
    assert done.returncode == 1 and json.loads(done.stdout)["checkpoint"] == "differs"


async def key_set(url: str):
    async with Authority(cheap(url)) as authority:
        return await authority.receipts.key_set()


def test_a_receipt_is_verified_without_asking_anybody(root, new_person, tmp_path, new_terminal):
    """Made through a server; read on a machine that has the receipt and the keys and nothing else."""
    person = new_person()
    session_id, _ = person.elsewhere()
    root.ostiary.ok("auth-session", "logout", person.name)
    receipt = root.ostiary.ok("event", "receipt", session_id)
    keys = root.server.get("/.well-known/jwks.json")[2]
    elsewhere = new_terminal(OSTIARY_SERVER="http://127.0.0.1:1")
    home = Path(elsewhere.home)
    (home / "receipt.jws").write_text(receipt)
    (home / "keys.json").write_text(json.dumps(keys))
    words = ("event", "receipt", "--verify", "receipt.jws", "--jwks", "keys.json")
    claims = json.loads(elsewhere.ok(*words, "--format", "json"))
    assert claims["sub"] == claims["ending"]["session_id"] == session_id
    assert claims["ending"]["reason"] == "admin" and claims["ending"]["by"].startswith("user_")
    assert claims["act"] == {"count": 1, "is_complete": True, "sessions": [session_id]}
    assert claims["applied"]["nodes"] == claims["ending"]["at"]
    assert claims["iss"] and claims["iat"] <= time.time() + 1

    # Attacks: another word in it, another key, another kind of signed thing, and no token anywhere.
    header, payload, signature = receipt.strip().split(".")
    for forged in (
        f"{header}.{payload[:-4]}AAAA.{signature}",
        f"{header}.{payload}.{'A' * len(signature)}",
        f"eyJhbGciOiJub25lIn0.{payload}.",
        "nonsense",
        "",
    ):
        (home / "receipt.jws").write_text(forged)
        assert elsewhere(*words).returncode == 1
    (home / "receipt.jws").write_text(receipt)
    (home / "keys.json").write_text('{"keys": []}')
    assert elsewhere(*words).returncode == 1
    assert root.server.get("/api/v1/auth/whoami", bearer=receipt.strip())[0] == 401


def test_a_receipt_of_what_is_no_ending_is_exit_3(root):
    for wanted in (f"sess_{'a' * 26}", "1", "0", "99999999999", "nonsense", "9" * 40, "-1", "1;DROP TABLE events"):
        done = root.ostiary("event", "receipt", "--", wanted)
        assert done.returncode == 3, (wanted, done.stderr)
