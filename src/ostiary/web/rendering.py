"""From a template to an answer, with the headers that go with a page."""

from __future__ import annotations

import re
from functools import cache
from http import HTTPStatus
from typing import Any, Final, cast

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import Response

from ostiary import __version__
from ostiary.core.reach import Scope
from ostiary.web import assets, formats, language, notices, passing_cookies, phrases, words
from ostiary.web.visit import Visit

REPORTS: Final = "/csp-reports"
# Scripts by nonce alone, each answer with its own; no inline script or style; nothing from elsewhere (ASVS 5.0 3.4.3).
POLICY: Final = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'{targets}; frame-ancestors 'none'; base-uri 'none'; object-src 'none'; "
    f"report-uri {REPORTS}; report-to csp"
)
HEADERS: Final = {
    # The pages' own origin is told, as `no-referrer` would have browsers send `Origin: null` with our own forms.
    "referrer-policy": "same-origin",
    "reporting-endpoints": f'csp="{REPORTS}"',
    "vary": "Accept-Language, Cookie, HX-Request",
}


@cache
def environment() -> Environment:
    """The templates. Whatever is put into one is escaped, and a name that is not there is an error."""
    made = Environment(
        loader=PackageLoader("ostiary.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    made.filters |= {"exact": formats.exact, "machine": formats.machine, "since": formats.since}
    made.filters |= {"until": formats.until, "number": language.number, "scope": _scope}
    made.globals |= {"address": assets.address, "language": language.current, "version": __version__}
    made.globals["script_words"] = script_words
    made.globals |= {one.__name__: one for one in phrases.COUNTED}
    # `{% trans %}` is markup, of the catalogue's own; what `_()` answers is escaped like any other value.
    made.install_gettext_callables(  # type: ignore[attr-defined]  # the extension's
        language.gettext, _numbered, newstyle=True, pgettext=language.pgettext
    )
    made.globals["_"] = language.gettext
    return made


def _scope(name: str) -> str:
    return language.gettext(words.SCOPES[cast(Scope, name)])


def _numbered(one: str, many: str, num: int) -> str:
    """The form that goes with a number, with it written as the language does."""
    return language.current().catalogue.ngettext(one, many, num).replace("%(num)s", language.number(num))


def script_words() -> dict[str, str]:
    """What the scripts say, by its English; nothing in English."""
    if language.current() is language.ENGLISH:
        return {}
    return {text: language.gettext(text) for text in _said_by_scripts()}


@cache
def _said_by_scripts() -> list[str]:
    scripts = (str(assets.asset(name).content, "utf-8") for name in ("ostiary.js", "console.js"))
    return [text for script in scripts for text in re.findall(r'\bsay\(\s*"([^"\\]+)"', script)]


def page(visit: Visit, template: str, status: int = 200, **values: Any) -> Response:
    """A page, for this visit."""
    shown = {
        "caller": visit.caller,
        "path": visit.path,
        "nonce": visit.nonce,
        "form_token": visit.form_token,
        "notice": _take_notice(visit),
        "now": visit.authority.clock(),
        "error": None,
    }
    content = environment().get_template(template).render(shown | values)
    headers = {"content-security-policy": _policy(visit), **HEADERS}
    return visit.respond(Response(content, status, headers, "text/html"))


def nothing_new() -> Response:
    """For an open page that shows already what it asked for."""
    return Response(status_code=HTTPStatus.NO_CONTENT)


def _policy(visit: Visit) -> str:
    return POLICY.format(nonce=visit.nonce, targets="".join(f" {target}" for target in visit.form_targets))


def back(visit: Visit, path: str, notice: str | None = None) -> Response:
    """After an act: to a page of ours, which says what was done."""
    if notice is not None:
        visit.tell(notice)
    response = Response(status_code=HTTPStatus.SEE_OTHER, headers={"location": path}, media_type="text/plain")
    return visit.respond(response)


def _take_notice(visit: Visit) -> str | None:
    if visit.notice is None:
        return None
    visit.cookies.append(passing_cookies.cleared("notice", visit.cookie))
    return notices.words(visit.notice)
