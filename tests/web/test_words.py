"""What pages say goes through the catalogues: all of it, and in every language the same."""

from __future__ import annotations

import io
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from gettext import GNUTranslations
from html.parser import HTMLParser
from urllib.parse import urlencode

import pytest
from babel.messages.catalog import Catalog, Message

from ostiary import __version__
from ostiary.core.oauth.client import GRANTS
from ostiary.core.reach import SCOPES
from ostiary.settings import Settings
from ostiary.web import language
from ostiary.web.rendering import script_words
from tests import catalogues
from tests.support import databases
from tests.support.clock import Clock
from tests.support.people import CHEAP_PASSWORDS, CHROME, FIREFOX, PASSWORD, at
from tests.web.conftest import surfing
from tests.web.crawl import crawl
from tests.web.surfer import Surfer

PLACEHOLDER = re.compile(r"%\(\w+\)s")
TAG = re.compile(r"</?[a-z][^>]*>")
KEPT = re.compile(rf"({PLACEHOLDER.pattern}|{TAG.pattern})")
LETTERS = str.maketrans(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", "ÅßÇÐÈƑĜĤÎĴĶĿṀÑÖÞǪŔŠŢÛṼŴẊÝŽåƀçðéƒĝĥîĵķļɱñöþǫŕšţûṽŵẋýž"
)
VOID = {"input", "meta", "link", "br"}
SILENT = {"code", "script", "style", "textarea"}
SPOKEN = ("title", "aria-label", "placeholder", "alt")  # attributes that somebody reads
# What stands on pages as it is: names of this test's people and programs, and of the product; what agents call
# themselves; words of the protocols and of filters, as they are typed.
DATA = [
    *("Ostiary", __version__, "ada", "nobody", "Calendar", "script", "laptop", "new", "calendar.example"),
    *("Firefox", "Chrome", "Linux", "Windows", "https", "database:tests", "sess_…", "live", *GRANTS, *SCOPES),
    *(FIREFOX, "cli-token", "client_id", "cursor", "id_token_hint"),
]


@pytest.fixture
def pseudo(tmp_path, monkeypatch) -> Iterator[None]:
    """A language whose words are the English ones in letters that no source has."""
    directory = tmp_path / "xx" / "LC_MESSAGES"
    directory.mkdir(parents=True)
    catalogue = Catalog(locale="en", charset="utf-8", fuzzy=False)
    for message in catalogues.extracted():
        if message.id:
            said = tuple(map(disguised, catalogues.forms(message.id)))
            catalogue.add(message.id, said if len(said) > 1 else said[0], context=message.context)
    (directory / "ostiary.mo").write_bytes(catalogues.compiled(catalogue))
    monkeypatch.setattr(language, "LOCALES", tmp_path)
    language.languages.cache_clear()
    yield
    monkeypatch.undo()
    language.languages.cache_clear()
    language.speak(language.ENGLISH)


@pytest.fixture
async def one_surfer(tmp_path) -> AsyncIterator[Surfer]:
    """On SQLite: words do not come from the database."""
    url = await databases.new_sqlite(tmp_path, tmp_path / "template.db")
    async with surfing(Settings(database_url=url, **CHEAP_PASSWORDS), Clock()) as surfer:
        yield surfer


def disguised(text: str) -> str:
    return "".join(part if KEPT.fullmatch(part) else part.translate(LETTERS) for part in KEPT.split(text))


@dataclass
class Reader(HTMLParser):
    """Collects what somebody sees or hears of a page. Code is data, and so is the record below an event's title."""

    said: list[str] = field(default_factory=list)
    _within: list[tuple[str, set[str]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag, attributes):
        self.said += [value or "" for name, value in attributes if name in SPOKEN]
        if tag not in VOID:
            self._within.append((tag, set((dict(attributes).get("class") or "").split())))

    def handle_endtag(self, tag):
        while self._within and self._within.pop()[0] != tag:
            pass

    def handle_data(self, data):
        if not self._is_data():
            self.said.append(data)

    def _is_data(self) -> bool:
        of_event = any("event" in classes for _, classes in self._within)
        return any(tag in SILENT or (of_event and "quiet" in classes) for tag, classes in self._within)


def english_in(page: str, data: list[str]) -> set[str]:
    """The words that are not in the disguise, and no data."""
    reader = Reader()
    reader.feed(page)
    known = re.compile("|".join(re.escape(word) for word in sorted(data, key=len, reverse=True)))
    left = (known.sub("", text) for text in reader.said)
    return {text.strip() for text in left if re.search(r"[A-Za-z]", text)}


def test_the_template_is_what_the_source_says(capfd):
    kept = catalogues.TEMPLATE.read_text(encoding="utf-8")
    assert kept == catalogues.written(catalogues.extracted()), "run `python3 dev.py words`"
    assert capfd.readouterr().err == "", "an f-string cannot be translated; use `translatable`"


async def test_every_visible_text_of_every_page_comes_through_the_catalogue(one_surfer, pseudo):
    surfer = one_surfer
    surfer.language = "xx"
    known = await crawl(surfer)
    await surfer.sign_in("ada", PASSWORD + "!")
    for path in FAULTY:
        await surfer.get(path)
    for path, fields in REFUSED:
        await surfer.submit(path, **fields)
    for wanted in ("consent", "select_account", "login"):
        shown = await surfer.get(authorization(known.client_id, wanted))
        assert shown.status_code == 200 and "/oauth/authorize/decision" in shown.text, wanted
    await end_many_and_bring_them_back(surfer)
    pages = [one for one in surfer.answers if one.headers.get("content-type", "").startswith("text/html")]
    assert len(pages) > 40
    found = {text: str(one.url) for one in pages for text in english_in(one.text, [*DATA, *vars(known).values()])}
    assert not found, "\n".join(f"{url}: {text!r}" for text, url in found.items())
    assert all('<html lang="xx">' in one.text for one in pages if "<html" in one.text)


# Addresses with something wrong in them, or nothing behind them; and forms that are shown again.
FAULTY = [
    *("/settings/sessions?page=x", "/settings/sessions?page=0", "/settings/sessions/sess_x/end", "/setup?code=unknown"),
    *("/admin/sessions?ip=none", "/admin/sessions?created_after=x", "/admin/sessions?cursor=x", "/admin?span=year"),
    *("/admin/sessions?q=" + "q" * 300, "/admin/sessions?reason=user&status=live", "/admin/sessions?q=sess_a"),
    *("/admin/users?username=nobody", "/admin/users/nobody", "/admin/events?user=nobody", "/admin/plans/plan_x"),
    *("/oauth/authorize?client_id=none", "/oauth/end-session?id_token_hint=x", "/settings/applications/x/withdraw"),
    *("/admin/sessions?status=revoked", "/sign-in?again=1", "/nothing"),
]
REFUSED = [
    ("/settings/password", {"current": "wrong", "new": "a" * 9, "again": "a" * 9}),
    ("/settings/password", {"current": PASSWORD + "!", "new": "short", "again": "short"}),
    ("/settings/password", {"current": PASSWORD + "!", "new": "a" * 9, "again": "b" * 9}),
    ("/settings/tokens/new", {"name": "", "days": "30", "scope": "sessions:read"}),
    ("/settings/tokens/new", {"name": "new", "days": "3", "scope": "sessions:read"}),
    ("/admin/neutralise", {"credential": "nothing"}),
    ("/admin/neutralise", {"credential": "client_x"}),
    ("/admin/neutralise", {"credential": "q" * 20_000}),
]


def authorization(client_id: str, prompt: str) -> str:
    fields = {"client_id": client_id, "redirect_uri": "https://calendar.example/back", "response_type": "code"}
    proof = {"code_challenge": "x" * 43, "code_challenge_method": "S256", "scope": "openid email", "prompt": prompt}
    return f"/oauth/authorize?{urlencode(fields | proof)}"


async def end_many_and_bring_them_back(surfer: Surfer) -> None:
    for _ in range(30):
        await surfer.authority.sign_in.with_password("ada", PASSWORD + "!", client=at("203.0.113.9", CHROME))
    for path in ("/settings/sessions", "/settings/sessions?page=2", "/admin"):
        await surfer.get(path)
    plan = (await surfer.submit("/admin/sessions", "/admin/plans", status="live")).headers["location"]
    await surfer.submit(plan, f"{plan}/apply", undo="10", newer="leave")
    await surfer.get("/admin/plans")
    await surfer.submit(plan, f"{plan}/undo")
    await surfer.submit(plan, f"{plan}/undo")
    for path in (plan, "/admin/plans", "/admin/events", "/settings/sessions/ended"):
        await surfer.get(path)
    credential = surfer.cookies["__Host-session"]
    await surfer.submit("/admin/neutralise", credential=credential)
    stranger = surfer.stranger()
    for _ in range(12):
        await stranger.submit("/sign-in", username="ada", password="wrong")


def test_a_text_that_did_not_come_through_the_catalogue_is_found():
    page = '<title>Ostiary</title><h1>ada</h1><p title="Ŝéé">Ñöŵ <code>x</code> plain</p><a aria-label="bare"></a>'
    assert english_in(page, DATA) == {"plain", "bare"}
    assert disguised('End %(num)s <a href="/x">now</a>') == 'Èñð %(num)s <a href="/x">ñöŵ</a>'


def test_what_the_scripts_say_is_sent_along(pseudo):
    extracted = {
        str(one.id) for one in catalogues.extracted() if any(path.endswith(".js") for path, _ in one.locations)
    }
    assert extracted and script_words() == {}
    language.speak(language.preferred("xx"))
    assert script_words() == {text: disguised(text) for text in extracted}


def test_every_language_is_whole_and_its_placeholders_and_markup_agree():
    wanted = {(one.id, one.context) for one in catalogues.extracted()}
    for name, path in catalogues.kept().items():
        catalogue = catalogues.read(path, name)
        assert {(one.id, one.context) for one in catalogue} == wanted, name
        faults = [fault for message in catalogue if message.id for fault in faults_of(message)]
        assert not faults, "\n".join(faults)
        assert path.with_suffix(".mo").read_bytes() == catalogues.compiled(catalogue), "run `python3 dev.py words`"


def faults_of(message: Message) -> Iterator[str]:
    """What is wrong with a translation; with its plurals, where it has some."""
    sources = catalogues.forms(message.id)
    for form in catalogues.forms(message.string):
        if not form:
            yield f"{sources[0]!r} is not translated"
        elif set(PLACEHOLDER.findall(form)) - set(PLACEHOLDER.findall(sources[-1])):
            yield f"{form!r} has a placeholder that {sources[-1]!r} has not"
        elif set(PLACEHOLDER.findall(sources[-1])) - set(PLACEHOLDER.findall(form)) - {"%(num)s"}:
            yield f"{form!r} lacks a placeholder of {sources[-1]!r}"
        elif sorted(TAG.findall(form)) != sorted(TAG.findall(sources[0])) or re.search("[<>]", TAG.sub("", form)):
            yield f"{form!r} has other markup than {sources[0]!r}"


def test_the_forms_of_a_number_agree_with_each_other():
    for message in catalogues.extracted():
        if isinstance(message.id, tuple):
            one, many = message.id
            assert set(PLACEHOLDER.findall(one)) <= set(PLACEHOLDER.findall(many)), message.id
            assert TAG.findall(one) == TAG.findall(many), message.id


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Name %(name)s", ""),
        ("Name %(name)s", "Name"),
        ("Name %(name)s", "Name %(nmae)s"),
        ("<strong>%(a)s</strong> ends", "%(a)s endet"),
        ("ends", "<script>endet</script>"),
        ("ends", "endet <"),
    ],
)
def test_a_faulty_translation_is_found(text, said):
    assert list(faults_of(Message(text, said)))


def test_a_good_translation_is_not_refused():
    assert not list(faults_of(Message("Name %(name)s, <b>now</b>", "<b>jetzt</b>: Name %(name)s")))
    assert not list(faults_of(Message(("%(num)s day", "%(num)s days"), ("ein Tag", "%(num)s Tage"))))


def test_a_new_language_knows_its_months_its_numbers_and_its_direction():
    template = catalogues.extracted()
    german, hebrew = catalogues.begun("de", template), catalogues.begun("he", template)
    assert said(german, "March") == "März"
    assert said(german, ",", "between thousands") == "."
    assert german.num_plurals == 2
    assert said(hebrew, "ltr", "direction of the script: ltr or rtl") == "rtl"


def test_what_is_not_translated_is_said_in_english():
    begun = catalogues.begun("de", catalogues.extracted())
    read = GNUTranslations(io.BytesIO(catalogues.compiled(begun)))
    assert read.gettext("March") == "März"
    assert read.gettext("Sign in") == "Sign in"
    assert read.ngettext("%(num)s day ago", "%(num)s days ago", 2) == "%(num)s days ago"


def said(catalogue: Catalog, text: str, context: str | None = None) -> object:
    message = catalogue.get(text, context=context)
    return message and message.string


@pytest.mark.parametrize(
    ("header", "tag"),
    [
        (None, "en"),
        ("", "en"),
        ("xx", "xx"),
        ("XX-Latn-AT;q=0.5", "xx"),
        ("de, xx;q=0.1", "xx"),
        ("en, xx;q=0.9", "en"),
        ("xx;q=0.9, en-GB", "en"),
        ("xx;q=0", "en"),
        ("*", "en"),
        ("\x00;;,,q=,xx", "xx"),
        (", " * 40 + "xx", "en"),
        ("../../etc/passwd", "en"),
    ],
)
def test_the_language_is_what_the_browser_likes_most_of_those_that_there_are(pseudo, header, tag):
    assert language.preferred(header).tag == tag


async def test_a_page_and_the_one_after_it_each_speak_their_own_language(one_surfer, pseudo):
    surfer = one_surfer
    for wanted, expected in (("xx", "xx"), (None, "en"), ("xx", "xx"), ("en", "en")):
        surfer.language = wanted
        answer = await surfer.get("/sign-in")
        assert f'<html lang="{expected}">' in answer.text
        assert ("Sign in" in answer.text) == (expected == "en")
        assert "Accept-Language" in answer.headers["vary"]
