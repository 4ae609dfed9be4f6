"""`admin session`: search, plan, apply and undo, typed at a real server."""

from __future__ import annotations

import json
import re

import pytest

from tests.support.keyboard import at_terminal


def told(done):
    return json.loads(done)


def test_a_search_says_exactly_how_many(root, new_person):
    ada = new_person()
    ids = {ada.elsewhere()[0] for _ in range(3)}
    listed = root.ostiary("admin", "session", "list", "--where", f"user={ada.name}", "--limit", "2", "-f", "json")
    assert (listed.returncode, listed.stderr) == (0, "3 in all\n")
    assert {one["id"] for one in told(listed.stdout)} < ids
    none = root.ostiary("admin", "session", "list", "--where", f"user={ada.name}", "--older-than", "1d")
    assert none.stderr.endswith("0 in all\n")


def test_a_dry_run_ends_nothing_and_its_plan_ends_exactly_that(root, new_person):
    ada, bob = new_person(), new_person()
    tokens, (_, other) = [ada.elsewhere()[1] for _ in range(3)], bob.elsewhere()
    where = ("--where", f"user={ada.name}", "--where", "ip=127.0.0.0/8")
    made = told(root.ostiary.ok("admin", "session", "revoke", *where, "--dry-run", "--format", "json"))
    assert (made["count"], made["users"], len(made["sample"])) == (3, 1, 3)
    assert [ada.server.get("/api/v1/auth/whoami", bearer=one)[0] for one in tokens] == [200] * 3
    unasked = root.ostiary("admin", "session", "apply", made["plan_id"])
    assert (unasked.returncode, unasked.stderr) == (1, "aborted: no terminal to ask on; confirm with --yes\n")
    done = told(root.ostiary.ok("admin", "session", "apply", made["plan_id"], "--yes", "--format", "json"))
    assert (done["count"], done["state"]) == (3, "applied")
    assert [ada.server.get("/api/v1/auth/whoami", bearer=one)[0] for one in tokens] == [401] * 3
    assert ada.server.get("/api/v1/auth/whoami", bearer=other)[0] == 200
    again = told(root.ostiary.ok("admin", "session", "apply", made["plan_id"], "--format", "json"))
    assert again["count"] == 3
    back = told(root.ostiary.ok("admin", "session", "undo", made["plan_id"], "--yes", "--format", "json"))
    assert (back["restored"], back["state"]) == (3, "undone")
    assert [ada.server.get("/api/v1/auth/whoami", bearer=one)[0] for one in tokens] == [200] * 3


def test_a_person_is_shown_what_would_end_and_asked(root, new_person):
    ada = new_person()
    _, token = ada.elsewhere()
    words = ("admin", "session", "revoke", "--where", f"user={ada.name}")
    no = at_terminal(root.ostiary, *words, answers=[("Revoke 1 session of 1 user? [y/N] ", "n\n")])
    assert no.exit_code == 1
    assert ada.name in no.screen
    assert ada.server.get("/api/v1/auth/whoami", bearer=token)[0] == 200
    yes = at_terminal(root.ostiary, *words, answers=[("[y/N] ", "y\n")])
    assert yes.exit_code == 0
    assert "1 session revoked." in yes.screen
    undo = re.search(r"ostiary admin session undo (plan_\w+)", yes.screen)
    assert undo is not None
    assert ada.server.get("/api/v1/auth/whoami", bearer=token)[0] == 401
    assert "1 session restored." in root.ostiary("admin", "session", "undo", undo[1], "--yes").stderr


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((), "say which sessions"),
        (("--where", "user"), "FILTER=VALUE"),
        (("--where", "user=a", "--where", "user=b"), "more than once"),
        (("--where", "colour=red"), "colour"),
        (("--where", "ip=everywhere"), "ip: write an address or a network"),
        (("--where", "user=a", "--all"), "--all does not go"),
        (("--older-than", "soon"), "--older-than"),
        (("--where", "status=revoked"), "only live sessions can be ended"),
    ],
)
def test_a_choice_that_cannot_be_is_refused_before_anything_ends(root, words, why):
    done = root.ostiary("admin", "session", "revoke", *words, "--yes")
    assert done.returncode == 2, done.stderr
    assert why in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_plan_is_for_administrators_only(root, ada):
    made = told(root.ostiary.ok("admin", "session", "plan", "--where", f"user={ada.name}", "--format", "json"))
    for verb in ("apply", "undo"):
        assert ada.ostiary("admin", "session", verb, made["plan_id"], "--yes").returncode == 4
    unknown = root.ostiary("admin", "session", "apply", "plan_" + "a" * 26, "--yes")
    assert (unknown.returncode, unknown.stderr) == (3, "error: there is no such plan\n")
    strange = root.ostiary("admin", "session", "apply", "../users", "--yes")
    assert strange.returncode == 3
