"""A user who has no session is there: by name and by id, at every door."""

from __future__ import annotations

import pytest

from ostiary.core.selector import parse
from tests.http.visitors import API, signed_in
from tests.support.people import add_user
from tests.web.conftest import surfing


@pytest.mark.parametrize("by", ["username", "id"])
async def test_the_api_finds_nothing_of_them_and_says_so_with_200(app, by):
    user = await add_user(app.authority, "grace")
    name = getattr(user, by)
    async with signed_in(app, "root") as client:
        for path, member in (
            (f"/admin/sessions?user={name}", "sessions"), (f"/admin/events?user={name}", "events"),
            (f"/admin/users/{name}", "user"),
        ):  # fmt: skip
            answer = await client.get(f"{API}{path}")
            assert answer.status_code == 200, (path, answer.text)
            assert member in answer.json()
        made = await client.post(f"{API}/admin/sessions/plan", json={"user": name})
        assert (made.status_code, made.json()["count"]) == (200, 0), made.text
        out = await client.post(f"{API}/admin/users/{name}/logout")
        assert (out.status_code, out.json()) == (200, {"sessions": []}), out.text
        assert (await client.get(f"{API}/admin/sessions?user=nobody")).status_code == 404


async def test_their_page_is_there_and_empty_and_so_is_the_search(settings, clock):
    async with surfing(settings, clock) as surfer:
        await surfer.add_and_sign_in("root", admin=True)
        user = await add_user(surfer.authority, "grace")
        for path in ("/admin/users/grace", f"/admin/users/{user.id}", f"/admin/sessions?user={user.id}"):
            answer = await surfer.get(path)
            assert answer.status_code == 200, path
            assert "There is nothing here" not in answer.text


async def test_log_out_shows_those_that_ended_last_where_they_are_cut(authority, operator, clock, monkeypatch):
    from ostiary.authority import administration

    monkeypatch.setattr(administration, "MAXIMUM_PAGE", 3)
    user = await add_user(authority, "grace")
    ended = []
    for _ in range(5):
        started = await authority.sessions.start(user.id, client=authority.seen("203.0.113.7", "x"))
        clock.advance(minutes=1)
        await authority.administration.revoke(started.session.id, by=operator)
        ended.append(started.session.id)
    last = await authority.sessions.start(user.id, client=authority.seen("203.0.113.7", "x"))
    clock.advance(minutes=1)
    found = await authority.administration.log_out("grace", by=operator)
    assert [one.id for one in found] == [last.session.id, *ended[:1:-1]], "one more than shown: a door says so"


async def test_a_plan_by_id_of_somebody_without_sessions_pins_nothing(authority, operator):
    user = await add_user(authority, "grace")
    made = await authority.plans.make(parse({"user": user.id}), by=operator)
    assert made.plan.count == 0
