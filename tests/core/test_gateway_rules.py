"""Rules for applications behind `/verify`: which one decides, what it asks, how it is read."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from ostiary.core.account import User
from ostiary.core.caller import Caller
from ostiary.core.credential import CliToken
from ostiary.core.gateway import Rule, ensure_allowed, parse_rules, rule_for
from ostiary.core.session import Session
from ostiary.errors import ConfigurationError, NotAllowed, ReauthenticationRequired
from ostiary.settings import load
from tests.support.clock import Clock

NOW = Clock()()
WIKI = Rule("wiki", hosts=("wiki.example.org",))
SHOP = Rule("shop", hosts=("shop.example.org",))


def person(*roles: str, **changes: object) -> Caller:
    made = {"kind": "browser", "created_at": NOW, "auth_time": NOW, "last_used_at": NOW, "expires_at": NOW, **changes}
    return Caller(User("user_a", "ada", roles=roles), session=Session("sess_a", "user_a", **made))  # type: ignore[arg-type]


def script(*roles: str, scopes: tuple[str, ...] = ("sessions:read",)) -> Caller:
    token = CliToken("ost_a", "user_a", "ci", scopes, NOW)
    return Caller(User("user_a", "ada", roles=roles), token=token)


def test_the_application_that_the_proxy_names_decides_and_the_host_does_not():
    assert rule_for((WIKI, SHOP), "wiki", "shop.example.org") is WIKI


@pytest.mark.parametrize("host", ["wiki.example.org", "WIKI.Example.ORG", "wiki.example.org:8443", "wiki.example.org."])
def test_a_host_is_recognised_however_it_is_written(host):
    assert rule_for((WIKI, SHOP), None, host) is WIKI


@pytest.mark.parametrize(
    ("rules", "application", "host"),
    [
        ((WIKI,), "wikis", None),
        ((WIKI,), "", "wiki.example.org"),
        ((), "wiki", None),
        ((WIKI,), None, None),
        ((WIKI,), None, ""),
        ((WIKI,), None, "evil.example"),
        ((WIKI,), None, "wiki.example.org.evil.example"),
        ((WIKI,), None, "wiki.example.org:80:90"),
        ((Rule("bare"),), None, ""),
    ],
)
def test_without_a_rule_of_its_own_an_application_is_refused(rules, application, host):
    with pytest.raises(NotAllowed, match="no rule"):
        rule_for(rules, application, host)


def test_where_nobody_made_rules_nobody_is_held_against_one():
    assert rule_for((), None, "anything.example") is None


@pytest.mark.parametrize(
    ("rule", "caller"),
    [
        (Rule("a"), person()),
        (Rule("a"), script()),
        (Rule("a", roles=("admin", "member")), person("member")),
        (Rule("a", roles=("admin",)), person("admin")),
        (Rule("a", roles=("admin",)), script("admin", scopes=("admin",))),
        (Rule("a", tenant="acme"), person(tenant="acme")),
        (Rule("a", credentials=("cli", "token")), script()),
        (Rule("a", credentials=("browser",)), person()),
        (Rule("a", max_sign_in_age=timedelta(hours=1)), person(auth_time=NOW - timedelta(hours=1))),
    ],
)
def test_who_is_what_a_rule_asks_for_goes_on(rule, caller):
    ensure_allowed(rule, caller, NOW)


@pytest.mark.parametrize(
    ("rule", "caller"),
    [
        (Rule("a", roles=("admin",)), person("member")),
        (Rule("a", roles=("admin",)), person()),
        (Rule("a", roles=("admin",)), script("admin")),  # its scopes do not reach so far
        (Rule("a", tenant="acme"), person()),
        (Rule("a", tenant="acme"), person(tenant="Acme")),
        (Rule("a", tenant="acme"), script()),
        (Rule("a", credentials=("token",)), person()),
        (Rule("a", credentials=("browser",)), person(kind="oauth")),
        (Rule("a", credentials=("browser",)), script()),
        (Rule("a", max_sign_in_age=timedelta(hours=1)), script()),
    ],
)
def test_who_is_not_is_refused(rule, caller):
    with pytest.raises(NotAllowed):
        ensure_allowed(rule, caller, NOW)


def test_a_sign_in_that_is_too_old_can_be_mended():
    rule = Rule("a", max_sign_in_age=timedelta(hours=1))
    with pytest.raises(ReauthenticationRequired) as refused:
        ensure_allowed(rule, person(auth_time=NOW - timedelta(hours=1, seconds=1)), NOW)
    assert refused.value.fields["max_age"] == 3600


def test_rules_are_read_from_tables_and_from_json():
    table = {"application": "wiki", "hosts": ["WIKI.example.org."], "roles": ["member"], "max_sign_in_age": "12h"}
    (rule,) = parse_rules([table])
    assert rule == Rule("wiki", ("wiki.example.org",), ("member",), max_sign_in_age=timedelta(hours=12))
    assert parse_rules(json.dumps([table])) == (rule,)
    assert str(rule) == "wiki: hosts wiki.example.org; roles member; max_sign_in_age 12h0m0s"
    assert parse_rules("") == ()


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("[{", "must be a JSON array"),
        ({"application": "a"}, "must be a list"),
        (["wiki"], "rule 1: must be a table"),
        ([{"roles": ["admin"]}], "application is missing"),
        ([{"application": "a b"}], "application must be 1 to 64"),
        ([{"application": "a"}, {"application": "b", "role": "admin"}], r"rule 2 \(b\): unknown member 'role'"),
        ([{"application": "a", "roles": ["root"]}], "'root' is none of admin, member"),
        ([{"application": "a", "roles": []}], "not an empty one"),
        ([{"application": "a", "roles": "admin"}], "must be a list"),
        ([{"application": "a", "credentials": ["cookie"]}], "'cookie' is none of browser"),
        ([{"application": "a", "tenant": ""}], "tenant must be a text"),
        ([{"application": "a", "hosts": ["https://x"]}], "must be host names"),
        ([{"application": "a", "max_sign_in_age": "1s"}], "at least 1m0s"),
        ([{"application": "a", "max_sign_in_age": 5}], "max_sign_in_age"),
        ([{"application": "a"}, {"application": "a"}], "two rules are about the application 'a'"),
        ([{"application": "a", "hosts": ["x"]}, {"application": "b", "hosts": ["X"]}], "about the host 'x'"),
    ],
)
def test_a_rule_that_cannot_be_is_named(value, why):
    with pytest.raises(ValueError, match=why):
        parse_rules(value)


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ('gateway_rules = [{application = "a", hosts = ["a.example"]}]', "needs trusted_proxies"),
        ('gateway_rules = [{application = "a", colour = "red"}]', "gateway_rules (from file): rule 1"),
        ('return_addresses = ["https://app.example.org"]', "needs public_url"),
        (
            'public_url = "https://auth.example.org"\nreturn_addresses = ["https://app.example.org"]',
            "never reaches app.example.org: it needs a cookie_domain",
        ),
        (
            'public_url = "https://auth.example.org"\ncookie_domain = "example.org"\n'
            'return_addresses = ["https://app.example.com"]',
            "never reaches app.example.com",
        ),
        ('public_url = "https://auth.example.org"\ncookie_domain = "example.com"', "a host under example.com"),
        ('public_url = "http://auth.example.org"\ncookie_domain = "example.org"', "public_url with https"),
        ('cookie_domain = "example.org"', "public_url with https"),
        ('public_url = "https://auth.org"\ncookie_domain = "org"', "with a dot in it"),
        ('public_url = "https://10.0.0.1"\ncookie_domain = "0.0.1"', "with a dot in it"),
        ('return_addresses = ["https://*.example.org"]', "is no origin"),
    ],
)
def test_settings_that_cannot_work_together_stop_the_server_at_its_start(tmp_path, written, why):
    file = tmp_path / "ostiary.toml"
    file.write_text(written)
    with pytest.raises(ConfigurationError) as refused:
        load(environ={}, file=file)
    assert why in refused.value.message


def test_settings_that_can_are_read(tmp_path):
    file = tmp_path / "ostiary.toml"
    file.write_text(
        'public_url = "https://auth.example.org"\ncookie_domain = ".example.org"\ntrusted_proxies = ["10.0.0.1"]\n'
        'return_addresses = ["https://App.example.org:443", "https://example.org"]\n'
        '[[gateway_rules]]\napplication = "a"\nhosts = ["app.example.org"]\n'
    )
    settings = load(environ={}, file=file).settings
    assert settings.return_addresses == ("https://app.example.org", "https://example.org")
    assert (settings.cookie_domain, settings.gateway_rules) == ("example.org", (Rule("a", ("app.example.org",)),))
    environ = {
        "OSTIARY_GATEWAY_RULES": '[{"application": "b"}]',
        "OSTIARY_RETURN_ADDRESSES": "https://auth.example.org",
    }
    settings = load(environ=environ, file=file).settings
    assert settings.gateway_rules == (Rule("b"),)
    assert settings.return_addresses == ("https://auth.example.org",)
