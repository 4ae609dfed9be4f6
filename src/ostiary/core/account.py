"""People, when they live with us: the small local directory (rule 5)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, TypeAlias, get_args

from ostiary.errors import InvalidRequest
from ostiary.errors.translatable import translatable

Role: TypeAlias = Literal["admin", "member"]

ROLES: Final[tuple[Role, ...]] = get_args(Role)
MINIMUM_PASSWORD: Final = 8  # characters; NIST SP 800-63B-4 3.1.1.2 and ASVS 5.0 6.2.1
MAXIMUM_PASSWORD: Final = 1024  # characters: bounds the hashing work; ASVS 5.0 6.2.9 asks to permit at least 64

_USERNAME = re.compile(r"[\w](?:[\w.@+-]{0,62}[\w])?", re.UNICODE)
_EMAIL = re.compile(r"[^\s@<>\"',;]{1,64}@[^\s@<>\"',;]{1,189}")


@dataclass(frozen=True, slots=True)
class User:
    """Who a session belongs to.

    Attributes:
        id: opaque and stable.
        username: as typed when added; None when the user lives in another application.
        roles: of `ROLES`.
        created_at: when the account was added; None where the user is told by a session, whose row does not say it.
        disabled_at: when the account was disabled; nothing of a disabled user is live.
        updated_at: when what others are told of it last changed; None if that is since it was added.
    """

    id: str
    username: str | None = None
    email: str | None = None
    roles: tuple[str, ...] = ()
    created_at: datetime | None = None
    disabled_at: datetime | None = None
    updated_at: datetime | None = None


def username_key(username: str) -> str:
    """What usernames are compared by: case does not tell two users apart."""
    return username.strip().casefold()


def check_username(username: str) -> str:
    """Return the name if it can be one.

    Raises:
        InvalidRequest: empty, longer than 64, or with characters that could mislead where it is shown.
    """
    if not _USERNAME.fullmatch(username):
        raise InvalidRequest(
            "username",
            "use 1 to 64 letters, digits or . _ - + @, beginning and ending with a letter or digit",
        )
    return username


def check_email(email: str | None) -> str | None:
    """Return the address if it could be one; None and the empty string mean none.

    Raises:
        InvalidRequest: not of the form name@domain.
    """
    if not email:
        return None
    if not _EMAIL.fullmatch(email) or not email.isprintable():
        raise InvalidRequest("email", "write an address such as ada@example.org")
    return email


def check_password(password: str, username: str, field: str = "password") -> str:
    """Return a new password if it may be one: length, and not the name itself; no composition rules (ASVS 5.0 6.2.5).

    Raises:
        InvalidRequest: too short, too long, or the username.
    """
    if len(password) < MINIMUM_PASSWORD:
        raise InvalidRequest(field, translatable("use at least %(least)s characters", least=MINIMUM_PASSWORD))
    if len(password) > MAXIMUM_PASSWORD:
        raise InvalidRequest(field, translatable("use at most %(most)s characters", most=MAXIMUM_PASSWORD))
    if username_key(password) == username_key(username):
        raise InvalidRequest(field, "must not be the username")
    return password


def check_roles(roles: tuple[str, ...] | list[str]) -> tuple[Role, ...]:
    """Return the roles, each once, in the order of `ROLES`.

    Raises:
        InvalidRequest: a role that does not exist.
    """
    for role in roles:
        if role not in ROLES:
            raise InvalidRequest(
                "roles",
                translatable(
                    "unknown role %(role)s; there are %(words)s", role=repr(role[:32]), words=", ".join(ROLES)
                ),
            )
    return tuple(role for role in ROLES if role in roles)
