"""`admin session`: search, plan, apply and undo, typed at a real server."""

from __future__ import annotations

import json
import re
import time

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


def test_times_of_filters_may_be_how_long_ago(root, new_person):
    ada = new_person()
    session_id, _ = ada.elsewhere()
    where = ("admin", "session", "list", "--where", f"user={ada.name}", "--format", "json", "--where")
    assert [one["id"] for one in told(root.ostiary.ok(*where, "created_after=10m"))] == [session_id]
    assert told(root.ostiary.ok(*where, "created_before=10m")) == []
    assert told(root.ostiary.ok(*where, "last_used_before=1d")) == []


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
        (("--where", "created_after=soon"), "nor a duration such as 24h"),
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


def planned(root, person):
    return told(root.ostiary.ok("admin", "session", "plan", "--where", f"user={person.name}", "-f", "json"))["plan_id"]


def test_what_came_since_is_told_with_the_commands_that_go_on(root, new_person):
    ada = new_person()
    _, pinned = ada.elsewhere()
    plan_id = planned(root, ada)
    _, newer = ada.elsewhere()
    stale = root.ostiary("admin", "session", "apply", plan_id, "--yes", "--undo-for", "1h")
    assert (stale.returncode, stale.stdout) == (5, "")
    for which in ("leave", "include"):
        assert f"ostiary admin session apply {plan_id} --undo-for 1h --newer {which}" in stale.stderr
    assert ada.server.get("/api/v1/auth/whoami", bearer=pinned)[0] == 200
    no = at_terminal(
        root.ostiary, "admin", "session", "apply", plan_id, "--newer", "include", answers=[("[y/N] ", "n\n")]
    )
    question = f"Revoke 1 session, and the 1 that came since (user={ada.name}; planned by {root.name})? [y/N] "
    assert question in no.screen.replace("\r\n", "")
    done = root.ostiary("admin", "session", "apply", plan_id, "--yes", "--newer", "leave")
    assert done.returncode == 0, done.stderr
    assert "1 session revoked; 1 newer stays." in done.stderr
    again = told(root.ostiary.ok("admin", "session", "apply", plan_id, "--format", "json"))
    assert (again["count"], again["newer"]) == (1, 1)
    assert ada.server.get("/api/v1/auth/whoami", bearer=newer)[0] == 200


def test_revoke_asks_about_what_comes_meanwhile(root, new_person):
    ada = new_person()
    ada.elsewhere()
    words = ("admin", "session", "revoke", "--where", f"user={ada.name}", "--newer", "include")
    no = at_terminal(root.ostiary, *words, answers=[("Revoke 1 session of 1 user, and what came since? [y/N] ", "n\n")])
    assert no.exit_code == 1


def test_plans_say_what_they_are_about_and_whose(root, new_person):
    ada = new_person()
    ada.elsewhere()
    plan_id = planned(root, ada)
    listed = root.ostiary.ok("admin", "session", "plans")
    row = next(line for line in listed.splitlines() if plan_id in line)
    assert f"user={ada.name}" in row
    assert row.endswith(root.name)
    done = told(root.ostiary.ok("admin", "session", "apply", plan_id[:15], "--yes", "--format", "json"))
    assert done["plan_id"] == plan_id
    words = ("admin", "session", "undo", plan_id[:15])
    question = f"Bring back 1 session that {plan_id} ended (user={ada.name}; planned by {root.name})? [y/N] "
    yes = at_terminal(root.ostiary, *words, answers=[("[y/N] ", "y\n")])
    assert question in yes.screen.replace("\r\n", "")
    assert "1 session restored." in yes.screen
    again = root.ostiary("admin", "session", "undo", plan_id[:15])
    assert (again.returncode, "was undone before: 0 sessions restored now, 1 then." in again.stderr) == (0, True)


def test_a_plan_that_can_no_longer_be_undone_says_so(root, new_person):
    ada = new_person()
    ada.elsewhere()
    plan_id = planned(root, ada)
    root.ostiary.ok("admin", "session", "apply", plan_id, "--yes", "--undo-for", "1s")
    while told(root.ostiary.ok("admin", "session", "plans", "-f", "json"))[0]["can_undo"]:
        time.sleep(0.1)
    later = root.ostiary("admin", "session", "apply", plan_id)
    assert "it can no longer be undone" in later.stderr
    assert "this can be undone" not in later.stderr


def test_signing_oneself_out_by_name_says_so(root):
    own = root.sign_in()
    done = root.ostiary("auth-session", "logout", "root", "--session", own)
    assert (done.returncode, done.stderr) == (
        0,
        "Note: that was your current session — re-run 'ostiary login' to continue.\n",
    )
