"""Signing in and out, and what a person does to their own account."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from ostiary.contract import shapes
from ostiary.contract.calling import W
from ostiary.contract.fields import CLEARS_COOKIE, SETS_COOKIE, Email, Label, NewUsername, Password, Transport, Username
from ostiary.contract.operation import Namespace, Nothing, Operation, Takes
from ostiary.errors import (
    Conflict,
    LimitReached,
    NotAllowed,
    SessionInvalid,
    SetupCodeNotFound,
    TooManyRequests,
    WrongCredentials,
)


class SignIn(Takes):
    """Start a session with a name and a password.

    Unknown user, wrong password and disabled account have one answer. By cookie it takes the place of what the browser
    held: every session whose cookie came along ends, and the user's that its mark is of.
    """

    username: Username
    password: Password
    transport: Transport
    label: Label | None = None
    stay: Annotated[
        bool, Meta(description="True: the cookie outlives the browser, where the policy lets people stay signed in.")
    ] = False


class Account(Takes):
    """Who signs in, and how."""

    username: Username
    password: Password


class SignInByProgram(Account, kw_only=True, tag_field="transport", tag="bearer"):
    """Start a session with a name and a password; `token` is what holds it, shown this once.

    Unknown user, wrong password and disabled account have one answer.
    """

    label: Label | None = None


class SignOut(Nothing):
    """End every session that came along and clear the cookie. It always works, signed in or not.

    A CLI token is not ended. A session that a plan has suspended ends for good by this.
    """


class AskWhoAmI(Nothing):
    """The caller, and the credential that was used. An OAuth client hears what its scopes let it know."""


class Reauthenticate(Takes):
    """The same session under a new secret, with a fresh sign-in time: for acts that ask for one."""

    password: Password


class OldAndNew(Takes):
    """From which password to which."""

    current: Password
    new: Password


class ChangePassword(OldAndNew, kw_only=True):
    """Change the caller's password. By default every other session of theirs ends; this one gets a new secret."""

    end_other_sessions: bool = True


class SetUp(Takes):
    """Use the link: it works once, and only while there is no account. The new administrator is signed in."""

    code: Annotated[str, Meta(max_length=128, description="From the one-time link.")]
    username: NewUsername
    password: Password
    email: Email | None = None
    transport: Transport = "cookie"


class Auth(Namespace[W]):
    """Signing in, and what a person does to their own account."""

    tag = "signing in"

    start = Operation(
        "POST",
        "/api/v1/auth/sessions",
        SignIn,
        shapes.SignedIn,
        summary="Sign in",
        who="anybody",
        errors=(WrongCredentials, NotAllowed, LimitReached, TooManyRequests),
        status=201,
        headers=SETS_COOKIE,
    )
    sign_in = start.variant(SignInByProgram, who="nobody")
    logout = Operation(
        "POST",
        "/api/v1/auth/logout",
        SignOut,
        shapes.Done,
        summary="Sign out",
        who="anybody",
        errors=(SessionInvalid, NotAllowed),
        headers=CLEARS_COOKIE,
        repeatable=True,
    )
    whoami = Operation("GET", "/api/v1/auth/whoami", AskWhoAmI, shapes.WhoAmI, id="who_am_i", summary="Who am I?")
    reauthenticate = Operation(
        "POST",
        "/api/v1/auth/reauthenticate",
        Reauthenticate,
        shapes.SignedIn,
        summary="Prove the password again",
        errors=(WrongCredentials, TooManyRequests),
        headers=SETS_COOKIE,
    )
    change_password = Operation(
        "POST",
        "/api/v1/auth/password",
        ChangePassword,
        shapes.PasswordChanged,
        summary="Change the password",
        errors=(WrongCredentials, TooManyRequests),
        headers=SETS_COOKIE,
    )
    set_up = Operation(
        "POST",
        "/api/v1/setup",
        SetUp,
        shapes.SignedIn,
        summary="Add the first administrator",
        who="anybody",
        errors=(SetupCodeNotFound, SessionInvalid, NotAllowed, Conflict),
        status=201,
        headers=SETS_COOKIE,
    )
