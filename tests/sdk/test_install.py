"""The SDK without the server: nothing of the server's packages is needed, or even looked for."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib.resources import files
from pathlib import Path

from tests.test_house import SDK_PACKAGES

PROJECT = Path(__file__).parents[2] / "pyproject.toml"

PROGRAM = """
import importlib.abc, sys

class Blocked(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(name, name=name)

sys.meta_path.insert(0, Blocked())
from ostiary.sdk import AsyncOstiary, Ostiary, Unreachable
from ostiary.errors import SessionRevoked

with Ostiary("http://127.0.0.1:9", retries=0, timeout=2) as ostiary:
    try:
        ostiary.sessions.list({{"cookie": "session=x"}})
    except Unreachable as why:
        print(why.code)
print(*sorted({{name.partition(".")[0] for name, module in sys.modules.items() if getattr(module, "__file__", None)}}))
"""

SERVER = {
    "aiosqlite", "alembic", "argon2", "asyncpg", "click", "cryptography", "httptools", "jinja2", "joserfc", "litestar",
    "maxminddb", "prometheus_client", "sqlalchemy", "structlog", "ua_parser", "uvicorn", "uvloop", "yaml",
}  # fmt: skip
# What the SDK's own packages bring along.
BROUGHT = {"certifi", "h11", "httpcore2", "idna", "sniffio", "truststore", "typing_extensions"}


def test_it_works_where_the_server_is_not_installed():
    done = subprocess.run(
        [sys.executable, "-I", "-c", PROGRAM.format(blocked=SERVER)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    outcome, loaded = done.stdout.splitlines()
    assert outcome == "unreachable"
    others = {
        name
        for name in loaded.split()
        if name not in sys.stdlib_module_names and name not in BROUGHT | SDK_PACKAGES | {"ostiary"}
    }
    strange = {name for name in others if not name.startswith(("_", "sitecustomize"))}
    assert strange == set()


def test_whoever_has_the_server_has_the_sdk():
    extras = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert set(extras["sdk"]) <= set(extras["server"])


def test_its_types_are_there_for_others():
    assert (files("ostiary") / "py.typed").is_file()
