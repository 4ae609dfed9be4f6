"""Requests over a socket to a real server, whose last byte comes when a test says so."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

WAIT = 20.0  # seconds that an answer may take


@dataclass(frozen=True)
class Asked:
    """One request, and the name of what it asks for.

    Attributes:
        body: None for a request without one.
    """

    name: str
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes | None = None

    def encode(self) -> bytes:
        headers = {"Host": "127.0.0.1", **self.headers, "Connection": "close"}
        if self.body is not None:
            headers["Content-Length"] = str(len(self.body))
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"{self.method} {self.path} HTTP/1.1\r\n{head}\r\n".encode() + (self.body or b"")


@dataclass(frozen=True)
class Answer:
    """What came back; the names of headers in lower case."""

    name: str
    status: int
    headers: Mapping[str, str]
    text: str


class Held:
    """A request that was sent but for its last byte: of its body, or of its head where it has none."""

    def __init__(self, asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked = asked
        self._reader = reader
        self._writer = writer
        self._last = b""

    @classmethod
    async def send(cls, port: int, asked: Asked, *, whole: bool = False) -> Held:
        """Send it but for its last byte, or `whole`."""
        held = cls(asked, *await asyncio.open_connection("127.0.0.1", port))
        content = asked.encode()
        if not whole:
            content, held._last = content[:-1], content[-1:]
        held._writer.write(content)
        await held._writer.drain()
        return held

    async def finish(self) -> Answer:
        """Send what is missing, and read the answer: it is written when the act is done."""
        if self._last:
            self._writer.write(self._last)
        head = await asyncio.wait_for(self._reader.readuntil(b"\r\n\r\n"), WAIT)
        status, *lines = head.decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in lines if line)
        named = {name.lower(): text.strip() for name, _, text in pairs}
        is_endless = named.get("content-type", "").startswith("text/event-stream")
        content = b"" if is_endless else await asyncio.wait_for(self._reader.read(), WAIT)
        self._writer.close()
        return Answer(self.asked.name, int(status.split(" ")[1]), named, content.decode())


async def ask(port: int, asked: Asked) -> Answer:
    """Send all of it at once."""
    return await (await Held.send(port, asked, whole=True)).finish()


def json_body(content: object) -> tuple[dict[str, str], bytes]:
    return {"Content-Type": "application/json"}, json.dumps(content).encode()


def form_body(fields: Mapping[str, str]) -> tuple[dict[str, str], bytes]:
    return {"Content-Type": "application/x-www-form-urlencoded"}, urlencode(fields).encode()
