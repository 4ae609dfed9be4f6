"""Addresses as places, by a file that the operator brings."""

from __future__ import annotations

import ipaddress
import struct
from pathlib import Path
from typing import Any

import pytest

from ostiary.server.places import Places
from ostiary.server.shapes import Place
from tests.server.visitors import API, add_people, signed_in


def write_mmdb(path: Path, network: str, record: dict[str, Any]) -> str:
    """The smallest MaxMind-format file: one IPv4 network with one record (the format's specification, version 2.0)."""
    found = ipaddress.ip_network(network)
    bits = f"{int(found.network_address):032b}"[: found.prefixlen]
    count = len(bits)
    nodes = b""
    for depth, bit in enumerate(bits):
        onward = depth + 1 if depth + 1 < count else count + 16  # 16: after the separator, the record is at 0
        pair = (onward, count) if bit == "0" else (count, onward)
        nodes += b"".join(struct.pack(">I", node)[1:] for node in pair)
    metadata = {
        "node_count": (6, count),
        "record_size": 24,
        "ip_version": 4,
        "database_type": "Test",
        "languages": [],
        "binary_format_major_version": 2,
        "binary_format_minor_version": 0,
        "build_epoch": (9, 1),
        "description": {},
    }
    path.write_bytes(nodes + b"\0" * 16 + _encode(record) + b"\xab\xcd\xefMaxMind.com" + _encode(metadata))
    return str(path)


def _encode(value: object) -> bytes:
    match value:
        case str():
            return _head(2, len(value.encode())) + value.encode()
        case int():
            return _number(5, value)
        case (int(), int()):  # a number of another type than uint16
            return _number(*value)
        case list():
            return bytes([len(value), 11 - 7]) + b"".join(map(_encode, value))
        case dict():
            return _head(7, len(value)) + b"".join(_encode(key) + _encode(inner) for key, inner in value.items())
    raise TypeError(type(value))


def _number(kind: int, value: int) -> bytes:
    raw = value.to_bytes(4, "big").lstrip(b"\0")
    return (_head(kind, len(raw)) if kind < 8 else bytes([len(raw), kind - 7])) + raw


def _head(kind: int, size: int) -> bytes:
    return bytes([kind << 5 | size]) if size < 29 else bytes([kind << 5 | 29, size - 29])


BERLIN = {
    "city": {"names": {"de": "Berlin", "en": "Berlin"}},
    "country": {"iso_code": "DE", "names": {"en": "Germany"}},
}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # which one makes no difference here
async def test_a_session_shows_its_place(make_app, tmp_path):
    async with make_app(places_file=write_mmdb(tmp_path / "x.mmdb", "203.0.113.0/24", BERLIN)) as app:
        await add_people(app.authority)
        async with signed_in(app) as client:
            (session,) = (await client.get(f"{API}/auth/sessions")).json()
    assert session["place"] == {"city": "Berlin", "country": "Germany"}


def test_what_the_file_does_not_know_has_no_place(tmp_path):
    places = Places(write_mmdb(tmp_path / "x.mmdb", "203.0.113.0/24", BERLIN))
    assert places.of("203.0.113.200") == Place("Berlin", "Germany")
    for ip in ("198.51.100.1", "2001:db8::1", "nonsense", None):
        assert places.of(ip) is None
    places.close()


@pytest.mark.parametrize(
    ("record", "place"),
    [
        ({"country": {"names": {"en": "Germany"}}}, Place(None, "Germany")),
        ({"city": {"names": {"de": "Berlin"}}}, None),
        ({"city": "Berlin", "country": []}, None),
        ({}, None),
        ({"country": {"names": {"en": "x" * 200}}}, Place(None, "x" * 128)),
    ],
)
def test_a_record_of_another_shape_is_read_as_far_as_it_goes(tmp_path, record, place):
    places = Places(write_mmdb(tmp_path / "x.mmdb", "203.0.113.0/24", record))
    assert places.of("203.0.113.7") == place
    places.close()


@pytest.mark.parametrize("content", [None, b"", b"junk" * 100])
def test_without_a_file_that_can_be_read_there_are_no_places(tmp_path, content):
    path = tmp_path / "x.mmdb"
    if content is not None:
        path.write_bytes(content)
    places = Places(str(path))
    assert places.of("203.0.113.7") is None
    assert places.of("203.0.113.8") is None
    places.close()
