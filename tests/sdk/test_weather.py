"""Bad weather: what is asked again, how often, and what is said in the end. The other side is a real socket."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ostiary import errors
from ostiary.sdk import AsyncOstiary, Ostiary, Unreachable, UnusableAnswer

WHOAMI = b'{"user":{"id":"user_a","username":"ada","roles":[]},"session":null,"token":null,"of_a_newer_server":[1]}'
DROP = b""


def answer(status: str, body: bytes = b"{}", *headers: str, media_type: str = "application/json") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {media_type}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + body


AWAY = answer("503 Service Unavailable", b'{"code":"store_unavailable","retry_after":0}', "Retry-After: 0")


class Weather:
    """Says one thing after the other, the last one for ever, and keeps what it was asked."""

    def __init__(self, *says: bytes) -> None:
        self._says = list(says)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.asked: list[str] = []
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                self.asked.append(connection.recv(65536).decode())
                say = self._says.pop(0) if len(self._says) > 1 else self._says[0]
                if say != DROP:
                    connection.sendall(say)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@contextmanager
def weather(*says: bytes, **options) -> Iterator[tuple[Ostiary, Weather]]:
    there = Weather(*says)
    try:
        with Ostiary(there.url, token="secret-token", **options) as ostiary:
            yield ostiary, there
    finally:
        there.close()


@pytest.mark.parametrize("first", [DROP, AWAY])
def test_a_question_is_asked_again(first):
    with weather(first, answer("200 OK", WHOAMI)) as (ostiary, there):
        assert ostiary.auth.whoami().user.username == "ada"
        assert len(there.asked) == 2


async def test_an_async_question_is_asked_again():
    there = Weather(AWAY, DROP, answer("200 OK", WHOAMI))
    async with AsyncOstiary(there.url) as ostiary:
        assert (await ostiary.auth.whoami()).user.username == "ada"
    assert len(there.asked) == 3
    there.close()


def test_not_for_ever():
    with weather(AWAY) as (ostiary, there):
        with pytest.raises(errors.StoreUnavailable) as why:
            ostiary.auth.whoami()
        assert (why.value.status, why.value.fields["retry_after"], len(there.asked)) == (503, 0, 3)
    with weather(DROP, retries=0) as (ostiary, there):
        with pytest.raises(Unreachable):
            ostiary.auth.whoami()
        assert len(there.asked) == 1


@pytest.mark.parametrize("first", [DROP, AWAY])
def test_what_is_not_the_same_twice_is_never_sent_twice(first):
    with weather(first) as (ostiary, there):
        with pytest.raises((Unreachable, errors.StoreUnavailable)) as why:
            ostiary.tokens.create("ci")
        assert len(there.asked) == 1
        assert first is AWAY or "whether it was done is not known" in str(why.value)
        with pytest.raises((Unreachable, errors.StoreUnavailable)):
            ostiary.sessions.revoke_others()
        assert len(there.asked) == 2


def test_an_ending_is_sent_again_when_its_answer_is_lost():
    done = answer("200 OK", b'{"ok":true,"id":"sess_a","is_current":false,"live_tokens":0}')
    with weather(DROP, done) as (ostiary, there):
        assert ostiary.sessions.revoke("sess_a").ok
        assert len(there.asked) == 2


def test_told_to_wait_for_long_the_caller_is_told():
    late = answer("503 Service Unavailable", b'{"code":"store_unavailable","retry_after":600}', "Retry-After: 600")
    with weather(late) as (ostiary, there):
        began = time.monotonic()
        with pytest.raises(errors.StoreUnavailable):
            ostiary.auth.whoami()
        assert (len(there.asked), time.monotonic() - began < 3) == (1, True)


def test_nobody_there():
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with Ostiary(url, token="secret-token") as ostiary, pytest.raises(Unreachable) as why:
        ostiary.sessions.revoke_others()  # it never left, so it was tried again, and nothing is unknown
    assert (why.value.status, "not known" in str(why.value)) == (503, False)


def test_a_server_that_says_nothing_is_given_up():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with Ostiary(url, timeout=0.2) as ostiary, pytest.raises(Unreachable, match="no answer in time"):
            ostiary.auth.whoami()


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (answer("200 OK", b"<html>", media_type="text/html"), UnusableAnswer),
        (answer("200 OK", b'{"user": 5}'), UnusableAnswer),
        (answer("200 OK", b"\xff\xfe"), UnusableAnswer),
        (answer("302 Found", b"", "Location: http://evil.example/"), UnusableAnswer),
        (answer("404 Not Found", b"nginx", media_type="text/html"), UnusableAnswer),
        (answer("401 Unauthorized", b"proxy", media_type="text/plain"), UnusableAnswer),
        (answer("502 Bad Gateway", b"nginx", media_type="text/html"), Unreachable),
        (answer("418 Teapot", b'{"code":"of_a_newer_server","detail":"new"}'), errors.InvalidRequest),
        (answer("401 Unauthorized", b'{"code":"passkey_needed"}'), errors.Unauthenticated),
        (answer("403 Forbidden", b'{"message":"no"}'), errors.NotAllowed),
        (answer("500 Oops", b'{"code":"server_fault"}'), errors.ServerFault),
        (answer("401 Unauthorized", b'{"code":"session_revoked","revoked_at":"not a time"}'), errors.SessionRevoked),
        (answer("400 Bad Request", b'{"error":"invalid_grant","error_description":"old"}'), errors.InvalidGrant),
        (answer("429 Slow", b'{"code":"too_many_requests","retry_after":9}'), errors.TooManyRequests),
    ],
)
def test_every_answer_is_a_result_or_one_of_our_errors(said, kind):
    with weather(said, retries=0) as (ostiary, there):
        with pytest.raises(errors.OstiaryError) as why:
            ostiary.auth.whoami()
        assert type(why.value) is kind
        assert "secret-token" not in repr(why.value)
        assert len(there.asked) == 1  # a redirect is not followed: the credential stays here


def test_a_code_of_a_newer_server_is_kept():
    with weather(answer("409 Conflict", b'{"code":"plan_stale_2","detail":"It changed"}')) as (ostiary, _):
        with pytest.raises(errors.Conflict, match="It changed") as why:
            ostiary.auth.whoami()
        assert why.value.code == "plan_stale_2"
        assert errors.Conflict.code == "conflict"


def test_one_call_may_have_limits_of_its_own():
    with weather(DROP) as (ostiary, there):
        with pytest.raises(Unreachable):
            ostiary.with_options(retries=0).auth.whoami()
        assert len(there.asked) == 1
        assert "secret-token" in there.asked[0]  # the same holder
        with pytest.raises(Unreachable):
            ostiary.auth.whoami()
        assert len(there.asked) == 4  # the client itself is as it was
    with socket.create_server(("127.0.0.1", 0)) as silent:
        patient = Ostiary(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=60)
        began = time.monotonic()
        with patient, pytest.raises(Unreachable, match="in time"):
            patient.with_options(timeout=0.2).machines.ready()
        assert time.monotonic() - began < 20
