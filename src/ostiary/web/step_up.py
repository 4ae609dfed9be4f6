"""The password again, where the authority wants a fresher sign-in: the act that was asked for continues with it."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from ostiary.errors import OstiaryError, ReauthenticationRequired, TooManyRequests, WrongCredentials
from ostiary.errors.translatable import translatable
from ostiary.web import words
from ostiary.web.access import PASSWORD
from ostiary.web.form_tokens import FIELD
from ostiary.web.language import gettext
from ostiary.web.rendering import page
from ostiary.web.visit import Visit

STEPS: Final = (ReauthenticationRequired, TooManyRequests, WrongCredentials)  # the password is asked for, or again
_WORDS: Final = {
    "end-session": translatable("end what acts for you while you are away"),
    "/sign-out": translatable("end what acts for you while you are away"),
    "end": translatable("end a session"),
    "end-others": translatable("end your other sessions"),
    "end-all": translatable("sign out everywhere"),
    "apply": translatable("end many sessions"),
    "undo": translatable("bring sessions back"),
    "withdraw": translatable("send an application away"),
    "sign-out": translatable("sign this user out everywhere"),
    "disable": translatable("disable this user"),
    "enable": translatable("enable this user"),
    "new": translatable("make a CLI token"),
    "rotate": translatable("give this CLI token a new secret"),
}
_THIS: Final = translatable("do this")


def ask(visit: Visit, error: OstiaryError) -> Response:
    """A form that sends the same act again, with the password."""
    why = None
    if isinstance(error, TooManyRequests):
        why = gettext(words.TOO_MANY)
    elif not isinstance(error, ReauthenticationRequired):
        why = gettext(words.NOT_YOUR_PASSWORD)
    answer = page(
        visit,
        "step_up.html",
        error.status,
        act=gettext(_WORDS.get(visit.path, _WORDS.get(visit.path.rpartition("/")[2], _THIS))),
        fields=visit.form.without(FIELD, PASSWORD),
        error=why,
    )
    if isinstance(error, TooManyRequests):
        answer.headers["retry-after"] = str(error.fields["retry_after"])
    return answer
