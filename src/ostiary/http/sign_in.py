"""Signing in and out, and what a person does to their own account."""

from __future__ import annotations

from ostiary.authority import Beginning
from ostiary.contract import shapes
from ostiary.contract import sign_in as contract
from ostiary.contract.sign_in import Auth
from ostiary.core.browser import Browser
from ostiary.core.session import Kind
from ostiary.http.answers import signed_in, signed_out, spared
from ostiary.http.cookies import sent_mark
from ostiary.http.exchange import Exchange
from ostiary.http.operations import Reply, serves
from ostiary.http.presenting import grant_of


@serves(Auth.start)
async def sign_in(asked: contract.SignIn, exchange: Exchange) -> Reply[shapes.SignedIn]:
    """It takes the place of what the browser held."""
    by_cookie, browser = asked.transport == "cookie", None
    if by_cookie:
        exchange.cookie.ensure_may_be_set()
        mark = sent_mark(exchange.scope["headers"], exchange.cookie)
        browser = Browser(exchange.given.cookies, mark, asked.stay)
    user, started = await exchange.authority.sign_in.with_password(
        asked.username,
        asked.password,
        client=exchange.client,
        kind=kind_of(asked.transport),
        label=asked.label,
        browser=browser,
    )
    return signed_in(exchange, user, started, by_cookie=by_cookie)


@serves(Auth.logout)
async def sign_out(_: contract.SignOut, exchange: Exchange) -> Reply[shapes.Done]:
    """By whatever came along; an access token signs its session out as its holder."""
    given, identified = exchange.given, exchange.identified
    sent = given.cookies if given.bearer is None else (given.bearer, *given.cookies)
    await exchange.authority.sign_out.of(sent, at=exchange.client)
    if identified is not None and identified.caller.granted is not None:
        await exchange.authority.sessions.log_out(by=identified.caller)
    if given.cookies:
        exchange.identified = None  # the browser is to forget them, whoever acted
    return signed_out(shapes.Done(), exchange)


@serves(Auth.whoami)
async def who_am_i(_: contract.AskWhoAmI, exchange: Exchange) -> shapes.WhoAmI:
    """An OAuth client hears what its scopes let it know."""
    caller, present = exchange.caller, exchange.present
    return shapes.WhoAmI(
        user=shapes.User.of(caller.told),
        session=present.own_session(caller.session) if caller.session else None,
        token=present.token(caller.token) if caller.token else None,
        grant=grant_of(caller),
    )


@serves(Auth.reauthenticate)
async def reauthenticate(asked: contract.Reauthenticate, exchange: Exchange) -> Reply[shapes.SignedIn]:
    """The new secret is held as the old one was."""
    identified = exchange.who
    started = await exchange.authority.sign_in.reauthenticate(asked.password, by=identified.caller)
    return signed_in(exchange, identified.caller.user, started, by_cookie=identified.by_cookie)


@serves(Auth.change_password)
async def change_password(asked: contract.ChangePassword, exchange: Exchange) -> Reply[shapes.PasswordChanged]:
    """The caller's own session goes on."""
    ended = await exchange.authority.sign_in.change_password(
        asked.current, asked.new, by=exchange.caller, end_other_sessions=asked.end_other_sessions
    )
    return spared(shapes.PasswordChanged.of(ended), exchange, ended)


@serves(Auth.set_up)
async def set_up(asked: contract.SetUp, exchange: Exchange) -> Reply[shapes.SignedIn]:
    """By the one-time link that the server prints."""
    by_cookie, authority, client = asked.transport == "cookie", exchange.authority, exchange.client
    if by_cookie:
        exchange.cookie.ensure_may_be_set()
    user = await authority.setup.complete(asked.code, asked.username, asked.password, client=client, email=asked.email)
    started = await authority.sessions.start(
        user.id,
        client=client,
        kind=kind_of(asked.transport),
        amr=("pwd",),
        began=Beginning.of_new(user.id),
    )
    return signed_in(exchange, user, started, by_cookie=by_cookie)


def kind_of(transport: str) -> Kind:
    """The kind of session that is held so: browsers hold cookies, command lines bearers."""
    return "browser" if transport == "cookie" else "cli"
