"""What `doctor` looks at: for each check, the house that it complains about, and one that it does not."""

from __future__ import annotations

import ipaddress
from datetime import timedelta

import pytest

from ostiary.cli.checks.behind_proxies import behind_proxies
from ostiary.cli.checks.lifetimes import lifetimes
from ostiary.cli.checks.ourselves import SignInPage, judge, ourselves
from ostiary.cli.checks.server_side import clock, indexes
from ostiary.core.gateway import Rule
from ostiary.core.policy import PRESETS
from ostiary.settings import Settings
from ostiary.storage import inspection
from ostiary.storage.database import Database
from tests.support.processes import free_port

HTTPS = "https://auth.example.org"
COOKIE = "__Host-form=x; Path=/; HttpOnly; Secure; SameSite=lax"
HSTS = {"strict-transport-security": "max-age=1"}


def verdicts(found):
    return {(one.check, one.verdict) for one in found}


@pytest.mark.parametrize(
    ("network", "is_unsafe"),
    [
        ("0.0.0.0/0", True), ("::/0", True), ("8.0.0.0/8", True), ("2000::/3", True),
        ("10.0.0.0/8", False), ("127.0.0.1", False), ("203.0.113.7", False), ("fd00::/8", False),
    ],
)  # fmt: skip
def test_a_network_that_is_trusted_too_widely_is_unsafe(network, is_unsafe):
    found = verdicts(behind_proxies(Settings(trusted_proxies=(ipaddress.ip_network(network),))))
    assert found == ({("trusted_proxies", "unsafe")} if is_unsafe else set())


def test_what_applications_get_is_told():
    settings = Settings(
        public_url=HTTPS, cookie_domain="example.org", return_addresses=("http://app.example.org",),
        gateway_rules=(Rule("app", roles=("admin",)),),
    )  # fmt: skip
    found = [*behind_proxies(settings)]
    assert verdicts(found) == {("cookie_domain", "info"), ("return_addresses", "unsafe"), ("gateway rule", "ok")}
    assert found[-1].found == "app: roles admin"


@pytest.mark.parametrize(
    ("policy", "verdict", "level"),
    [
        ("default", "info", "even for AAL1"),
        ("nist-aal1", "ok", "AAL1"),
        ("nist-aal2", "ok", "AAL2"),
        ("nist-aal3", "ok", "AAL3"),
    ],
)
def test_lifetimes_are_told_beside_nist(policy, verdict, level):
    first = next(lifetimes(PRESETS[policy]))
    assert (first.verdict, level in first.found) == (verdict, True)


@pytest.mark.parametrize(
    ("shown", "found"),
    [
        (SignInPage(200, HSTS, [COOKIE]), {("public_url", "ok")}),
        (SignInPage(502, {}, []), {("public_url", "broken")}),
        (SignInPage(200, HSTS, []), {("cookies", "broken")}),
        (SignInPage(200, {}, [COOKIE]), {("HSTS", "unsafe")}),
        (SignInPage(200, HSTS, [COOKIE.replace(" Secure;", "")]), {("cookies", "unsafe")}),
        (SignInPage(200, HSTS, [COOKIE.replace("HttpOnly; ", "")]), {("cookies", "unsafe")}),
        (SignInPage(200, HSTS, [COOKIE.replace("__Host-", "")]), {("cookies", "unsafe")}),
    ],
)
def test_what_a_proxy_does_to_the_sign_in_page_is_seen(shown, found):
    assert verdicts(judge(HTTPS, shown)) == found


def test_a_public_url_where_nothing_answers_is_broken():
    assert verdicts(ourselves(f"http://127.0.0.1:{free_port()}")) == {("public_url", "broken")}


def test_clocks_that_disagree_are_unsafe():
    assert clock(timedelta(seconds=-9)).verdict == "ok"
    assert clock(timedelta(seconds=-11)).verdict == clock(timedelta(hours=1)).verdict == "unsafe"


async def test_the_database_has_every_index_and_a_lost_one_is_named(database_url):
    database = Database(database_url)
    assert await inspection.missing_indexes(database) == []
    async with database.transaction() as db:
        await db.exec_driver_sql("DROP INDEX ix_sessions_expires_at")
    assert await inspection.missing_indexes(database) == ["ix_sessions_expires_at"]
    assert indexes(["ix_sessions_expires_at"]).verdict == "broken"
    assert (await inspection.clock(database)).tzinfo is not None
    async with database.transaction() as db:
        await db.exec_driver_sql("CREATE INDEX ix_sessions_expires_at ON sessions (expires_at)")
    await database.close()
