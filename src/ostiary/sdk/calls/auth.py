"""Signing in, and what a person does to their own account."""

from __future__ import annotations

from ostiary.sdk.call import Call, get, given, post
from ostiary.sdk.results import Done, RevokedMany, SignedIn, WhoAmI


def sign_in(username: str, password: str, *, label: str | None = None) -> Call[SignedIn]:
    """Start a session for a user of the authority's own directory. Its `token` is shown this once.

    Raises:
        WrongCredentials: unknown user, wrong password or disabled account, all alike.
        TooManyRequests: too many failures; `retry_after` in seconds.
        LimitReached: the user has as many sessions as the policy allows.
    """
    body = given(username=username, password=password, transport="bearer", label=label)
    return post("/auth/sessions", SignedIn, body, credential="nobody")


def whoami() -> Call[WhoAmI]:
    """Who the credential belongs to, read from its row now.

    Raises:
        Unauthenticated: it does not work; which of its kinds says why.
    """
    return get("/auth/whoami", WhoAmI)


def reauthenticate(password: str) -> Call[SignedIn]:
    """Prove the password again: the same session under a new `token`, with a fresh sign-in time.

    Raises:
        WrongCredentials: not the password.
    """
    return post("/auth/reauthenticate", SignedIn, {"password": password})


def change_password(current: str, new: str, *, end_other_sessions: bool = True) -> Call[RevokedMany]:
    """Change the caller's own password; by default their other sessions end. This one goes on under a new `token`.

    Raises:
        WrongCredentials: `current` is not the password.
        InvalidRequest: `new` is too short or too long.
    """
    body = given(current=current, new=new, end_other_sessions=end_other_sessions)
    return post("/auth/password", RevokedMany, body)


def logout() -> Call[Done]:
    """End the caller's own session. Never refused, signed in or not; a CLI token is not ended."""
    return post("/auth/logout", Done, repeatable=True)
