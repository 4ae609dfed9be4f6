"""Every message of the decoder that a client can provoke is put in a person's words."""

from __future__ import annotations

import msgspec
import pytest

from ostiary.errors import InvalidRequest
from ostiary.http.reading import read
from tests.support.routes import operations

OPERATIONS = {one.id: one for one in operations()}
GOOD = {"username": "ada", "password": "correct horse", "transport": "cookie"}


@pytest.mark.parametrize(
    ("operation", "body", "field", "why"),
    [
        ("sign_in", {**GOOD, "username": ""}, "username", "must not be empty"),
        ("sign_in", {**GOOD, "username": "x" * 257}, "username", "use at most 256 characters"),
        ("sign_in", {**GOOD, "username": "x\u0000"}, "username", "has a character that cannot be used"),
        ("sign_in", {**GOOD, "username": 1}, "username", "must be a text"),
        ("sign_in", {**GOOD, "username": None}, "username", "must be a text"),
        ("sign_in", {**GOOD, "transport": "pigeon"}, "transport", "is not one of the values that there are"),
        ("sign_in", {**GOOD, "remember": True}, "remember", "is not known here"),
        ("sign_in", {"username": "ada"}, "password", "is missing"),
        ("sign_in", [], "body", "must be an object"),
        ("sign_in", {**GOOD, "label": 7}, "label", "must be a text or null"),
        (
            "change_password",
            {"current": "a", "new": "b", "end_other_sessions": 1},
            "end_other_sessions",
            "must be true or false",
        ),
        ("create_cli_token", {"expires_in": []}, "expires_in", "must be a whole number or a text or null"),
        ("create_cli_token", {"expires_in": 2**31 + 1}, "expires_in", "must be at most 2147483648"),
        ("create_cli_token", {"scopes": ["a"] * 15}, "scopes", "give at most 14"),
        ("create_cli_token", {"scopes": ["a", 1]}, "scopes[1]", "must be a text"),
        ("add_user", {"username": "x", "password": "y", "roles": "admin"}, "roles", "must be a list"),
    ],
)
def test_a_complaint(operation, body, field, why):
    with pytest.raises(InvalidRequest) as refused:
        read(OPERATIONS[operation], {}, b"", "application/json", msgspec.json.encode(body))
    assert (refused.value.fields["field"], refused.value.fields["why"]) == (field, why)
