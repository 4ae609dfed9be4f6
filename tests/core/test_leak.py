"""What a leaked text names, whatever it was copied from; and that no error repeats it."""

from __future__ import annotations

import base64
import contextlib
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.core.leak import MAXIMUM_TEXT, read_leak
from ostiary.core.token import Token
from ostiary.errors import InvalidRequest

# Fixed, as some are parameters of tests: each process of a run has to collect the same.
SESSION, CLI, REFRESH, CODE = (
    Token(f"{prefix}_{'a2' * 13}", "s-" * 21 + "t") for prefix in ("sess", "ost", "ort", "code")
)


def jwt(claims: object, kind: str = "at+jwt") -> str:
    header = {"alg": "RS256", "kid": "key_x", "typ": kind}
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (header, claims)]
    return ".".join([*parts, "c2lnbmF0dXJl"])


@pytest.mark.parametrize(
    "line",
    [
        "{}",
        "  {}\r\n",
        "__Host-session={}",
        "Cookie: theme=dark; __Host-session={}; a=b",
        "Set-Cookie: __Host-session={}; Path=/; HttpOnly; Secure; SameSite=Lax",
        '__Host-session="{}"',
        "Authorization: Bearer {}",
        "curl -H 'authorization: bearer {}' https://auth.example.org/",
        '{{"token": "{}", "n": 1}}',
        "127.0.0.1 - - GET /?t={}&x=1 200",
        ".auth.example.org\tTRUE\t/\tTRUE\t0\t__Host-session\t{}",
    ],
)
@pytest.mark.parametrize("token", [SESSION, CLI, REFRESH, CODE], ids=lambda token: token.id.partition("_")[0])
def test_a_credential_is_found_wherever_it_stands(line, token):
    leak = read_leak(line.format(token.text))
    assert (leak.id, leak.token, leak.is_bare) == (token.id, token, False)


def test_ids_alone_are_told_apart_from_secrets():
    for token, kind in (
        (SESSION, "session_id"),
        (CLI, "cli_token_id"),
        (REFRESH, "refresh_token_id"),
        (CODE, "code_id"),
    ):
        for text in (token.id, f"the session {token.id}.", f"id={token.id}, ended"):
            leak = read_leak(text)
            assert (leak.kind, leak.id, leak.is_bare) == (kind, token.id, True)


def test_a_secret_that_was_cut_off_is_none_but_its_id_stands():
    for text in (SESSION.text[:-1], SESSION.text + "x", f"{SESSION.id}.ab…"):
        leak = read_leak(text)
        assert (leak.kind, leak.id, leak.token, leak.is_bare) == ("session_token", SESSION.id, None, False)


def test_a_token_beside_its_own_id_is_one_thing():
    assert read_leak(f"{SESSION.id} used {SESSION.text}").token == SESSION
    assert read_leak(f"{SESSION.text} used {SESSION.id}").token == SESSION


def test_jwts_lead_to_their_session():
    for kind, named in (("at+jwt", "access_token"), ("JWT", "id_token")):
        leak = read_leak(f"Authorization: Bearer {jwt({'sid': SESSION.id, 'exp': 1}, kind)}")
        assert (leak.kind, leak.id, leak.is_bare) == (named, SESSION.id, False)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "sess_short",
        f"x{SESSION.id}",
        f"{SESSION.id}x",
        SESSION.id.upper(),
        jwt({"sid": "../../etc"}),
        jwt({"sid": 5}),
        jwt([1]),
        "eyJ.eyJ.eyJ",
        "eyJ" + "A" * 4000 + ".b.c",
        f"{SESSION.text} and {CLI.text}",
        f"{SESSION.id} sess_{'b' * 26}",
        f"client_{'a' * 26}.{'A' * 43}",
        f"setup_{'a' * 26}.{'A' * 43}",
        "a" * (MAXIMUM_TEXT + 1),
        "\x00\udcff",
    ],
)
def test_what_names_nothing_or_too_much_is_refused_without_repeating_it(text):
    with pytest.raises(InvalidRequest) as why:
        read_leak(text)
    assert why.value.fields["field"] == "credential"
    assert len(text) < 8 or text[:64] not in str(why.value)


@given(st.text(max_size=400))
def test_any_text_is_an_answer_or_one_error(text):
    with contextlib.suppress(InvalidRequest):
        assert read_leak(text).id in text


def test_a_megabyte_of_garbage_takes_no_time():
    for garbage in ("eyJ" * 400_000, "sess_" * 200_000, "eyJ." * 250_000, "sess_" + "a" * 1_000_000):
        began = time.perf_counter()
        for text in (garbage, garbage[:MAXIMUM_TEXT]):
            with pytest.raises(InvalidRequest):
                read_leak(text)
        assert time.perf_counter() - began < 1
    assert "secret" not in repr(read_leak(SESSION.text))
    assert SESSION.secret not in repr(read_leak(SESSION.text))
