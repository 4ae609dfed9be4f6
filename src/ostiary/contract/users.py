"""The local directory of accounts, for administrators; and what is held about one person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta

from ostiary.contract.answer import LEFT_OUT, Answer, LeftOut
from ostiary.contract.calling import W
from ostiary.contract.fields import Cursor, Email, NewUsername, NextCursor, Password, Roles, SessionId
from ostiary.contract.named import OfUser
from ostiary.contract.operation import Namespace, Operation, Takes
from ostiary.contract.shapes import Count, Done, Instant, User
from ostiary.errors import Conflict, ReauthenticationRequired, UserNotFound

Rows: TypeAlias = Sequence[dict[str, Any]]


class AdminUser(User, kw_only=True):
    """A user as an administrator sees them."""

    created_at: Instant | None
    disabled_at: Annotated[Instant | None, Meta(description="Nothing of a disabled user works.")]


class UserAnswer(Answer, kw_only=True):
    """One user."""

    user: AdminUser


class UserOverview(Answer, kw_only=True):
    """One user, and how many sessions and CLI tokens of theirs work now."""

    user: AdminUser
    sessions: Count
    tokens: Count


class UserPage(Answer, kw_only=True):
    """Users by name."""

    users: Sequence[AdminUser]
    next_cursor: NextCursor

    @property
    def items(self) -> Sequence[AdminUser]:
        """The users."""
        return self.users


class Ended(Answer, kw_only=True):
    """What an act on a user ended."""

    ok: bool = True
    sessions: Count
    tokens: Count


class PersonExport(Answer, kw_only=True):
    """Everything that is held about one person, without secrets, and without what is about others."""

    user_id: str
    exported_at: Instant
    account: Annotated[AdminUser | None, Meta(description="Null where another application keeps it, or it is gone.")]
    sessions: Rows
    tokens: Rows
    consents: Rows
    codes: Rows
    events: Rows
    failed_sign_ins: Annotated[Count, Meta(description="How many the sign-in limits still count.")]


class PersonErased(Answer, kw_only=True):
    """What an erasure did."""

    ok: bool = True
    user_id: Annotated[str, Meta(description="The pseudonym under which sessions and events stay.")]
    sessions: Count
    tokens: Count
    events: Annotated[Count, Meta(description="In how many events something was forgotten.")]


class SignedOutSession(Answer, kw_only=True):
    """A session that somebody ended, and when."""

    username: str
    session_id: SessionId
    revoked: Instant


class SignedOutUser(Answer, kw_only=True):
    """All sessions of a user that somebody ended, oldest first, earlier ones with their first time.

    Of more than 1000 those that ended last, the newest first, and `more` is true.
    """

    sessions: Sequence[SignedOutSession]
    more: Annotated[bool | LeftOut, Meta(description="True where there are more; else left out.")] = LEFT_OUT


class ListUsers(Takes, kw_only=True):
    """One page of all users, by name."""

    cursor: Cursor | None = None
    limit: Annotated[int, Meta(ge=1, le=1000, description="Rows in one page.")] = 100


class NewAccount(Takes):
    """Who signs in, and how."""

    username: NewUsername
    password: Password


class AddUser(NewAccount, kw_only=True):
    """Add a user; names differ by more than case."""

    email: Email | None = None
    roles: Roles = msgspec.field(default_factory=lambda: ["member"])


class ShowUser(OfUser):
    """A user, and how many sessions and CLI tokens of theirs work now."""


class DisableUser(OfUser):
    """The user cannot sign in any more, and everything of theirs ends now. Not the last administrator."""


class EnableUser(OfUser):
    """The user can sign in again; what ended stays ended."""


class SetPassword(OfUser):
    """Every session of the user ends, but the one that asks."""

    new: Password


class SetRoles(OfUser):
    """They hold from the user's next request. Not taking `admin` from the last administrator."""

    roles: Roles


class DeleteUser(OfUser):
    """Everything of the user ends now; the history of their sessions stays until it is purged."""


class ExportUser(OfUser):
    """To be given to them. That it was written out is in the audit trail."""


class EraseUser(OfUser):
    """Everything of theirs ends now, and what is personal is removed. There is no way back."""


class SignOutUser(OfUser):
    """End every session of a user, and nobody else's."""


class AdminUsers(Namespace[W]):
    """The local directory of accounts."""

    tag = "administration: users"

    list = Operation(
        "GET",
        "/api/v1/admin/users",
        ListUsers,
        UserPage,
        summary="List users",
    )
    add = Operation(
        "POST",
        "/api/v1/admin/users",
        AddUser,
        UserAnswer,
        summary="Add a user",
        errors=(Conflict, ReauthenticationRequired),
        status=201,
    )
    show = Operation(
        "GET",
        "/api/v1/admin/users/{username}",
        ShowUser,
        UserOverview,
        summary="Show a user",
        errors=(UserNotFound,),
    )
    disable = Operation(
        "POST",
        "/api/v1/admin/users/{username}/disable",
        DisableUser,
        Ended,
        summary="Disable a user",
        errors=(UserNotFound, Conflict, ReauthenticationRequired),
    )
    enable = Operation(
        "POST",
        "/api/v1/admin/users/{username}/enable",
        EnableUser,
        Done,
        summary="Enable a user",
        errors=(UserNotFound, ReauthenticationRequired),
        repeatable=True,
    )
    logout = Operation(
        "POST",
        "/api/v1/admin/users/{username}/logout",
        SignOutUser,
        SignedOutUser,
        summary="End all sessions of a user",
        errors=(UserNotFound, ReauthenticationRequired),
        repeatable=True,
    )
    set_password = Operation(
        "POST",
        "/api/v1/admin/users/{username}/password",
        SetPassword,
        Ended,
        summary="Give a user a new password",
        errors=(UserNotFound, ReauthenticationRequired),
    )
    set_roles = Operation(
        "POST",
        "/api/v1/admin/users/{username}/roles",
        SetRoles,
        UserAnswer,
        summary="Replace a user's roles",
        errors=(UserNotFound, Conflict, ReauthenticationRequired),
        repeatable=True,
    )
    delete = Operation(
        "DELETE",
        "/api/v1/admin/users/{username}",
        DeleteUser,
        Ended,
        summary="Delete a user",
        errors=(UserNotFound, Conflict, ReauthenticationRequired),
        repeatable=False,  # the second answer says that there is no such user
    )
    export = Operation(
        "POST",
        "/api/v1/admin/users/{username}/export",
        ExportUser,
        PersonExport,
        summary="Everything that is held about one person",
        errors=(UserNotFound, ReauthenticationRequired),
    )
    erase = Operation(
        "POST",
        "/api/v1/admin/users/{username}/erase",
        EraseUser,
        PersonErased,
        summary="Erase a person",
        errors=(UserNotFound, Conflict, ReauthenticationRequired),
    )
