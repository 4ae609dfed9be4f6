"""One HTTP request: quick to import, bounded, and it never follows a redirect.

By a socket and the server's own parser, as the standard library's client takes longer to import than all the rest of a
command (docs/decisions/0004).
"""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from httptools import HttpParserError

from ostiary.cli.address import DEFAULT_PORTS, Address
from ostiary.cli.failures import Unreachable, UnusableAnswer
from ostiary.cli.response import MAXIMUM_BODY, Response, TooLarge

TIMEOUT: Final = 30.0  # seconds without a byte
DEADLINE: Final = 120.0  # seconds for a whole answer: a server that drips bytes is given up, too
CHUNK: Final = 64 * 1024  # bytes read at once


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said. `headers` is keyed by lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def media_type(self) -> str:
        """Of the body, without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


def send(
    address: Address,
    method: str,
    path: str,
    *,
    headers: Mapping[str, str],
    body: bytes | None = None,
    timeout: float = TIMEOUT,
) -> Answer:
    """Ask once: no retry, no redirect, no cookie, no proxy.

    Raises:
        Unreachable: refused, unknown host, timed out, not trusted (TLS), or cut off before the end.
        UnusableAnswer: not HTTP, or larger than `MAXIMUM_BODY`.
        ValueError: a header or the path has a character that would begin another line.
    """
    try:
        asked = _request(address, method, address.path + path, headers, body)
        with _connect(address, timeout) as connection:
            connection.sendall(asked)
            response = _read(connection)
    except TimeoutError:
        raise Unreachable(address.url, "no answer in time; whether it was done is not known") from None
    except HttpParserError:
        raise UnusableAnswer(address.url, "it does not speak HTTP as a server should") from None
    except TooLarge:
        raise UnusableAnswer(address.url, f"its answer is larger than {MAXIMUM_BODY // 1024 // 1024} MiB") from None
    except (OSError, UnicodeError) as why:
        raise Unreachable(address.url, _why(why)) from None
    if not response.is_complete and not response.ends_with_the_connection:
        raise Unreachable(address.url, "the connection was cut; whether it was done is not known")
    return Answer(response.status, response.headers, response.body)


def _request(address: Address, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> bytes:
    fields = {"Host": _host(address), "Accept-Encoding": "identity", "Connection": "close", **headers}
    if body is not None or method != "GET":
        fields["Content-Length"] = str(len(body or b""))
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    if any(not line.isprintable() for line in lines) or " " in path:
        raise ValueError("a request with a character that would begin another line")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b"")


def _host(address: Address) -> str:
    host = f"[{address.host}]" if ":" in address.host else _name(address).decode("ascii")
    return host if address.port == DEFAULT_PORTS[address.scheme] else f"{host}:{address.port}"


def _name(address: Address) -> bytes:
    # As bytes: of a text, Python would load the tables of international names, whatever is in it.
    return address.host.encode("ascii" if address.host.isascii() else "idna")


def _connect(address: Address, timeout: float) -> socket.socket:
    connection = socket.create_connection((_name(address), address.port), timeout)  # type: ignore[arg-type]
    if address.scheme == "http":
        return connection
    import ssl  # certificates are loaded only where they are needed

    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    try:
        return context.wrap_socket(connection, server_hostname=address.host)
    except BaseException:
        connection.close()
        raise


def _read(connection: socket.socket) -> Response:
    give_up = time.monotonic() + DEADLINE
    response = Response()
    while not response.is_complete and (part := connection.recv(CHUNK)):
        response.feed(part)
        if time.monotonic() > give_up:
            raise TimeoutError
    return response


def _why(why: Exception) -> str:
    if isinstance(why, ConnectionRefusedError):
        return "connection refused"
    if isinstance(why, socket.gaierror | UnicodeError):
        return "unknown host"
    verification = getattr(why, "verify_message", None)
    if verification:
        return f"its certificate is not trusted: {verification}"
    if type(why).__module__ == "ssl":
        return f"TLS failed: {getattr(why, 'reason', None) or why}"
    return (getattr(why, "strerror", None) or str(why) or type(why).__name__).lower()
