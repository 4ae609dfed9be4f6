"""The documentation, held against the code: nothing undocumented, nothing documented that is not there.

Each rule is a function from the pages (and what the code says of itself) to its violations, as in test_house.py.
It runs on the pages of the project; then on pages that are wrong in one place, which proves that it can fail.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import click
import pytest

from ostiary import errors, settings
from ostiary.core.duration import format_duration
from ostiary.core.event import EVENT_KINDS
from ostiary.core.policy import PRESETS, Policy
from ostiary.core.session import REASONS
from tests.support.databases import skip
from tests.support.people import PASSWORD
from tests.support.processes import clean_environment, serving

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "ostiary"

Pages: TypeAlias = Mapping[str, str]  # path from the root, text
Rule: TypeAlias = Callable[[Pages], Iterator[str]]

CLI, HTTP = "docs/reference/cli.md", "docs/reference/http.md"
SETTINGS, ERRORS = "docs/reference/settings.md", "docs/reference/errors.md"
EVENTS, POLICIES = "docs/reference/events.md", "docs/reference/policies.md"
METRICS, COOKIES = "docs/reference/metrics.md", "docs/reference/cookies.md"
PAGES, SDK, OAUTH = "docs/reference/pages.md", "docs/reference/sdk.md", "docs/reference/oauth.md"


@cache
def pages() -> dict[str, str]:
    found = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in sorted(found)}


# Reading Markdown: as much of it as these pages use.


def sections(text: str, level: int) -> dict[str, str]:
    """What stands under each heading of a level, without the headings further in; the heading without backticks."""
    found: dict[str, str] = {}
    title = None
    for line in outside_code(text, keep=True):
        heading = re.match(r"(#+) (.*)", line) if not line.startswith("\0") else None
        if heading is not None and len(heading[1]) <= level:
            title = heading[2].replace("`", "") if len(heading[1]) == level else None
            if title is not None:
                found[title] = ""
        elif title is not None:
            found[title] += line.lstrip("\0") + "\n"
    return found


def rows(text: str) -> list[list[str]]:
    """The cells of every table row but the heads and the rulers."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    rulers = {number for number, line in enumerate(lines) if re.fullmatch(r"[|\s:-]+", line)}
    skipped = rulers | {number - 1 for number in rulers}
    return [
        [cell.strip() for cell in line.strip().strip("|").split(" |")]
        for number, line in enumerate(lines)
        if number not in skipped
    ]


def names(text: str) -> list[str]:
    """What stands in backticks."""
    return re.findall(r"`([^`\n]+)`", text)


def first_names(text: str) -> list[str]:
    """What stands in backticks in the first column of the tables."""
    return [name for row in rows(text) for name in names(row[0])]


def outside_code(text: str, *, keep: bool = False) -> Iterator[str]:
    """The lines that are not in a fenced block; with `keep`, those in one too, marked with NUL."""
    fenced = False
    for line in text.splitlines():
        if line.lstrip().startswith("```"):
            fenced = not fenced
            if keep:
                yield "\0" + line
        elif not fenced:
            yield line
        elif keep:
            yield "\0" + line


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    found: Counter[str] = Counter()
    slugs = set()
    for line in outside_code(text):
        if heading := re.match(r"#+ (.*)", line):
            slug = re.sub(r"[^\w\- ]", "", heading[1].lower()).replace(" ", "-")
            slugs.add(f"{slug}-{found[slug]}" if found[slug] else slug)
            found[slug] += 1
    return slugs


def differences(where: str, documented: Iterable[str], real: Iterable[str]) -> Iterator[str]:
    said, there = list(documented), set(real)
    yield from (f"{where}: {name} is not documented" for name in sorted(there - set(said)))
    yield from (f"{where}: {name} does not exist" for name in sorted(set(said) - there))
    yield from (f"{where}: {name} is documented {times} times" for name, times in Counter(said).items() if times > 1)


# What the code says of itself.


@cache
def commands() -> dict[str, click.Command]:
    from ostiary.cli import root

    return dict(_leaves(root, "ostiary"))


def _leaves(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield path, command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        inner = command.get_command(context, name)
        assert inner is not None
        yield from _leaves(inner, f"{path} {name}")


def heading_of(path: str, command: click.Command) -> str:
    """`ostiary session revoke ID...`"""
    context = click.Context(command)
    arguments = [one.make_metavar(context) for one in command.params if isinstance(one, click.Argument)]
    return " ".join([path, *("SHELL" if "|" in argument else argument for argument in arguments)])


def global_options() -> list[click.Option]:
    from ostiary.cli.options import global_options as new_options

    return new_options()


def own_options(command: click.Command) -> list[click.Option]:
    """Those of the command itself: with the global ones it names the same objects as no other command does."""
    shared = {id(option) for option in getattr(command, "_global", ())}
    options = [one for one in command.params if isinstance(one, click.Option) and not one.hidden]
    return [one for one in options if id(one) not in shared]


@cache
def document() -> dict[str, Any]:
    from ostiary.http import openapi

    return openapi.document()


def operations() -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": operation
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
    }


def members(schema: Mapping[str, Any]) -> set[str]:
    """The members of an object, or of the objects in an array."""
    if "$ref" in schema:
        return members(document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    inner = [*schema.get("oneOf", ()), *schema.get("anyOf", ()), schema.get("items") or {}]
    return {*schema.get("properties", ()), *(name for part in inner if part for name in members(part))}


def body_of(operation: Mapping[str, Any]) -> set[str]:
    content = operation.get("requestBody", {}).get("content", {})
    return {name for part in content.values() for name in members(part["schema"])}


def answer_of(operation: Mapping[str, Any]) -> set[str]:
    good = [answer for status, answer in operation["responses"].items() if int(status) < 300]
    told = {name for answer in good for part in answer.get("content", {}).values() for name in members(part["schema"])}
    own = {name for answer in good for name in answer.get("headers", ()) if name.startswith("Ostiary-")}
    return told | own


def query_of(operation: Mapping[str, Any]) -> set[str]:
    return {one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"}


def refusals_of(operation: Mapping[str, Any]) -> set[str]:
    bad = [answer for status, answer in operation["responses"].items() if int(status) >= 400]
    return {code for answer in bad for code in names(answer["description"])}


def error_classes() -> list[type[errors.OstiaryError]]:
    found = vars(errors).values()
    return [
        one
        for one in found
        if isinstance(one, type) and issubclass(one, errors.OstiaryError) and one is not errors.OstiaryError
    ]


def metrics() -> dict[str, tuple[str, set[str]]]:
    """Type and labels by the name that is exposed."""
    from ostiary.http.metrics import Metrics

    made = [one for one in vars(Metrics()).values() if hasattr(one, "_labelnames")]
    parents = {one._name: one for one in made}
    exposed = re.findall(r"^# TYPE (\S+) (\S+)$", Metrics().exposition().decode(), re.MULTILINE)
    found: dict[str, tuple[str, set[str]]] = {
        name: (kind, set()) for name, kind in exposed if not name.endswith("_created")
    }
    for name, parent in parents.items():
        exposed_name = next(known for known in found if known.removesuffix("_total") == name)
        found[exposed_name] = (found[exposed_name][0], set(getattr(parent, "_labelnames", ())))
    return found


def environment_variables(source: Path) -> set[str]:
    """Ours wherever they are named; others where the environment is asked for them."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in source.rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    constants = {
        node.target.id: node.value.value
        for node in nodes
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Name)
        and isinstance(node.value, ast.Constant)
    }
    asked = [part for node in nodes if asks_the_environment(node) for part in ast.walk(node)]
    found = {str(constants.get(part.id)) for part in asked if isinstance(part, ast.Name)}
    pieces = {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
    found |= {str(part.value) for part in asked if isinstance(part, ast.Constant) and id(part) not in pieces}
    ours = {str(node.value) for node in nodes if isinstance(node, ast.Constant)}
    for node in nodes:  # f"{PREFIX}SETTINGS"
        if isinstance(node, ast.JoinedStr) and ast.unparse(node).startswith("f'{PREFIX}"):
            ours.add(settings.PREFIX + ast.unparse(node).removeprefix("f'{PREFIX}").removesuffix("'"))
    return {name for name in found if re.fullmatch(r"[A-Z][A-Z0-9_]*[A-Z]", name)} | {
        name for name in ours if re.fullmatch(r"OSTIARY_[A-Z_]*[A-Z]", name)
    }


def asks_the_environment(node: ast.AST) -> bool:
    """`os.environ.get(…)`, `environ[…]` and the like."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return ast.unparse(node.func.value).endswith("environ") or node.func.attr == "getenv"
    return isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith("environ")


# The rules: what is there and what is written of it.


def commands_match(pages: Pages) -> Iterator[str]:
    documented = {title: text for title, text in sections(pages[CLI], 3).items() if title.startswith("ostiary ")}
    real = {heading_of(path, command): command for path, command in commands().items()}
    yield from differences(CLI, documented, real)
    for heading in documented.keys() & real.keys():
        said = [name.split()[0] for name in first_names(documented[heading]) if name.startswith("-")]
        options = own_options(real[heading])
        yield from differences(f"{CLI}: {heading}", said, spellings(options))
        for option in options:
            default = option.default
            told = isinstance(default, str | int) and not isinstance(default, bool)
            if told and not re.search(rf"default `?{re.escape(str(default))}\b", documented[heading]):
                yield f"{CLI}: {heading}: the default of {option.opts[0]} is {default}"


def global_options_match(pages: Pages) -> Iterator[str]:
    said = [name.split()[0] for name in first_names(sections(pages[CLI], 2)["Global options"])]
    yield from differences(f"{CLI}: global options", said, spellings(global_options()))


def spellings(options: Iterable[click.Option]) -> Iterator[str]:
    """Every name of an option, also those that take it back."""
    return (name for option in options for name in (*option.opts, *option.secondary_opts))


def exit_codes_match(pages: Pages) -> Iterator[str]:
    from ostiary.cli import failures

    said = {row[0]: row[1] for row in rows(sections(pages[CLI], 2)["Exit codes"])}
    real = {cells[0]: cells[1] for cells in rows(failures.__doc__ or "")}
    yield from differences(f"{CLI}: exit codes", said, real)
    numbers = {str(value) for name, value in vars(failures).items() if name.isupper() and isinstance(value, int)}
    yield from differences(f"{CLI}: exit codes", said, (numbers | {"0"}) - {str(failures.MAXIMUM_MESSAGE)})


def formats_match(pages: Pages) -> Iterator[str]:
    from ostiary.cli.output import FORMATS

    yield from differences(f"{CLI}: formats", first_names(sections(pages[CLI], 2)["Formats"]), FORMATS)


SETTINGS_PARTS = ("The server", "The policy", "Retention and privacy", "Signing in", "OAuth")


def settings_match(pages: Pages) -> Iterator[str]:
    parts = sections(pages[SETTINGS], 2)
    table = [row for title in SETTINGS_PARTS for row in rows(parts[title])]
    said = {names(row[0])[0]: row[1] for row in table}
    yield from differences(SETTINGS, (names(row[0])[0] for row in table), (name for name, _, _ in settings.table()))
    for row in dataclasses.fields(settings.Settings):
        default = said.get(row.name)
        if default is not None and row.default is not dataclasses.MISSING and default != written_default(row.default):
            yield f"{SETTINGS}: the default of {row.name} is {written_default(row.default)}, not {default}"


def written_default(value: object) -> str:
    if value is None:
        return "not set"
    if value == ():
        return "none"
    if isinstance(value, timedelta):
        return f"`{format_duration(value)}`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def environment_matches(pages: Pages) -> Iterator[str]:
    real = environment_variables(SOURCE)
    of_settings = {settings.PREFIX + name.upper() for name, _, _ in settings.table()}
    said = first_names(sections(pages[SETTINGS], 2)["Environment variables"])
    yield from differences(SETTINGS, said, real - of_settings)
    for page, text in pages.items():
        for name in set(re.findall(r"\bOSTIARY_[A-Z_]*[A-Z]\b", text)) - real - of_settings:
            if not name.startswith("OSTIARY_TEST_"):  # those are for who runs the tests
                yield f"{page}: {name} does not exist"


def endpoints_match(pages: Pages) -> Iterator[str]:
    from ostiary.contract.operation import ANY, CREDENTIAL

    always, signed_in = {one.code for one in ANY}, {one.code for one in CREDENTIAL}
    yield from operations_match(pages[HTTP], HTTP, always, signed_in, pages[HTTP].partition("\n## ")[0])


def oauth_endpoints_match(pages: Pages) -> Iterator[str]:
    from ostiary.contract.operation import ANY, CREDENTIAL
    from ostiary.core.oauth.fields import code_of
    from ostiary.http.openapi_errors import sample

    # The metadata answers problems, whose words the other page introduces.
    always = {code_of(sample(one)) for one in ANY} | {one.code for one in ANY}
    introduced = pages[OAUTH].partition("\n### ")[0] + pages[HTTP].partition("\n## ")[0]
    signed_in = {code_of(sample(one)) for one in CREDENTIAL}
    yield from operations_match(pages[OAUTH], OAUTH, always, signed_in, introduced, is_oauth=True)


def operations_match(
    page: str, name: str, always: set[str], signed_in: set[str], introduction: str, *, is_oauth: bool = False
) -> Iterator[str]:
    documented = {title: text for title, text in sections(page, 3).items() if re.match(r"[A-Z]+ /", title)}
    real = {title: one for title, one in operations().items() if (one["tags"] == ["OAuth"]) is is_oauth}
    yield from differences(name, documented, real)
    told = {code for one in real.values() for code in refusals_of(one)} & (always | signed_in)
    yield from (f"{name}: {code} is not introduced" for code in sorted(told - set(names(introduction))))
    for title in sorted(documented.keys() & real.keys()):
        text, operation = documented[title], real[title]
        where = f"{name}: {title}"
        public = {} in operation["security"] and {"basic": []} not in operation["security"]
        if public is not ("No credential needed" in text):
            yield f"{where}: says the wrong thing about credentials"
        usual = always if public else always | signed_in
        yield from differences(f"{where}: errors", item(text, "Errors"), refusals_of(operation) - usual)
        yield from differences(f"{where}: query", item(text, "Query"), query_of(operation))
        yield from differences(f"{where}: body", item(text, "Body"), body_of(operation))
        if not re.search(r"\[sessions?\]\(#session\)", text):  # its members stand under Shapes
            yield from differences(f"{where}: answer", item(text, "Answer"), answer_of(operation))


def shapes_match(pages: Pages) -> Iterator[str]:
    schemas = document()["components"]["schemas"]
    said = sections(sections(pages[HTTP], 2)["Shapes"], 3)
    plain, admin, user = (next(text for title, text in said.items() if title == wanted) for wanted in SHAPES)
    yield from differences(f"{HTTP}: session", first_names(plain), schemas["Session"]["properties"])
    yield from differences(
        f"{HTTP}: session, for administrators",
        first_names(admin),
        schemas["AdminSession"]["properties"].keys() - schemas["Session"]["properties"].keys(),
    )
    yield from differences(f"{HTTP}: user", names(user), schemas["AdminUser"]["properties"])


SHAPES = ("Session", "Session, for administrators", "User")


def item(text: str, name: str) -> list[str]:
    """What a line such as `* Body: …` names, without what stands in parentheses."""
    found = re.search(rf"^\* {name}(?:, [^:\n]*)?: ((?:.*\n)(?:  .*\n)*)", text, re.MULTILINE)
    bare = found[1] if found else ""
    while bare != (bare := re.sub(r"\([^()]*\)", "", bare)):
        pass
    return names(bare)


def errors_match(pages: Pages) -> Iterator[str]:
    from ostiary.contract.problem import Problem

    said = {names(row[0])[0]: row for row in rows(sections(pages[ERRORS], 2)["Codes"])}
    real = {one.code: one.status for one in error_classes()}
    yield from differences(ERRORS, first_names(sections(pages[ERRORS], 2)["Codes"]), real)
    for code in said.keys() & real.keys():
        if not said[code][1].startswith(str(real[code])):
            yield f"{ERRORS}: the status of {code} is {real[code]}"
    told = {re.sub(r" \(.*", "", name) for row in said.values() for name in names(re.sub(r"\(.*?\)", "", row[3]))}
    always = {"type", "title", "status", "code", "detail", "request_id", "error", "message"}
    yield from differences(f"{ERRORS}: members", told, set(Problem.__struct_fields__) - always)
    example = set(re.findall(r'^  "(\w+)":', pages[ERRORS], re.MULTILINE))
    yield from (f"{ERRORS}: the example lacks {name}" for name in sorted(always - example))


def events_match(pages: Pages) -> Iterator[str]:
    parts = sections(pages[EVENTS], 2)
    yield from differences(EVENTS, first_names(parts["Kinds"]), EVENT_KINDS)
    yield from differences(EVENTS, first_names(parts["Reasons"]), REASONS)


def policies_match(pages: Pages) -> Iterator[str]:
    parts = sections(pages[POLICIES], 2)
    yield from differences(POLICIES, first_names(parts["Presets"]), PRESETS)
    for row in rows(parts["Presets"]):
        policy = PRESETS.get(names(row[0])[0])
        if policy is not None and row[1:] != written_limits(policy):
            yield f"{POLICIES}: {policy.name} is {written_limits(policy)}, not {row[1:]}"
    beside = rows(parts["Beside NIST SP 800-63B-4"])
    yield from differences(f"{POLICIES}: beside NIST", (names(row[0])[0] for row in beside), PRESETS)
    for row in beside:
        policy = PRESETS.get(names(row[0])[0])
        if policy is not None:
            exceeds = exceeded(policy.lifetime, row[2]) or exceeded(policy.idle_timeout, row[3])
            if exceeds and f"Why `{policy.name}` exceeds NIST" not in pages[POLICIES]:
                yield f"{POLICIES}: {policy.name} exceeds NIST, and nothing says why"


def written_limits(policy: Policy) -> list[str]:
    most = "no limit" if policy.max_sessions is None else str(policy.max_sessions)
    return [
        written_span(policy.lifetime), written_span(policy.idle_timeout), written_span(policy.browser_idle), most,
        policy.at_limit, written_span(policy.step_up_age), written_span(policy.power_age),
    ]  # fmt: skip


def written_span(span: timedelta | None) -> str:
    if span is None:
        return "none"
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        number, rest = divmod(int(span.total_seconds()), size)
        if number and not rest and (unit, number) != ("day", 1):  # NIST writes 24 hours
            return f"{number} {unit}{'s' if number > 1 else ''}"
    raise AssertionError(span)


def exceeded(limit: timedelta | None, nist: str) -> bool:
    """True if our limit is longer than the recommended one, or missing where there is one."""
    found = re.match(r"(\d+) (day|hour|minute)s?", nist)
    if found is None:
        return False
    return limit is None or limit > timedelta(**{f"{found[2]}s": int(found[1])})


def metrics_match(pages: Pages) -> Iterator[str]:
    said = {names(row[0])[0]: (row[1], set(names(row[2]))) for row in rows(sections(pages[METRICS], 2)["Metrics"])}
    real = metrics()
    yield from differences(METRICS, said, real)
    yield from (f"{METRICS}: {name} is {real[name]}" for name in said.keys() & real.keys() if said[name] != real[name])


def cookies_match(pages: Pages) -> Iterator[str]:
    from ostiary.http.cookies import PLAIN_NAME, SECURE_NAME, SessionCookie

    token = "<id>.<secret>"
    for name, secure in ((SECURE_NAME, True), (PLAIN_NAME, False)):
        line = SessionCookie(name, is_secure=secure, is_refused=False).holding(token)
        if line not in names(pages[COOKIES]):
            yield f"{COOKIES}: {line} is not documented"


def passing_cookies_match(pages: Pages) -> Iterator[str]:
    from ostiary.web.passing_cookies import LIVES

    said = {names(row[0])[0]: row[1] for row in rows(sections(pages[COOKIES], 2)["Beside it"])}
    yield from differences(COOKIES, said, LIVES)
    yield from (f"{COOKIES}: {name} lives {LIVES[name]} s" for name in LIVES if said.get(name) != str(LIVES[name]))


def page_routes_match(pages: Pages) -> Iterator[str]:
    from tests.support.routes import PAGES as DECLARED

    yield from differences(PAGES, first_names(pages[PAGES]), {page.path for page in DECLARED})


def sdk_calls_match(pages: Pages) -> Iterator[str]:
    """Each call where its operation is."""
    from ostiary.contract.api import calls
    from ostiary.sdk import Ostiary

    real: dict[tuple[str, str], list[str]] = {}
    for path, operation in calls():
        page = OAUTH if operation.path.startswith(("/oauth/", "/.well-known/")) else HTTP
        title = f"{operation.method} {operation.path}"
        real.setdefault((page, title), []).append(f"{path}({arguments(operation.takes)})")
    for (page, title), there in real.items():
        lines = re.findall(r"^\* SDK: (.*\n(?:  .*\n)*)", sections(pages[page], 3).get(title, ""), re.MULTILINE)
        said = [" ".join(name.split()) for line in lines for name in re.findall(r"`([a-z_.]+\([^`]*\))`", line)]
        yield from differences(f"{page}: {title}: SDK", said, there)
    yield from differences(
        SDK, first_names(sections(pages[SDK], 2)["The client"]), inspect.signature(Ostiary).parameters
    )


def arguments(takes: Callable[..., object]) -> str:
    """`name, *, scopes`: as they are given."""
    words: list[str] = []
    for argument in inspect.signature(takes).parameters.values():
        if argument.kind is inspect.Parameter.KEYWORD_ONLY and "*" not in words:
            words.append("*")
        words.append(argument.name)
    return ", ".join(words)


def sign_in_limits_match(pages: Pages) -> Iterator[str]:
    real = {row.name: str(row.default) for row in dataclasses.fields(settings.Settings)}
    real["sign_in_window"] = f"{settings.Settings().sign_in_window.total_seconds() / 60:.0f} minutes"
    for row in rows(sections(pages["SECURITY.md"], 2)["Sign-in limits"]):
        for name in names(row[-1]):
            if row[1] != real.get(name):
                yield f"SECURITY.md: {name} is {real.get(name)}, not {row[1]}"


# Pages whose facts are tested; and their sections that say what is not so, whom to trust, or what was measured.
FACTUAL = re.compile(r"SECURITY\.md|docs/concepts/.*|docs/reference/(?:cookies|errors|events|metrics|policies|sql)\.md")
NO_FACTS = {
    "SECURITY.md": {"Reporting", "Who is trusted with what", "What we do not defend against"},
    "docs/concepts/how-a-revocation-takes-effect.md": {"Measured"},
    "docs/reference/errors.md": {"For clients"},
}
TESTED = re.compile(r"<!-- test: (tests/[\w/]+\.py)::(test_\w+) -->")


def facts_are_tested(pages: Pages) -> Iterator[str]:
    """A fact that a page promises has a test named beside it, or is not there."""
    for page, text in pages.items():
        if FACTUAL.fullmatch(page):
            parts = sections(text, 2) or {page: text}
            for name, part in parts.items():
                if name not in NO_FACTS.get(page, ()):
                    yield from (f"{page}: {name}: {why}" for why in untested(part))
        for said in re.findall(r"<!-- test: .*", text):
            named = TESTED.fullmatch(said.strip())
            file = ROOT / named[1] if named else None
            if named is None or file is None or not file.is_file() or f"def {named[2]}(" not in file.read_text():
                yield f"{page}: there is no such test: {said}"


def untested(part: str) -> Iterator[str]:
    if not TESTED.search(part):
        yield "no test is named"
    for item in re.findall(r"^\* .*\n(?: .*\n)*", part, re.MULTILINE):
        if not TESTED.search(item):
            yield f"no test is named beside: {item.splitlines()[0]}"


# The rules: what holds for every page.


def links_resolve(pages: Pages) -> Iterator[str]:
    for page, text in pages.items():
        prose = "\n".join(outside_code(text))
        for target in re.findall(r"(?<!`)\[[^\]\n]*(?:\n[^\]\n]*)?\]\(([^)\s]+)\)", prose):
            if re.match(r"https?://|mailto:", target):
                continue
            path, _, anchor = target.partition("#")
            where = os.path.normpath(Path(page).parent / path) if path else page
            if where not in pages and not (ROOT / where).exists():
                yield f"{page}: {target} leads nowhere"
            elif anchor and anchor not in anchors(pages.get(where, "")):
                yield f"{page}: {target}: there is no such heading"


def pages_are_listed(pages: Pages) -> Iterator[str]:
    linked = {"docs/index.md"}
    for index in ("docs/index.md", "docs/decisions/README.md"):
        found = re.findall(r"\]\(([^)#\s]+)", pages[index])
        linked |= {os.path.normpath(Path(index).parent / link) for link in found}
    yield from (f"{page}: no index lists it" for page in pages if page not in linked)


def commands_parse(pages: Pages) -> Iterator[str]:
    """Every command line that a page shows could be typed."""
    for page, text in pages.items():
        for block in blocks(text, "console"):
            for line in block.replace("\\\n", " ").splitlines():
                if not line.startswith("$ "):
                    continue
                for words in re.findall(r"(?<![\w./'])ostiary((?: (?:'[^']*'|[^\s|;&<>()])+)+)", line):
                    yield from (f"{page}: ostiary{words}: {why}" for why in misuses(shell_words(words)))
                for verb in re.findall(r"dev\.py ([\w-]+)", line):
                    if not re.search(rf"^    python3 dev\.py {verb}\b", (ROOT / "dev.py").read_text(), re.MULTILINE):
                        yield f"{page}: dev.py knows no {verb}"


def shell_words(text: str) -> list[str]:
    import shlex

    return [word.rstrip('"') for word in shlex.split(text.replace('"', ""))]


def misuses(words: list[str]) -> Iterator[str]:
    """Why click would refuse the words, without running anything."""
    from ostiary.cli import root

    command: click.Command = root
    try:
        while True:
            context = click.Context(command)
            given, rest, _ = command.make_parser(context).parse_args(words)
            if not isinstance(command, click.Group):
                break
            if not rest:
                return
            inner = command.get_command(context, rest[0])
            if inner is None:
                raise click.UsageError(f"no command {rest[0]}")
            command, words = inner, rest[1:]
        if rest:
            raise click.UsageError(f"unexpected {rest[0]}")
        required = [one for one in command.params if isinstance(one, click.Argument) and one.required]
        for one in required:
            value = given.get(one.name or "")
            if not isinstance(value, str | list | tuple) or not value:  # else it is how click marks what is not there
                raise click.UsageError(f"{one.name} is missing")
    except click.UsageError as why:
        yield why.format_message()


def settings_files_load(pages: Pages) -> Iterator[str]:
    """Every settings file that a page shows would be read."""
    import tempfile

    for page, text in pages.items():
        for block in blocks(text, "toml"):
            with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
                file.write(block)
                file.flush()
                try:
                    settings.load(environ={}, file=Path(file.name))
                except errors.ConfigurationError as why:
                    yield f"{page}: {str(why).replace(file.name, 'ostiary.toml')}"


def prose_is_calm(pages: Pages) -> Iterator[str]:
    loud = re.compile(
        r"\b(?:blazing|seamless|effortless|powerful|cutting-edge|world-class|enterprise-grade)\w*", re.IGNORECASE
    )
    for page, text in pages.items():
        for line in outside_code(text):
            bare = re.sub(r"`[^`]*`|<!--.*?-->", "", line)
            if re.search(r"\w!(?:\s|$)", bare):
                yield f"{page}: an exclamation mark: {line}"
            if word := loud.search(bare):
                yield f"{page}: {word[0]}"
            if len(line) > LINE and not line.lstrip().startswith(("|", "<!-- test: ")) and "](" not in line:
                yield f"{page}: a line of {len(line)} characters: {line[:40]}"


LINE = 120  # characters


# What holds for every text, source and tests too. Written so that they do not find themselves.
BELONGS_ELSEWHERE = {
    "a path of somebody's machine": re.compile(r"(?<![\w$}])/(?:h[o]me|U[s]ers|w[o]rk|r[o]ot)/[\w.-]+"),
    "the address of a package registry": re.compile(r"https?://[^\s\"'`)]+/(?:s[i]mple|p[a]ckages)/|pyth[o]nhosted"),
    "unfinished": re.compile(r"\b(?:TO[D]O|FIX[M]E|lorem i[p]sum)\b"),
    "how it was written": re.compile(r"\b(?:l[l]ms?|chat[b]ots?|language m[o]dels?|co-auth[o]red-by)\b", re.IGNORECASE),
}


def texts_speak_of_the_project(pages: Pages) -> Iterator[str]:
    for page, text in pages.items():
        for what, pattern in BELONGS_ELSEWHERE.items():
            yield from (f"{page}: {what}: {found[0]}" for found in pattern.finditer(text))


@cache
def texts() -> dict[str, str]:
    """Every text that is, or may be, committed."""
    found = {}
    for top in sorted(ROOT.iterdir()):
        if top.name in {".git", "node_modules"} or (top.name.startswith(".") and top.name not in {".ci", ".gitignore"}):
            continue
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            if path.is_file() and not {"__pycache__", "node_modules"} & set(path.parts):
                try:
                    found[path.relative_to(ROOT).as_posix()] = path.read_text(encoding="utf-8")
                except UnicodeDecodeError:
                    continue
    return found


PAGE_RULES: tuple[Rule, ...] = (
    commands_match, global_options_match, exit_codes_match, formats_match, settings_match, environment_matches,
    endpoints_match, oauth_endpoints_match, shapes_match, errors_match, events_match, policies_match, metrics_match,
    cookies_match, passing_cookies_match, page_routes_match, sdk_calls_match, sign_in_limits_match, facts_are_tested,
    links_resolve, pages_are_listed, commands_parse, settings_files_load, prose_is_calm,
)  # fmt: skip


@pytest.mark.parametrize("rule", PAGE_RULES, ids=lambda rule: rule.__name__)
def test_the_pages_say_what_is_there(rule: Rule) -> None:
    assert list(rule(pages())) == []


def test_no_text_speaks_of_anything_but_the_project() -> None:
    assert list(texts_speak_of_the_project(texts())) == []


# Each rule can fail: a page that is right but for one place breaks it.

BROKEN: tuple[tuple[Rule, str, str, str], ...] = (
    (commands_match, CLI, "### `ostiary logout`", "### `ostiary signout`"),
    (commands_match, CLI, "### `ostiary token rotate ID`", "### `ostiary token rotate`"),
    (commands_match, CLI, "| `--ended` |", "| `--finished` |"),
    (commands_match, CLI, "(default 90)", "(default 91)"),
    (global_options_match, CLI, "| `--profile NAME` |", "| `--prof NAME` |"),
    (exit_codes_match, CLI, "| 6 | rate limited |", "| 9 | rate limited |"),
    (exit_codes_match, CLI, "| 3 | not found |\n", ""),
    (formats_match, CLI, "`ndjson`, `yaml` |", "`yaml` |"),
    (settings_match, SETTINGS, "| `workers` |", "| `processes` |"),
    (settings_match, SETTINGS, "| `port` | `8420` |", "| `port` | `8080` |"),
    (environment_matches, SETTINGS, "| `OSTIARY_PROFILE` |", "| `OSTIARY_PROFILES` |"),
    (environment_matches, "README.md", "# Ostiary", "# OSTIARY_NOTHING"),
    (endpoints_match, HTTP, "### `GET /healthz`", "### `GET /health`"),
    (endpoints_match, HTTP, "`end_other_sessions`", "`end_others`"),
    (endpoints_match, HTTP, "`stale_after_days` (default", "`stale_after` (default"),
    (endpoints_match, HTTP, "* Errors: `token_not_found`.", "* Errors: `conflict`."),
    (endpoints_match, HTTP, "`Ostiary-Tenant`", "`Ostiary-House`"),
    (endpoints_match, HTTP, "Sign in and start a session. No credential needed.", "Sign in and start a session."),
    (oauth_endpoints_match, OAUTH, "### `POST /oauth/revoke`", "### `POST /oauth/revocation`"),
    (oauth_endpoints_match, OAUTH, "`code_verifier`", "`verifier`"),
    (oauth_endpoints_match, OAUTH, "* Errors: `invalid_client`.", "* Errors: `invalid_grant`."),
    (oauth_endpoints_match, OAUTH, "`isCurrent`), `count`", "`isCurrent`)"),
    (shapes_match, HTTP, "| `is_current` |", "| `current` |"),
    (shapes_match, HTTP, "| `issued_by` |", "| `minted_by` |"),
    (errors_match, ERRORS, "| `token_revoked` |", "| `token_ended` |"),
    (errors_match, ERRORS, "| `limit_reached` | 409 |", "| `limit_reached` | 403 |"),
    (errors_match, ERRORS, "| `max_sessions` |", "| `most` |"),
    (events_match, EVENTS, "| `session.renewed` |", "| `session.rotated` |"),
    (events_match, EVENTS, "| `user_all` |", "| `everything` |"),
    (policies_match, POLICIES, "| `nist-aal3` | 12 hours | 15 minutes |", "| `nist-aal3` | 12 hours | 20 minutes |"),
    (policies_match, POLICIES, "Why `default` exceeds NIST", "Why"),
    (metrics_match, METRICS, "| counter | `reason` |", "| counter | `user` |"),
    (metrics_match, METRICS, "`ostiary_sign_ins_refused_total`", "`ostiary_refused_total`"),
    (cookies_match, COOKIES, "SameSite=Lax`", "SameSite=Strict`"),
    (passing_cookies_match, COOKIES, "| `notice` | 60 |", "| `notice` | 90 |"),
    (passing_cookies_match, COOKIES, "| `minted` |", "| `made` |"),
    (page_routes_match, PAGES, "| `/signed-out` |", "| `/bye` |"),
    (sdk_calls_match, HTTP, "* SDK: `sessions.current()`.", "* SDK: `sessions.mine()`."),
    (sdk_calls_match, OAUTH, "* SDK: `oauth.userinfo()`.\n", ""),
    (sdk_calls_match, HTTP, "revoke_all(*, tokens", "revoke_all(*, token"),
    (sdk_calls_match, SDK, "| `retries` |", "| `tries` |"),
    (sign_in_limits_match, "SECURITY.md", "| 10 | `sign_in_failures` |", "| 5 | `sign_in_failures` |"),
    (links_resolve, "README.md", "(docs/quickstart.md)", "(docs/quick.md)"),
    (links_resolve, "docs/reference/events.md", "cli.md#ostiary-purge", "cli.md#ostiary-clean"),
    (pages_are_listed, "docs/index.md", "(reference/cookies.md)", "(reference/http.md)"),
    (commands_parse, "docs/guides/scripts.md", "--only-cookie)", "--cookie-only)"),
    (commands_parse, "docs/guides/leaked-session.md", "$ ostiary user disable web_user", "$ ostiary user disable"),
    (commands_parse, "docs/quickstart.md", "$ ostiary whoami", "$ ostiary who"),
    (commands_parse, "README.md", "dev.py test ", "dev.py tests "),
    (settings_files_load, SETTINGS, "max_sessions = 20", "max_session = 20"),
    (facts_are_tested, "SECURITY.md", "* A lifetime is exact.", "* A lifetime is exact.\n* Nothing is ever forgotten."),
    (facts_are_tested, "SECURITY.md", "::test_nodes_count_together", "::test_nodes_count"),
    (facts_are_tested, "docs/concepts/clocks.md", "## How to see it", "## Why\n\nIt is so.\n\n## How to see it"),
    (facts_are_tested, COOKIES, "* When both are sent", "* None is lost.\n* When both are sent"),
    (prose_is_calm, "README.md", "A self-hosted session authority", "A powerful session authority"),
    (prose_is_calm, "README.md", "and nothing else.", "and nothing else!"),
    (prose_is_calm, "README.md", "A self-hosted", "A self-hosted" + " and long" * 20),
)


@pytest.mark.parametrize(
    ("rule", "page", "right", "wrong"), BROKEN, ids=[f"{rule.__name__}-{wrong[:24]}" for rule, _, _, wrong in BROKEN]
)
def test_a_page_that_is_wrong_is_seen(rule: Rule, page: str, right: str, wrong: str) -> None:
    assert right in pages()[page]
    assert list(rule({**pages(), page: pages()[page].replace(right, wrong)})) != []


def test_every_rule_is_proven_to_fail() -> None:
    assert {rule for rule, _, _, _ in BROKEN} == set(PAGE_RULES)


@pytest.mark.parametrize(
    "stray",
    [
        "see /ho" + "me/ada/notes",
        "https://index.example.org/sim" + "ple/click/",
        "TO" + "DO: say more",
        "by an l" + "lm",
    ],
)
def test_a_stray_text_is_seen(stray: str) -> None:
    assert len(list(texts_speak_of_the_project({"a.py": f"# {stray}"}))) == 1


def test_a_variable_that_is_asked_for_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(
        "DIRECTORY: Final = 'SHARED_DIR'\n"
        "os.environ.get('APPDATA' if windows else 'XDG_HOME', '')\n"
        "environ.setdefault(DIRECTORY, 'x')\n"
        "option(envvar='OSTIARY_PLAIN')\n"
        "environ.get(f'{PREFIX}FILE')\n"
        "METHODS = {'POST'}\n"
    )
    assert environment_variables(tmp_path) == {
        "APPDATA", "XDG_HOME", "SHARED_DIR", "OSTIARY_PLAIN", "OSTIARY_FILE",
    }  # fmt: skip


def test_a_transcript_that_differs_is_seen() -> None:
    steps = transcript("<!-- transcript -->\n```console\n$ one \\\n  two\nthree\n$ four\n```\n")
    assert steps == [("one \\\n  two\n", "three\n"), ("four\n", "")]
    assert comparable("at 2026-01-15 12:00\n") == comparable("at 2026-01-16 08:30")
    assert comparable("revoked") != comparable("expired")


# The README's transcript, typed again on a real terminal.


class Terminal:
    """A shell command at a terminal, and somebody who answers its questions."""

    ANSWERS = ((re.compile(r"(?:[Pp]assword[^\n]*|Again): \Z"), PASSWORD), (re.compile(r"\[y/N\] \Z"), "y"))

    def __init__(self, home: Path, environment: Mapping[str, str]) -> None:
        self.home = home
        self.environment = environment

    def type(self, command: str) -> str:
        """What appears below the command, answers included but for passwords."""
        ours, theirs = pty.openpty()
        shell = subprocess.Popen(
            ["bash", "-c", command], stdin=theirs, stdout=theirs, stderr=theirs, cwd=self.home,
            env=dict(self.environment), start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        shown, answered = "", 0
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if not select.select([ours], [], [], 0.1)[0]:
                continue
            try:
                part = os.read(ours, 4096)
            except OSError:  # how Linux says that the other side was closed
                break
            if not part:
                break
            shown += part.decode().replace("\r\n", "\n")
            for question, answer in self.ANSWERS:
                if question.search(shown) and len(shown) > answered:
                    os.write(ours, f"{answer}\n".encode())
                    answered = len(shown)
        os.close(ours)
        assert shell.wait(10) == 0, f"{command}: {shown}"
        return shown


def transcript(text: str) -> list[tuple[str, str]]:
    """Commands and what they showed, from the blocks below the marks `<!-- transcript -->`."""
    marked = "".join(blocks(part, "console")[0] for part in text.split("<!-- transcript -->")[1:])
    steps = re.split(r"^\$ ", marked, flags=re.MULTILINE)[1:]
    commands = [re.match(r"(?:.*\\\n)*.*\n", step) for step in steps]
    return [(found[0], step[found.end() :]) for found, step in zip(commands, steps, strict=True) if found]


CHANGING = {
    r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z?": "TIME",
    r"(?:sess|user)_[a-z2-7]{26}": "ID",
    r'"request_id":"\w+"': "REQUEST",
    r"127\.0\.0\.1:\d+": "SERVER",
    r"ostiary/[\d.]+ \(.{0,26}": "AGENT",
    r"-{3,}": "---",
    r"(?<=\S) {2,}": "  ",
    r"[ \t]+$": "",
}


def comparable(shown: str) -> str:
    for pattern, word in CHANGING.items():
        shown = re.sub(pattern, word, shown, flags=re.MULTILINE)
    return shown.strip()


def test_the_transcript_of_the_readme_is_what_a_terminal_shows(tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        skip("no curl")
    steps = transcript(pages()["README.md"])
    assert len(steps) >= 6
    programs = Path(sys.executable).parent
    with serving(f"sqlite:///{tmp_path / 'ostiary.db'}", tmp_path) as server:
        extra = {"OSTIARY_SERVER": server.url, "NO_COLOR": "1", "PATH": f"{programs}:{os.environ['PATH']}"}
        terminal = Terminal(tmp_path, clean_environment(tmp_path, extra))
        ids: dict[str, str] = {}
        for command, expected in steps:
            known = command.replace("127.0.0.1:8420", f"127.0.0.1:{server.port}")
            for start in set(re.findall(r"\bsess_\w+", known)):
                known = known.replace(start, next(real for said, real in ids.items() if said.startswith(start)))
            shown = terminal.type(known)
            ids |= zip(
                re.findall(r"sess_[a-z2-7]{26}", expected), re.findall(r"sess_[a-z2-7]{26}", shown), strict=False
            )
            assert comparable(shown) == comparable(expected), command
