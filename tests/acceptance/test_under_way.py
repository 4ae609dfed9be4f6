"""An attack on real servers: sign-ins that are under way while their user signs out everywhere."""

from __future__ import annotations

import asyncio
import json

from tests.support.people import PASSWORD

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]

AT_ONCE = 12
# Seconds: long enough for all to have been heard, also on a busy machine, and too short for twelve passwords in turn.
MEANWHILE = 0.16


async def _send(port: int, path: str, body: object, bearer: str | None = None) -> Connection:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    content = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\nConnection: close\r\n"
    if bearer is not None:
        head += f"Authorization: Bearer {bearer}\r\n"
    writer.write(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
    await writer.drain()
    return reader, writer


async def _answer(connection: Connection) -> tuple[int, dict[str, object]]:
    reader, writer = connection
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    return int(head.split()[1]), json.loads(body)


async def test_of_twelve_sign_ins_at_once_none_survives_a_revoke_all_a_moment_later(server):
    _, token = server.sign_in()
    asked = {"username": "ada", "password": PASSWORD, "transport": "bearer"}
    under_way = [await _send(server.port, "/api/v1/auth/sessions", asked) for _ in range(AT_ONCE)]
    await asyncio.sleep(MEANWHILE)
    status, ended = await _answer(await _send(server.port, "/api/v1/auth/sessions/revoke-all", {}, token))
    assert status == 200, ended
    outcomes = [await _answer(one) for one in under_way]
    held = [str(body["token"]) for status, body in outcomes if status == 201]
    accepted = [one for one in held if server.get("/verify", one)[0] == 200]
    assert not accepted, f"{len(accepted)} of {AT_ONCE} that began before the answer are accepted after it"
    assert {status for status, _ in outcomes} <= {201, 401}  # those that were done before it, and the others
    assert server.sign_in()
