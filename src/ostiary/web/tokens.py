"""Settings → CLI tokens."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from starlette.responses import Response

from ostiary.authority.tokens import MAXIMUM_NAME
from ostiary.core.credential import CliToken
from ostiary.core.reach import ORDINARY_SCOPES
from ostiary.core.token import parse
from ostiary.errors import Conflict, InvalidRequest, OstiaryError, TokenNotFound
from ostiary.errors.translatable import translatable
from ostiary.web import passing_cookies, words
from ostiary.web.given import OfToken
from ostiary.web.language import translated
from ostiary.web.notices import write
from ostiary.web.rendering import back, page
from ostiary.web.routing import Nothing, get, post
from ostiary.web.visit import Visit

HERE: Final = "/settings/tokens"
LIFETIMES: Final = {  # days
    "7": translatable("7 days"),
    "30": translatable("30 days"),
    "90": translatable("90 days"),
    "365": translatable("1 year"),
    "": translatable("no expiry"),
}
USUAL: Final = "90"


@get("/settings/tokens", Nothing)
async def tokens_page(visit: Visit, _: Nothing) -> Response:
    """All tokens of the caller; the secret of one that was just made, this once."""
    tokens = await visit.authority.tokens.list(by=visit.signed)
    now = visit.authority.clock()
    bearer = passing_cookies.held(visit.exchange.scope, "minted", visit.cookie)
    if bearer is not None:
        visit.cookies.append(passing_cookies.cleared("minted", visit.cookie))
    found = parse(bearer) if bearer else None
    return page(
        visit,
        "tokens.html",
        live=[token for token in tokens if token.status(now) == "active"],
        ended=[token for token in tokens if token.status(now) != "active"],
        minted=next((token for token in tokens if found and token.id == found.id), None),
        bearer=bearer,
    )


@get("/settings/tokens/new", Nothing)
async def new_page(visit: Visit, _: Nothing) -> Response:
    """The form."""
    return _form(visit)


def new_again(visit: Visit, error: OstiaryError) -> Response:
    """The form once more, with what was wrong."""
    return _form(visit, error)


def _form(visit: Visit, error: OstiaryError | None = None) -> Response:
    caller = visit.caller
    sent = bool(visit.form.texts("scope"))
    return page(
        visit,
        "token_new.html",
        error.status if error else 200,
        error=translated(error.shown) if error else None,
        longest=MAXIMUM_NAME,
        name=visit.form.text("name")[:MAXIMUM_NAME],
        lifetimes=words.in_words(LIFETIMES),
        lifetime=visit.form.text("days") if sent else USUAL,
        scopes=visit.signed.scopes if caller else (),
        chosen=visit.form.texts("scope") if sent else ORDINARY_SCOPES,
        scope_words=words.in_words(words.SCOPES),
    )


@post("/settings/tokens/new", Nothing, steps_up=True, again={InvalidRequest: new_again, Conflict: new_again})
async def create(visit: Visit, _: Nothing) -> Response:
    """Make one. Its secret goes to the page that shows it in a cookie of a moment: the store has no copy."""
    form = visit.form
    days = form.text("days")
    if days not in LIFETIMES:
        raise InvalidRequest("days", "choose one of the lifetimes")
    made = await visit.authority.tokens.create(
        by=visit.signed,
        name=form.text("name"),
        expires_in=timedelta(days=int(days)) if days else None,
        scopes=form.texts("scope"),
    )
    return _show_once(visit, made.secret)


@get("/settings/tokens/{token_id}/rotate", OfToken)
async def rotate_page(visit: Visit, asked: OfToken) -> Response:
    """Which token it is."""
    return page(visit, "act_rotate.html", cli_token=await _token(visit, asked.token_id))


@post("/settings/tokens/{token_id}/rotate", OfToken, steps_up=True)
async def rotate(visit: Visit, asked: OfToken) -> Response:
    """A new secret for it."""
    return _show_once(visit, (await visit.authority.tokens.rotate(asked.token_id, by=visit.signed)).secret)


@get("/settings/tokens/{token_id}/revoke", OfToken)
async def revoke_page(visit: Visit, asked: OfToken) -> Response:
    """Which token it is."""
    return page(visit, "act_revoke.html", cli_token=await _token(visit, asked.token_id))


@post("/settings/tokens/{token_id}/revoke", OfToken)
async def revoke(visit: Visit, asked: OfToken) -> Response:
    """Revoke it."""
    await visit.authority.tokens.revoke(asked.token_id, by=visit.signed)
    return back(visit, HERE, write("revoked"))


def _show_once(visit: Visit, bearer: str) -> Response:
    visit.cookies.append(passing_cookies.holding("minted", bearer, visit.cookie))
    return back(visit, HERE)


async def _token(visit: Visit, token_id: str) -> CliToken:
    for token in await visit.authority.tokens.list(by=visit.signed):
        if token.id == token_id:
            return token
    raise TokenNotFound
