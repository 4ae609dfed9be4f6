"""The contract: every verb and every refusal, on both databases, in process and over HTTP.

HTTP is bare requests on one database and the SDK on the other: two clients of one door, at the price of one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx2
import pytest

from ostiary.authority import Authority
from ostiary.core.caller import Caller
from ostiary.http.app import create_app
from ostiary.sdk import AsyncOstiary
from tests.contract.doors import Door, InProcess, OverHttp, Refused
from tests.contract.sdk_door import ThroughSdk
from tests.support.people import CHROME, FIREFOX, PASSWORD

POLICY = {"idle_timeout": timedelta(hours=2), "lifetime": timedelta(hours=12), "step_up_age": timedelta(minutes=30)}


@pytest.fixture(params=["in process", "over http"])
async def door(request, make_authority, database_url, clock) -> AsyncIterator[Door]:
    """ada, eve and the administrator root exist; the clock stands."""
    async with make_authority(**POLICY) as authority:
        await _people(authority)
        if request.param == "in process":
            yield InProcess(authority)
            return
        app = create_app(authority.settings, clock=clock)
        async with app:
            transport = httpx2.ASGITransport(app=app)
            async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
                if database_url.startswith("sqlite"):
                    yield OverHttp(client)
                else:
                    yield ThroughSdk(AsyncOstiary("http://localhost", http_client=client))


async def _people(authority: Authority) -> None:
    operator = Caller.operator("tests")
    for username, roles in (("ada", ["member"]), ("eve", ["member"]), ("root", ["admin", "member"])):
        await authority.accounts.add(username, PASSWORD, by=operator, roles=roles)


def refused(code: str):
    return pytest.raises(Refused, match=f"^{code}$")


async def test_sign_in_and_whoami(door):
    login = await door.sign_in("ADA")
    assert await door.whoami(login.token) == {
        "username": "ada",
        "roles": ["member"],
        "session": login.id,
        "token": None,
    }


@pytest.mark.parametrize(("username", "password"), [("ada", "wrong"), ("nobody", PASSWORD), ("", ""), ("ada", "")])
async def test_wrong_credentials(door, username, password):
    with pytest.raises(Refused) as why:
        await door.sign_in(username, password)
    assert why.value.code in {"wrong_credentials", "invalid_request"}
    assert why.value.code == "wrong_credentials" or "" in (username, password)


async def test_list_marks_the_current_one_and_shows_where_and_what(door):
    mine, other = await door.sign_in(), await door.sign_in(agent=CHROME)
    listed = {one["id"]: one for one in await door.sessions(mine.token)}
    assert {login: one["is_current"] for login, one in listed.items()} == {mine.id: True, other.id: False}
    assert (listed[mine.id]["user_agent"], listed[other.id]["user_agent"]) == (FIREFOX, CHROME)
    assert {one["ip"] for one in listed.values()} == {"127.0.0.1"}
    assert {one["status"] for one in listed.values()} == {"active"}


async def test_revoke_is_at_once_and_again_is_no_error(door):
    mine, other = await door.sign_in(), await door.sign_in()
    await door.revoke(mine.token, other.id)
    await door.revoke(mine.token, other.id)
    with pytest.raises(Refused) as why:
        await door.whoami(other.token)
    assert (why.value.code, why.value.fields["reason"]) == ("session_revoked", "user")
    ended = [one for one in await door.sessions(mine.token, ended=True) if one["status"] == "revoked"]
    assert [(one["id"], one["reason"]) for one in ended] == [(other.id, "user")]


async def test_a_foreign_session_is_missing(door):
    eve, ada = await door.sign_in("eve"), await door.sign_in()
    for session_id in (ada.id, "sess_" + "a" * 26):
        with refused("session_not_found"):
            await door.revoke(eve.token, session_id)
        with refused("session_not_found"):
            await door.label(eve.token, session_id, "mine")
    await door.whoami(ada.token)


async def test_revoke_others_and_revoke_all(door):
    mine = await door.sign_in()
    others = [await door.sign_in() for _ in range(2)]
    count, renewed = await door.revoke_others(mine.token)
    assert count == 2
    for other in others:
        with refused("session_revoked"):
            await door.whoami(other.token)
    with refused("session_invalid"):  # a copy of the cookie that somebody else holds (ASVS 5.0 7.2.4)
        await door.whoami(mine.token)
    made = await door.create_token(renewed)
    again = await door.sign_in()
    assert await door.revoke_all(again.token, tokens=True) == (2, 1)
    for token, code in (
        (renewed, "session_revoked"),
        (again.token, "session_revoked"),
        (made.token, "token_revoked"),
    ):
        with refused(code):
            await door.whoami(token)


async def test_logout_ends_the_own_session(door):
    mine = await door.sign_in()
    await door.logout(mine.token)
    with pytest.raises(Refused) as why:
        await door.whoami(mine.token)
    assert why.value.fields["reason"] == "logout"


async def test_limits_are_enforced_by_verify(door, clock):
    idle, used = await door.sign_in(), await door.sign_in()
    clock.advance(minutes=90)
    await door.whoami(used.token)
    await door.sessions(used.token)
    clock.advance(minutes=30)
    with pytest.raises(Refused) as why:
        await door.whoami(idle.token)
    assert (why.value.code, why.value.fields["limit"]) == ("session_expired", "idle")


async def test_a_fresh_sign_in_is_asked_for_and_given(door, clock):
    other, mine = await door.sign_in(), await door.sign_in()
    clock.advance(minutes=31)
    for act in (door.revoke(mine.token, other.id), door.revoke_others(mine.token), door.revoke_all(mine.token)):
        with pytest.raises(Refused) as why:
            await act
        assert (why.value.code, why.value.fields["max_age"]) == ("reauthentication_required", 1800)
    with refused("wrong_credentials"):
        await door.reauthenticate(mine.token, "wrong")
    fresh = await door.reauthenticate(mine.token, PASSWORD)
    assert fresh.id == mine.id
    with refused("session_invalid"):
        await door.whoami(mine.token)
    assert (await door.revoke_others(fresh.token))[0] == 1


async def test_a_password_change_ends_the_others(door):
    other, mine = await door.sign_in(), await door.sign_in()
    with refused("wrong_credentials"):
        await door.change_password(mine.token, "wrong", "another long password")
    with refused("invalid_request"):
        await door.change_password(mine.token, PASSWORD, "short")
    token = await door.change_password(mine.token, PASSWORD, "another long password")
    await door.whoami(token)
    with refused("session_invalid"):
        await door.whoami(mine.token)
    with pytest.raises(Refused) as why:
        await door.whoami(other.token)
    assert why.value.fields["reason"] == "password_change"
    with refused("wrong_credentials"):
        await door.sign_in()
    await door.sign_in(password="another long password")


async def test_naming_a_device(door):
    mine = await door.sign_in()
    assert await door.label(mine.token, mine.id, " Desk ") == "Desk"
    assert (await door.sessions(mine.token))[0]["label"] == "Desk"
    assert await door.label(mine.token, mine.id, None) is None
    with refused("invalid_request"):
        await door.label(mine.token, mine.id, "two\nlines")


async def test_cli_tokens(door, clock):
    mine = await door.sign_in()
    made = await door.create_token(mine.token, expires_in="1h")
    assert (await door.whoami(made.token))["token"] == made.id
    rotated = await door.rotate_token(mine.token, made.id)
    with refused("session_invalid"):
        await door.whoami(made.token)
    assert rotated.id == made.id
    clock.advance(hours=1)
    with refused("token_expired"):
        await door.whoami(rotated.token)
    with refused("reauthentication_required"):
        await door.create_token(mine.token)
    mine = await door.reauthenticate(mine.token, PASSWORD)
    lasting = await door.create_token(mine.token)
    await door.revoke_token(mine.token, lasting.id)
    with refused("token_revoked"):
        await door.whoami(lasting.token)
    assert await door.tokens(mine.token) == {made.id: "expired", lasting.id: "revoked"}
    eve = await door.sign_in("eve")
    with refused("token_not_found"):
        await door.revoke_token(eve.token, lasting.id)


async def test_a_token_is_held_to_its_scopes(door):
    mine = await door.sign_in()
    reader = await door.create_token(mine.token, scopes=["sessions:read"])
    await door.sessions(reader.token)
    for act in (
        door.revoke(reader.token, mine.id),
        door.revoke_others(reader.token),
        door.create_token(reader.token),
        door.change_password(reader.token, PASSWORD, "another long password"),
        door.create_token(mine.token, scopes=["admin"]),
        door.search(reader.token),
    ):
        with refused("not_allowed"):
            await act


async def test_administrators_mint_search_and_log_out(door, clock):
    root = await door.sign_in("root")
    minted = await door.mint(root.token, "ada", "4h30m")
    assert (await door.whoami(minted.token))["username"] == "ada"
    with refused("user_not_found"):
        await door.mint(root.token, "nobody", "1h")
    with refused("invalid_request"):
        await door.mint(root.token, "ada", "12h0m1s")
    eve = await door.sign_in("eve")
    assert await door.search(root.token, user="ada") == {minted.id}
    assert await door.search(root.token, status="active") == {minted.id, eve.id, root.id}
    ended = await door.log_out_user(root.token, "ada")
    assert ended == {minted.id: clock.now.isoformat().replace("+00:00", "Z")}
    clock.advance(minutes=1)
    assert await door.log_out_user(root.token, "ada") == ended
    await door.whoami(eve.token)
    await door.revoke_any(root.token, eve.id)
    with pytest.raises(Refused) as why:
        await door.whoami(eve.token)
    assert why.value.fields["reason"] == "admin"


async def test_an_administrators_acts_are_not_for_others(door):
    ada = await door.sign_in()
    for act in (
        door.mint(ada.token, "ada", "1h"),
        door.search(ada.token),
        door.log_out_user(ada.token, "eve"),
        door.revoke_any(ada.token, ada.id),
        door.add_user(ada.token, "mallory"),
        door.change_user(ada.token, "eve", "disable"),
        door.change_user(ada.token, "eve", "delete"),
    ):
        with refused("not_allowed"):
            await act
    await door.sign_in("eve")


async def test_people_are_added_disabled_enabled_and_deleted(door):
    root = await door.sign_in("root")
    await door.add_user(root.token, "carl")
    with refused("conflict"):
        await door.add_user(root.token, "CARL")
    with refused("invalid_request"):
        await door.add_user(root.token, "carl's")
    carl = await door.sign_in("carl")
    await door.change_user(root.token, "carl", "disable")
    with pytest.raises(Refused) as why:
        await door.whoami(carl.token)
    assert why.value.fields["reason"] == "account_disabled"
    with refused("wrong_credentials"):
        await door.sign_in("carl")
    await door.change_user(root.token, "carl", "enable")
    await door.sign_in("carl")
    await door.change_user(root.token, "carl", "delete")
    with refused("user_not_found"):
        await door.change_user(root.token, "carl", "enable")
    with refused("conflict"):
        await door.change_user(root.token, "root", "delete")


@pytest.mark.parametrize("token", ["x", "sess_" + "a" * 26 + "." + "A" * 43, "ost_" + "a" * 26 + "." + "A" * 43])
async def test_what_is_no_credential(door, token):
    with refused("session_invalid"):
        await door.whoami(token)
