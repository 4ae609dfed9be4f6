"""Whatever is thrown at the live server, it never fails, and it answers as its own document says."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

import pytest
import schemathesis
import structlog
import uvicorn
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from ostiary.core.client import seen
from ostiary.http.app import Application, create_app
from ostiary.http.openapi import document
from ostiary.settings import Settings
from tests.http.visitors import OPERATOR, add_people
from tests.support import databases
from tests.support.people import CHEAP_PASSWORDS

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = 8  # of each operation and each visitor
schema = schemathesis.openapi.from_dict(document())


class Live:
    """The server in a thread of its own, with a session always at hand."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self._server = uvicorn.Server(
            uvicorn.Config(
                app, port=0, http="httptools", ws="none", lifespan="on", log_config=None, proxy_headers=False
            )
        )
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self.url = ""

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        await self._server.serve()

    def __enter__(self) -> Live:
        self._thread.start()
        while not self._server.started:
            assert self._thread.is_alive()
        self.url = f"http://127.0.0.1:{self._server.servers[0].sockets[0].getsockname()[1]}"
        self.ask(add_people(self._app.authority))
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(20)

    def ask(self, coroutine: Any) -> Any:
        assert self._loop is not None
        future: Future[Any] = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        return future.result(30)

    def token(self, username: str) -> str:
        """The token of a new session: the requests before may have ended every earlier one."""

        async def start() -> str:
            user = (await self._app.authority.accounts.find(username, by=OPERATOR)).user
            started = await self._app.authority.sessions.start(
                user.id, client=seen("203.0.113.7", "fuzz"), amr=("pwd",)
            )
            return started.token

        return str(self.ask(start()))


@pytest.fixture(scope="module")
def live(tmp_path_factory) -> Iterator[Live]:
    template = tmp_path_factory.getbasetemp() / "template.db"
    with _serving(asyncio.run(databases.new_sqlite(tmp_path_factory.mktemp("fuzz"), template))) as live:
        yield live


@pytest.fixture(scope="module")
def live_on_postgres() -> Iterator[Live]:
    if not databases.postgres_answers():
        databases.skip(f"no PostgreSQL at {databases.POSTGRES}")
    url = asyncio.run(databases.new_postgres())
    with _serving(url) as live:
        yield live
    asyncio.run(databases.drop_postgres(url))


@contextmanager
def _serving(url: str) -> Iterator[Live]:
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with Live(create_app(Settings(database_url=url, **CHEAP_PASSWORDS))) as live:
        yield live
    structlog.configure(**before)


BOUNDED = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@schema.parametrize()
@BOUNDED
def test_nobody(live, case):
    case.call_and_validate(base_url=live.url, checks=CHECKS)


@schema.parametrize()
@BOUNDED
def test_an_administrator(live, case):
    headers = {"Authorization": f"Bearer {live.token('root')}"}
    case.call_and_validate(base_url=live.url, headers=headers, checks=CHECKS)


@schema.parametrize()
@BOUNDED
def test_an_administrator_on_postgres(live_on_postgres, case):
    headers = {"Authorization": f"Bearer {live_on_postgres.token('root')}"}
    case.call_and_validate(base_url=live_on_postgres.url, headers=headers, checks=CHECKS)


@schema.parametrize()
@BOUNDED
def test_a_member_in_a_browser(live, case):
    cookies = {"__Host-session": live.token("eve")}
    headers = {"Sec-Fetch-Site": "same-origin"}
    case.call_and_validate(base_url=live.url, headers=headers, cookies=cookies, checks=CHECKS)
