"""How the types of the SDK are read: nothing is wrong but what is said to be.

Nothing runs here. mypy, which checks the tests too, refuses an `ignore` where nothing is wrong; so does pyright, with
`reportUnnecessaryTypeIgnoreComment`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import assert_type

from ostiary.contract.admin_sessions import SessionPage
from ostiary.contract.calling import Incoming
from ostiary.contract.feed import HeartbeatData
from ostiary.contract.oauth_answers import TokenAnswer
from ostiary.contract.sessions import SessionList
from ostiary.contract.shapes import AdminSession, CliToken, Revoked, Session, SignedIn
from ostiary.contract.users import AdminUser
from ostiary.core.endings import Entry
from ostiary.sdk import AsyncOstiary, AuthorizationRequest, Completed, IdToken, Ostiary


def right(ostiary: Ostiary, request: Incoming) -> None:
    assert_type(ostiary.auth.sign_in("ada", "a password"), SignedIn)
    assert_type(ostiary.auth.sign_in(request, "ada", password="a password").token, str | None)
    assert_type(ostiary.sessions.list(request, stale_after_days=7, include="ended"), SessionList)
    assert_type([session.id for session in ostiary.sessions.list()], list[str])
    assert_type(ostiary.sessions.revoke("sess_1"), Revoked)
    assert_type(ostiary.sessions.label(request, "sess_1", None), Session)
    assert_type(ostiary.tokens.list(), tuple[CliToken, ...])
    assert_type(ostiary.tokens.create("ci", scopes=("admin",)).token, str)
    assert_type(ostiary.admin.sessions.search(user="ada", limit=10), SessionPage)
    for session in ostiary.admin.sessions.search.each(user="ada"):
        assert_type(session, AdminSession)
    for user in ostiary.admin.users.list.each(request, limit=10):
        assert_type(user, AdminUser)
    assert_type(ostiary.oauth.exchange("code", redirect_uri="https://app", code_verifier="v"), TokenAnswer)
    assert_type(ostiary.oauth.revoke("token"), None)
    assert_type(ostiary.authorization_url(redirect_uri="https://app", prompt="login"), AuthorizationRequest)
    assert_type(ostiary.authorization_url(redirect_uri="https://app", prompt=("login", "consent")).checks, str)
    assert_type(ostiary.callback(request, "checks").claims.auth_time, datetime | None)
    assert_type(ostiary.callback("https://app/callback?code=a", "checks").tokens, TokenAnswer)
    assert_type(ostiary.verify_id_token("token", max_age=60), IdToken)
    assert_type(ostiary.with_options(timeout=2).sessions.list(request), SessionList)
    assert_type(ostiary.feed.follow(request, hold=1), Iterator[Entry | HeartbeatData])


async def right_async(ostiary: AsyncOstiary, request: Incoming) -> None:
    assert_type(await ostiary.sessions.list(request, stale_after_days=7, include="ended"), SessionList)
    assert_type(await ostiary.sessions.revoke(session_id="sess_1"), Revoked)
    assert_type(await ostiary.admin.sessions.search(request, user="ada"), SessionPage)
    async for session in ostiary.admin.sessions.search.each(request, user="ada"):
        assert_type(session, AdminSession)
    assert_type(ostiary.feed.follow(hold=1), AsyncIterator[Entry | HeartbeatData])
    assert_type(await ostiary.callback(request, "checks"), Completed)
    assert_type(await ostiary.with_options(retries=0).verify_id_token("token"), IdToken)
    assert_type(ostiary.authorization_url(redirect_uri="https://app", max_age=0).url, str)
    async for user in ostiary.for_request(request).admin.users.list.each():
        assert_type(user, AdminUser)


def wrong(ostiary: Ostiary, request: Incoming) -> None:
    ostiary.sessions.list(stale_days=7)  # type: ignore[call-overload]
    ostiary.sessions.list(request, include="all")  # type: ignore[call-overload]
    ostiary.sessions.revoke(request)  # type: ignore[call-overload]
    ostiary.sessions.revoke_all(True)  # type: ignore[call-overload]
    ostiary.sessions.list.each()  # type: ignore[misc]
    ostiary.admin.sessions.search(limit="10")  # type: ignore[call-overload]
    ostiary.admin.sessions.search.each(users="ada")  # type: ignore[call-overload]
    ostiary.tokens.create("ci", scopes=["session:read"])  # type: ignore[list-item]
    ostiary.admin.clients.add("Shop", grants=["password"])  # type: ignore[list-item]
    ostiary.admin.users.set_roles("ada", ["owner"])  # type: ignore[list-item]
    ostiary.authorization_url(redirect_uri="https://app", prompt="sign_in")  # type: ignore[arg-type]
    ostiary.with_options(time=2)  # type: ignore[call-arg]
    ostiary.admin.mailboxes.list()  # type: ignore[attr-defined]


async def wrong_async(ostiary: AsyncOstiary, request: Incoming) -> None:
    await ostiary.sessions.list(stale_days=7)  # type: ignore[call-overload]
    await ostiary.sessions.revoke(request)  # type: ignore[call-overload]
    await ostiary.admin.users.list.each()  # type: ignore[misc]
    for user in ostiary.admin.users.list.each():  # type: ignore[attr-defined]
        del user
