"""Settings → Password."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from ostiary.core.account import MINIMUM_PASSWORD
from ostiary.errors import InvalidRequest, OstiaryError, TooManyRequests, WrongCredentials
from ostiary.web import words
from ostiary.web.language import gettext, sentence
from ostiary.web.notices import write
from ostiary.web.rendering import back, page
from ostiary.web.routing import Nothing, get, post
from ostiary.web.visit import Visit

HERE: Final = "/settings/password"


@get("/settings/password", Nothing)
async def password_page(visit: Visit, _: Nothing) -> Response:
    """The form."""
    return _form(visit)


def password_again(visit: Visit, error: OstiaryError) -> Response:
    """The form once more, with what was wrong; never with a password."""
    return _form(visit, error)


def _form(visit: Visit, error: OstiaryError | None = None) -> Response:
    form = visit.form
    answer = page(
        visit,
        "password.html",
        error.status if error else 200,
        least=MINIMUM_PASSWORD,
        error=_why_not(error) if error else None,
        field=error.fields.get("field", "current") if error else None,
        ends_others=error is None or form.has("end_others"),
    )
    if isinstance(error, TooManyRequests):
        answer.headers["retry-after"] = str(error.fields["retry_after"])
    return answer


@post(
    "/settings/password",
    Nothing,
    again=dict.fromkeys((InvalidRequest, TooManyRequests, WrongCredentials), password_again),
)
async def change_password(visit: Visit, _: Nothing) -> Response:
    """Change it; every other session ends, unless the person keeps them (ASVS 5.0 7.4.3)."""
    form = visit.form
    if form.text("new") != form.text("again"):
        raise InvalidRequest("again", "the two new passwords are not the same")
    ended = await visit.authority.sign_in.change_password(
        form.text("current"), form.text("new"), by=visit.signed, end_other_sessions=form.has("end_others")
    )
    visit.go_on(ended)
    return back(visit, HERE, write("password", ended.count, ended.live_tokens))


def _why_not(error: OstiaryError) -> str:
    if isinstance(error, TooManyRequests):
        return gettext(words.TOO_MANY)
    if isinstance(error, WrongCredentials):
        return gettext("That is not your current password.")
    return sentence(error.shown)
