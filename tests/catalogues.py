"""The catalogues of what pages say: extracted from the source, brought along, compiled. `python3 dev.py words` runs it.

python -m tests.catalogues            write the template anew, and bring every language along
python -m tests.catalogues --add TAG  begin a language, such as `de` or `pt_BR`
"""

from __future__ import annotations

import argparse
import copy
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_file
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from ostiary.web.formats import MONTHS
from ostiary.web.language import DOMAIN, LOCALES

SOURCE = Path(__file__).parent.parent / "src" / "ostiary"
TEMPLATE = LOCALES / f"{DOMAIN}.pot"
# Which argument of what holds a text; `c` is a context.
KEYWORDS = {
    **{name: DEFAULT_KEYWORDS[name] for name in ("_", "gettext", "ngettext", "pgettext", "npgettext")},
    "plural": (1, 2),
    "say": None,
    "translatable": None,
    # What these say may stand on a page.
    "BadRequest": (2,),
    "Conflict": None,
    "InvalidRequest": (2,),
    "NotAllowed": None,
    "PlanStale": None,
}
# The pages, and the parts of the source whose errors a page may show.
NO_PAGE = {
    *("core/gateway.py", "core/reach.py", "core/taking.py"),
    *("authority/administration.py", "authority/opening.py", "authority/receipts.py", "authority/verifiers.py"),
    *("authority/oauth/clients.py", "http/admin_events.py", "http/feed_readers.py", "http/limits.py"),
    *("http/openapi_errors.py", "http/question.py", "http/verifications.py"),
}
PYTHON = ("errors/**/*.py", "core/**/*.py", "storage/*.py", "authority/**/*.py", "http/*.py", "web/**/*.py")
SCRIPTS = ("web/static/ostiary.js", "web/static/console.js")


def extracted() -> Catalog:
    """Every text that a page can show, in the order of the source."""
    catalogue = Catalog(project="Ostiary", charset="utf-8")
    for path, found in _found():
        for _, messages, _, context in found:
            catalogue.add(messages, locations=[(path.relative_to(SOURCE).as_posix(), 0)], context=context)
    return catalogue


def _found() -> Iterator[tuple[Path, Any]]:
    for pattern in PYTHON:
        for path in sorted(SOURCE.glob(pattern)):
            if path.relative_to(SOURCE).as_posix() not in NO_PAGE:
                yield path, extract_from_file("python", path, keywords=KEYWORDS)
    for name in SCRIPTS:
        yield SOURCE / name, extract_from_file("javascript", SOURCE / name, keywords=KEYWORDS)
    for path in sorted((SOURCE / "web" / "templates").rglob("*.html")):
        yield path, extract_from_file("jinja2.ext:babel_extract", path, keywords=KEYWORDS, options=OPTIONS)


# As `ostiary.web.rendering.environment` reads them.
OPTIONS = {"trim_blocks": "true", "lstrip_blocks": "true", "newstyle_gettext": "true", "silent": "false"}


def written(catalogue: Catalog) -> str:
    """As it is kept: without times, and with files but no lines, so that only words change it."""
    content = io.BytesIO()
    write_po(content, catalogue, width=120, include_lineno=False, ignore_obsolete=True)
    dated = re.compile(
        r'^"(POT-Creation-Date|PO-Revision-Date|Last-Translator|Language-Team|Generated-By|Report-Msgid)'
    )
    lines = content.getvalue().decode().splitlines(keepends=True)
    return "".join(line for line in lines if not dated.match(line) and not line.startswith("# "))


def compiled(catalogue: Catalog) -> bytes:
    """As it is read at run time; what is fuzzy or not translated in all its forms is left out, and said in English."""
    whole = copy.deepcopy(catalogue)
    for message in catalogue:
        if message.id and not all(forms(message.string)):
            whole.delete(message.id, message.context)
    content = io.BytesIO()
    write_mo(content, whole)
    return content.getvalue()


def kept() -> dict[str, Path]:
    """The catalogue of each language that there is, by its directory's name."""
    return {path.parent.parent.name: path for path in sorted(LOCALES.glob(f"*/LC_MESSAGES/{DOMAIN}.po"))}


def read(path: Path, name: str | None = None) -> Catalog:
    """A catalogue of a language."""
    with path.open("rb") as content:
        return read_po(content, locale=name)


def begun(name: str, template: Catalog) -> Catalog:
    """A new language: nothing is translated but what CLDR knows, the months and how numbers are written."""
    locale = Locale.parse(name)
    catalogue = Catalog(locale=locale, project="Ostiary", charset="utf-8", fuzzy=False)
    catalogue.update(copy.deepcopy(template))  # it takes the messages themselves
    for number, month in enumerate(MONTHS, 1):
        _say(catalogue.get(month), locale.months["format"]["wide"][number])
    symbols = locale.number_symbols["latn"]
    _say(catalogue.get(",", context="between thousands"), symbols["group"])
    _say(catalogue.get(".", context="before decimals"), symbols["decimal"])
    _say(catalogue.get("ltr", context="direction of the script: ltr or rtl"), locale.text_direction)
    return catalogue


def _say(message: Message | None, text: str) -> None:
    assert message is not None
    message.string = text


def bring_along(name: str, path: Path, template: Catalog) -> None:
    """Put what the source says now into a language's catalogue, and compile it."""
    catalogue = read(path, name)
    catalogue.update(copy.deepcopy(template), no_fuzzy_matching=True)
    path.write_text(written(catalogue), encoding="utf-8")
    path.with_suffix(".mo").write_bytes(compiled(catalogue))
    missing = sum(1 for message in catalogue if message.id and not all(forms(message.string)))
    print(f"{name}: {missing} of {len(catalogue)} texts are not translated" if missing else f"{name}: complete")


def forms(said: Any) -> tuple[str, ...]:
    """One text, or one for each plural form."""
    return tuple(said) if isinstance(said, tuple | list) else (said or "",)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="dev.py words", description="Bring the catalogues along with the source.")
    parser.add_argument("--add", metavar="TAG", help="begin a language, such as de or pt_BR")
    wanted = parser.parse_args(arguments).add
    template = extracted()
    TEMPLATE.parent.mkdir(exist_ok=True)
    TEMPLATE.write_text(written(template), encoding="utf-8")
    if wanted is not None:
        path = LOCALES / wanted / "LC_MESSAGES" / f"{DOMAIN}.po"
        if path.exists():
            parser.error(f"{wanted} is there already")
        try:
            catalogue = begun(wanted, template)
        except (UnknownLocaleError, ValueError) as why:
            parser.error(str(why))
        path.parent.mkdir(parents=True)
        path.write_text(written(catalogue), encoding="utf-8")
    for name, path in kept().items():
        bring_along(name, path, template)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
