"""Every error but those of OAuth and of what is missing, in the order of the tree (see `ostiary.errors`)."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, TypeAlias

from ostiary.errors.translatable import translatable

FieldValue: TypeAlias = str | int | bool | datetime | None


class OstiaryError(Exception):
    """Root of the tree.

    Attributes:
        code: stable, for programs.
        status: the HTTP status that goes with it.
        message: what happened, in the user's words; never contains a secret.
        shown: the same for a page, which translates it; of a wrong field, without its name.
        remedy: what the program that asked can do next; that of its family, where nothing more is known.
        fields: values that travel with it (JSON-able but for datetimes, which every door writes as RFC 3339).
        request_id: finds the request in the server's log; only on an error that a client was answered.
    """

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 500
    title: ClassVar[str] = translatable("Something went wrong")
    remedy: ClassVar[str] = "Look into the log of the server, by the request id."
    request_id: str | None = None

    def __init__(self, message: str | None = None, **fields: FieldValue) -> None:
        self.shown = message or self.title
        self.message = str(self.shown)
        self.fields = fields
        super().__init__(self.message)


class Unauthenticated(OstiaryError):
    """Who is asking is not established."""

    code = "unauthenticated"
    status = 401
    title = translatable("You are not signed in")
    remedy = "Have the person sign in; do not ask again with the same credential."


class NoCredentials(Unauthenticated):
    """Nothing was sent."""

    code = "no_credentials"
    title = translatable("No credentials were sent")


class SessionInvalid(Unauthenticated):
    """Malformed, unknown, or a wrong secret: told apart by nobody (rule 6)."""

    code = "session_invalid"
    title = translatable("The credential is not valid")


class SessionExpired(Unauthenticated):
    """A limit passed. Said only to the holder of the right secret.

    Fields:
        expired_at: when.
        limit: `idle` or `lifetime`.
    """

    code = "session_expired"
    title = translatable("The session has expired")

    def __init__(self, expired_at: datetime, limit: str) -> None:
        super().__init__(None, expired_at=expired_at, limit=limit)


class SessionRevoked(Unauthenticated):
    """Somebody ended or suspended it. Said only to the holder of the right secret.

    Fields:
        revoked_at: when.
        reason: one of `core.session.Reason`.
        suspended_until: until then it may come back; not there when it ended for good.
    """

    code = "session_revoked"
    title = translatable("The session was ended")

    def __init__(self, revoked_at: datetime, reason: str, suspended_until: datetime | None = None) -> None:
        until = {} if suspended_until is None else {"suspended_until": suspended_until}
        super().__init__(None, revoked_at=revoked_at, reason=reason, **until)


class TokenExpired(Unauthenticated):
    """A CLI token's expiry has passed (`expired_at`)."""

    code = "token_expired"
    title = translatable("The CLI token has expired")
    remedy = "Make or rotate the CLI token: `ostiary token create`."

    def __init__(self, expired_at: datetime) -> None:
        super().__init__(None, expired_at=expired_at)


class TokenRevoked(Unauthenticated):
    """A CLI token was revoked (`revoked_at`)."""

    code = "token_revoked"
    title = translatable("The CLI token was revoked")
    remedy = "Make another CLI token: `ostiary token create`."

    def __init__(self, revoked_at: datetime) -> None:
        super().__init__(None, revoked_at=revoked_at)


class WrongCredentials(Unauthenticated):
    """Sign-in refused: unknown user, wrong password and disabled account alike (ASVS 5.0 6.3.8)."""

    code = "wrong_credentials"
    title = translatable("The username or the password is wrong")
    remedy = "Ask for both again; do not say which one was wrong."


class ReauthenticationRequired(Unauthenticated):
    """The act needs a sign-in that is at most `max_age` seconds old (RFC 9470)."""

    code = "reauthentication_required"
    title = translatable("Confirm your password to do this")
    remedy = (
        "Have the person prove again who they are, then repeat the call: an OAuth client by "
        "`authorization_url(max_age=…)`, who holds a session by `auth.reauthenticate()`."
    )

    def __init__(self, max_age: int) -> None:
        super().__init__(None, max_age=max_age)

    @property
    def max_age(self) -> int:
        """The oldest proof that would do, in seconds; 0 where it was not said: one of now."""
        value = self.fields.get("max_age")
        return value if isinstance(value, int) else 0


class NotAllowed(OstiaryError):
    """The caller is known, but its role or scope does not cover the act."""

    code = "not_allowed"
    status = 403
    title = translatable("You are not allowed to do this")
    remedy = "Ask for the scope, or have somebody with the role do it."


class Conflict(OstiaryError):
    """The state of things forbids the act."""

    code = "conflict"
    status = 409
    title = translatable("This conflicts with what is there")
    remedy = "Read what is there, then decide again."


class PlanStale(Conflict):
    """A plan does not fit any more: it has expired (`expired_at`), or `added` sessions are over the `tolerance`."""

    code = "plan_stale"
    title = translatable("The plan does not fit any more; plan again")


class LimitReached(Conflict):
    """The user holds as many live sessions as the policy allows, and the policy says deny."""

    code = "limit_reached"
    title = translatable("Too many sessions; end one first")
    remedy = "Show the person their sessions, so that they end one."

    def __init__(self, limit: int) -> None:
        super().__init__(None, max_sessions=limit)


class InvalidRequest(OstiaryError):
    """One field is wrong. `field` names it, the message says why and what to do."""

    code = "invalid_request"
    status = 422
    title = translatable("The request is not valid")
    remedy = "Change the field that the message names; the same request is refused again."

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"{field}: {why}", field=field, why=str(why))
        self.shown = why


class TooManyRequests(OstiaryError):
    """Too many failed sign-ins; `retry_after` in whole seconds."""

    code = "too_many_requests"
    status = 429
    title = translatable("Too many failed attempts; try again later")
    remedy = "Wait for `retry_after` seconds."

    def __init__(self, retry_after: int) -> None:
        super().__init__(None, retry_after=retry_after)


class ConfigurationError(OstiaryError):
    """A setting is wrong, or the database is not migrated: said to the operator at start, never to a client."""

    code = "configuration"
    status = 500
    title = translatable("The configuration is not valid")
    remedy = "Change what the message names."


class ServerFault(OstiaryError):
    """Our mistake. It says nothing of the inside; the log does, under the request id."""

    code = "server_fault"
    status = 500
    title = translatable("The server failed")


class StoreUnavailable(OstiaryError):
    """The database did not answer. Nothing was decided: no session ended, no cookie cleared (rule 7).

    Attributes:
        cause: why, in a few words that name nothing of the inside; None where it is not known.
        sentence: what the database or its driver said, with names of hosts, roles and databases: for operators only.
    """

    code = "store_unavailable"
    status = 503
    title = translatable("The store cannot be reached; try again in a moment")
    remedy = "Let nobody in, sign nobody out, and try again after `retry_after` seconds."

    def __init__(self, retry_after: int = 2, *, cause: str | None = None, sentence: str | None = None) -> None:
        super().__init__(None, retry_after=retry_after)
        self.cause = cause
        self.sentence = sentence

    @property
    def explained(self) -> str:
        """The message for whoever looks after the store."""
        why = self.sentence or self.cause
        return f"The store cannot be used: {why}" if why else self.message
