"""What is not there, or is somebody else's: nobody can tell which."""

from __future__ import annotations

from ostiary.errors.general import OstiaryError
from ostiary.errors.translatable import translatable


class NotFound(OstiaryError):
    """Missing, or somebody else's: the answer is the same (rule 6)."""

    code = "not_found"
    status = 404
    title = translatable("Not found")
    remedy = "Read the list anew: it ended, or never was this user's."


class SessionNotFound(NotFound):
    """No such session among those the caller may know of."""

    code = "session_not_found"
    title = translatable("There is no such session")


class UserNotFound(NotFound):
    """No such user. Only administrators can ask."""

    code = "user_not_found"
    title = translatable("There is no such user")

    def __init__(self, username: str) -> None:
        super().__init__(translatable('user "%(username)s" does not exist', username=username))


class EventNotFound(NotFound):
    """No such event, or none that tells of an ending. Only administrators can ask."""

    code = "event_not_found"
    title = translatable("There is no event of an ending by that name")


class TokenNotFound(NotFound):
    """No such CLI token among those the caller may know of."""

    code = "token_not_found"
    title = translatable("There is no such CLI token")


class ClientNotFound(NotFound):
    """No such OAuth client."""

    code = "client_not_found"
    title = translatable("There is no such client")


class ResourceNotFound(NotFound):
    """No such resource that tokens can be for."""

    code = "resource_not_found"
    title = translatable("There is no such resource")


class PlanNotFound(NotFound):
    """No such plan: unknown, or forgotten."""

    code = "plan_not_found"
    title = translatable("There is no such plan")


class SetupCodeNotFound(NotFound):
    """The set-up link is unknown, was used, has expired, or an account exists already."""

    code = "setup_code_not_found"
    title = translatable("This set-up link is not valid any more")
