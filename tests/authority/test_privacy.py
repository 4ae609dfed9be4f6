"""What is held about one person: given to an administrator only, and taken away without a hole in the trail."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import pytest

from ostiary.core.address_privacy import HASHED, hashed, truncated
from ostiary.core.caller import Caller
from ostiary.errors import Conflict, NotAllowed, SessionRevoked, TokenRevoked, Unauthenticated, UserNotFound
from ostiary.storage import events, sessions
from tests.support.people import PASSWORD, add_user, at, caller, sign_in

OPERATOR = Caller.operator("tests")
ADMIN_AT, ADA_AT, BOB_AT = "198.51.100.66", "203.0.113.7", "192.0.2.99"


async def busy(authority):
    """ada and bob, who have done things, and an administrator who has done things to ada."""
    root = await add_user(authority, "root", admin=True)
    ada, bob = await add_user(authority), await add_user(authority, "bob")
    await sign_in(authority, "bob", at(BOB_AT, "bobs-agent"))
    started = await sign_in(authority, "ada", at(ADA_AT, "adas-agent"))
    her = await authority.verify(started.token, at(ADA_AT))
    token, _ = await made_token(authority, her)
    admin = await authority.verify((await sign_in(authority, "root", at(ADMIN_AT, "roots-agent"))).token, at(ADMIN_AT))
    await authority.administration.revoke(started.session.id, by=admin)
    with pytest.raises(Unauthenticated):
        await authority.sign_in.with_password("ada", "a wrong password", client=at(BOB_AT, "bobs-agent"))
    live = await sign_in(authority, "ada", at(ADA_AT, "adas-agent"))
    return root, ada, bob, admin, live, token


async def made_token(authority, her):
    made = await authority.tokens.create(by=her, name="laptop of ada")
    return made.secret, made


async def everything(authority) -> str:
    """All rows of all tables, as one text."""
    from ostiary.storage.schema import metadata

    found = []
    async with authority.database.reading() as db:
        for table in metadata.sorted_tables:
            found += [str(tuple(row)) for row in await db.execute(table.select())]
    return "\n".join(found)


async def test_an_export_holds_what_is_theirs_no_secret_and_nothing_of_others(authority):
    _root, ada, bob, admin, live, token = await busy(authority)
    found = await authority.privacy.export("ada", by=admin)
    text = json.dumps(asdict(found), default=str)
    assert found.user_id == ada.id and found.account is not None and found.account.username == "ada"
    assert len(found.sessions) == 2 and len(found.tokens) == 1 and found.failed_sign_ins == 1
    assert {ADA_AT, "adas-agent", "laptop of ada"} <= set(re.findall(r'"([^"]*)"', text))
    for stranger in (ADMIN_AT, "roots-agent", admin.user.id, BOB_AT, "bobs-agent", bob.id, "database:tests"):
        assert stranger not in text
    for secret in (
        PASSWORD,
        "argon2",
        "secret_hash",
        "password_hash",
        live.token.partition(".")[2],
        token.partition(".")[2],
    ):
        assert secret not in text
    kinds = [event["kind"] for event in found.events]
    assert "sign_in.refused" in kinds and kinds[-1] == "user.exported"


async def test_nobody_but_an_administrator_exports_or_erases(authority):
    await busy(authority)
    bob = await caller(authority, await sign_in(authority, "bob"))
    for act in (authority.privacy.export, authority.privacy.erase):
        for name in ("ada", "bob"):
            with pytest.raises(NotAllowed):
                await act(name, by=bob)
        with pytest.raises(UserNotFound):
            await act("nobody-here", by=OPERATOR)


async def test_an_erased_person_is_gone_from_every_table_and_the_trail_still_holds(authority):
    _root, ada, _bob, admin, live, token = await busy(authority)
    await authority.sessions.label(live.session.id, "adas laptop", by=await authority.verify(live.token))
    await authority.evidence.verify(by=OPERATOR)
    checkpoint = await authority.evidence.checkpoint(by=OPERATOR)
    done = await authority.privacy.erase("ada", by=admin)
    assert done.user_id == ada.id and done.sessions == 1 and done.tokens == 1 and done.events > 0
    with pytest.raises((SessionRevoked, Unauthenticated)):
        await authority.verify(live.token)
    with pytest.raises((TokenRevoked, Unauthenticated)):
        await authority.verify(token)
    left = await everything(authority)
    for trace in ("'ada'", "adas-agent", ADA_AT, "laptop of ada", "adas laptop"):
        assert trace not in left
    assert "bobs-agent" in left and "roots-agent" in left  # nobody else's is touched
    report = await authority.evidence.verify(by=OPERATOR, checkpoint=checkpoint)
    assert report.is_sound and report.checkpoint == "agrees" and report.forgotten > 0
    async with authority.database.reading() as db:
        ended = [event for event in await events.list_oldest(db) if event.kind == "session.revoked"]
    assert {event.user_id for event in ended} == {ada.id}  # who, when and why is still there
    assert await authority.privacy.erase(ada.id, by=OPERATOR)  # again, by the pseudonym: it finishes what was left


async def said_of(authority, session_id):
    """What a session's row says of its user's account."""
    async with authority.database.reading() as db:
        row = await db.exec_driver_sql(f"SELECT username, email, roles FROM sessions WHERE id = '{session_id}'")
        return tuple(row.one())


async def test_the_name_of_a_deleted_account_is_erased_too(authority):
    ada = await add_user(authority, "ada-of-the-north")
    started = await sign_in(authority, "ada-of-the-north")
    await authority.accounts.delete("ada-of-the-north", by=OPERATOR)
    assert "ada-of-the-north" in await everything(authority)  # the trail says who was deleted
    assert await said_of(authority, started.session.id) == (None, None, "")
    await authority.evidence.verify(by=OPERATOR)
    await authority.privacy.erase(ada.id, by=OPERATOR)
    assert "ada-of-the-north" not in await everything(authority)
    assert (await authority.evidence.verify(by=OPERATOR)).is_sound


async def test_the_last_administrator_is_not_erased(authority):
    await add_user(authority, "root", admin=True)
    with pytest.raises(Conflict):
        await authority.privacy.erase("root", by=OPERATOR)
    assert await sign_in(authority, "root")


async def test_a_sign_in_under_way_does_not_survive_an_erasure(authority):
    ada = await add_user(authority)
    began = await authority.sessions.begin(ada.id)
    await authority.privacy.erase("ada", by=OPERATOR)
    with pytest.raises(Unauthenticated):
        await authority.sessions.start(ada.id, client=at(), began=began)


# Addresses


@pytest.mark.parametrize(
    ("ip", "kept"),
    [("203.0.113.7", "203.0.113.0"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1::"), ("::1", "::"), ("10.0.0.1", "10.0.0.0")],
)
def test_a_truncated_address_is_its_network(ip, kept):
    assert truncated(ip) == kept == truncated(kept)


def test_a_hashed_address_is_the_same_for_the_same_and_no_real_one():
    key, other = b"k" * 32, b"o" * 32
    assert hashed(ADA_AT, key) == hashed(ADA_AT, key) != hashed(BOB_AT, key)
    assert hashed(ADA_AT, key) != hashed(ADA_AT, other)
    from ipaddress import ip_address

    assert ip_address(hashed(ADA_AT, key)) in HASHED


@pytest.mark.parametrize("mode", ["truncated", "hashed"])
async def test_no_address_is_written_down_that_is_not_to_be_kept(make_authority, mode):
    async with make_authority(addresses=mode, key="A" * 43) as authority:
        await add_user(authority)
        place = authority.seen(ADA_AT, "adas-agent")
        assert place.ip != ADA_AT and authority.seen(ADA_AT, None).ip == place.ip
        started = await sign_in(authority, "ada", place)
        await authority.sessions.log_out(by=await authority.verify(started.token, place))
        with pytest.raises(Unauthenticated):
            await authority.sign_in.with_password("ada", "wrong password", client=place)
        assert ADA_AT not in await everything(authority)


def test_every_door_asks_the_authority_where_a_request_came_from():
    """A door that built a client by itself would keep the whole address. Those that do hand it to `kept`."""
    source = Path(__file__).parents[2] / "src" / "ostiary"
    builders = {
        path.relative_to(source).as_posix()
        for path in source.rglob("*.py")
        if re.search(r"(?<![\w.])seen\(", path.read_text(encoding="utf-8"))
    }
    assert builders == {
        "core/client.py", "authority/authority.py", "http/verifications.py", "integrations/visit.py",
        "authority/races.py",  # only itself, at 127.0.0.1
        "sdk/verifier/verifier.py",  # sends it to http/verifications.py
    }  # fmt: skip
    assert "authority.kept(place)" in (source / "http" / "verifications.py").read_text(encoding="utf-8")
    assert "authority.kept(client)" in (source / "integrations" / "embedded.py").read_text(encoding="utf-8")


async def test_ended_sessions_forget_where_they_were_and_live_ones_do_not(make_authority, clock):
    async with make_authority(retention_personal=timedelta(days=10)) as authority:
        await add_user(authority)
        gone = await sign_in(authority, "ada", at(ADA_AT))
        await authority.sessions.log_out(by=await caller(authority, gone))
        clock.advance(days=11)
        live = await sign_in(authority, "ada", at(BOB_AT))
        await authority.retention.purge(by=OPERATOR)
        async with authority.database.reading() as db:
            kept = [await sessions.find(db, one.session.id) for one in (gone, live)]
        assert [session.ip for session in kept if session is not None] == [None, BOB_AT]
        said = [await said_of(authority, one.session.id) for one in (gone, live)]
        assert said == [(None, None, ""), ("ada", None, "member")]
