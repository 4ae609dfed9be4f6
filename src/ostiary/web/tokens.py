"""Settings → CLI tokens."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from litestar import Response, Router, get, post

from ostiary.authority import Authority
from ostiary.authority.tokens import MAXIMUM_NAME
from ostiary.core.caller import ORDINARY_SCOPES, Caller
from ostiary.core.credential import CliToken
from ostiary.core.token import parse
from ostiary.errors import Conflict, InvalidRequest, OstiaryError, TokenNotFound
from ostiary.web import passing_cookies, words
from ostiary.web.access import STEPS_UP
from ostiary.web.forms import PageRequest
from ostiary.web.given import OurAuthority, Signed, TokenIdInPath
from ostiary.web.notices import write
from ostiary.web.rendering import back, page
from ostiary.web.visit import visit_of

HERE: Final = "/settings/tokens"
LIFETIMES: Final = {"7": "7 days", "30": "30 days", "90": "90 days", "365": "1 year", "": "no expiry"}  # days
USUAL: Final = "90"


@get("/")
async def tokens_page(request: PageRequest, authority: OurAuthority, caller: Signed) -> Response[bytes]:
    """All tokens of the caller; the secret of one that was just made, this once."""
    visit = visit_of(request)
    tokens = await authority.tokens.list(by=caller)
    now = authority.clock()
    bearer = passing_cookies.held(request.scope, "minted", visit.cookie)
    if bearer is not None:
        visit.cookies.append(passing_cookies.cleared("minted", visit.cookie))
    found = parse(bearer) if bearer else None
    return page(
        request,
        "tokens.html",
        live=[token for token in tokens if token.status(now) == "active"],
        ended=[token for token in tokens if token.status(now) != "active"],
        minted=next((token for token in tokens if found and token.id == found.id), None),
        bearer=bearer,
    )


@get("/new")
async def new_page(request: PageRequest) -> Response[bytes]:
    """The form."""
    return _form(request)


def new_again(request: PageRequest, error: OstiaryError) -> Response[bytes]:
    """The form once more, with what was wrong."""
    return _form(request, error)


def _form(request: PageRequest, error: OstiaryError | None = None) -> Response[bytes]:
    visit = visit_of(request)
    caller = visit.caller
    sent = bool(visit.form.texts("scope"))
    return page(
        request,
        "token_new.html",
        error.status if error else 200,
        error=str(error.fields.get("why", error.message)) if error else None,
        longest=MAXIMUM_NAME,
        name=visit.form.text("name")[:MAXIMUM_NAME],
        lifetimes=LIFETIMES,
        lifetime=visit.form.text("days") if sent else USUAL,
        scopes=caller.scopes if caller else (),
        chosen=visit.form.texts("scope") if sent else ORDINARY_SCOPES,
        scope_words=words.SCOPES,
    )


@post("/new", opt={STEPS_UP: True}, exception_handlers={InvalidRequest: new_again, Conflict: new_again})
async def create(request: PageRequest, authority: OurAuthority, caller: Signed) -> Response[Any]:
    """Make one. Its secret goes to the page that shows it in a cookie of a moment: the store has no copy."""
    form = visit_of(request).form
    days = form.text("days")
    if days not in LIFETIMES:
        raise InvalidRequest("days", "choose one of the lifetimes")
    made = await authority.tokens.create(
        by=caller,
        name=form.text("name"),
        expires_in=timedelta(days=int(days)) if days else None,
        scopes=form.texts("scope"),
    )
    return _show_once(request, made.secret)


@get("/{token_id:str}/rotate")
async def rotate_page(
    token_id: TokenIdInPath, request: PageRequest, authority: OurAuthority, caller: Signed
) -> Response[bytes]:
    """Which token it is."""
    return page(request, "act_rotate.html", token=await _token(authority, caller, token_id))


@post("/{token_id:str}/rotate", opt={STEPS_UP: True})
async def rotate(
    token_id: TokenIdInPath, request: PageRequest, authority: OurAuthority, caller: Signed
) -> Response[Any]:
    """A new secret for it."""
    return _show_once(request, (await authority.tokens.rotate(token_id, by=caller)).secret)


@get("/{token_id:str}/revoke")
async def revoke_page(
    token_id: TokenIdInPath, request: PageRequest, authority: OurAuthority, caller: Signed
) -> Response[bytes]:
    """Which token it is."""
    return page(request, "act_revoke.html", token=await _token(authority, caller, token_id))


@post("/{token_id:str}/revoke")
async def revoke(
    token_id: TokenIdInPath, request: PageRequest, authority: OurAuthority, caller: Signed
) -> Response[Any]:
    """Revoke it."""
    await authority.tokens.revoke(token_id, by=caller)
    return back(request, HERE, write("revoked"))


def _show_once(request: PageRequest, bearer: str) -> Response[Any]:
    visit = visit_of(request)
    visit.cookies.append(passing_cookies.holding("minted", bearer, visit.cookie))
    return back(request, HERE)


async def _token(authority: Authority, caller: Caller, token_id: str) -> CliToken:
    for token in await authority.tokens.list(by=caller):
        if token.id == token_id:
            return token
    raise TokenNotFound


router = Router(
    HERE,
    route_handlers=[tokens_page, new_page, create, rotate_page, rotate, revoke_page, revoke],
)
