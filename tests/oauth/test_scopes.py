"""Scopes: what is not known is left out, what reaches far is given to nobody unasked, strangers are offered little."""

from __future__ import annotations

import pytest

from ostiary.core.oauth.redirect_uri import matches
from ostiary.core.oauth.scope import IDENTITY, ON_REQUEST, SCOPES, granted, narrowed
from ostiary.errors import InvalidScope
from tests.http.visitors import visitor
from tests.oauth.party import Pkce, person, register, with_access

EVERYTHING = " ".join(SCOPES)


async def test_metadata_offers_strangers_what_strangers_may_ask_for(app):
    async with visitor(app) as client:
        for path in ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"):
            assert (await client.get(path)).json()["scopes_supported"] == list(IDENTITY)


async def test_a_stranger_that_asks_for_all_there_is_gets_what_it_may_have(app):
    """Some clients ask for all that metadata names, and some for scopes of another server."""
    stranger = await register(app, third_party=True)
    async with person(app) as ada:
        body = (await stranger.agree(ada, scope=f"{EVERYTHING} notes:read")).body
    assert body["scope"].split() == list(IDENTITY)


@pytest.mark.parametrize("asked", [None, "offline_access", "openid profile"])
async def test_no_client_is_given_power_that_it_did_not_ask_for(app, party, asked):
    async with person(app) as ada:
        tokens = await party.sign_in(ada, scope=asked)
    assert set(tokens.body["scope"].split()) == (set(asked.split()) if asked else set(IDENTITY))
    assert (await with_access(app, tokens.access, "GET", "/verify")).status_code == 403
    assert (await with_access(app, tokens.access, "GET", "/api/v1/auth/sessions")).status_code == 403


async def test_a_client_of_the_house_needs_no_scope_for_its_own_namespace_and_a_third_party_does(app, party):
    stranger = await register(app, third_party=True)
    async with person(app) as ada:
        ours, theirs = await party.sign_in(ada, scope="openid"), await stranger.agree(ada, scope="openid")
    for path, method in (("/oauth/sessions", "GET"), (f"/oauth/sessions/{theirs.sid}/revoke", "POST")):
        assert (await with_access(app, theirs.access, method, path)).status_code == 403
        assert (await with_access(app, ours.access, method, path)).status_code == 200


def test_the_scope_of_a_grant():
    allowed = ("openid", "email", *ON_REQUEST)
    assert granted(None, allowed) == ("openid", "email")
    assert granted("  ", allowed) == ("openid", "email")
    assert granted("email gateway email never", allowed) == ("email", "gateway")
    assert granted(None, ("gateway",), unasked=("gateway",)) == ("gateway",)
    for nothing in ("never", "admin profile", " ".join(["openid", *(f"x{number}" for number in range(32))])):
        with pytest.raises(InvalidScope):
            granted(nothing, allowed)


def test_a_refresh_never_widens():
    assert narrowed(None, ("openid", "email")) == ("openid", "email")
    assert narrowed("email", ("openid", "email")) == ("email",)
    for more in ("openid gateway", "never"):
        with pytest.raises(InvalidScope):
            narrowed(more, ("openid", "email"))


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost"])
def test_rfc8252_7_3_the_port_alone_is_free_and_the_host_is_the_one_that_was_registered(host):
    registered = [f"http://{host}/callback?x=1"]
    assert matches(f"http://{host}:51004/callback?x=1", registered, any_loopback_port=True)
    assert not matches(f"http://{host}:51004/callback?x=1", registered, any_loopback_port=False)
    for other in {"127.0.0.1", "[::1]", "localhost", "LOCALHOST", "localhost.evil.test", "127.0.0.2"} - {host}:
        assert not matches(f"http://{other}:51004/callback?x=1", registered, any_loopback_port=True)
    for path in ("/callback", "/callback?x=2", "/callback/?x=1", "/Callback?x=1"):
        assert not matches(f"http://{host}:51004{path}", registered, any_loopback_port=True)
    assert not matches(f"https://{host}:51004/callback?x=1", registered, any_loopback_port=True)


async def test_a_command_line_that_listens_on_localhost_gets_its_code(app):
    tool = await register(app, is_public=True, application_type="native", redirect_uris=["http://localhost/callback"])
    pkce, here = Pkce.new(), "http://localhost:51004/callback"
    async with person(app) as ada:
        code = await tool.code(ada, pkce, redirect_uri=here)
    assert (await tool.exchange(code, pkce)).status_code == 400  # it is the one of the request that counts
    async with person(app) as ada:
        code = await tool.code(ada, pkce, redirect_uri=here)
    assert (await tool.exchange(code, pkce, redirect_uri=here)).status_code == 200
