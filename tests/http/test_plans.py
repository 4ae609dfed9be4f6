"""Plans over HTTP: what an administrator sees, and what nobody else can do with a plan."""

from __future__ import annotations

import pytest

from ostiary.core.token import new_id
from tests.http.visitors import API, bearer, signed_in

PLAN = f"{API}/admin/sessions/plan"


async def test_plan_apply_and_undo(app):
    async with signed_in(app) as ada, signed_in(app, "eve") as eve, bearer(app, "root") as root:
        made = (await root.post(PLAN, json={"user": "ada", "device": "desktop"})).json()
        assert list(made) == ["plan_id", "count", "users", "sample", "expires_at"]
        assert (made["count"], made["users"], made["expires_at"]) == (1, 1, "2026-01-15T12:15:00Z")
        assert [one["username"] for one in made["sample"]] == ["ada"]
        path = f"{PLAN}/{made['plan_id']}"
        assert (await root.get(path)).json()["state"] == "planned"
        assert (await ada.get(f"{API}/auth/whoami")).status_code == 200
        done = (await root.post(f"{path}/apply")).json()
        assert (done["count"], done["done"], done["undo_until"]) == (1, True, "2026-01-15T12:10:00Z")
        assert (await ada.get(f"{API}/auth/whoami")).json()["reason"] == "bulk"
        assert (await eve.get(f"{API}/auth/whoami")).status_code == 200
        undone = (await root.post(f"{path}/undo")).json()
        assert (undone["state"], undone["restored"], undone["filters"]) == (
            "undone", 1, {"user": "ada", "device": "desktop", "status": "live"},
        )  # fmt: skip
        assert (await ada.get(f"{API}/auth/whoami")).status_code == 200
        refused = await root.post(f"{path}/apply")
        assert (refused.status_code, refused.json()["code"]) == (409, "conflict")


async def test_a_stale_plan_says_by_how_much(app):
    async with signed_in(app), bearer(app, "root") as root:
        made = (await root.post(PLAN, json={})).json()
        async with signed_in(app, "eve"):
            refused = await root.post(f"{PLAN}/{made['plan_id']}/apply", json={"tolerance": 0})
            assert (refused.status_code, refused.json()["code"]) == (409, "plan_stale")
            assert (refused.json()["added"], refused.json()["tolerance"]) == (1, 0)
            done = await root.post(f"{PLAN}/{made['plan_id']}/apply", json={"tolerance": 1, "undo_for": "0s"})
            assert (done.json()["count"], done.json()["undo_until"]) == (1, None)


async def test_a_plan_that_is_not_there_is_missing_however_it_is_guessed(app):
    async with bearer(app, "root") as root, bearer(app) as ada:
        for plan_id in (new_id("plan"), "plan_1", new_id("sess"), "%00", "a" * 500):
            for act in ("/apply", "/undo"):
                answer = await root.post(f"{PLAN}/{plan_id}{act}")
                # A NUL is no part of any path: nobody asks what it was meant for.
                code = "not_found" if plan_id == "%00" else "plan_not_found"
                assert (answer.status_code, answer.json()["code"]) == (404, code), plan_id
        made = (await root.post(PLAN, json={"user": "ada"})).json()
        foreign = await ada.post(f"{PLAN}/{made['plan_id']}/apply")
        missing = await ada.post(f"{PLAN}/{new_id('plan')}/apply")
        words = [
            {name: text for name, text in one.json().items() if name != "request_id"} for one in (foreign, missing)
        ]
        assert words[0] == words[1]
        assert foreign.status_code == 403


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"user": ""}, "user"),
        ({"user": "a\u0000b"}, "user"),
        ({"user": "a" * 257}, "user"),
        ({"ip": "10.0.0.0/99"}, "ip"),
        ({"status": "revoked"}, "status"),
        ({"status": "everything"}, "status"),
        ({"reason": "user"}, "reason"),
        ({"created_before": "yesterday"}, "created_before"),
        ({"q": "\u001b[31m"}, "q"),
        ({"nonsense": "x"}, "nonsense"),
        ({"tenant": 7}, "tenant"),
    ],
)
async def test_a_plan_that_cannot_be_pins_nothing(app, body, named):
    async with bearer(app, "root") as root:
        answer = await root.post(PLAN, json=body)
        assert (answer.status_code, answer.json()["field"]) == (422, named), answer.text


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"tolerance": -1}, "tolerance"),
        ({"tolerance": "many"}, "tolerance"),
        ({"undo_for": "25h"}, "undo_for"),
        ({"undo_for": "-1m"}, "undo_for"),
        ({"undo_for": "soon"}, "undo_for"),
        ({"limit": 0}, "limit"),
    ],
)
async def test_an_application_that_cannot_be_ends_nothing(app, body, named):
    async with signed_in(app) as ada, bearer(app, "root") as root:
        made = (await root.post(PLAN, json={})).json()
        answer = await root.post(f"{PLAN}/{made['plan_id']}/apply", json=body)
        assert (answer.status_code, answer.json()["field"]) == (422, named), answer.text
        assert (await ada.get(f"{API}/auth/whoami")).status_code == 200


async def test_wildcards_are_letters(app):
    async with signed_in(app), bearer(app, "root") as root:
        for name in ("q", "tenant", "application_id", "user_agent", "device"):
            for wild in ("%", "_", "a%", "*", "' OR ''='"):
                assert (await root.post(PLAN, json={name: wild})).json()["count"] == 0, (name, wild)
        assert (await root.get(f"{API}/admin/sessions", params={"q": "%"})).json()["count"] == 0
