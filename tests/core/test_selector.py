"""Filters by themselves: what each finds beside its boundary, and what none of them can have for a value."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ostiary.core.policy import Policy
from ostiary.core.selector import FILTERS, Selector, parse
from ostiary.core.session import STATUSES, Revocation, Session
from ostiary.errors import InvalidRequest

NOW = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
STEP, DAY = timedelta(microseconds=1), timedelta(days=1)
POLICY = Policy("tests", "here", lifetime=90 * DAY)
SESSION = Session(
    "sess_abcdefghijklmnopqrstuvwxyz", "user_ada", "browser", NOW, NOW, NOW, NOW + 90 * DAY, ip="203.0.113.7",
    label="Laptop", application_id="shop", tenant="north",
)  # fmt: skip
BULK = replace(SESSION, revoked=Revocation(NOW, "bulk", "user_root"))


def finds(given: dict[str, str], session: Session = SESSION, now: datetime = NOW) -> bool:
    return parse(given).matches(session, "Ada", POLICY, now)


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("user", ["user_ada", "Ada", "ADA"], ["user_ad", "adam", "x"]),
        ("ip", ["203.0.113.0/24", "203.0.113.7"], ["203.0.113.8", "2001:db8::/32"]),
        ("application_id", ["shop"], ["Shop", "sho"]),
        ("tenant", ["north"], ["default", "North"]),
        ("status", ["active", "live"], ["stale", "suspended", "expired", "revoked", "ended"]),
        ("created_before", ["2026-01-15T12:00:00.000001Z"], ["2026-01-15T12:00:00Z"]),
        ("created_after", ["2026-01-15T12:00:00Z", "2026-01-15T13:00:00+01:00"], ["2026-01-15T12:00:00.000001Z"]),
        ("last_used_before", ["2026-01-15T12:00:00.000001Z"], ["2026-01-15T12:00:00Z"]),
        ("q", ["ad", "LAP", "sess_abc", "203.0.113.0/24"], ["da", "top", "sess_abd", "10.0.0.0/8"]),
    ],
)
def test_a_filter_finds_what_it_says_and_nothing_beside_it(name, right, wrong):
    assert [value for value in right if not finds({name: value})] == []
    assert [value for value in wrong if finds({name: value})] == []
    assert finds({}) and not finds({name: right[0], "tenant": "elsewhere"})


def test_a_user_without_a_name_is_found_by_their_id_only():
    selector = parse({"user": "ada"})
    assert not selector.matches(SESSION, None, POLICY, NOW)
    assert parse({"user": "user_ada"}).matches(SESSION, None, POLICY, NOW)


def test_a_reason_is_of_what_was_ended_or_suspended():
    assert finds({"reason": "bulk"}, BULK)
    assert not finds({"reason": "admin"}, BULK) and not finds({"reason": "bulk"})
    for status in ("revoked", "suspended", "ended"):
        parse({"reason": "bulk", "status": status})
    for status in ("active", "stale", "live", "expired"):
        with pytest.raises(InvalidRequest) as refused:
            parse({"reason": "bulk", "status": status})
        assert refused.value.fields["field"] == "reason"


@pytest.mark.parametrize(
    ("session", "now", "states"),
    [
        (SESSION, NOW, {"active", "live"}),
        (SESSION, NOW + 31 * DAY, {"stale", "live"}),
        (SESSION, NOW + 90 * DAY, {"expired", "ended"}),
        (BULK, NOW, {"revoked", "ended"}),
        (replace(SESSION, revoked=Revocation(NOW, "bulk", "x", NOW + DAY)), NOW, {"suspended"}),
    ],
)
def test_a_state_is_found_by_its_word_and_by_that_of_its_group(session, now, states):
    assert {word for word in (*STATUSES, "live", "ended") if finds({"status": word}, session, now)} == states


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("nothing", "x"),
        ("user", ""), ("user", "x" * 257), ("tenant", "a\nb"), ("application_id", ""), ("user_agent", "x" * 513),
        ("ip", "here"), ("status", "dead"), ("reason", "because"), ("created_before", "2026-01-15T12:00:00"),
        ("created_after", "yesterday"), ("last_used_before", "0001-01-01T00:00:00+23:59"),
        ("q", "  "), ("q", "sess_ab"),
        ("q", "sess_ABC"), ("device", "x" * 65),
    ],
)  # fmt: skip
def test_what_a_filter_cannot_have_is_refused_by_its_name(name, value):
    with pytest.raises(InvalidRequest) as refused:
        parse({name: value})
    assert refused.value.fields["field"] == name


def test_the_longest_text_is_just_allowed_and_none_is_no_filter():
    assert parse({"user": "x" * 256}).user == "x" * 256
    assert parse(dict.fromkeys(FILTERS)) == Selector()


def test_a_selector_is_written_and_said_as_it_was_read():
    given: dict[str, Any] = {"user": "ada", "ip": "203.0.113.0/24", "last_used_before": "2026-01-15T12:00:00Z"}
    selector = parse(given)
    assert selector.filters() == given
    assert selector.describe() == "user ada, ip 203.0.113.0/24, last used before 2026-01-15T12:00:00Z"
    assert Selector().describe() == "all sessions"
