"""Addresses as places, by a file that the operator brings."""

from __future__ import annotations

import ipaddress
import struct
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ostiary.authority.tasks import Tasks
from ostiary.contract.shapes import Place
from ostiary.http.places import CHECK_EVERY, Places
from tests.http.visitors import API, add_people, signed_in


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


MUNICH = {"city": {"names": {"en": "Munich"}}, "country": {"names": {"en": "Germany"}}}
BROKEN = {
    "cut off": lambda whole: whole[: len(whole) // 2],
    "empty": lambda whole: b"",
    "junk": lambda whole: b"x" * 99,
}


def replaced(path: Path, content: bytes) -> None:
    new = path.with_name("new.mmdb")
    new.write_bytes(content)
    new.replace(path)


def overwritten(path: Path, content: bytes) -> None:
    with path.open("r+b") as file:
        file.truncate(0)  # what ends a process that has the file mapped
        file.write(content)


@pytest.mark.parametrize("change", [replaced, overwritten])
def test_a_file_that_changes_is_read_anew(tmp_path, change):
    path = Path(write_mmdb(tmp_path / "x.mmdb", "203.0.113.0/24", BERLIN))
    places = Places(str(path))
    assert places.of("203.0.113.7") == Place("Berlin", "Germany")
    write_mmdb(tmp_path / "y.mmdb", "203.0.113.0/24", MUNICH)
    change(path, (tmp_path / "y.mmdb").read_bytes())
    assert places.of("203.0.113.9") == Place("Berlin", "Germany"), "in memory: nothing is read from the file"
    places.look()
    assert places.of("203.0.113.7") == Place("Munich", "Germany")


@pytest.mark.parametrize("change", [replaced, overwritten])
@pytest.mark.parametrize("breaks", BROKEN)
def test_a_broken_new_file_keeps_the_old_one_and_is_told_once(tmp_path, logged, change, breaks):
    path = Path(write_mmdb(tmp_path / "x.mmdb", "203.0.113.0/24", BERLIN))
    whole = path.read_bytes()
    places = Places(str(path))
    places.look()
    change(path, BROKEN[breaks](whole))
    for _ in range(3):
        places.look()
        assert places.of("203.0.113.7") == Place("Berlin", "Germany")
    assert logged.getvalue().count("places.not_opened") == 1
    assert "the one read before" in logged.getvalue()
    write_mmdb(path, "203.0.113.0/24", MUNICH)
    places.look()
    assert places.of("203.0.113.7") == Place("Munich", "Germany")


def test_a_file_that_goes_away_and_comes_back_is_read_then(tmp_path, logged):
    path = Path(write_mmdb(tmp_path / "x.mmdb", "203.0.113.0/24", BERLIN))
    places = Places(str(path))
    places.look()
    path.rename(tmp_path / "away")
    places.look()
    assert places.of("203.0.113.7") == Place("Berlin", "Germany")
    write_mmdb(path, "203.0.113.0/24", MUNICH)
    places.look()
    assert places.of("203.0.113.7") == Place("Munich", "Germany")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("content", [None, b"junk" * 100])
async def test_a_missing_or_broken_file_is_told_at_the_start(make_app, tmp_path, logged, content):
    path = tmp_path / "x.mmdb"
    if content is not None:
        path.write_bytes(content)
    async with make_app(places_file=str(path)):
        assert "places.not_opened" in logged.getvalue()


async def test_looks_are_seconds_apart_and_in_no_ones_way(tmp_path, monkeypatch):
    """Time and size are asked for in a thread, and a file that stayed is not read again."""
    import asyncio
    import threading

    from ostiary.http import places as module

    path = write_mmdb(tmp_path / "x.mmdb", "203.0.113.0/24", BERLIN)
    threads, slept, reads = [], [], []
    original, read, enough = module.signature, module.read, asyncio.Event()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) > 3:
            enough.set()
            await asyncio.Event().wait()

    def noted_signature(file: str) -> object:
        threads.append(threading.current_thread())
        return original(file)

    def noted_read(file: str) -> object:
        reads.append(file)
        return read(file)

    monkeypatch.setattr(module, "signature", noted_signature)
    monkeypatch.setattr(module, "read", noted_read)
    places = Places(path)
    monkeypatch.setattr(module, "asyncio", SimpleNamespace(**{**vars(asyncio), "sleep": sleep}))
    tasks = Tasks()
    await places.open(tasks)
    await enough.wait()
    await places.stop(tasks)
    assert set(slept) == {CHECK_EVERY}
    assert len(threads) == 4 and threading.main_thread() not in threads
    assert len(reads) == 1
