"""What went wrong, as the terminal says it: one line, an exit code, and a problem object for programs.

| exit | means |
| --- | --- |
| 0 | done |
| 1 | failed or aborted |
| 2 | usage or invalid input |
| 3 | not found |
| 4 | not signed in or not allowed, a wrong password too |
| 5 | conflict |
| 6 | rate limited |
| 7 | the server failed |
| 8 | the server cannot be reached |
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from ostiary.cli.output.text import cut, safe
from ostiary.errors import ConfigurationError, OstiaryError, StoreUnavailable

FAILED: Final = 1
USAGE: Final = 2
NOT_FOUND: Final = 3
REFUSED: Final = 4
CONFLICT: Final = 5
RATE_LIMITED: Final = 6
SERVER_FAILED: Final = 7
UNREACHABLE: Final = 8

MAXIMUM_MESSAGE: Final = 500  # terminal columns of a server's words; ours are shorter
SIGN_IN: Final = "run 'ostiary login'"

_HINTS: Final = {
    "no_credentials": SIGN_IN,
    "session_invalid": SIGN_IN,
    "session_expired": SIGN_IN,
    "session_revoked": SIGN_IN,
    "token_expired": SIGN_IN,
    "token_revoked": SIGN_IN,
    "reauthentication_required": "run 'ostiary login --step-up', or this in a terminal to be asked for the password",
    "store_unavailable": "try again",
}


class Failure(Exception):
    """A command cannot go on.

    Attributes:
        message: one line, in the user's words; shown after `error: `.
        exit_code: of the table above.
        hint: the next step, shown after the message; None where there is none.
        problem: the object that a machine format writes to stderr (RFC 9457 members).
    """

    def __init__(
        self,
        message: str,
        exit_code: int = FAILED,
        *,
        hint: str | None = None,
        code: str = "failed",
        problem: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.exit_code = exit_code
        self.hint = hint
        self.code = code
        self.problem: Mapping[str, object] = problem or {"code": code, "title": message, "detail": message}

    @property
    def line(self) -> str:
        """The whole line, safe for a terminal."""
        message = cut(safe(" ".join(self.message.split())), MAXIMUM_MESSAGE)
        return f"error: {message}; {self.hint}" if self.hint else f"error: {message}"


class Aborted(Exception):
    """The user said no, pressed Ctrl-C, or could not be asked."""


class Unreachable(Failure):
    """No answer came."""

    def __init__(self, url: str, why: str) -> None:
        super().__init__(
            f"cannot reach {url}: {why}",
            UNREACHABLE,
            hint="is it running? 'ostiary doctor' says more",
            code="unreachable",
        )


class UnusableAnswer(Failure):
    """An answer came, but not one of ours."""

    def __init__(self, url: str, why: str) -> None:
        super().__init__(
            f"{url} did not answer as an Ostiary server does: {why}", SERVER_FAILED, code="unusable_answer"
        )


def usage(message: str) -> Failure:
    """Invalid input that only this side can judge."""
    return Failure(message, USAGE, code="invalid_request")


def not_signed_in(url: str, profile: str) -> Failure:
    """There is no credential for that server."""
    where = "" if profile == "default" else f" --profile {profile}"
    return Failure(f"not signed in to {url}", REFUSED, hint=f"run 'ostiary login{where}'", code="no_credentials")


def from_problem(status: int, problem: Mapping[str, object]) -> Failure:
    """A server's refusal (RFC 9457) as a failure; its words are not trusted to be short or clean."""
    code = str(problem.get("code", ""))
    words = problem.get("message") or problem.get("detail") or problem.get("title") or f"the server answered {status}"
    message = _decapitalised(str(words)) + _particulars(problem)
    wait = problem.get("retry_after")
    hint = _HINTS.get(code)
    if status == 429 and isinstance(wait, int):
        hint = f"try again in {wait} seconds"
    return Failure(message, exit_code_of(status), hint=hint, code=code or "failed", problem=problem)


def from_error(error: OstiaryError) -> Failure:
    """The same for an error raised in this process."""
    values = {name: rfc3339(value) if isinstance(value, datetime) else value for name, value in error.fields.items()}
    words = error.explained if isinstance(error, StoreUnavailable) else error.message
    problem = {
        "title": error.title,
        "status": error.status,
        "code": error.code,
        "detail": words,
        **values,
    }
    failure = from_problem(error.status, problem)
    exit_code = USAGE if isinstance(error, ConfigurationError) else failure.exit_code
    return Failure(failure.message, exit_code, hint=failure.hint, code=error.code, problem=problem)


def rfc3339(at: datetime) -> str:
    """A time as the HTTP API writes it: UTC, with a `Z`."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def exit_code_of(status: int) -> int:
    """The exit code that goes with an HTTP status of 400 or above."""
    known = {401: REFUSED, 403: REFUSED, 404: NOT_FOUND, 409: CONFLICT, 429: RATE_LIMITED}
    if status in known:
        return known[status]
    return SERVER_FAILED if status >= 500 else USAGE


def _particulars(problem: Mapping[str, object]) -> str:
    """Why and when a session ended, which only its holder is told."""
    reason = problem.get("reason") or problem.get("limit")
    at = problem.get("revoked_at") or problem.get("expired_at")
    known = [str(part) for part in (f"reason: {reason}" if reason else None, at) if part]
    return f" ({', '.join(known)})" if known and problem.get("status") == 401 else ""


def _decapitalised(words: str) -> str:
    return words[0].lower() + words[1:] if words[1:2].islower() or words[1:2] == " " else words
