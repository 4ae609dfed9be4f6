"""Traefik's ForwardAuth, replayed: what it sends for a request, and what it does with the answer."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from ostiary.core.gateway import Rule
from tests.http.visitors import add_people, signed_in, visitor

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "traefik.md"
# Of pkg/middlewares/auth/forward.go with `trustForwardHeader: false`: it writes these itself, whatever the client sent.
SENT = {
    "x-forwarded-method": "GET", "x-forwarded-proto": "https", "x-forwarded-port": "443",
    "x-forwarded-host": "app.example.org", "x-forwarded-uri": "/a?b=c", "x-forwarded-for": "198.51.100.9",
}  # fmt: skip


def middlewares():
    (text,) = re.findall(r"^```yaml\n(.*?)^```", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    return yaml.safe_load(text)["http"]["middlewares"]


@pytest.fixture
async def asked(make_app):
    address = urlsplit(middlewares()["ostiary"]["forwardAuth"]["address"])
    async with make_app(
        public_url="https://auth.example.org",
        return_addresses=("https://app.example.org",),
        trusted_proxies=(ipaddress.ip_network("203.0.113.7"),),
        gateway_rules=(Rule("app", roles=("member",)),),
    ) as app:
        await add_people(app.authority)
        yield app, f"{address.path}?{address.query}"


async def test_every_header_that_it_copies_is_in_the_answer_and_taken_from_the_client(asked):
    app, question = asked
    copied = middlewares()["ostiary"]["forwardAuth"]["authResponseHeaders"]
    async with signed_in(app) as client:
        answer = await client.get(question, headers=SENT)
    assert answer.status_code == 200
    assert {name for name in answer.headers if name.startswith("ostiary-")} == {name.lower() for name in copied}
    removed = middlewares()["forged-headers"]["headers"]["customRequestHeaders"]
    # `Forwarded`, too: Traefik writes the other header, and one of them is believed.
    assert removed == dict.fromkeys([*copied, *(name.replace("-", "_") for name in copied), "Forwarded"], "")
    assert middlewares()["ostiary"]["forwardAuth"]["trustForwardHeader"] is False


async def test_what_is_not_200_goes_to_the_client_as_it_is(asked):
    app, question = asked
    async with visitor(app) as nobody:
        led = await nobody.get(question, headers={**SENT, "sec-fetch-mode": "navigate"})
        told = await nobody.get(question, headers=SENT)
    where = urlsplit(led.headers["location"])  # absolute: Traefik would resolve a path against Ostiary's inner address
    assert (led.status_code, where.netloc, parse_qs(where.query)) == (
        302,
        "auth.example.org",
        {"next": ["https://app.example.org/a?b=c"]},
    )
    assert told.status_code == 401
