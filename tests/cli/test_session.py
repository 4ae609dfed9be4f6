"""`session` against the real server."""

from __future__ import annotations

import asyncio
import json
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
import yaml
from sqlalchemy import update

from ostiary.storage.database import Database
from ostiary.storage.schema import sessions
from tests.support.keyboard import at_terminal
from tests.support.people import CHROME, FIREFOX, IPHONE

NOTE = "Note: that was your current session — re-run 'ostiary login' to continue.\n"
JQ = ".[] | {id, ip, last_used: .last_used_at, ua: .user_agent}"


def change(person, session_id: str, **values: object) -> None:
    """Write into a row what no act of ours does, on either database."""

    async def write() -> None:
        database = Database(person.server.database_url)
        try:
            async with database.transaction() as db:
                await db.execute(update(sessions).where(sessions.c.id == session_id).values(values))
        finally:
            await database.close()

    asyncio.run(write())


def rows(text: str) -> list[list[str]]:
    """The cells of a table whose columns begin where its titles do."""
    lines = text.splitlines()
    starts = [0] + [
        at + 2
        for at in range(len(lines[0]))
        if lines[0][at : at + 2] == "  " and lines[0][at + 2 : at + 3] not in ("", " ")
    ]
    return [[line[a:b].strip() for a, b in zip(starts, [*starts[1:], None], strict=True)] for line in lines]


def test_the_list_shows_every_device_and_marks_the_current_one(ada):
    ids = {agent: ada.elsewhere(agent)[0] for agent in (FIREFOX, CHROME, IPHONE)}
    table = rows(ada.ostiary.ok("session", "list"))
    assert table[0] == ["ID", "CURRENT", "STATUS", "CREATED", "LAST USED", "IP", "USER AGENT"]
    shown = {row[0]: row for row in table[1:]}
    assert len(shown) == 4
    for agent, session_id in ids.items():
        assert shown[session_id][1] == "-"
        assert shown[session_id][2] == "active"
        assert shown[session_id][5] == "127.0.0.1"
        assert shown[session_id][6] == agent[:26].strip()
    current = [row for row in table[1:] if row[1] == "yes"]
    assert len(current) == 1
    assert current[0][6].startswith("ostiary/")


def test_json_yaml_and_ndjson_carry_the_same_and_jq_reads_it(ada):
    ada.elsewhere(FIREFOX)
    by_json = json.loads(ada.ostiary.ok("session", "list", "--format", "json"))
    by_yaml = yaml.safe_load(ada.ostiary.ok("session", "list", "-f", "yaml"))
    by_ndjson = [json.loads(line) for line in ada.ostiary.ok("session", "list", "-f", "ndjson").splitlines()]
    assert [list(one) for one in by_json] == [list(one) for one in by_yaml] == [list(one) for one in by_ndjson]
    keys = {
        "id",
        "created_at",
        "last_used_at",
        "expires_at",
        "user_agent",
        "ip",
        "is_current",
        "status",
        "client",
        "place",
    }
    assert keys <= set(by_json[0])
    assert by_json[0]["place"] is None
    assert {one["is_current"] for one in by_json} == {True, False}
    read = subprocess.run(["jq", "-c", JQ], input=json.dumps(by_json), capture_output=True, text=True, check=True)
    assert set(json.loads(read.stdout.splitlines()[0])) == {"id", "ip", "last_used", "ua"}


@pytest.mark.parametrize("form", ["table", "csv", "tsv", "records", "sql", "html", "raw", "quiet", "ndjson"])
def test_a_hostile_user_agent_forges_nothing_in_any_format(ada, form):
    lines = ada.ostiary.ok("session", "list", "--format", form).count("\n")
    hostile = "x\tsess_forged  yes \x9b2K\u202e" + "é" * 20
    ada.server.ask(
        "POST",
        "/api/v1/auth/sessions",
        {"username": ada.name, "password": "correct horse battery", "transport": "bearer"},
        headers={"User-Agent": hostile.encode().decode("latin-1")},
    )
    text = ada.ostiary.ok("session", "list", "--format", form)
    per_session = {"records": 8, "raw": 15}.get(form, 1)
    assert text.count("\n") == lines + per_session
    assert not any(character in text for character in "\x1b\x9b\u202e\r")


def test_revoking_another_device_ends_it_at_once(ada):
    session_id, token = ada.elsewhere()
    done = ada.ostiary("session", "revoke", session_id, "--yes")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", f"✓ Session {session_id} revoked.\n")
    status, _, problem = ada.server.ask("GET", "/api/v1/auth/whoami", bearer=token)
    assert (status, problem["code"], problem["reason"]) == (401, "session_revoked", "user")
    again = ada.ostiary("session", "revoke", session_id[:12], "--yes")
    assert again.returncode == 0


def test_revoking_the_own_session_warns_and_the_next_command_says_sign_in(ada):
    own = json.loads(ada.ostiary.ok("whoami", "-f", "json"))["session"]["id"]
    done = ada.ostiary("session", "revoke", own, "--yes")
    assert done.stderr == f"✓ Session {own} revoked.\n{NOTE}"
    after = ada.ostiary("session", "list")
    assert after.returncode == 4
    assert "run 'ostiary login'" in after.stderr


def test_the_note_is_yellow_on_a_terminal_only(ada):
    own = json.loads(ada.ostiary.ok("whoami", "-f", "json"))["session"]["id"]
    ada.ostiary.environment["TERM"] = "xterm"
    seen = at_terminal(ada.ostiary, "session", "revoke", own[:10], answers=[("[y/N] ", "y\n")])
    assert seen.exit_code == 0
    assert f"\x1b[33m{NOTE.strip()}\x1b[0m" in seen.screen


@pytest.mark.parametrize("answer", ["n\n", "\n", "\x04"])
def test_a_no_is_aborted_and_nothing_ends(ada, answer):
    session_id, token = ada.elsewhere()
    seen = at_terminal(
        ada.ostiary, "session", "revoke", session_id, answers=[(f"Revoke session {session_id}? [y/N] ", answer)]
    )
    assert seen.exit_code == 1
    assert seen.screen.rstrip().endswith("aborted")
    assert ada.server.get("/api/v1/auth/whoami", bearer=token)[0] == 200


@pytest.mark.parametrize("words", [("revoke", "sess_" + "a" * 26), ("revoke-others",), ("revoke-all",)])
def test_without_a_terminal_and_without_yes_it_is_aborted(ada, words):
    done = ada.ostiary("session", *words)
    assert done.returncode == 1
    assert done.stderr.startswith("aborted")


def test_a_foreign_and_an_unknown_id_are_told_apart_by_nothing(ada, new_person):
    foreign, _ = new_person().elsewhere()
    unknown = "sess_" + "a" * 26
    answers = [ada.ostiary("session", "revoke", one, "--yes") for one in (foreign, unknown)]
    assert [(one.returncode, one.stderr) for one in answers] == [(3, "error: there is no such session\n")] * 2
    assert ada.ostiary("session", "revoke", "sess_zzzzz", "--yes").returncode == 3


@pytest.mark.parametrize("noun", ["session", "auth-session"])
def test_what_stands_under_a_session_that_was_ended_is_said_with_the_command_that_ends_it(ada, root, noun):
    who, yes = (ada, ["--yes"]) if noun == "session" else (root, [])
    device, standing = ada.elsewhere()[0], ada.elsewhere()[0]
    change(ada, standing, parent_id=device, root_id=device, kind="oauth")  # as a client's grant hangs
    done = who.ostiary(noun, "revoke", device, *yes)
    assert done.returncode == 0
    assert done.stderr.endswith(
        "Note: 1 grant that it let in still works, as it may act while its user is away; "
        f"to end: ostiary {noun} revoke {device} --standing\n"
    )
    assert standing in ada.ostiary.ok("session", "list")
    assert "Note" not in who.ostiary(noun, "revoke", device, "--standing", *yes).stderr
    assert standing not in ada.ostiary.ok("session", "list")


def test_unused_sessions_are_marked_and_a_line_says_how_to_end_them(ada):
    old, _ = ada.elsewhere()
    change(ada, old, last_used_at=datetime.now(UTC) - timedelta(days=40))  # nobody can wait so long
    done = ada.ostiary("session", "list")
    assert {row[0]: row[2] for row in rows(done.stdout)}[old] == "stale"
    assert done.stderr == f"1 session was not used for more than 30 days; to end: ostiary session revoke {old}\n"
    for days in ("0", "41"):
        assert ada.ostiary("session", "list", "--warn-stale-days", days).stderr == ""
    assert [one["status"] for one in json.loads(ada.ostiary.ok("session", "list", "-f", "json"))].count("stale") == 1


def test_others_and_all_print_their_counts(ada):
    for _ in range(2):
        ada.elsewhere()
    done = ada.ostiary("session", "revoke-others", "--yes")
    assert done.stderr.startswith("✓ 2 other sessions revoked.\n")
    ada.elsewhere()
    secret = ada.ostiary.ok("token", "create", "ci", "-q").strip()
    done = ada.ostiary("session", "revoke-all", "--tokens", "--yes", "--format", "json")
    answer = json.loads(done.stdout)
    assert (answer["count"], answer["tokens"]) == (2, 1)
    assert ada.server.get("/api/v1/auth/whoami", bearer=secret)[0] == 401


def test_ended_sessions_are_shown_with_their_reason_when_asked(ada):
    session_id, _ = ada.elsewhere()
    ada.ostiary.ok("session", "revoke", session_id, "--yes")
    assert session_id not in ada.ostiary.ok("session", "list")
    table = rows(ada.ostiary.ok("session", "list", "--ended"))
    assert table[0][-2:] == ["ENDED", "REASON"]
    row = next(one for one in table if one[0] == session_id)
    assert (row[2], row[-1]) == ("revoked", "user")


def test_several_ids_end_in_one_go(ada):
    ids = [ada.elsewhere()[0] for _ in range(2)]
    done = ada.ostiary("session", "revoke", *ids, "--yes", "--format", "json")
    assert [one["id"] for one in json.loads(done.stdout)] == ids
