"""What the server writes into the feed is what a verifier reads out of it, however it is cut on the way."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.contract.feed import HeartbeatData, read_told
from ostiary.core.endings import Changed, Ended, EndedMany, Entry, Lost
from ostiary.http import feed_messages
from ostiary.sdk.events import MAXIMUM_EVENT, EventReader
from ostiary.sdk.verifier.heard import Heard, Verdict
from ostiary.sdk.verifier.verified import VerifiedSession, packed
from ostiary.sdk.verifier.watches import Watch

AT = datetime(2026, 1, 15, 12, 0, 0, 123456, tzinfo=UTC)
EARLIER, LATER = AT.replace(hour=11), AT.replace(hour=13)
ENTRIES: list[Entry] = [
    Ended("sess_a", "user_a", "admin", AT),
    Ended("sess_b", None, None, AT),
    EndedMany("user_a", AT, 3),
    EndedMany(None, AT, 12_000),
    Changed(session_id="sess_a"),
    Changed(user_id="user_a"),
    Changed(token_id="ost_a"),
    Changed(keys=True),
    Lost(),
]


def read(*parts: bytes) -> list[Any]:
    events = EventReader(read_told)
    return [told for part in parts for told in events.read(part)]


@given(cuts=st.lists(st.integers(0, 1200), max_size=8), crlf=st.booleans())
def test_every_entry_survives_the_way(cuts, crlf):
    told: Any = SimpleNamespace(entries=ENTRIES, poll=SimpleNamespace(time=AT))
    content = feed_messages.message(told, "12-34-node-5-")
    if crlf:
        content = content.replace(b"\n", b"\r\n")
        cuts = []  # a pair that is cut in two is read as one line more, which is an empty event
    bounds = [0, *sorted(cut for cut in cuts if cut < len(content)), len(content)]
    parts = [content[start:stop] for start, stop in itertools.pairwise(bounds)]
    assert read(*parts) == [*ENTRIES, HeartbeatData(AT, "12-34-node-5-")]


def test_what_is_not_understood_forgets_everything():
    assert read(b"event: something.new\ndata: {}\n\n") == [Lost()]
    assert read(b"data: {}\n\n") == [Lost()]
    assert read(b": a comment\n\n") == []


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"{}", b'{"session_id":7}', b'{"session_id":"sess_a"}', b"\xff"])
def test_an_ending_that_cannot_be_read_is_a_fault_and_not_overheard(data):
    with pytest.raises(ValueError):
        read(b"event: ended\ndata: " + data + b"\n\n")


def test_an_event_without_an_end_is_not_gathered_forever():
    with pytest.raises(ValueError):
        read(b"data: " + b"x" * MAXIMUM_EVENT, b"x")


@pytest.mark.parametrize(
    ("entry", "verdict"),
    [
        (Ended("sess_a", "user_a", "admin", AT), "ended"),
        (Ended("sess_b", "user_a", "admin", AT), Verdict.SOUND),
        (EndedMany("user_a", AT, 3), Verdict.DOUBTFUL),
        (EndedMany("user_a", EARLIER, 3), Verdict.SOUND),
        (EndedMany("user_b", LATER, 3), Verdict.SOUND),
        (EndedMany(None, AT, 3), Verdict.DOUBTFUL),
        (EndedMany(None, EARLIER, 3), Verdict.SOUND),
        (Changed(session_id="sess_a"), Verdict.DOUBTFUL),
        (Changed(session_id="sess_b"), Verdict.SOUND),
        (Changed(user_id="user_a"), Verdict.DOUBTFUL),
        (Changed(user_id="user_b"), Verdict.SOUND),
        (Changed(token_id="ost_a"), Verdict.DOUBTFUL),
        (Changed(token_id="ost_b"), Verdict.SOUND),
        (Changed(keys=True), Verdict.DOUBTFUL),
        (Lost(), Verdict.DOUBTFUL),
    ],
)
def test_what_was_told_meanwhile_decides_what_an_answer_is_worth(entry, verdict):
    heard = Heard()
    heard.add(entry)
    found = heard.verdict("user_a", "sess_a", AT, "ost_a")
    assert found == (entry if verdict == "ended" else verdict)


def test_a_suspension_that_was_undone_meanwhile_is_asked_about_and_not_refused():
    heard = Heard()
    heard.add(Ended("sess_a", "user_a", "bulk", AT, LATER))
    heard.add(Changed(session_id="sess_b"))
    assert heard.verdict("user_a", "sess_a", AT, None) == Ended("sess_a", "user_a", "bulk", AT, LATER)
    heard.add(Changed(session_id="sess_a"))
    assert heard.verdict("user_a", "sess_a", AT, None) is Verdict.DOUBTFUL


def test_of_two_masses_the_later_one_counts_in_either_order():
    for first, second in ((EARLIER, AT), (AT, EARLIER)):
        heard = Heard()
        heard.add(EndedMany("user_a", first, 3))
        heard.add(EndedMany("user_a", second, 3))
        assert heard.verdict("user_a", "sess_a", AT, None) is Verdict.DOUBTFUL
        assert heard.verdict("user_a", "sess_a", LATER, None) is Verdict.SOUND


async def test_a_watch_ends_where_it_cannot_be_told_that_it_does_not():
    watch = Watch("sess_a", "user_a", AT)
    ended = Ended("sess_a", "user_a", "admin", AT)
    assert watch.ending(ended) is ended
    ends = [entry for entry in ENTRIES if watch.ending(entry) is not None]
    # A renewed session is looked at again: whoever opened the connection may hold the secret of before.
    renewed = Changed(session_id="sess_a")
    assert ends == [ended, EndedMany("user_a", AT, 3), EndedMany(None, AT, 12_000), renewed, Lost()]
    assert watch.ending(EndedMany(None, EARLIER, 3)) is None
    assert watch.ending(EndedMany("user_b", LATER, 3)) is None


def test_times_are_kept_to_the_microsecond():
    session = VerifiedSession("sess_a", "browser", "default", None, (), packed(EARLIER, LATER, AT))
    assert (session.created_at, session.expires_at, session.auth_time) == (EARLIER, LATER, AT)
