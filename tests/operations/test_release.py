"""The API keeps what the last release promised: its document is held against `docs/openapi.json`.

A difference that would break a client is a mistake, or it is said in ACCEPTED with its reason, and in the changelog.
At a release, `python3 dev.py document` writes the file anew, and ACCEPTED is emptied.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ostiary.core.event import EVENT_KINDS
from ostiary.http.openapi import document
from tests.operations.breaking import breaks, without_words

RELEASED = json.loads((Path(__file__).parents[2] / "docs" / "openapi.json").read_text(encoding="utf-8"))
_NOW = sorted(EVENT_KINDS)
_THEN = [one for one in _NOW if not one.startswith("resource.")]
ACCEPTED: dict[str, str] = {  # what `breaks` says, and why it has to be
    f"Event: kind is {{'enum': {_NOW}}}, and was {{'enum': {_THEN}}}": "resources have events of their own",
}


def test_nothing_that_was_promised_is_otherwise():
    found = set(breaks(RELEASED, document()))
    broken, over = sorted(found - ACCEPTED.keys()), sorted(ACCEPTED.keys() - found)
    assert not broken, (
        "this breaks clients of the last release (docs/openapi.json):\n  "
        + "\n  ".join(broken)
        + f"\nif it is meant, say it in ACCEPTED of {Path(__file__).name} with the reason, and in CHANGELOG.md"
    )
    assert not over, f"accepted, and no difference any more: {over}"


Change = Callable[[dict[str, Any]], object]


def _list(found: dict[str, Any]) -> dict[str, Any]:
    listed: dict[str, Any] = found["paths"]["/api/v1/auth/sessions"]["get"]
    return listed


def _shape(found: dict[str, Any], name: str) -> dict[str, Any]:
    shape: dict[str, Any] = found["components"]["schemas"][name]
    return shape


def _chosen(found: dict[str, Any]) -> dict[str, Any]:
    """The first of an operation's parameters that takes one of some words."""
    return next(
        one["schema"]
        for one in found["paths"]["/api/v1/admin/sessions"]["get"]["parameters"]
        if "enum" in one["schema"]
    )


BROKEN: dict[str, Change] = {
    "a default of a query": lambda found: _list(found)["parameters"][0]["schema"].update(default=31),
    "a default of a body": lambda found: _shape(found, "ChangePassword")["properties"]["end_other_sessions"].update(
        default=False
    ),
    "an operation that is gone": lambda found: found["paths"]["/healthz"].pop("get"),
    "an operation that is elsewhere": lambda found: found["paths"].update({"/alive": found["paths"].pop("/healthz")}),
    "another id": lambda found: _list(found).update(operationId="list_my_sessions"),
    "a parameter that is gone": lambda found: _list(found)["parameters"].pop(),
    "a parameter that is needed": lambda found: _list(found)["parameters"].append({"name": "x", "required": True}),
    "a field that is needed": lambda found: _shape(found, "SignIn")["required"].append("label"),
    "a field that is shorter": lambda found: _shape(found, "SignIn")["properties"]["username"].update(maxLength=64),
    "fewer words to choose from": lambda found: _chosen(found)["enum"].pop(),
    "a member that is gone": lambda found: _shape(found, "Session")["properties"].pop("ip"),
    "a member that may be left out": lambda found: _shape(found, "Session")["required"].remove("ip"),
    "a member of another type": lambda found: _shape(found, "Session")["properties"]["tenant"].update(type="integer"),
    "another answer": lambda found: _list(found)["responses"]["200"]["content"].clear(),
    "another status": lambda found: _list(found)["responses"].update({"206": _list(found)["responses"].pop("200")}),
    "an error that is gone": lambda found: _list(found)["responses"]["401"]["content"]["application/problem+json"][
        "examples"
    ].pop("session_revoked"),
    "a credential that is gone": lambda found: _list(found)["security"].pop(),
}
FINE: dict[str, Change] = {
    "a new operation": lambda found: found["paths"].update({"/new": {"get": {**_list(found), "operationId": "new"}}}),
    "a new parameter": lambda found: _list(found)["parameters"].append({"name": "x", "in": "query"}),
    "a new field": lambda found: _shape(found, "SignIn")["properties"].update(x={"type": "string", "default": ""}),
    "a new member": lambda found: (
        _shape(found, "Session")["properties"].update(x={"type": "string"}),
        _shape(found, "Session")["required"].append("x"),
    ),
    "other words": lambda found: _list(found).update(summary="Mine"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_would_break_a_client_is_seen(name):
    changed = copy.deepcopy(document())
    BROKEN[name](changed)
    assert list(breaks(document(), changed)) != []


@pytest.mark.parametrize("name", FINE)
def test_what_breaks_nobody_is_let_through(name):
    changed = copy.deepcopy(document())
    FINE[name](changed)
    assert changed != document()
    assert list(breaks(document(), changed)) == []


def test_words_are_no_promise():
    assert without_words({"description": "a", "type": "string"}) == without_words({"type": "string"})
