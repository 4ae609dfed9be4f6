"""Every message of the decoder that a client can provoke is put in a person's words."""

from __future__ import annotations

import msgspec
import pytest

from ostiary.errors import InvalidRequest
from ostiary.server.bodies import decode
from ostiary.server.requests import CliTokenRequest, PasswordRequest, SignInRequest, UserRequest

GOOD = {"username": "ada", "password": "correct horse", "transport": "cookie"}


@pytest.mark.parametrize(
    ("kind", "body", "field", "why"),
    [
        (SignInRequest, {**GOOD, "username": ""}, "username", "must not be empty"),
        (SignInRequest, {**GOOD, "username": "x" * 257}, "username", "use at most 256 characters"),
        (SignInRequest, {**GOOD, "username": "x\u0000"}, "username", "has a character that cannot be used"),
        (SignInRequest, {**GOOD, "username": 1}, "username", "must be a text"),
        (SignInRequest, {**GOOD, "username": None}, "username", "must be a text"),
        (SignInRequest, {**GOOD, "transport": "pigeon"}, "transport", "is not one of the values that there are"),
        (SignInRequest, {**GOOD, "remember": True}, "remember", "is not known here"),
        (SignInRequest, {"username": "ada"}, "password", "is missing"),
        (SignInRequest, [], "body", "must be an object"),
        (SignInRequest, {**GOOD, "label": 7}, "label", "must be a text or null"),
        (
            PasswordRequest,
            {"current": "a", "new": "b", "end_other_sessions": 1},
            "end_other_sessions",
            "must be true or false",
        ),
        (CliTokenRequest, {"expires_in": []}, "expires_in", "must be a whole number or a text or null"),
        (CliTokenRequest, {"expires_in": 2**31 + 1}, "expires_in", "must be at most 2147483648"),
        (CliTokenRequest, {"scopes": ["a"] * 15}, "scopes", "give at most 14"),
        (CliTokenRequest, {"scopes": ["a", 1]}, "scopes[1]", "must be a text"),
        (UserRequest, {"username": "x", "password": "y", "roles": "admin"}, "roles", "must be a list"),
    ],
)
def test_a_complaint(kind, body, field, why):
    with pytest.raises(InvalidRequest) as refused:
        decode(msgspec.json.encode(body), kind)
    assert (refused.value.fields["field"], refused.value.fields["why"]) == (field, why)
