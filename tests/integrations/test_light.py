"""An application that asks a server elsewhere loads none of the server's parts."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("sqlalchemy", "alembic", "litestar", "argon2", "asyncpg", "structlog", "uvicorn")
LIGHT = ("identity", "visit", "asgi", "fastapi", "flask", "django", "portal", "remote")


@pytest.mark.parametrize("name", LIGHT)
def test_it_loads_without_the_server(name):
    loaded = f"import sys, ostiary.integrations.{name}; print(*[part for part in {HEAVY!r} if part in sys.modules])"
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.split() == []
