"""Whose address counts."""

from __future__ import annotations

import ipaddress

import pytest

from ostiary.http.addresses import Addresses, Arrival
from ostiary.settings import ForwardedHeader, load
from tests.http.visitors import API, add_people, sign_in, visitor

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # which makes no difference here

PROXIES = ("10.0.0.0/8", "2001:db8:ffff::/48", "127.0.0.1/32")


def arrival(
    peer: str | None,
    *headers: tuple[str, str],
    trusted: tuple[str, ...] = PROXIES,
    read: ForwardedHeader | None = None,
) -> Arrival:
    """`read` is the setting `forwarded_header`: of itself, the one that is sent."""
    sent: ForwardedHeader = "forwarded" if {name for name, _ in headers} == {FORWARDED} else "x-forwarded-for"
    addresses = Addresses(tuple(ipaddress.ip_network(network) for network in trusted), read or sent)
    scope = {
        "client": (peer, 4711) if peer else None,
        "scheme": "http",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers],
    }
    found = addresses.arrival(scope)
    assert addresses.client_ip(scope) == found.ip
    return found


XFF, FORWARDED, PROTO = "X-Forwarded-For", "Forwarded", "X-Forwarded-Proto"


@pytest.mark.parametrize(
    ("peer", "header", "ip"),
    [
        # Nobody is trusted but the proxies.
        ("203.0.113.9", (XFF, "198.51.100.1"), "203.0.113.9"),
        ("203.0.113.9", (FORWARDED, "for=198.51.100.1"), "203.0.113.9"),
        # The right-most hop that is not a proxy: what stands left of it, the client may have written.
        ("10.0.0.1", (XFF, "198.51.100.1"), "198.51.100.1"),
        ("10.0.0.1", (XFF, "1.1.1.1, 198.51.100.1"), "198.51.100.1"),
        ("10.0.0.1", (XFF, "1.1.1.1, 198.51.100.1, 10.0.0.2"), "198.51.100.1"),
        ("10.0.0.1", (XFF, "10.0.0.3, 10.0.0.2"), "10.0.0.3"),
        ("10.0.0.1", (XFF, ""), "10.0.0.1"),
        ("10.0.0.1", (XFF, " , ,198.51.100.1,"), "198.51.100.1"),
        # Ports, brackets, IPv6, mapped.
        ("10.0.0.1", (XFF, "198.51.100.1:8080"), "198.51.100.1"),
        ("10.0.0.1", (XFF, "[2001:db8::1]:8080"), "2001:db8::1"),
        ("10.0.0.1", (XFF, "2001:DB8:0:0::1"), "2001:db8::1"),
        ("10.0.0.1", (XFF, "::ffff:198.51.100.1"), "198.51.100.1"),
        ("::ffff:10.0.0.1", (XFF, "198.51.100.1"), "198.51.100.1"),
        ("2001:db8:ffff::1", (XFF, "2001:db8::1"), "2001:db8::1"),
        ("10.0.0.1", (XFF, "fe80::1%<script>"), "fe80::1"),
        # An entry that is no address ends the walk at the hop that wrote it.
        ("10.0.0.1", (XFF, "unknown"), "10.0.0.1"),
        ("10.0.0.1", (XFF, "198.51.100.1, junk, 10.0.0.2"), "10.0.0.2"),
        ("10.0.0.1", (XFF, "999.1.1.1"), "10.0.0.1"),
        ("10.0.0.1", (XFF, "198.51.100.1\x00"), "10.0.0.1"),
        # RFC 7239.
        ("10.0.0.1", (FORWARDED, "for=198.51.100.1"), "198.51.100.1"),
        ("10.0.0.1", (FORWARDED, 'For="198.51.100.1:4711";Proto=https;by=10.0.0.1'), "198.51.100.1"),
        ("10.0.0.1", (FORWARDED, 'for="[2001:db8:cafe::17]:4711"'), "2001:db8:cafe::17"),
        ("10.0.0.1", (FORWARDED, 'for="[2001:db8:cafe::17]"'), "2001:db8:cafe::17"),
        ("10.0.0.1", (FORWARDED, "for=1.1.1.1, for=198.51.100.1;proto=http, for=10.0.0.2"), "198.51.100.1"),
        ("10.0.0.1", (FORWARDED, "for=_hidden, for=10.0.0.2"), "10.0.0.2"),
        ("10.0.0.1", (FORWARDED, "for=unknown"), "10.0.0.1"),
        ("10.0.0.1", (FORWARDED, 'for="198.51.100.1, for=1.1.1.1"'), "10.0.0.1"),
        ("10.0.0.1", (FORWARDED, 'for="1.1.1.1'), "10.0.0.1"),
        ("10.0.0.1", (FORWARDED, "by=10.0.0.9"), "10.0.0.1"),
        ("10.0.0.1", (FORWARDED, "nonsense"), "10.0.0.1"),
    ],
)
def test_the_client(peer, header, ip):
    assert arrival(peer, header).ip == ip


def test_several_lines_of_one_header_are_one_list():
    assert arrival("10.0.0.1", (XFF, "1.1.1.1"), (XFF, "198.51.100.1")).ip == "198.51.100.1"


@pytest.mark.parametrize("forged", ["1.1.1.1", "6.6.6.6, 10.0.0.9", "junk", "", "10.0.0.2"])
def test_only_the_header_that_the_proxies_write_is_read(forged):
    """A proxy that writes the one passes on the other as the client sent it."""
    told = [(XFF, "198.51.100.1"), (PROTO, "https")]
    sent = (FORWARDED, f"for={forged};proto=http;host=evil.test")
    assert arrival("10.0.0.1", *told, sent) == arrival("10.0.0.1", *told)
    assert arrival("10.0.0.1", *told).ip == "198.51.100.1"
    said = (FORWARDED, "for=198.51.100.1;proto=https")
    found = arrival("10.0.0.1", said, (XFF, forged), (PROTO, "http"), read="forwarded")
    assert (found.ip, found.scheme) == ("198.51.100.1", "https")
    found = arrival("10.0.0.1", (XFF, forged), (PROTO, "https"), (FORWARDED, "for=1.1.1.1;proto=https"), read="none")
    assert (found.ip, found.scheme) == ("10.0.0.1", "http")


@pytest.mark.parametrize(
    ("header", "ip"),
    [
        # RFC 7239 4: parameters and elements may be empty, names are in any case, values quoted.
        ("for=198.51.100.1;;proto=https", "198.51.100.1"),
        (";for=198.51.100.1;", "198.51.100.1"),
        ("for=1.1.1.1, ,,for=198.51.100.1,", "198.51.100.1"),
        (",", "10.0.0.1"),
        ("FOR=198.51.100.1 ; By=_x", "198.51.100.1"),
        ('for="198.51.100.1";ext="a;b,c=\\"d"', "198.51.100.1"),
        ("for=198.51.100.1\t,\tfor=10.0.0.2", "198.51.100.1"),
        # 6: nodes.
        ('for="[fe80::1%eth0]:4711"', "fe80::1"),
        ('for="[fe80::1%25eth0]"', "fe80::1"),
        ('for="[2001:db8::17]:_port"', "2001:db8::17"),
        ('for="198.51.100.1:_obf"', "198.51.100.1"),
        ('for="[::ffff:198.51.100.1]:1"', "198.51.100.1"),
        ("for=2001:db8::17", "2001:db8::17"),  # without the quotes that it needs, as it is often sent
        ("for=_hidden", "10.0.0.1"),
        ('for="unknown:1234"', "10.0.0.1"),
        ("for=1.1.1.1;for=2.2.2.2", "10.0.0.1"),  # once in an element
        # What a client left open, or wrote wrongly, does not hide what the proxy wrote behind it.
        ('for="1.1.1.1, for=198.51.100.1', "198.51.100.1"),
        ('for="\\, for="[2001:db8::17]"', "2001:db8::17"),
        ('x="for=1.1.1.1, for="[2001:db8::17]:80";proto=https', "2001:db8::17"),
        ("=;=, ?, for=198.51.100.1", "198.51.100.1"),
        ("@" * 40000 + ",for=198.51.100.1", "198.51.100.1"),
        ('"' + ',"' * 20000 + ", for=198.51.100.1", "198.51.100.1"),
    ],
)
def test_forwarded_is_read_as_it_is_defined(header, ip):
    assert arrival("10.0.0.1", (FORWARDED, header)).ip == ip


@pytest.mark.parametrize(
    ("network", "peer", "ip"),
    [
        ("::ffff:10.0.0.0/104", "10.0.0.1", "198.51.100.1"),
        ("::ffff:10.0.0.0/104", "::ffff:10.0.0.1", "198.51.100.1"),
        ("::ffff:10.0.0.1/128", "10.0.0.1", "198.51.100.1"),
        ("::ffff:10.0.0.1/128", "10.0.0.2", "10.0.0.2"),
        ("::ffff:0:0/96", "192.0.2.1", "198.51.100.1"),
        ("10.0.0.0/8", "::ffff:10.0.0.1", "198.51.100.1"),
        ("2001:db8::/32", "2001:db8::5", "198.51.100.1"),
    ],
)
def test_a_mapped_network_is_the_network_that_it_maps(network, peer, ip):
    trusted = load({"trusted_proxies": network}, {}).settings.trusted_proxies
    assert arrival(peer, (XFF, "198.51.100.1"), trusted=tuple(map(str, trusted))).ip == ip


def test_without_trusted_proxies_no_header_counts():
    found = arrival("10.0.0.1", (XFF, "198.51.100.1"), (PROTO, "https"), trusted=())
    assert (found.ip, found.scheme) == ("10.0.0.1", "http")


def test_a_long_chain_is_read_from_the_right_and_bounded():
    assert arrival("10.0.0.1", (XFF, ", ".join(["1.1.1.1"] + ["10.0.0.2"] * 1000))).ip == "10.0.0.2"


def test_without_a_socket_there_is_no_address():
    assert arrival(None, (XFF, "198.51.100.1")).ip is None


@pytest.mark.parametrize(
    ("peer", "header", "scheme"),
    [
        ("10.0.0.1", (PROTO, "https"), "https"),
        ("10.0.0.1", (PROTO, "HTTPS"), "https"),
        ("10.0.0.1", (PROTO, "https, http"), "http"),
        ("10.0.0.1", (PROTO, "gopher"), "http"),
        ("10.0.0.1", (FORWARDED, "for=198.51.100.1;proto=https, for=10.0.0.2;proto=http"), "https"),
        ("10.0.0.1", (FORWARDED, "for=1.1.1.1;proto=http, for=198.51.100.1;proto=https, for=10.0.0.2"), "https"),
        ("10.0.0.1", (FORWARDED, "for=_hidden;proto=https, for=10.0.0.2;proto=http"), "https"),
        ("10.0.0.1", (FORWARDED, "for=198.51.100.1;proto=https"), "https"),
        ("203.0.113.9", (PROTO, "https"), "http"),
        ("203.0.113.9", (FORWARDED, "proto=https"), "http"),
    ],
)
def test_the_scheme_is_believed_from_proxies_only(peer, header, scheme):
    assert arrival(peer, header).scheme == scheme


@pytest.mark.parametrize(
    ("hops", "protos", "scheme"),
    [
        ("198.51.100.1, 10.0.0.2", "https, http", "https"),
        ("198.51.100.1, 10.0.0.2", "http, https", "http"),
        ("1.1.1.1, 198.51.100.1, 10.0.0.2", "http, https, http", "https"),
        ("1.1.1.1, 198.51.100.1", "http, https", "https"),
        ("10.0.0.3, 10.0.0.2", "https, http", "https"),
        ("198.51.100.1, 10.0.0.2", "https", "https"),  # of the one that wrote it anew
        ("198.51.100.1", "http, http, https", "https"),
        ("junk, 10.0.0.2", "https, http", "https"),
    ],
)
def test_the_scheme_is_the_one_that_the_outermost_proxy_saw(hops, protos, scheme):
    assert arrival("10.0.0.1", (XFF, hops), (PROTO, protos)).scheme == scheme


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("localhost", True),
        ("LOCALHOST:8420", True),
        ("app.localhost", True),
        ("127.0.0.1", True),
        ("127.1.2.3:80", True),
        ("[::1]:8420", True),
        ("auth.example.org", False),
        ("localhost.evil.test", False),
        ("127.0.0.1.evil.test", False),
        ("evil.test#localhost", False),
        ("user@localhost", True),
        ("[junk", False),
        ("", False),
    ],
)
def test_ones_own_machine(host, local):
    assert arrival("203.0.113.9", ("Host", host)).is_local is local


@on_sqlite
async def test_the_session_remembers_the_clients_address(make_app):
    proxies = (ipaddress.ip_network("10.0.0.0/8"),)
    async with make_app(trusted_proxies=proxies) as app:
        await add_people(app.authority)
        headers = {"x-forwarded-for": "1.1.1.1, 198.51.100.1", "x-forwarded-proto": "https"}
        async with visitor(app, base="http://auth.test", ip="10.0.0.1", **headers) as client:
            answer = await sign_in(client)
            assert answer.json()["session"]["ip"] == "198.51.100.1"
            assert answer.headers["set-cookie"].startswith("__Host-session=")
            assert "strict-transport-security" in answer.headers
        async with visitor(app, ip="198.51.100.9", **headers) as forged:
            assert (await sign_in(forged, transport="bearer")).json()["session"]["ip"] == "198.51.100.9"


@on_sqlite
async def test_a_forged_address_does_not_escape_the_sign_in_limits(make_app):
    async with make_app(sign_in_failures=2) as app, visitor(app) as client:
        await add_people(app.authority)
        body = {"username": "ada", "password": "wrong password", "transport": "bearer"}
        statuses = [
            (
                await client.post(f"{API}/auth/sessions", json=body, headers={"x-forwarded-for": f"1.1.1.{n}"})
            ).status_code
            for n in range(3)
        ]
    assert statuses == [401, 401, 429]
