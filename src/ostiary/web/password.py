"""Settings → Password."""

from __future__ import annotations

from typing import Any, Final

from litestar import Response, Router, get, post

from ostiary.core.account import MINIMUM_PASSWORD
from ostiary.errors import InvalidRequest, OstiaryError, TooManyRequests, WrongCredentials
from ostiary.web.forms import PageRequest
from ostiary.web.given import OurAuthority, Signed
from ostiary.web.notices import write
from ostiary.web.rendering import back, page
from ostiary.web.visit import visit_of

HERE: Final = "/settings/password"


@get("/")
async def password_page(request: PageRequest) -> Response[bytes]:
    """The form."""
    return _form(request)


def password_again(request: PageRequest, error: OstiaryError) -> Response[bytes]:
    """The form once more, with what was wrong; never with a password."""
    return _form(request, error)


def _form(request: PageRequest, error: OstiaryError | None = None) -> Response[bytes]:
    form = visit_of(request).form
    answer = page(
        request,
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
    "/",
    exception_handlers=dict.fromkeys((InvalidRequest, TooManyRequests, WrongCredentials), password_again),
)
async def change_password(request: PageRequest, authority: OurAuthority, caller: Signed) -> Response[Any]:
    """Change it; every other session ends, unless the person keeps them (ASVS 5.0 7.4.3)."""
    form = visit_of(request).form
    if form.text("new") != form.text("again"):
        raise InvalidRequest("again", "the two new passwords are not the same")
    ended = await authority.sign_in.change_password(
        form.text("current"), form.text("new"), by=caller, end_other_sessions=form.has("end_others")
    )
    visit_of(request).go_on(ended)
    return back(request, HERE, write("password", ended.count, ended.live_tokens))


def _why_not(error: OstiaryError) -> str:
    if isinstance(error, TooManyRequests):
        return "Too many failed attempts. Wait a moment before you try again."
    if isinstance(error, WrongCredentials):
        return "That is not your current password."
    why = str(error.fields.get("why", error.message))
    return f"{why[:1].upper()}{why[1:]}."


router = Router(HERE, route_handlers=[password_page, change_password])
