from __future__ import annotations

import io
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
import structlog

from ostiary.http import logs
from ostiary.http.app import Application, create_app
from tests.http.visitors import add_people


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> None:
    """The plugin that makes tests of `schema.parametrize`, loaded where they are: it takes longer than all others.

    Where the floors are tried it is not there, and nothing but the name of its module is looked at.
    """
    plugins = parent.config.pluginmanager
    is_theirs = module_path.name == "test_schemathesis.py" and find_spec("schemathesis") is not None
    if is_theirs and not plugins.has_plugin("schemathesis"):
        from schemathesis.pytest import plugin

        plugins.register(plugin, "schemathesis")


@pytest.fixture
def make_app(settings, clock):
    """The server with other settings, on the same database: `async with make_app(...) as app`."""
    return lambda **changes: create_app(replace(settings, **changes), clock=clock)


@pytest.fixture
async def app(make_app) -> AsyncIterator[Application]:
    """The server, with the users ada and eve and the administrator root."""
    async with make_app() as app:
        await add_people(app.authority)
        yield app


@pytest.fixture
def logged():
    """What is logged while the test runs, as text."""
    stream = io.StringIO()
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = list(root.handlers), root.level
    logs.configure("debug", stream)
    yield stream
    structlog.configure(**before)
    root.handlers[:] = handlers
    root.setLevel(level)
