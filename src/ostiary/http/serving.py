"""The process: it listens, opens the database, says so, and runs uvicorn with one or several workers."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import socket
import sys
import tempfile
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Final, TypeAlias

import uvicorn
from uvicorn.supervisors import Multiprocess

from ostiary import __version__
from ostiary.authority import Authority
from ostiary.errors import ConfigurationError, StoreUnavailable
from ostiary.http import logs
from ostiary.http.app import Application, create_app
from ostiary.http.front import Front
from ostiary.http.metrics import MULTIPROCESS
from ostiary.settings import PREFIX, Settings, load
from ostiary.storage import migrate

Make: TypeAlias = Callable[[Settings], Application]  # importable by its name: workers are new processes

COLLECT_AFTER: Final = (
    20_000,
    20,
    20,
)  # a request leaves no cycles behind, so looking after every 700 objects is waste
GRACE: Final = 5  # seconds that requests under way get at the end
KEEP_ALIVE: Final = 75  # seconds; more than the 60 of common proxies, so that they never meet a closed connection
BACKLOG: Final = 2048  # connections that wait to be accepted


def serve(settings: Settings, make: Make = create_app) -> None:
    """Serve until told to stop (SIGINT, SIGTERM); `make` may put more than the API into the application.

    Raises:
        ConfigurationError: the address is taken, the database cannot be used, or it is not migrated.
    """
    logs.configure(settings.log_level)
    with contextlib.ExitStack() as held:
        listener = held.enter_context(contextlib.closing(_listen(settings.host, settings.port)))
        sockets = [listener]
        if settings.metrics_listen is not None:
            sockets.append(held.enter_context(contextlib.closing(_listen(*settings.metrics_listen))))
        code = asyncio.run(_prepare(settings))
        _greet(settings, listener, code)
        with contextlib.suppress(KeyboardInterrupt):
            if settings.workers == 1:
                uvicorn.Server(_config(_made_to_stay(make, settings))).run(sockets=sockets)
            else:
                _run_workers(settings, sockets, make)


def worker_app(make: Make) -> Application:
    """The application of one worker process, with the settings that `_run_workers` handed over."""
    settings = load().settings
    logs.configure(settings.log_level)
    return _made_to_stay(make, settings)


def _made_to_stay(make: Make, settings: Settings) -> Application:
    """The application, and all that came with it, out of the garbage collector's way.

    It looks through everything that lives again and again; with what stays for as long as the process among that, each
    look held up every request for some 60 ms (bench/verify.py). Nor is it looked through before: of 180,000 objects
    some 1,500 were garbage, and to find them took a tenth of the start.
    """
    app = make(settings)
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)
    return app


def _run_workers(settings: Settings, sockets: list[socket.socket], make: Make) -> None:
    # By the environment and not by arguments, which everybody on the machine can read.
    os.environ.update(to_environment(settings))
    with tempfile.TemporaryDirectory(prefix="ostiary-metrics-") as shared:
        os.environ.setdefault(MULTIPROCESS, shared)
        config = _config(partial(worker_app, make), factory=True, workers=settings.workers)
        Multiprocess(config, sockets=sockets).run()


def _config(app: Any, **more: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        loop="uvloop",
        http=Front,
        ws="none",
        lifespan="on",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # `addresses` reads them, from the operator's proxies only
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=GRACE,
        **more,
    )


def _listen(host: str, port: int) -> socket.socket:
    """Bind before anything else: a taken port is found before the database is touched."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
        listener.set_inheritable(True)
    except OSError as why:
        raise ConfigurationError(f"cannot listen on {host}:{port}: {why.strerror or why}") from None
    return listener


async def _prepare(settings: Settings) -> str | None:
    """Bring the database to where it must be. A set-up code while there is no account."""
    authority = Authority(settings)
    try:
        if authority.database.is_sqlite:
            await migrate.upgrade(authority.database)
        await authority.ensure_migrated()
        authority.seen("192.0.2.1", None)  # where addresses are hashed: is there a key?
        await authority.publish_policy()
        await authority.oauth.ensure_ready()
        return await authority.setup.make_code()
    except ConfigurationError:
        raise
    except StoreUnavailable as why:
        raise ConfigurationError(
            f"cannot open {_kind(authority)}: {why.sentence or why.cause or _first_line(why.__cause__ or why)}"
        ) from None
    except Exception as why:  # whatever the driver found: the operator gets one line, not a trace
        raise ConfigurationError(f"cannot use {_kind(authority)}: {_first_line(why)}") from None
    finally:
        await authority.close()


def _greet(settings: Settings, listener: socket.socket, code: str | None) -> None:
    url = _url(settings.host, listener.getsockname()[1])
    words = [f"Ostiary {__version__} listens on {url}, with its sessions in {_kind(Authority(settings))}"]
    if code is not None:
        words.append("There is no account yet. Make the first administrator, once and within 24 hours:")
        words.append(f"  {settings.public_url or url}/setup?code={code}")
    if _is_exposed(settings):
        words.append("warning: other machines can reach this server over plain http, where no browser may sign in;")
        words.append("  put https in front of it and give --public-url https://… and --trusted-proxies")
    print("\n".join(words), file=sys.stderr, flush=True)


def _kind(authority: Authority) -> str:
    """The database in words, without its password."""
    database = authority.database
    return f"SQLite ({database.file})" if database.postgres is None else f"PostgreSQL ({database.postgres.servers})"


def _url(host: str, port: int) -> str:
    """An address that a person can open: every interface means this machine, too."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - only compared
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"


def _is_exposed(settings: Settings) -> bool:
    """True if other machines reach it, and nothing says that https is in front or that it need not be."""
    host = settings.host
    if host in {"localhost", "::1"} or host.startswith("127."):
        return False
    has_https = (settings.public_url or "").startswith("https:")
    return not (has_https or settings.trusted_proxies or settings.allow_plain_http)


def _first_line(error: BaseException) -> str:
    original = getattr(error, "orig", None) or error  # what the driver said, without the statement around it
    lines = str(original).strip().splitlines()
    return logs.redact(lines[0] if lines else type(original).__name__)


def to_environment(settings: Settings) -> dict[str, str]:
    """Settings as `OSTIARY_*`, which `load` reads back to the same."""
    return {PREFIX + row.name.upper(): _as_text(getattr(settings, row.name)) for row in fields(Settings)}


def _as_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, timedelta):
        return f"{value.total_seconds():f}s"
    if isinstance(value, tuple) and any(is_dataclass(part) for part in value):
        return json.dumps([_as_object(part) for part in value])
    if isinstance(value, tuple):
        return ",".join(str(part) for part in value)
    return str(value)


def _as_object(value: Any) -> dict[str, object]:
    """A rule as the file has it: what is empty is left out."""
    given = {row.name: getattr(value, row.name) for row in fields(value)}
    return {
        name: _as_text(one) if isinstance(one, timedelta) else one
        for name, one in given.items()
        if one not in (None, ())
    }
