"""HTTP/1.1 on a connection: order, ends and faults, by an application that does what the test says."""

from __future__ import annotations

import asyncio
import re

import pytest

from tests.http.connections import LAST, WAIT, connect, send, serving

GET = b"GET / HTTP/1.1\r\nHost: a\r\n"


async def echo(scope, receive, send):
    """Answers with the path and the whole body."""
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body, more = body + message["body"], message["more_body"]
    content = scope["raw_path"] + b"|" + body
    headers = [(b"content-length", b"%d" % len(content))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": content})


def codes(answer: bytes) -> list[bytes]:
    return re.findall(rb"HTTP/1\.1 (\d+)", answer)


async def test_a_body_is_read_whole_in_chunks_and_after_a_continue():
    chunked = (
        b"POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\nX: y\r\n\r\n"
    )
    waits = b"POST /w HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    async with serving(echo) as server:
        assert b"/c|abcde" in await send(server, chunked)
        answer = await send(server, waits, b"ok")
        assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK") and b"/w|ok" in answer
        large = b"x" * 300_000
        whole = b"POST /l HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n" + large
        assert large in await send(server, whole)


async def test_requests_are_answered_in_their_order_and_none_after_the_last():
    many = b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % number for number in range(300))
    async with serving(echo) as server:
        found = re.findall(rb"\r\n\r\n/(\d+)\|", await send(server, many))
        assert found == [b"%d" % number for number in range(300)]
        answer = await send(server, GET + b"\r\n" + GET + b"Connection: close\r\n\r\n" + GET + b"\r\n")
        assert codes(answer) == [b"200", b"200"] and answer.count(b"connection: close") == 1
        assert codes(await send(server, b"GET / HTTP/1.0\r\n\r\n" + GET + b"\r\n")) == [b"200"]


async def test_what_cannot_be_read_is_said_after_the_answers_that_are_due():
    async with serving(echo) as server:
        assert codes(await send(server, GET + b"\r\nGARBAGE\r\n\r\n" + GET + b"\r\n")) == [b"200", b"400"]
        broken = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n"
        assert codes(await send(server, broken)) == [b"400"]
        assert codes(await send(server, GET + b"\r\n" + broken)) == [b"200", b"400"]


async def test_an_upgrade_is_not_taken_up_and_the_connection_goes_on():
    upgrade = GET + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    async with serving(echo) as server:
        assert codes(await send(server, upgrade * 2000)) == [b"200"] * 2001


async def test_a_head_has_no_body_and_a_stream_has_chunks():
    async def stream(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for part in (b"one", b"", b"two"):
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async with serving(echo) as server:
        answer = await send(server, b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b"content-length: 2\r\n\r\nHTTP/1.1 200 OK" in answer
    async with serving(stream) as server:
        assert b"\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n" in await send(server, GET + b"\r\n")


@pytest.mark.parametrize("begins", [False, True])
async def test_a_fault_of_the_application_is_500_or_the_end_of_the_connection(begins):
    async def faulty(scope, receive, send):
        if begins:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("as the test says")

    async def nothing(scope, receive, send):
        return

    async with serving(faulty) as server:
        answer = await send(server, GET + b"\r\n")
        assert codes(answer) == ([b"200"] if begins else [b"500"])
        assert begins or b"connection: close" in answer
    async with serving(nothing) as server:
        assert codes(await send(server, GET + b"\r\n")) == [b"500"]


@pytest.mark.parametrize("header", [(b"x", b"a\r\nset-cookie: b"), (b"x\r\ny", b"a"), (b"x", b"a\nb"), (b"x y", b"a")])
async def test_no_header_can_forge_another(header):
    async def forging(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [header]})
        await send({"type": "http.response.body", "body": b""})

    async with serving(forging) as server:
        assert codes(await send(server, GET + b"\r\n")) == [b"500"]


async def test_who_hangs_up_is_told_to_the_application():
    told = asyncio.Event()

    async def waiting(scope, receive, send):
        assert (await receive())["type"] == "http.request"
        assert (await receive())["type"] == "http.disconnect"
        told.set()

    async with serving(waiting) as server:
        _, writer = await connect(server)
        writer.write(GET + b"\r\n")
        await asyncio.sleep(0.05)
        writer.transport.abort()
        await asyncio.wait_for(told.wait(), WAIT)


async def test_who_does_not_read_holds_up_the_writer_and_who_does_gets_all():
    written = 0

    async def endless(scope, receive, send):
        nonlocal written
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(1000):
            await send({"type": "http.response.body", "body": b"x" * 65_536, "more_body": True})
            written += 1
        await send({"type": "http.response.body", "body": b""})

    async with serving(endless) as server:
        reader, writer = await connect(server)
        writer.write(GET + b"Connection: close\r\n\r\n")
        await asyncio.sleep(0.5)
        assert written < 500
        size = 0
        while part := await asyncio.wait_for(reader.read(1 << 20), WAIT):
            size += len(part)
        assert written == 1000 and size > 1000 * 65_536
        writer.close()


async def test_a_request_under_way_is_answered_when_the_server_stops():
    begun, go = asyncio.Event(), asyncio.Event()

    async def slow(scope, receive, send):
        begun.set()
        await go.wait()
        await echo(scope, receive, send)

    async with serving(slow) as server:
        reader, writer = await connect(server)
        writer.write(GET + b"\r\n" + LAST)
        await asyncio.wait_for(begun.wait(), WAIT)
        server.should_exit = True
        await asyncio.sleep(0.3)
        go.set()
        assert codes(await asyncio.wait_for(reader.read(), WAIT)) == [b"200", b"200"]
        writer.close()
