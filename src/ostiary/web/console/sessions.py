"""Searching everybody's sessions, with the filters that the API and the command line know."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias
from urllib.parse import urlencode

from litestar import Response, get
from litestar.params import QueryParameter

from ostiary.authority.administration import Page
from ostiary.core.device_words import DEVICES
from ostiary.core.selector import FILTERS, SORTS, WANTED, Sort, parse
from ostiary.core.session import REASONS
from ostiary.errors import InvalidRequest, UserNotFound
from ostiary.server.cursors import after_session, read_session
from ostiary.web import words
from ostiary.web.console.rows import found
from ostiary.web.forms import PageRequest
from ostiary.web.given import OurAuthority, Signed
from ostiary.web.rendering import page

PAGE: Final = 50  # sessions on one page
ALWAYS_SHOWN: Final = {"q", "status", "ip", "user"}  # filters; the others are folded away until one is used
USUAL_SORT: Final[Sort] = "-last_used_at"
USUAL: Final = "live"  # the status of a search that nothing was said about

Sorting: TypeAlias = Annotated[Sort, QueryParameter(name="sort")]
CursorInQuery: TypeAlias = Annotated[str | None, QueryParameter(name="cursor", max_length=512)]


@get("/sessions")
async def sessions_page(
    request: PageRequest,
    authority: OurAuthority,
    caller: Signed,
    sorting: Sorting = USUAL_SORT,
    cursor: CursorInQuery = None,
) -> Response[bytes]:
    """A page of what was found, the exact number of all, and the form."""
    given = filters_of(request)
    result, problem, field = Page([], {}, 0, None), None, None
    try:
        result = await authority.administration.search(
            parse(given), by=caller, sort=sorting, after=read_session(cursor), limit=PAGE
        )
    except UserNotFound:
        pass  # nothing was found, which the page says
    except InvalidRequest as wrong:
        field = str(wrong.fields.get("field", ""))
        problem = f"{words.FILTERS.get(field, field)}: {wrong.fields.get('why', wrong.message)}"
    return page(
        request,
        "console/sessions.html",
        status=422 if problem else 200,
        found=found(request, result.sessions, result.usernames),
        count=result.count,
        next=after_session(result.after),
        is_first=cursor is None,
        given=given,
        is_detailed=bool(given.keys() - ALWAYS_SHOWN) or sorting != USUAL_SORT,
        query=urlencode(given | {"sort": sorting}),
        sort=sorting,
        sorts=[(name, words.SORTS[name]) for name in SORTS],
        problem=problem,
        field=field,
        names=words.FILTERS,
        choices={
            "status": [(name, words.STATUSES[name]) for name in WANTED],
            "reason": [(name, words.REASONS[name]) for name in REASONS],
            "device": [(name, name) for name in DEVICES],
        },
    )


def filters_of(request: PageRequest) -> dict[str, str]:
    """What was filled in. A form sends every field, so an empty one filters nothing; no status at all means live."""
    given = {name: request.query_params[name].strip() for name in FILTERS if request.query_params.get(name)}
    if "status" not in request.query_params and "reason" not in given:
        given["status"] = USUAL
    return {name: _with_zone(name, text) for name, text in given.items() if text}


def _with_zone(name: str, text: str) -> str:
    """Browsers send what is typed into a field for a time without a zone; ours say that they mean UTC."""
    is_plain = name.endswith(("_before", "_after")) and len(text) in {16, 19} and "T" in text
    return f"{text}Z" if is_plain else text


HANDLERS: Final = [sessions_page]
