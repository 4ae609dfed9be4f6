"""How OAuth requests are read: forms, queries, and the JSON of the sessions namespace."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

import msgspec

from ostiary.core.oauth.fields import read_fields
from ostiary.errors import InvalidClient, InvalidRequest
from ostiary.http.client_callers import read_basic
from ostiary.http.exchange import Exchange
from ostiary.http.problems import BadRequest

FORM: Final = "application/x-www-form-urlencoded"


def is_form(content_type: str) -> bool:
    """True for what browsers and OAuth clients post."""
    return content_type.partition(";")[0].strip().lower() == FORM


def fields_of(content_type: str, body: bytes, names: Collection[str]) -> dict[str, str]:
    """The fields of a form, as `read_fields`.

    Raises:
        InvalidRequest: not a form, or a field that came twice.
    """
    if not is_form(content_type):
        raise InvalidRequest("content-type", f"send {FORM}")
    return read_fields(body, names)


def authorization_of(exchange: Exchange) -> str | None:
    """`Authorization`, if there is one.

    Raises:
        InvalidRequest: more than one; whoever reads the other one would take another client for the sender.
    """
    sent: list[bytes] = [value for name, value in exchange.scope["headers"] if name == b"authorization"]
    if len(sent) > 1:
        raise InvalidRequest("authorization", "was sent more than once")
    return sent[0].decode("latin-1") if sent else None


def client_credentials(header: str | None, form: Mapping[str, str]) -> tuple[str, str | None]:
    """The client's id and secret: by HTTP Basic or in the form, not both (RFC 6749 2.3.1).

    Args:
        header: `Authorization`, if there is one.

    Raises:
        InvalidClient: none, or an Authorization that is not Basic.
        InvalidRequest: both.
    """
    if header is None:
        if "client_id" not in form:
            raise InvalidClient
        return form["client_id"], form.get("client_secret")
    basic = read_basic(header)
    if basic is None or not basic[0]:
        raise InvalidClient
    client_id, secret = basic
    if "client_secret" in form or form.get("client_id", client_id) != client_id:
        raise InvalidRequest("client_secret", "send the client's credentials in one way only")
    return client_id, secret or None


def object_of(content: bytes) -> dict[str, Any]:
    """A JSON object. Nothing at all is an empty one: clients say `application/json` and send no body.

    Raises:
        BadRequest: something else.
    """
    if not content.strip():
        return {}
    try:
        found = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise BadRequest(400, "the body is not JSON") from None
    if not isinstance(found, dict):
        raise BadRequest(400, "the body is not a JSON object")
    return found


def optional_text(content: Mapping[str, Any], name: str) -> str | None:
    """A member that is a text, null, or not there; an empty one counts as not there.

    Raises:
        BadRequest: something else.
    """
    value = content.get(name)
    if value is not None and (not isinstance(value, str) or "\0" in value or len(value) > 4096):
        raise BadRequest(400, f"{name} must be a text")
    return value or None
