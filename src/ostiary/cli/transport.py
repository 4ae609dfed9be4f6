"""One HTTP request with the standard library: quick to import, bounded, and it never follows a redirect."""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ostiary.cli.address import Address
from ostiary.cli.failures import Unreachable, UnusableAnswer

TIMEOUT: Final = 30.0  # seconds without a byte
DEADLINE: Final = 120.0  # seconds for a whole answer: a server that drips bytes is given up, too
MAXIMUM_BODY: Final = 16 * 1024 * 1024  # bytes; ten thousand sessions take about six million


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
    """
    connection = _connection(address, timeout)
    try:
        connection.request(method, address.path + path, body=body, headers=dict(headers))
        response = connection.getresponse()
        content = _read(response, address)
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, content)
    except TimeoutError:
        raise Unreachable(address.url, "no answer in time; whether it was done is not known") from None
    except (http.client.RemoteDisconnected, http.client.IncompleteRead):
        raise Unreachable(address.url, "the connection was cut; whether it was done is not known") from None
    except http.client.HTTPException:
        raise UnusableAnswer(address.url, "it does not speak HTTP as a server should") from None
    except (OSError, UnicodeError) as why:
        raise Unreachable(address.url, _why(why)) from None
    finally:
        connection.close()


def _connection(address: Address, timeout: float) -> http.client.HTTPConnection:
    if address.scheme == "http":
        return http.client.HTTPConnection(address.host, address.port, timeout=timeout)
    import ssl  # certificates are loaded only where they are needed

    context = ssl.create_default_context()
    return http.client.HTTPSConnection(address.host, address.port, timeout=timeout, context=context)


def _read(response: http.client.HTTPResponse, address: Address) -> bytes:
    give_up = time.monotonic() + DEADLINE
    parts: list[bytes] = []
    size = 0
    while part := response.read1(65536):
        size += len(part)
        if size > MAXIMUM_BODY:
            raise UnusableAnswer(address.url, f"its answer is larger than {MAXIMUM_BODY // 1024 // 1024} MiB")
        if time.monotonic() > give_up:
            raise TimeoutError
        parts.append(part)
    if response.length:  # fewer bytes than Content-Length announced
        raise http.client.IncompleteRead(b"", response.length)
    return b"".join(parts)


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
