"""What refused sign-ins count by, what is kept of them, what is told: guessers with a network, readers of the trail."""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import json
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import select

from ostiary.authority.throttle import Limits, Throttle
from ostiary.authority.unheard import MAXIMUM_DISTINCT
from ostiary.core.account import username_key
from ostiary.core.address import counted_by
from ostiary.core.address_privacy import ADDRESS_MODES
from ostiary.core.event import Event, Wanted
from ostiary.errors import StoreUnavailable, TooManyRequests, WrongCredentials
from ostiary.settings import Settings
from ostiary.storage import events
from ostiary.storage.failed_sign_ins import Failures
from ostiary.storage.schema import metadata
from tests.support.people import PASSWORD, add_user, sign_in

KEY = "A" * 43
PASSWORD_AS_NAME = "my-secret-password-in-the-wrong-field"


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    """Turns are taken without waiting for real."""
    original = Throttle.__init__
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    def init(self, limits):
        original(self, limits, sleep=sleep, monotonic=lambda: sum(waits))

    monkeypatch.setattr(Throttle, "__init__", init)


async def guess(authority, username="nobody", ip="203.0.113.7", password="wrong"):
    """A wrong password, as a door brings it; says whether it was heard."""
    try:
        await authority.sign_in.with_password(username, password, client=authority.seen(ip, "guesser"))
    except WrongCredentials:
        return True
    except TooManyRequests:
        return False
    raise AssertionError("a guess was right")


async def heard(authority, addresses, username=lambda number: f"name{number}"):
    return sum([await guess(authority, username(number), ip) for number, ip in enumerate(addresses)])


@pytest.mark.parametrize("mode", ADDRESS_MODES)
async def test_a_guesser_with_a_whole_64_has_the_limit_of_one_address(make_authority, mode):
    async with make_authority(sign_in_failures_per_address=5, addresses=mode, key=KEY) as authority:
        assert await heard(authority, (f"2001:db8:1:2::{number:x}" for number in range(1, 10))) == 5
        assert await guess(authority, "somebody", "2001:db8:1:3::1"), "the neighbour's link is another one"


async def test_a_guesser_with_a_whole_56_has_ten_times_that(make_authority):
    async with make_authority(sign_in_failures_per_address=2) as authority:
        assert await heard(authority, (f"2001:db8:1:{number:x}::1" for number in range(0x100, 0x100 + 30))) == 20
        assert not await guess(authority, "another", "2001:db8:1:1ff::1")
        assert await guess(authority, "another", "2001:db8:1:200::1"), "the next /56 is another site"


async def test_a_burst_from_a_56_does_not_outrun_the_counting_by_more_than_are_looked_at():
    limits = Limits(100, 100, 100, timedelta(minutes=1))
    throttle, running, most = Throttle(limits), 0, 0

    async def one(number: int) -> None:
        nonlocal running, most
        async with throttle.looked_at(f"account {number}", f"link {number}", known_address=False, site="site"):
            running += 1
            most = max(most, running)
            await asyncio.sleep(0)
            running -= 1

    await asyncio.gather(*(one(number) for number in range(200)))
    assert most == 80


@pytest.mark.parametrize(
    ("mode", "write"),
    [("full", "::ffff:203.0.113.{}"), ("hashed", "64:ff9b::203.0.113.{}"), ("truncated", "203.0.113.{}")],
)
async def test_ipv4_counts_by_the_address_however_it_is_written(make_authority, mode, write):
    async with make_authority(sign_in_failures_per_address=2, addresses=mode, key=KEY) as authority:
        assert await heard(authority, (write.format(number) for number in range(1, 5))) == 4, "a stranger's counted"
        assert await guess(authority, "late", write.format(1))
        assert not await guess(authority, "later", "203.0.113.1"), "the same address, whatever it is wrapped in"


async def test_hashed_addresses_of_strangers_do_not_count_together(make_authority):
    async with make_authority(sign_in_failures_per_address=2, addresses="hashed", key=KEY) as authority:
        assert await heard(authority, (f"198.51.100.{number}" for number in range(9))) == 9


def test_the_networks_that_an_address_counts_for():
    cases = {
        "203.0.113.7": ("203.0.113.7", None),
        "::ffff:203.0.113.7": ("203.0.113.7", None),
        "64:ff9b::cb00:7107": ("203.0.113.7", None),
        "2002:cb00:7107::1": ("203.0.113.7", None),
        "2001:db8:1:2ff:a:b:c:d": ("2001:db8:1:2ff::/64", "2001:db8:1:200::/56"),
        "fe80::1%eth0": ("fe80::/64", "fe80::/56"),
        "100::8f2c:91d3:4e0a:77b1": ("100::8f2c:91d3:4e0a:77b1", None),
        "-": ("-", None),
    }
    assert {ip: counted_by(ip) for ip in cases} == cases


async def test_a_user_who_changes_the_address_on_their_link_is_known_there(make_authority):
    async with make_authority(sign_in_failures_per_account=2) as authority:
        await add_user(authority)
        await sign_in(authority, client=authority.seen("2001:db8:1:2::aaaa", "laptop"))
        await heard(authority, (f"198.51.100.{number}" for number in range(4)), lambda _: "ada")
        assert not await guess(authority, "ada", "2001:db8:1:3::1")
        assert await guess(authority, "ada", "2001:db8:1:2::bbbb"), "slowed down by strangers"


def test_a_site_is_the_limit_that_more_attempts_share_than_an_address():
    throttle = Throttle(Limits(pair=2, address=3, account=4, window=timedelta(minutes=1)))
    over = [throttle.over(Failures(2, 0, 3, None, n), "a", "link", known_address=True, site="site") for n in (29, 30)]
    assert over == ["link", "site"]


async def everything_kept(authority) -> str:
    """Every row of every table, as text."""
    async with authority.database.reading() as db:
        rows = [repr((await db.execute(select(table))).all()) for table in metadata.sorted_tables]
    return "\n".join(rows)


@pytest.mark.parametrize("typed", ["ada", PASSWORD_AS_NAME, "Straße-7!", "x" * 300])
async def test_no_plain_hash_of_what_was_typed_is_kept_or_told(make_authority, typed):
    async with make_authority(sign_in_failures=2) as authority:
        await add_user(authority)
        for _ in range(4):
            await guess(authority, typed)
        await authority.unheard.tell()
        kept = await everything_kept(authority)
    forms = {typed, typed.strip(), username_key(typed), username_key(typed)[:256]}
    for form in forms:
        raw = form.encode(errors="surrogatepass")
        for name in hashlib.algorithms_guaranteed - {"shake_128", "shake_256"}:
            digest = hashlib.new(name, raw, usedforsecurity=False)
            assert digest.hexdigest()[:16] not in kept, name
            assert repr(digest.digest()[:8])[2:-1] not in kept, name
    if typed != "ada":
        assert typed not in kept


async def test_the_hash_of_a_name_needs_the_servers_key(make_authority, database_url, tmp_path):
    keys = [KEY, "B" * 42 + "A"]
    seen = []
    for key in (*keys, keys[0]):
        async with make_authority(key=key) as authority:
            await guess(authority, PASSWORD_AS_NAME)
            async with authority.database.reading() as db:
                seen.append((await events.list_newest(db, limit=1))[0].detail["account"])
    assert seen[0] == seen[2] != seen[1]


async def test_nodes_count_together_whether_there_is_a_key_or_not(make_authority):
    async with make_authority(sign_in_failures=4) as one, make_authority(sign_in_failures=4) as two:
        assert [await guess(node, "ada") for node in (one, two, one, two, one)] == [True, True, True, True, False]


async def limited(authority):
    async with authority.database.reading() as db:
        return await events.list_newest(db, Wanted(kinds=("sign_in.limited",)))


async def test_above_every_limit_the_trail_tells_how_many(make_authority, clock):
    """Per account and address, per address, per account: each is told, and nothing is lost between the kinds."""
    ways = {
        "sign_in_failures": [("ada", "203.0.113.7")] * 9,
        "sign_in_failures_per_address": [(f"name{number}", "203.0.113.8") for number in range(9)],
        "sign_in_failures_per_account": [("bob", f"198.51.100.{number}") for number in range(9)],
    }
    for setting, tries in ways.items():
        async with make_authority(**{setting: 3}) as authority:
            answers = Counter([await guess(authority, *one) for one in tries])
            await authority.unheard.tell()
            told = (await limited(authority))[0]
            assert told.detail["count"] == answers[False] == 6, setting
            assert told.detail["accounts"] == len({name for name, _ in tries[3:]})
            assert told.detail["addresses"] == len({ip for _, ip in tries[3:]})
            assert (told.ip is not None) == (setting != "sign_in_failures_per_account")
            assert PASSWORD_AS_NAME not in json.dumps(told.detail)
            clock.advance(minutes=16)


async def test_one_event_a_minute_also_when_nobody_comes_any_more(authority, clock):
    await add_user(authority)
    minutes: list[asyncio.Event] = []
    asked = asyncio.Event()

    async def sleep(seconds: float) -> None:
        assert seconds == 60
        minutes.append(asyncio.Event())
        asked.set()
        await minutes[-1].wait()

    written = asyncio.Event()

    def happened(new: Sequence[Event]) -> None:
        if any(event.kind == "sign_in.limited" for event in new):
            written.set()

    authority.unheard._sleep = sleep
    authority.database.listeners.append(happened)
    for _ in range(10):
        await guess(authority, "ada")
    for number in (1, 2):
        for _ in range(50):
            assert not await guess(authority, "ada")
        await asked.wait()
        assert len(minutes) == number
        assert len(await limited(authority)) == number - 1, "not one for each"
        asked.clear()
        minutes[-1].set()
        await written.wait()
        written.clear()
        told = await limited(authority)
        assert len(told) == number
        assert told[0].detail["count"] == 50
        assert told[0].user_id is not None
        clock.advance(minutes=1)
    await asyncio.sleep(0)
    assert len(minutes) == 2, "with nothing to tell, nothing runs"


async def test_a_node_that_stops_tells_what_it_has_not_told(make_authority, authority):
    async with make_authority() as node:
        for _ in range(13):
            await guess(node, "ada")
    assert [event.detail["count"] for event in await limited(authority)] == [3]


async def test_what_could_not_be_written_is_told_later(authority, monkeypatch):
    for _ in range(12):
        await guess(authority, "ada")
    original = events.add

    async def away(db, new):
        raise StoreUnavailable

    monkeypatch.setattr(events, "add", away)
    with pytest.raises(StoreUnavailable):
        await authority.unheard.tell()
    monkeypatch.setattr(events, "add", original)
    await guess(authority, "ada")
    await authority.unheard.tell()
    assert [event.detail["count"] for event in await limited(authority)] == [3]


async def test_a_flood_takes_bounded_memory(make_authority):
    from ostiary.authority.counting import Counted
    from ostiary.core.client import Client

    async with make_authority() as authority:
        for number in range(5000):
            keys = Counted(f"account {number}", f"address {number}", None)
            authority.unheard.note(keys, f"user {number}", Client(str(ipaddress.IPv4Address(number))))
        tally = authority.unheard._tally
        assert tally is not None
        assert {len(getattr(tally, name)) for name in ("accounts", "addresses", "users", "clients")} == {
            MAXIMUM_DISTINCT
        }
        await authority.unheard.tell()
        assert [event.detail["count"] for event in await limited(authority)] == [5000]


async def test_charts_and_totals_count_what_was_refused_over_a_limit(authority, operator):
    for _ in range(15):
        await guess(authority, "ada")
    await authority.unheard.tell()
    assert (await authority.statistics.totals(by=operator)).refused == 15
    assert sum((await authority.statistics.over_time("day", by=operator)).refused) == 15


async def test_the_right_password_still_signs_in_above_every_limit(make_authority):
    async with make_authority(sign_in_failures_per_address=2) as authority:
        await add_user(authority)
        await heard(authority, (f"2001:db8:1:{number:x}::1" for number in range(0x100, 0x100 + 25)))
        client = authority.seen("2001:db8:1:101::2", "laptop")
        assert await authority.sign_in.with_password("ada", PASSWORD, client=client)


def test_settings_of_the_limits_stay_what_they_were():
    assert (Settings().sign_in_failures, Settings().sign_in_failures_per_address) == (10, 100)
