"""The house rules that a machine can hold, read from the source itself.

Each rule is a function from a source tree to its violations. It runs on `src/ostiary`; then on small
trees that break it, which proves that it can fail.
"""

import ast
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "ostiary"

# Inner to outer. A part imports only from the layers before its own, and from itself.
LAYERS = (
    {"errors"},
    {"core"},
    {"contract"},
    {"settings"},
    {"storage"},
    {"authority", "feed", "delivery"},
    {"http", "web", "cli", "sdk", "integrations"},
    {"application"},
)
DOORS = LAYERS[-2]
# Parts of this layer work together, and may import each other.
ACTS = LAYERS[-3]
# Read by everyone, importing anything: the public names, and `python -m ostiary`.
FRONT = {"__init__", "__main__"}

# Where one door may reach into another, and how far (docs/decisions: 0004-command-line-http.md, 0009-pages.md,
# 0014-integrations.md).
DOOR_EXCEPTIONS = {
    "ostiary.web": {
        f"ostiary.http.{name}"
        for name in (
            *("callers", "context", "cookies", "cursors", "exchange", "failures", "guard", "heads", "origins"),
            *("places", "problems", "reading", "routing"),
        )
    },
    "ostiary.cli.serve": {"ostiary.application", "ostiary.http"},
    "ostiary.cli.database": {"ostiary.http.in_process"},
    "ostiary.integrations": {
        f"ostiary.http.{name}" for name in ("addresses", "asgi", "cookies", "origins", "presented", "problems")
    },
    "ostiary.integrations.remote": {"ostiary.sdk"},
    "ostiary.integrations.remote_watch": {"ostiary.sdk"},
    "ostiary.integrations.mount": {"ostiary.http.app", "ostiary.web.failures", "ostiary.web.pages"},
}
# The parts of `integrations` that an application takes in only with a whole authority of its own.
EMBEDDED = ("ostiary.integrations.embedded", "ostiary.integrations.mount")

FRAMEWORKS = {
    *("aiosqlite", "alembic", "asyncpg", "click", "httpx2", "jinja2", "prometheus_client"),
    *("sqlalchemy", "starlette", "structlog", "uvicorn", "uvloop"),
}
SQL = {"aiosqlite", "alembic", "asyncpg", "psycopg", "sqlalchemy", "sqlite3"}
# The `sdk` extra, with what it brings.
SDK_PACKAGES = {"anyio", "httpx2", "joserfc", "msgspec"}

VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "services", "service"}
# Of SQLAlchemy's rows, of named tuples, of `os`: documented in spite of their underscore.
DOCUMENTED = {"_mapping", "_fields", "_exit"}
LONGEST_FILE = 300  # lines; the aim is 50 to 200


class Import(NamedTuple):
    importer: str
    target: str
    line: int
    at_start: bool  # when the module is loaded, not when one of its functions runs

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.target}"

    @property
    def importer_part(self) -> str:
        return part_of(self.importer)

    @property
    def target_part(self) -> str:
        return part_of(self.target)

    @property
    def package(self) -> str:
        return self.target.partition(".")[0]


# The rules.


def imports_that_point_outward(source: Path) -> Iterator[str]:
    for found in imports(source):
        here, there = found.importer_part, found.target_part
        if found.package != "ostiary" or here in FRONT or there in ("", here) or there.startswith("__"):
            continue
        if layer(there) is None:
            yield f"{found}: import it from the module that defines it"
        elif layer(here) is not None and not points_inward(found):
            yield f"{found}: imports point inward"


def points_inward(found: Import) -> bool:
    inner, outer = layer(found.target_part), layer(found.importer_part)
    assert inner is not None and outer is not None
    if found.importer_part == "sdk":
        return found.target_part in {"contract", "core", "errors"}
    if found.importer_part in DOORS and found.target_part in DOORS | LAYERS[-1]:
        return any(
            within(found.importer, importer) and any(within(found.target, target) for target in targets)
            for importer, targets in DOOR_EXCEPTIONS.items()
        )
    return inner < outer or {found.importer_part, found.target_part} <= ACTS


def parts_without_a_layer(source: Path) -> Iterator[str]:
    for part in sorted({part_of(module) for module in modules(source)} - FRONT):
        if layer(part) is None:
            yield f"ostiary.{part}: has no place in LAYERS"


def frameworks_in_the_core(source: Path) -> Iterator[str]:
    for found in imports(source):
        if found.importer_part in {"core", "contract"} and found.package in FRAMEWORKS:
            yield f"{found}: the {found.importer_part} is pure"


def sql_outside_storage(source: Path) -> Iterator[str]:
    for found in imports(source):
        if found.importer_part != "storage" and found.package in SQL:
            yield f"{found}: SQL is only in storage"


def packages_the_sdk_does_not_bring(source: Path) -> Iterator[str]:
    known = SDK_PACKAGES | sys.stdlib_module_names | {"ostiary"}
    for found in imports(source):
        if found.importer_part == "sdk" and found.package not in known:
            yield f"{found}: not in the sdk extra"


def server_loaded_with_the_command_line(source: Path) -> Iterator[str]:
    for found in imports(source):
        if found.importer_part == "cli" and found.target_part in {"application", "http"} and found.at_start:
            yield f"{found}: import it inside the command, or `--help` waits for the whole server"


def server_loaded_with_an_integration(source: Path) -> Iterator[str]:
    allowed = {"contract", "core", "errors", "settings", "sdk", "integrations", "http"}
    for found in imports(source):
        if found.importer_part != "integrations" or any(within(found.importer, name) for name in EMBEDDED):
            continue
        if found.package == "ostiary" and found.target_part not in allowed:
            yield f"{found}: an application that asks a server elsewhere has none of this"


def insides_of_others(source: Path) -> Iterator[str]:
    """Attributes with an underscore in front, of something that this module does not make itself."""
    for path in sorted(source.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        read = [one for one in ast.walk(tree) if isinstance(one, ast.Attribute) and is_private(one.attr)]
        own = {one.attr for one in read if ast.unparse(one.value) in {"self", "cls"}}
        own |= {one.name for one in ast.walk(tree) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)}
        for one in read:
            if one.attr not in own | DOCUMENTED:
                yield f"{path.relative_to(source)}:{one.lineno}: {ast.unparse(one)} is the inside of something else"


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def vague_names(source: Path) -> Iterator[str]:
    for path in sorted(source.rglob("*")):
        if path.stem in VAGUE_NAMES and (path.is_dir() or path.suffix == ".py"):
            yield f"{path.relative_to(source)}: name it after what it holds"


def long_files(source: Path) -> Iterator[str]:
    for path in sorted(source.rglob("*.py")):
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > LONGEST_FILE and "migrations" not in path.parts:
            yield f"{path.relative_to(source)}: {lines} lines, at most {LONGEST_FILE}"


# Reading the source.


def modules(source: Path) -> dict[str, Path]:
    """Every module by its full name; a package is named after its directory."""
    found = {}
    for path in sorted(source.rglob("*.py")):
        names = ["ostiary", *path.relative_to(source).with_suffix("").parts]
        if names[-1] == "__init__" and len(names) > 2:  # the front door stays ostiary.__init__
            names.pop()
        found[".".join(names)] = path
    return found


def imports(source: Path) -> Iterator[Import]:
    for module, path in modules(source).items():
        tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
        # A package's own relative imports start at itself, a module's at its package.
        package = module if path.stem == "__init__" else module.rpartition(".")[0]
        package = package.removesuffix(".__init__")
        for node, at_start in walk(tree):
            for target in targets(node, package):
                yield Import(module, target, node.lineno, at_start)


def walk(tree: ast.AST, at_start: bool = True) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node, at_start
        in_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for_types = isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        yield from walk(node, at_start and not in_function and not for_types)


def targets(node: ast.Import | ast.ImportFrom, package: str) -> list[str]:
    if isinstance(node, ast.Import):
        return [name.name for name in node.names]
    base = node.module or ""
    if node.level:
        parents = package.split(".")
        kept = parents[: len(parents) - node.level + 1]
        base = ".".join([*kept, base]).rstrip(".")
    return [f"{base}.{name.name}" for name in node.names]


def part_of(module: str) -> str:
    """`core` of `ostiary.core.session`; empty for `ostiary` itself."""
    return [*module.split("."), ""][1]


def layer(part: str) -> int | None:
    return next((rank for rank, parts in enumerate(LAYERS) if part in parts), None)


def within(module: str, ancestor: str) -> bool:
    return f"{module}.".startswith(f"{ancestor}.")


# The source keeps every rule.

Rule = Callable[[Path], Iterator[str]]
RULES: tuple[Rule, ...] = (
    imports_that_point_outward,
    parts_without_a_layer,
    frameworks_in_the_core,
    sql_outside_storage,
    packages_the_sdk_does_not_bring,
    server_loaded_with_the_command_line,
    server_loaded_with_an_integration,
    insides_of_others,
    vague_names,
    long_files,
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_source_has_no(rule: Rule) -> None:
    violations = list(rule(SOURCE))
    assert not violations, "\n".join(violations)


def test_the_source_is_found() -> None:
    assert "ostiary.__init__" in modules(SOURCE)


# Every rule can fail.

BROKEN: tuple[tuple[Rule, str, str], ...] = (
    (imports_that_point_outward, "core/session.py", "from ostiary.storage import sessions"),
    (imports_that_point_outward, "core/session.py", "from ostiary import storage"),
    (imports_that_point_outward, "core/session.py", "from ..storage.sessions import find"),
    (imports_that_point_outward, "core/__init__.py", "from ..authority import Authority"),
    (imports_that_point_outward, "core/session.py", "def late():\n    import ostiary.authority"),
    (imports_that_point_outward, "errors.py", "from .core.session import Session"),
    (imports_that_point_outward, "storage/sessions.py", "from ostiary.authority import Authority"),
    (imports_that_point_outward, "authority/__init__.py", "import ostiary.http.app"),
    (imports_that_point_outward, "authority/__init__.py", "from ostiary import Session"),
    (imports_that_point_outward, "http/app.py", "from ostiary.web import pages"),
    (imports_that_point_outward, "web/pages.py", "from ostiary.http.app import create"),
    (imports_that_point_outward, "cli/session.py", "def run():\n    from ostiary.http.app import create"),
    (imports_that_point_outward, "sdk/client.py", "from ostiary.settings import Settings"),
    (parts_without_a_layer, "extras/thing.py", ""),
    (parts_without_a_layer, "extras.py", ""),
    (frameworks_in_the_core, "core/session.py", "from starlette.routing import Route"),
    (frameworks_in_the_core, "contract/calling.py", "import httpx2"),
    (sql_outside_storage, "authority/__init__.py", "from sqlalchemy.ext.asyncio import AsyncConnection"),
    (sql_outside_storage, "feed.py", "async def listen():\n    import asyncpg"),
    (packages_the_sdk_does_not_bring, "sdk/client.py", "import litestar"),
    (imports_that_point_outward, "web/pages.py", "from ostiary.application import create_app"),
    (imports_that_point_outward, "authority/__init__.py", "from ostiary.application import create_app"),
    (server_loaded_with_the_command_line, "cli/serve.py", "from ostiary.http.app import create"),
    (server_loaded_with_the_command_line, "cli/serve.py", "from ostiary.application import run"),
    (imports_that_point_outward, "integrations/asgi.py", "from ostiary.http.app import create_app"),
    (server_loaded_with_an_integration, "integrations/asgi.py", "from ostiary.authority import Authority"),
    (server_loaded_with_an_integration, "integrations/flask.py", "def late():\n    from ostiary.feed import Feed"),
    (insides_of_others, "http/front.py", "def answer(protocol):\n    protocol._start_asgi_task()"),
    (vague_names, "core/utils.py", ""),
    (vague_names, "http/services/login.py", ""),
    (long_files, "core/session.py", "\n" * (LONGEST_FILE + 1)),
)


@pytest.mark.parametrize(("rule", "path", "text"), BROKEN, ids=lambda value: getattr(value, "__name__", None))
def test_a_broken_rule_is_seen(tmp_path: Path, rule: Rule, path: str, text: str) -> None:
    write(tmp_path, path, text)
    assert len(list(rule(tmp_path))) == 1


def test_every_rule_is_proven_to_fail() -> None:
    assert {rule for rule, _, _ in BROKEN} == set(RULES)


SOUND = {
    "__init__.py": "from ostiary.authority import Authority\n__version__ = '0'",
    "__main__.py": "from ostiary.cli import main",
    "errors.py": "from datetime import datetime",
    "core/session.py": "from ostiary.errors import SessionRevoked\nfrom .policy import Policy",
    "core/policy.py": "from ostiary import errors",
    "storage/sessions.py": "import sqlalchemy\nfrom ostiary.core.session import Session",
    "storage/migrations/versions/first.py": "\n" * (LONGEST_FILE + 1),
    "authority/__init__.py": "from ostiary.storage import sessions\nfrom ostiary import feed",
    "feed.py": "from ostiary.core.event import Event",
    "http/app.py": "import starlette\nfrom ostiary.authority import Authority",
    "web/pages.py": "from ostiary.http.callers import caller_of",
    "cli/__init__.py": "import click\nfrom ostiary import __version__",
    "cli/serve.py": "def serve():\n    from ostiary.application import run",
    "application.py": "from ostiary.http.app import create\nfrom ostiary.web.pages import Pages",
    "integrations/asgi.py": "from ostiary.http.cookies import cookie_for\nfrom ostiary.settings import Settings",
    "integrations/embedded.py": "from ostiary.authority import Authority",
    "sdk/client.py": "import json, httpx2\nfrom ostiary.core.token import parse",
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_sound_tree_passes(tmp_path: Path, rule: Rule) -> None:
    for path, text in SOUND.items():
        write(tmp_path, path, text)
    assert list(rule(tmp_path)) == []


def write(source: Path, path: str, text: str) -> None:
    target = source / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
