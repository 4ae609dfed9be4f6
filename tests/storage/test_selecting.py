"""A selector in SQL finds exactly what the selector of the core matches, on both databases."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from ostiary.core.policy import PRESETS
from ostiary.core.selector import SORTS, Selector, parse
from ostiary.core.session import REASONS, Revocation, Session
from ostiary.core.token import new_id
from ostiary.errors import InvalidRequest, UserNotFound
from ostiary.storage import selecting, sessions, uses
from tests.support.agents import AGENTS as SHOWN
from tests.support.agents import says, shown_words
from tests.support.people import CHROME, FIREFOX, IPHONE, add_user, at

POLICY = PRESETS["default"]
ADDRESSES = (None, "203.0.113.7", "203.0.113.255", "203.0.114.0", "10.1.2.3", "255.255.255.255", "2001:db8::1")
NETWORKS = ("203.0.113.0/24", "203.0.112.0/22", "0.0.0.0/0", "::/0", "2001:db8::/32", "::ffff:10.1.2.3", "203.0.113.7")
AGENTS = (None, FIREFOX, CHROME, IPHONE, "curl/8.5.0", "Googlebot/2.1", "%_\\'\"", *SHOWN)
WORDS = sorted({word for agent in SHOWN for word in shown_words(agent)})
LABELS = (None, "Laptop", "laptop of Ada", "lap%op", "l_ptop", "ÄRGER", "straße")
SPANS = (0, 1, 20, 29, 30, 31, 59, 60, 61, 89, 90, 91, 120)  # days, on and beside every limit
USERS = ("ada", "adam", "Eve", "a_da")


def made(now, user_ids, number=320):
    """Sessions on and beside every limit; the same at every run."""
    chance = random.Random(20260115)
    return [one_session(chance, now, user_ids) for _ in range(number)]


def one_session(chance, now, user_ids):
    created = now - timedelta(days=chance.choice(SPANS), microseconds=chance.choice((0, 0, 1)))
    used = min(now, created + timedelta(days=chance.choice(SPANS)))
    ended = chance.random() < 0.3
    return Session(
        id=new_id("sess"),
        user_id=chance.choice(user_ids),
        kind="browser",
        created_at=created,
        auth_time=created,
        last_used_at=used,
        expires_at=created + chance.choice((timedelta(days=90), timedelta(days=30), timedelta(hours=1))),
        ip=chance.choice(ADDRESSES),
        user_agent=chance.choice(AGENTS),
        label=chance.choice(LABELS),
        application_id=chance.choice((None, "shop", "Shop", "wiki")),
        tenant=chance.choice(("default", "north")),
        revoked=Revocation(used, chance.choice(REASONS), "somebody") if ended else None,
    )


def filters(now):
    """Any of the filters, with values that are there, values that nearly are, and values that are not."""
    times = st.sampled_from([(now - timedelta(days=days)).isoformat() for days in SPANS])
    known = {
        "user": st.sampled_from([*USERS, "ADA", "app|42"]),
        "ip": st.sampled_from(NETWORKS),
        "user_agent": st.sampled_from(["firefox", "Chrome", "CURL", "curl/8.5.0", FIREFOX, "%", "none/1", *WORDS]),
        "device": st.sampled_from(
            ["phone", "Desktop", "windows", "iphone", "unknown", "CLI", "service", "linux", "mac", "iPad", "tv", *WORDS]
        ),
        "application_id": st.sampled_from(["shop", "Shop", "wiki", "%"]),
        "tenant": st.sampled_from(["default", "north", "n%"]),
        "status": st.sampled_from(["active", "stale", "expired", "revoked", "live"]),
        "created_before": times,
        "created_after": times,
        "last_used_before": times,
        "reason": st.sampled_from(REASONS),
        "q": st.sampled_from(["ad", "ada", "a_", "A%", "lap", "lap%", "l_", "LAPTOP OF", "är", "STRASSE", "eve", "app"])
        | st.sampled_from([*NETWORKS, "sess_aaa", "sess_a2", "sess_aaaa"]).filter(lambda text: text != "sess_a2"),
    }
    # Few at once, else nearly nothing is ever found.
    names = st.lists(st.sampled_from(sorted(known)), min_size=1, max_size=3, unique=True)
    return names.flatmap(lambda chosen: st.fixed_dictionaries({name: known[name] for name in chosen}))


@pytest.fixture
async def crowd(authority, clock):
    """The sessions, and the username of each user id."""
    users = {(await add_user(authority, name)).id: name for name in USERS}
    everything = made(clock.now, [*users, "app|42"])
    async with authority.database.transaction() as db:
        for session in everything:
            await sessions.add(db, session, b"x")
    return everything, users


async def found(authority, clock, selector):
    async with authority.database.reading() as db:
        await selecting.prepare(db)
        where = await selecting.chosen(db, selector, POLICY, clock.now)
        page = await selecting.page(db, where, sort="created_at", after=None, limit=1000)
        return page, await selecting.count(db, where)


async def test_what_sql_finds_is_what_the_core_matches(authority, clock, crowd):
    everything, users = crowd
    hits = []

    @settings(max_examples=150, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(filters(clock.now))
    def collect(given):
        hits.append(given)

    collect()
    non_empty = 0
    for given_filters in hits:
        try:
            selector = parse(given_filters)
        except InvalidRequest as refused:
            assert refused.fields["field"] == "reason"  # beside a state that has none
            continue
        expected = {s for s in everything if selector.matches(s, users.get(s.user_id), POLICY, clock.now)}
        page, count = await found(authority, clock, selector)
        assert set(page) == expected, given_filters
        assert count == len(expected), given_filters
        non_empty += bool(expected)
    assert non_empty > len(hits) / 4


async def test_every_filter_finds_something_and_not_everything(authority, clock, crowd):
    everything, _ = crowd
    an_id = next(s.id for s in everything)
    day = (clock.now - timedelta(days=60)).isoformat()
    for name, value in {
        "user": "ada", "ip": "203.0.113.0/24", "user_agent": "firefox", "device": "phone", "application_id": "shop",
        "tenant": "north", "status": "stale", "created_before": day, "created_after": day, "last_used_before": day,
        "reason": "bulk", "q": an_id[:12],
    }.items():  # fmt: skip
        _, count = await found(authority, clock, parse({name: value}))
        assert 0 < count < len(everything), name


@pytest.mark.parametrize("limit", [3, 37], ids=["within_one_instant", "across_instants"])
async def test_pages_hold_every_session_once_in_every_order(authority, clock, crowd, operator, limit):
    everything, _ = crowd
    assert max(Counter(s.created_at for s in everything).values()) > 3  # one instant fills more than a page
    for sort in SORTS:
        seen, after = [], None
        while True:
            page = await authority.administration.search(Selector(), by=operator, sort=sort, after=after, limit=limit)
            assert page.count == len(everything)
            seen += page.sessions
            after = page.after
            if after is None:
                break
        keys = [(getattr(s, sort.removeprefix("-")), s.id) for s in seen]
        assert keys == sorted(keys, reverse=sort.startswith("-"))
        assert len(seen) == len({s.id for s in seen}) == len(everything)


async def test_a_page_and_its_count_are_of_one_moment(authority, operator, monkeypatch):
    for _ in range(3):
        await authority.sessions.start("app|1", client=at())
    count = selecting.count

    async def after_one_more_began(db, where):
        await authority.sessions.start("app|1", client=at())
        return await count(db, where)

    monkeypatch.setattr(selecting, "count", after_one_more_began)
    page = await authority.administration.search(by=operator, limit=2)
    assert (len(page.sessions), page.count) == (2, 3)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # it says how it answers, whatever there is to find
@pytest.mark.parametrize(
    "given",
    [
        {}, {"ip": "203.0.113.0/24"}, {"user_agent": "firefox"}, {"device": "phone"}, {"application_id": "shop"},
        {"tenant": "north"}, {"created_before": "2026-01-01T00:00:00Z"}, {"last_used_before": "2026-01-01T00:00:00Z"},
    ],
    ids=str,
)  # fmt: skip
async def test_what_a_search_counts_is_read_from_an_index_alone(authority, clock, given):
    asked = []
    event.listen(authority.database.engine.sync_engine, "before_cursor_execute", lambda *it: asked.append(it[2:4]))
    async with authority.database.reading() as db:
        where = await selecting.chosen(db, parse({"status": "live", **given}), POLICY, clock())
        await selecting.count(db, where)
        statement, values = asked[-1]
        plan = (await db.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)).all()
    assert plan and all("USING COVERING INDEX" in step[-1] for step in plan if " sessions" in step[-1]), plan


async def test_where_a_session_is_follows_its_use_and_its_name(authority, clock):
    started = await authority.sessions.start("app|1", client=at())
    async with authority.database.transaction() as db:
        use = uses.Use(clock.now + timedelta(minutes=2), "198.51.100.9", IPHONE)
        await uses.touch(db, {started.session.id: use}, authority.policy, clock())
        await sessions.label(db, started.session.id, "app|1", "Tablet")
    for wanted, count in (
        ({"ip": "198.51.100.0/24"}, 1), ({"ip": "203.0.113.7"}, 0), ({"device": "iphone"}, 1), ({"device": "linux"}, 0),
        ({"user_agent": "mobile safari"}, 1), ({"q": "TAB"}, 1),
    ):  # fmt: skip
        assert (await found(authority, clock, parse(wanted)))[1] == count, wanted


async def test_a_beginning_that_too_many_names_share_is_refused_not_cut(authority, clock):
    async with authority.database.transaction() as db:
        await db.exec_driver_sql(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1001) INSERT INTO users "
            "(id, username, username_key, password_hash, roles, created_at, password_changed_at) SELECT "
            "'user_' || i, 'crowd' || i, 'crowd' || i, 'x', '', '2026-01-01 00:00:00.000000', "
            "'2026-01-01 00:00:00.000000' FROM n"
        )
    with pytest.raises(InvalidRequest, match="more than 1000 usernames"):
        await found(authority, clock, parse({"q": "crowd"}))
    assert (await found(authority, clock, parse({"q": "crowd9"})))[1] == 0


async def test_a_user_who_is_nobody_is_told_from_one_without_sessions(authority, operator):
    await add_user(authority)
    assert (await authority.administration.search(Selector(user="ada"), by=operator)).count == 0
    with pytest.raises(UserNotFound):
        await authority.administration.search(Selector(user="nobody"), by=operator)


async def test_a_plan_for_ipads_is_of_ipads_and_every_word_shown_plans_only_what_shows_it(authority, clock, operator):
    started = {agent: await authority.sessions.start("app|1", client=at(user_agent=agent)) for agent in SHOWN}
    for words in ({"device": "iPad"}, {"device": "linux"}, {"user_agent": "chrome"}, {"device": "Samsung SM-G991B"}):
        where = parse(words)
        made = await authority.plans.make(where, by=operator)
        ((name, word),) = words.items()
        expected = {started[agent].session.id for agent in SHOWN if says(agent, name, word)}
        assert expected and {session.id for session in made.sample} == expected, words
        assert made.plan.count == len(expected)
