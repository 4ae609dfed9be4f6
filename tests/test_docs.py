"""The documentation, held against the code: nothing undocumented, nothing documented that is not there.

Each rule is a function from the pages (and what the code says of itself) to its violations, as in test_house.py. It runs
on the pages of the project; then on small pages that break it, which proves that it can fail.
"""

from __future__ import annotations

import ast
import dataclasses
import importlib
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
    from ostiary.server.openapi import document

    return document()


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
    good = [answer for status, answer in operation["responses"].items() if int(status) < 400]
    told = {name for answer in good for part in answer.get("content", {}).values() for name in members(part["schema"])}
    return told | {name for answer in good for name in answer.get("headers", ())}


def refusals_of(operation: Mapping[str, Any]) -> set[str]:
    return {code for answer in operation["responses"].values() for code in names(answer.get("description", ""))}


def error_classes() -> list[type[errors.OstiaryError]]:
    found = vars(errors).values()
    return [one for one in found if isinstance(one, type) and issubclass(one, errors.OstiaryError)][1:]


def metrics() -> dict[str, tuple[str, set[str]]]:
    """Type and labels by the name that is exposed."""
    from ostiary.server.metrics import Metrics

    made = [one for one in vars(Metrics()).values() if hasattr(one, "_labelnames")]
    parents = {one._name: one for one in made}
    exposed = re.findall(r"^# TYPE (\S+) (\S+)$", Metrics().exposition().decode(), re.MULTILINE)
    found = {name: (kind, set()) for name, kind in exposed if not name.endswith("_created")}
    for name, parent in parents.items():
        exposed_name = next(known for known in found if known.removesuffix("_total") == name)
        found[exposed_name] = (found[exposed_name][0], set(getattr(parent, "_labelnames", ())))
    return found


def environment_variables(source: Path) -> set[str]:
    """Ours wherever they are named; others where a module looks into the environment."""
    found = set()
    for path in source.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        constants = {node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant)}
        written = {one for one in constants if isinstance(one, str)}
        ours = {one for one in written if re.fullmatch(r"OSTIARY_[A-Z_]*[A-Z]", one)}
        others = {one for one in written if re.fullmatch(r"[A-Z][A-Z0-9_]{3,}", one)} if "environ" in text else set()
        assembled = {f"OSTIARY_{name}" for name in re.findall(r'\{PREFIX\}([A-Z_]+)"', text)}
        found |= ours | others | assembled
    return found


# The rules: what is there and what is written of it.


def commands_match(pages: Pages) -> Iterator[str]:
    documented = {title: text for title, text in sections(pages[CLI], 3).items() if title.startswith("ostiary ")}
    real = {heading_of(path, command): command for path, command in commands().items()}
    yield from differences(CLI, documented, real)
    for heading in documented.keys() & real.keys():
        said = [name.split()[0] for name in first_names(documented[heading]) if name.startswith("-")]
        options = own_options(real[heading])
        yield from differences(f"{CLI}: {heading}", said, (name for option in options for name in option.opts))
        for option in options:
            default = option.default
            told = isinstance(default, str | int) and not isinstance(default, bool)
            if told and not re.search(rf"default `?{re.escape(str(default))}\b", documented[heading]):
                yield f"{CLI}: {heading}: the default of {option.opts[0]} is {default}"


def global_options_match(pages: Pages) -> Iterator[str]:
    said = [name.split()[0] for name in first_names(sections(pages[CLI], 2)["Global options"])]
    yield from differences(f"{CLI}: global options", said, (name for one in global_options() for name in one.opts))


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


def settings_match(pages: Pages) -> Iterator[str]:
    parts = sections(pages[SETTINGS], 2)
    table = [row for title in ("The server", "The policy", "Signing in") for row in rows(parts[title])]
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
    documented = {title: text for title, text in sections(pages[HTTP], 3).items() if re.match(r"[A-Z]+ /", title)}
    real = operations()
    yield from differences(HTTP, documented, real)
    usual = set(names(pages[HTTP].partition("\n## ")[0]))
    for title in documented.keys() & real.keys():
        yield from endpoint_matches(title, documented[title], real[title], usual)


def endpoint_matches(title: str, text: str, operation: Mapping[str, Any], usual: set[str]) -> Iterator[str]:
    where = f"{HTTP}: {title}"
    items = dict(re.findall(r"^\* (\w+)(?:, if wanted)?: ((?:.*\n(?:  .*\n)*))", text, re.MULTILINE))
    query = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"}
    yield from differences(f"{where}: query", set(names(items.get("Query", ""))) & (query | IDENTIFIERS), query)
    body = body_of(operation)
    yield from differences(f"{where}: body", set(names(items.get("Body", ""))) & (body | IDENTIFIERS), body)
    yield from differences(f"{where}: errors", names(items.get("Errors", "")), refusals_of(operation) - usual | PUBLIC_TOO(operation, items))
    yield from (f"{where}: it does not answer {name}" for name in set(names(items.get("Answer", ""))) - answer_of(operation) - WORDS - inner_members(operation))
    if "[session](#session)" not in text and "[sessions](#session)" not in text:
        yield from (f"{where}: answers {name}, too" for name in answer_of(operation) - set(names(items.get("Answer", ""))))
    if ("no_credentials" in refusals_of(operation)) is ("No credential needed" in text):
        yield f"{where}: says the wrong thing about credentials"
