"""Every noun of the SDK against a real server: what is done is done, and what is refused says why in the same tree."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from ostiary import errors
from ostiary.sdk import AsyncOstiary, Ostiary
from tests.support.people import FIREFOX, PASSWORD


def holder(ostiary: Ostiary, name: str, agent: str = FIREFOX) -> tuple[str, Ostiary]:
    """Session id, and the SDK for whoever holds it."""
    found = ostiary.auth.sign_in({"user-agent": agent}, name, PASSWORD)
    assert found.token is not None
    return found.session.id, ostiary.for_token(found.token)


def test_a_person_sees_and_ends_their_own_sessions(ostiary, new_user):
    name = new_user()
    mine, ada = holder(ostiary, name)
    other, phone = holder(ostiary, name, "Telephone")
    listed = ada.sessions.list()
    assert {one.id: one.is_current for one in listed} == {mine: True, other: False}
    assert (listed.count, len(listed)) == (2, 2)
    assert next(one for one in listed if one.id == other).user_agent == "Telephone"
    assert listed.sessions[0].created_at.utcoffset() == timedelta(0)
    assert ada.sessions.current().id == mine
    assert ada.sessions.label(other, "Phone").label == "Phone"
    ended = ada.sessions.revoke(other)
    assert (ended.id, ended.is_current, ended.success) == (other, False, True)
    assert ada.sessions.revoke(other).success  # again is no error
    with pytest.raises(errors.SessionRevoked) as why:
        phone.auth.whoami()
    assert why.value.fields["reason"] == "user"
    assert isinstance(why.value.fields["revoked_at"], datetime)
    assert (why.value.status, len(why.value.request_id or "")) == (401, 24)
    assert [one.reason for one in ada.sessions.list(include="ended") if one.id == other] == ["user"]


def test_everywhere_is_everywhere(ostiary, new_user):
    name = new_user()
    holders = [holder(ostiary, name)[1] for _ in range(3)]
    others = holders[0].sessions.revoke_others()
    assert others.count == 2
    mine = ostiary.for_token(others.token)
    token = mine.tokens.create("ci").token
    _, again = holder(ostiary, name)
    done = again.sessions.revoke_all(tokens=True)
    assert (done.count, done.tokens) == (2, 1)
    for one in (*holders, mine, again, ostiary.for_token(token)):
        with pytest.raises(errors.Unauthenticated):
            one.auth.whoami()


def test_logging_out_is_never_refused(ostiary, new_user):
    _, ada = holder(ostiary, new_user())
    assert ada.auth.logout().ok
    assert ada.auth.logout().ok
    assert ostiary.sessions.logout("ort_unknown").success
    with pytest.raises(errors.SessionRevoked):
        ada.auth.whoami()


def test_a_foreign_session_is_missing(ostiary, new_user):
    _, eve = holder(ostiary, new_user())
    theirs, ada = holder(ostiary, new_user())
    for session_id in (theirs, "sess_" + "a" * 26, "../admin", "", ".", "a/b", "é"):
        with pytest.raises(errors.NotFound):
            eve.sessions.revoke(session_id)
    assert ada.sessions.current().id == theirs


def test_passwords(ostiary, new_user):
    name = new_user()
    mine, ada = holder(ostiary, name)
    with pytest.raises(errors.WrongCredentials):
        ada.auth.change_password("wrong", "another long password")
    with pytest.raises(errors.InvalidRequest) as why:
        ada.auth.change_password(PASSWORD, "short")
    assert (why.value.fields["field"], why.value.status) == ("new", 422)
    fresh = ada.auth.reauthenticate(PASSWORD)
    assert fresh.session.id == mine
    with pytest.raises(errors.SessionInvalid):
        ada.auth.whoami()
    renewed = ostiary.for_token(fresh.token or "")
    assert renewed.auth.change_password(PASSWORD, "another long password").count == 0
    with pytest.raises(errors.WrongCredentials):
        ostiary.auth.sign_in(name, PASSWORD)


def test_cli_tokens(ostiary, new_user):
    _, ada = holder(ostiary, new_user())
    made = ada.tokens.create("nightly", expires_in="2h", scopes=["sessions:read"])
    script = ostiary.for_token(made.token)
    valid = script.tokens.validate()
    assert (valid.token_id, valid.scopes) == (made.id, ("sessions:read",))
    with pytest.raises(errors.NotAllowed) as why:
        script.sessions.revoke_others()
    assert why.value.fields["scope"] == "sessions:revoke"
    rotated = ada.tokens.rotate(made.id)
    with pytest.raises(errors.SessionInvalid):
        script.auth.whoami()
    assert ada.tokens.revoke(made.id).id == made.id
    with pytest.raises(errors.TokenRevoked):
        ostiary.for_token(rotated.token).auth.whoami()
    assert [(one.id, one.status) for one in ada.tokens.list()] == [(made.id, "revoked")]


def test_administrators(ostiary, root, new_user):
    name = new_user()
    minted = root.admin.sessions.start(name, expire_after="1h", label="script")
    assert ostiary.for_token(minted.token).auth.whoami().user.username == name
    page = root.admin.sessions.search(user=name, status="active")
    assert ([one.id for one in page.sessions], page.count) == ([minted.session.id], 1)
    mine, ada = holder(ostiary, name)
    assert [one.id for one in root.admin.sessions.search.each(user=name, limit=1)] == [mine, minted.session.id]
    assert root.admin.sessions.revoke(mine).ok
    with pytest.raises(errors.SessionRevoked, match="ended"):
        ada.auth.whoami()
    assert {one.session_id for one in root.admin.users.logout(name).sessions} == {mine, minted.session.id}
    assert root.admin.users.set_roles(name, ["admin", "member"]).user.roles == ("admin", "member")
    assert root.admin.users.disable(name).sessions == 0
    assert root.admin.users.show(name).user.disabled_at is not None
    assert root.admin.users.enable(name).ok
    root.admin.users.set_password(name, "another long password")
    kinds = {event.kind for event in root.admin.events.list.each(user=name, limit=2)}
    assert {"session.started", "session.revoked", "user.disabled"} <= kinds
    assert name in {one.username for one in root.admin.users.list.each(limit=1)}
    assert name in {one.username for one in root.admin.users.list(limit=1000).users}
    assert root.admin.users.delete(name).sessions == 0
    with pytest.raises(errors.UserNotFound):
        root.admin.users.show(name)


def test_an_administrators_calls_are_for_nobody_else(ostiary, new_user):
    _, ada = holder(ostiary, new_user())
    with pytest.raises(errors.NotAllowed) as why:
        ada.admin.sessions.search()
    assert why.value.fields["role"] == "admin"
    with pytest.raises(errors.NoCredentials):
        ostiary.admin.users.list()


async def test_the_async_client_does_the_same(server, new_user):
    name = new_user()
    async with AsyncOstiary(server.url) as ostiary:
        found = await ostiary.auth.sign_in(name, PASSWORD)
        ada = ostiary.for_token(found.token or "")
        assert [one.id for one in await ada.sessions.list()] == [found.session.id]
        with pytest.raises(errors.SessionNotFound):
            await ada.sessions.revoke("sess_" + "a" * 26)
        assert (await ada.sessions.revoke(found.session.id)).is_current
        with pytest.raises(errors.SessionRevoked):
            await ada.auth.whoami()
        root = ostiary.for_token((await ostiary.auth.sign_in("root", PASSWORD)).token or "")
        assert name in [one.username async for one in root.admin.users.list.each(limit=1)]


def test_secrets_are_in_no_repr(ostiary, root, new_user):
    name = new_user()
    found = ostiary.auth.sign_in(name, PASSWORD)
    ada = ostiary.for_token(found.token or "")
    made, minted = ada.tokens.create(), root.admin.sessions.start(name, expire_after="1h")
    for secret, shown in (
        (found.token, found),
        (found.token, ada),
        (found.token, ada._wire.holder),
        (made.token, made),
        (minted.token, minted),
        ("s3cret", Ostiary("http://localhost", client_id="client_a", client_secret="s3cret")._wire.terms),
    ):
        assert secret
        assert secret not in repr(shown)


@pytest.mark.parametrize(
    "url",
    [
        "auth.example.org",
        "ftp://auth.example.org",
        "https://",
        "https://user:secret@auth.example.org",
        "https://auth.example.org/?token=secret",
        "https://auth.example.org:port",
        "http://auth.example.org",
        "",
    ],
)
def test_a_url_that_cannot_be_one_is_refused_without_repeating_it(url):
    with pytest.raises(errors.ConfigurationError, match=r"^url: ") as why:
        Ostiary(url)
    assert "secret" not in str(why.value)


def test_plain_http_elsewhere_has_to_be_said():
    assert repr(Ostiary("http://auth.internal:8420/", allow_plain_http=True)) == "Ostiary('http://auth.internal:8420')"


@pytest.mark.parametrize("token", ["", "two words", "line\nbreak", "naïve", "x\x00"])
def test_a_token_that_no_header_can_carry_is_refused_without_repeating_it(token):
    with pytest.raises(errors.SessionInvalid) as why:
        Ostiary("http://localhost", token=token)
    assert not token or token not in str(why.value)
