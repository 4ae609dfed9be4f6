"""Several ids in one command: all are tried, the own one last, each is told; the newest where rows are cut; formats."""

from __future__ import annotations

import csv
import io
import json

import pytest

from tests.support.people import PASSWORD

UNKNOWN = "sess_" + "a" * 26


def live(person, token):
    return person.server.get("/api/v1/auth/whoami", bearer=token)[0] == 200


@pytest.mark.parametrize("verb", ["session", "auth-session"])
def test_a_wrong_id_between_others_stops_nothing(root, verb):
    (first, one), (second, two) = root.elsewhere(), root.elsewhere()
    own = json.loads(root.ostiary.ok("whoami", "-f", "json"))["session"]["id"]
    words = ["--yes"] if verb == "session" else []
    done = root.ostiary(verb, "revoke", own, first, UNKNOWN, second, *words)
    assert done.returncode == 3
    lines = done.stderr.splitlines()
    for line in (f"✓ Session {first} revoked.", f"✓ Session {second} revoked.", f"✓ Session {own} revoked."):
        assert line in lines
    assert f"error: {UNKNOWN}: there is no such session" in lines
    assert lines.index(f"✓ Session {own} revoked.") > lines.index(f"✓ Session {second} revoked.")
    assert not live(root, one) and not live(root, two)
    assert root.ostiary("whoami").returncode == 4


def test_all_ids_of_a_list_end_in_one_go_own_one_too(ada):
    others = [ada.elsewhere()[1] for _ in range(3)]
    ids = ada.ostiary.ok("session", "list", "-f", "quiet").split()
    done = ada.ostiary("session", "revoke", "-y", *ids)
    assert (done.returncode, done.stderr.count("✓")) == (0, 4), done.stderr
    assert not any(live(ada, token) for token in others)


def test_beginnings_that_fit_nothing_or_too_much_are_told_and_the_rest_ends(ada):
    session_id, token = ada.elsewhere()
    done = ada.ostiary("session", "revoke", "--yes", "sess_zzzz", session_id[:14], "x")
    assert not live(ada, token)
    assert done.returncode == 2, "the first failure that is not: not found"
    assert 'error: sess_zzzz: there is no session that begins with "sess_zzzz"' in done.stderr


def test_programs_read_of_each_what_came_of_it(ada):
    session_id, _ = ada.elsewhere()
    done = ada.ostiary("session", "revoke", "--yes", UNKNOWN, session_id, "-f", "json")
    assert done.returncode == 3
    told = {one["id"]: one["ok"] for one in json.loads(done.stdout)}
    assert told == {session_id: True, UNKNOWN: False}
    problem = json.loads(done.stderr.splitlines()[-1])
    assert (problem["id"], problem["code"]) == (UNKNOWN, "session_not_found")
    again = ada.ostiary("session", "revoke", "--yes", UNKNOWN, session_id, "-f", "quiet")
    assert again.stdout.split() == [session_id]


def test_tokens_too_and_the_own_one_last(ada):
    secrets = [ada.ostiary.ok("token", "create", f"t{number}", "-q").strip() for number in range(3)]
    ids = [secret.partition(".")[0] for secret in secrets]
    ada.ostiary.environment["OSTIARY_TOKEN"] = secrets[0]
    done = ada.ostiary("token", "revoke", ids[0], "ost_" + "a" * 26, *ids[1:])
    assert (done.returncode, done.stderr.count("✓")) == (3, 3), done.stderr
    assert not any(live(ada, secret) for secret in secrets)


def test_waiting_is_done_while_somebody_can_ask(ada):
    session_id, _ = ada.elsewhere()
    own = json.loads(ada.ostiary.ok("whoami", "-f", "json"))["session"]["id"]
    done = ada.ostiary("session", "revoke", "--yes", "--wait", own, session_id)
    assert done.returncode == 0, done.stderr
    assert "refused everywhere" in done.stderr


def test_lists_are_cut_to_the_newest_and_say_so(root, new_person):
    person = new_person()
    made = [person.elsewhere()[0] for _ in range(4)]
    whole = root.ostiary("auth-session", "list", "--user", person.name, "-f", "quiet")
    assert (whole.stdout.split(), whole.stderr) == (made, "")
    cut = root.ostiary("auth-session", "list", "--user", person.name, "--limit", "2", "-f", "quiet")
    assert cut.stdout.split() == made[:-3:-1]
    assert "more than 2: these are the newest" in cut.stderr


def test_quiet_writes_ids_in_every_list(root, new_person):
    """Walks the commands: each that lists is asked, and each line is the id of one record in json."""
    person = new_person()
    person.elsewhere()
    root.ostiary.ok("token", "create", "ci", "-q")
    root.ostiary.ok("client", "add", "Shop", "-f", "json")
    seen = set()
    for words in lists():
        if words[0] in {"profile"}:
            continue  # of this machine: profiles are called by their names
        records = json.loads(root.ostiary.ok(*words, "-f", "json"))
        ids = root.ostiary.ok(*words, "-f", "quiet").split()
        key = next(
            (name for name in ("id", "session_id", "position", "reader") if records and name in records[0]), None
        )
        if words == ("event", "list"):
            key = "position"
        if records:
            assert {str(one[key]) for one in records} >= set(ids) or words == ("event", "list"), words
            assert all(line.isdigit() for line in ids) if key == "position" else ids, words
            seen.add(words)
    assert len(seen) >= 6


def lists():
    """Every command that is called `list`, found in the command line itself."""
    import click

    from ostiary.cli import root

    def walk(command, path):
        if isinstance(command, click.Group):
            for name in command.list_commands(click.Context(command)):
                inner = command.get_command(click.Context(command), name)
                assert inner is not None
                yield from walk(inner, (*path, name))
        elif path[-1] == "list":
            yield path

    return list(walk(root, ()))


def test_csv_and_tsv_carry_no_formula_from_any_command(root):
    hostile = '=cmd|" /C calc"!A0'
    root.server.ask(
        "POST", "/api/v1/auth/sessions",
        {"username": "root", "password": PASSWORD, "transport": "bearer", "label": "@SUM(1)"},
        headers={"User-Agent": hostile},
    )  # fmt: skip
    root.ostiary.ok("client", "add", "+1+1", "-f", "json")
    root.ostiary.ok("token", "create", "@x", "-q")
    found = 0
    for words in [*lists(), ("event", "export")]:
        for form in ("csv", "tsv"):
            if words == ("event", "export") and form == "tsv":
                continue
            text = root.ostiary.ok(*words, "-f", form)
            for row in csv.reader(io.StringIO(text), delimiter="," if form == "csv" else "\t"):
                assert not [cell for cell in row if cell[:1] in "=+-@\t\r" and cell and not _is_number(cell)], words
                found += sum(cell.startswith(("'=", "'+", "'@")) for cell in row)
    assert found >= 6, "the hostile values were there"


def _is_number(cell):
    try:
        float(cell)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("words", [("user", "show"), ("auth-session", "list", "--user")])
def test_a_user_may_be_named_by_the_id_that_quiet_writes(root, new_person, words):
    person = new_person()
    users = {one["username"]: one["id"] for one in json.loads(root.ostiary.ok("user", "list", "-f", "json"))}
    assert root.ostiary(*words, users[person.name]).returncode == 0
