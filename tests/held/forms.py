"""Every form of the pages, found by following every link, and filled in."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlencode, urljoin, urlsplit

from ostiary.authority import Authority
from ostiary.core.oauth.client import Registration
from ostiary.core.selector import Selector
from ostiary.core.token import new_id
from ostiary.storage import clients, consents
from tests.held.connection import Asked, ask, form_body
from tests.held.people import OPERATOR, Who, new_user, with_session
from tests.support.people import FIREFOX, PASSWORD
from tests.support.routes import PAGES

BACK = "https://calendar.example/back"
# A page is looked at once, whatever ids are in its address.
ID = re.compile(r"\b([a-z]+_[a-z0-9]{26}|person\d+)\b")
ENDLESS = {"/settings/sessions/events"}
# What a person types, by the name of the field. What a form has in it already is sent as it is.
TYPED = {
    "current": PASSWORD,
    "new": "another long password",
    "again": "another long password",
    "confirm_password": PASSWORD,
    "label": "laptop",
    "name": "script",
    "username": "",
    "credential": "",  # filled in by `found_forms`
}
# Forms of a page that nobody signed in sees.
OF_NOBODY = {"/sign-in", "/setup"}


@dataclass
class Form:
    """A form as a page has it: where it leads, and what is in its fields."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    typed: set[str] = field(default_factory=set)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.forms: list[Form] = []
        self._form: Form | None = None
        self._select: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag == "form":
            self._form = Form(given.get("action", ""))
            if given.get("method") == "post":
                self.forms.append(self._form)
        form, name = self._form, given.get("name")
        if form is None:
            return
        if tag in {"input", "textarea", "button"} and name:
            kind = given.get("type", "text")
            if kind in {"checkbox", "radio"} and "checked" not in given:
                return
            if kind in {"hidden", "checkbox", "radio"} or tag == "button" or given.get("value"):
                form.fields.setdefault(name, given.get("value", ""))
            else:
                form.typed.add(name)
        if tag == "select" and name:
            self._select = name
        if tag == "option" and self._select and ("selected" in given or self._select not in form.fields):
            form.fields[self._select] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        if tag == "select":
            self._select = None


def read(page: str) -> tuple[list[str], list[Form]]:
    """The links and the forms of a page."""
    reader = _Reader()
    reader.feed(page)
    return reader.links, reader.forms


class Browser:
    """Somebody signed in, who opens pages and sends forms."""

    def __init__(self, port: int, who: Who) -> None:
        self._port = port
        self._headers = {
            "User-Agent": FIREFOX,
            "Accept": "text/html",
            "Sec-Fetch-Site": "same-origin",
            "Cookie": f"__Host-session={who.secret}",
        }

    async def open(self, path: str) -> str:
        """A page's text; nothing for what is no page."""
        return await self._ask(Asked(path, "GET", path, self._headers))

    async def send(self, form: Form) -> str:
        """What comes of a form."""
        return await self._ask(self.asked(form))

    def asked(self, form: Form) -> Asked:
        """A form as a request."""
        unknown = form.typed - TYPED.keys()
        assert not unknown, f"{form.action}: say in TYPED what a person types into {unknown}"
        headers, body = form_body({name: TYPED[name] for name in form.typed} | form.fields)
        return Asked(form.action, "POST", form.action, self._headers | headers, body)

    async def _ask(self, asked: Asked) -> str:
        answer = await ask(self._port, asked)
        is_page = "text/html" in answer.headers.get("content-type", "")
        return answer.text if is_page and answer.status < 400 else ""


async def furnish(authority: Authority, who: Who) -> list[str]:
    """Give somebody something of everything that pages show; pages that no link leads to."""
    await with_session(authority, who.user)
    await authority.tokens.create(by=who.caller, name="script")
    now = authority.clock()
    wanted = Registration("Calendar", is_public=True, redirect_uris=[BACK], third_party=True)
    client_ids = []
    for _ in range(2):
        client = wanted.check(new_id("client"), now)
        client_ids.append(client.id)
        async with authority.database.transaction() as db:
            await clients.add(db, client, None)
    async with authority.database.transaction() as db:
        await consents.replace(db, who.user.id, client_ids[0], ("openid", "email"), now)
    asked = {
        "response_type": "code",
        "client_id": client_ids[1],
        "redirect_uri": BACK,
        "scope": "openid",
        "state": "state",
        "code_challenge": base64.urlsafe_b64encode(hashlib.sha256(b"verifier" * 8).digest()).decode().rstrip("="),
        "code_challenge_method": "S256",
    }
    paths = ["/settings/sessions", f"/oauth/authorize?{urlencode(asked)}", "/oauth/end-session"]
    if "admin" in who.user.roles:
        someone, disabled = await with_session(authority), await new_user(authority)
        await authority.accounts.disable(disabled.username or "", by=OPERATOR)
        plans = [(await authority.plans.make(Selector(user=someone.username), by=OPERATOR)).plan.id for _ in range(2)]
        await authority.plans.apply(plans[1], by=OPERATOR)
        paths += ["/admin", *(f"/admin/plans/{plan_id}" for plan_id in plans), "/admin/sessions?status=live"]
        paths += [f"/admin/users/{disabled.username}", f"/admin/users/{someone.username}"]
    return paths


async def found_forms(browser: Browser, paths: Collection[str]) -> list[Form]:
    """The forms of all pages that can be reached from these, one of each kind, as their pages have them."""
    waiting, seen, found = list(paths), set[str](), dict[str, Form]()
    while waiting:
        path = waiting.pop(0)
        key = path if path in paths else kind_of(path)
        if key in seen:
            continue
        seen.add(key)
        links, forms = read(await browser.open(path))
        waiting += [urljoin(path, link).partition("#")[0] for link in links if _is_ours(urljoin(path, link))]
        for form in forms:
            form.action = form.action or path.partition("?")[0]
            found.setdefault(kind_of(form.action), form)
        for form in [form for form in forms if "credential" in form.typed]:
            # This one only looks; what it finds has a form of its own.
            form.fields["credential"] = form.fields.get("credential") or await _some_session(browser)
            for next_form in read(await browser.send(form))[1]:
                found.setdefault(kind_of(next_form.action), next_form)
    return list(found.values())


async def _some_session(browser: Browser) -> str:
    ids: list[str] = re.findall(r"sess_[a-z0-9]{26}", await browser.open("/admin/sessions?status=live"))
    return ids[0]


def _is_ours(link: str) -> bool:
    path = urlsplit(link).path
    return link.startswith("/") and path not in ENDLESS | OF_NOBODY and not path.startswith(("/static/", "/api/"))


def kind_of(path: str) -> str:
    parts = urlsplit(path)
    names = sorted({pair.partition("=")[0] for pair in parts.query.split("&") if pair})
    return ID.sub("{id}", parts.path) + ("?" + "&".join(names) if names else "")


def every_form() -> set[str]:
    """Where forms lead, by the routes that there are."""
    return {re.sub(r"\{[^}]*\}", "{id}", page.path) for page in PAGES if page.method == "POST"}
