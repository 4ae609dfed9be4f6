"""What a credential is told of its user: as far as its scopes go. Every door asks here, and none decides by itself.

A session is its user's own and is told everything. A CLI token is told whose it is, with the role `admin` only where
its scopes reach so far. An OAuth client is told what its user agreed to (OIDC Core 5.4): the id; with `profile` the
username and the roles, never `admin`; with `email` the address of mail. From where somebody signed in is for who may
see sessions.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from ostiary.core.account import User


def told(user: User, *, granted: Collection[str] | None, is_admin: bool) -> User:
    """The user, as far as a credential may know them.

    Args:
        granted: the scopes of an access token; None for any other credential.
        is_admin: whether the credential acts as an administrator.
    """
    if granted is None:
        return user if is_admin else replace(user, roles=without_admin(user.roles))
    is_named = "profile" in granted
    return replace(
        user,
        username=user.username if is_named else None,
        email=user.email if "email" in granted else None,
        roles=without_admin(user.roles) if is_named else (),
    )


def without_admin(roles: Collection[str]) -> tuple[str, ...]:
    """The roles that a credential has which does not act as an administrator."""
    return tuple(role for role in roles if role != "admin")
