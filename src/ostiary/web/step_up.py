"""The password again, where the authority wants a fresher sign-in: the act that was asked for continues with it."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from ostiary.errors import OstiaryError, ReauthenticationRequired, TooManyRequests
from ostiary.web.access import PASSWORD
from ostiary.web.form_tokens import FIELD
from ostiary.web.rendering import page
from ostiary.web.visit import Visit

_WORDS: Final = {
    "end": "end a session",
    "end-others": "end your other sessions",
    "end-all": "sign out everywhere",
    "apply": "end many sessions",
    "undo": "bring sessions back",
    "withdraw": "send an application away",
    "sign-out": "sign this user out everywhere",
    "disable": "disable this user",
    "enable": "enable this user",
    "new": "make a CLI token",
    "rotate": "give this CLI token a new secret",
}


def ask(visit: Visit, error: OstiaryError) -> Response:
    """A form that sends the same act again, with the password."""
    why = None
    if isinstance(error, TooManyRequests):
        why = "Too many failed attempts. Wait a moment before you try again."
    elif not isinstance(error, ReauthenticationRequired):
        why = "That is not your password."
    answer = page(
        visit,
        "step_up.html",
        error.status,
        act=_WORDS.get(visit.path.rpartition("/")[2], "do this"),
        fields=visit.form.without(FIELD, PASSWORD),
        error=why,
    )
    if isinstance(error, TooManyRequests):
        answer.headers["retry-after"] = str(error.fields["retry_after"])
    return answer
