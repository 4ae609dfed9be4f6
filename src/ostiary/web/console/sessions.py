"""Searching everybody's sessions, with the filters that the API and the command line know."""

from __future__ import annotations

from typing import Annotated, Final
from urllib.parse import urlencode

from msgspec import Meta
from starlette.responses import Response

from ostiary.authority.administration import Page
from ostiary.core.device_words import DEVICES
from ostiary.core.selector import FILTERS, SORTS, WANTED, Sort, parse
from ostiary.core.session import REASONS
from ostiary.errors import InvalidRequest, UserNotFound
from ostiary.http.cursors import after_session, read_session
from ostiary.web import words
from ostiary.web.console.rows import session_rows
from ostiary.web.language import gettext, translated
from ostiary.web.rendering import page
from ostiary.web.routing import PageTakes, get
from ostiary.web.visit import Visit

PAGE: Final = 50  # sessions on one page
ALWAYS_SHOWN: Final = {"q", "status", "ip", "user"}  # filters; the others are folded away until one is used
# With a field of their own kind in the form; any other has one for a text.
SHAPED: Final = ALWAYS_SHOWN | {"device", "user_agent", "application_id", "tenant", "created_after", "created_before",
                                "last_used_before", "reason"}  # fmt: skip
USUAL_SORT: Final[Sort] = "-last_used_at"
USUAL: Final = "live"  # the status of a search that nothing was said about


class Search(PageTakes):
    """In which order, and from where; the filters are read one by one, so that what is wrong with one is said."""

    sort: Sort = USUAL_SORT
    cursor: Annotated[str, Meta(max_length=512)] | None = None


@get("/admin/sessions", Search)
async def sessions_page(visit: Visit, asked: Search) -> Response:
    """A page of what was found, the exact number of all, and the form."""
    given = filters_of(visit)
    result, problem, field = Page([], {}, 0, None), None, None
    try:
        result = await visit.authority.administration.search(
            parse(given), by=visit.signed, sort=asked.sort, after=read_session(asked.cursor), limit=PAGE
        )
    except UserNotFound:
        pass  # nothing was found, which the page says
    except InvalidRequest as wrong:
        field = str(wrong.fields.get("field", ""))
        name = words.word(words.FILTERS, field)
        problem = gettext("%(field)s: %(why)s.", field=name, why=translated(wrong.shown))
    return page(
        visit,
        "console/sessions.html",
        status=422 if problem else 200,
        found=session_rows(visit, result.sessions, result.usernames),
        count=result.count,
        next=after_session(result.after),
        is_first=asked.cursor is None,
        given=given,
        is_detailed=bool(given.keys() - ALWAYS_SHOWN) or asked.sort != USUAL_SORT,
        query=urlencode(given | {"sort": asked.sort}),
        sort=asked.sort,
        sorts=[(name, gettext(words.SORTS[name])) for name in SORTS],
        problem=problem,
        field=field,
        plain=[name for name in FILTERS if name not in SHAPED],
        names=words.in_words(words.FILTERS),
        choices={
            "status": [(name, gettext(words.STATUSES[name])) for name in WANTED],
            "reason": [(name, gettext(words.REASONS[name])) for name in REASONS],
            "device": [(name, gettext(words.DEVICES[name])) for name in DEVICES],
        },
    )


def filters_of(visit: Visit) -> dict[str, str]:
    """What was filled in. A form sends every field, so an empty one filters nothing; no status at all means live."""
    given = {name: visit.query[name].strip() for name in FILTERS if visit.query.get(name)}
    if "status" not in visit.query and "reason" not in given:
        given["status"] = USUAL
    return {name: _with_zone(name, text) for name, text in given.items() if text}


def _with_zone(name: str, text: str) -> str:
    """Browsers send what is typed into a field for a time without a zone; ours say that they mean UTC."""
    is_plain = name.endswith(("_before", "_after")) and len(text) in {16, 19} and "T" in text
    return f"{text}Z" if is_plain else text
