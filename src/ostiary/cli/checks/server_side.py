"""This machine as a server: the settings in force, and the database."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec

from ostiary.cli.checks import Finding
from ostiary.cli.checks.behind_proxies import behind_proxies
from ostiary.cli.checks.client_side import CLOCK_TOLERANCE
from ostiary.cli.checks.lifetimes import lifetimes
from ostiary.cli.checks.ourselves import ourselves
from ostiary.core.duration import format_duration
from ostiary.errors import OstiaryError, StoreUnavailable
from ostiary.settings import Loaded, Settings, load


def server_side(database_url: str | None) -> Iterator[Finding]:
    """The findings; hardly any where no server was ever set up."""
    if find_spec("sqlalchemy") is None:
        yield Finding("database", "info", "the server's parts are not installed here")
        return
    try:
        loaded = load({"database_url": database_url})
    except OstiaryError as error:
        yield Finding("settings", "broken", error.message)
        return
    if _never_set_up(loaded):
        yield Finding("database", "info", "no server was set up on this machine")
        return
    yield from _in_force(loaded)
    yield from _unsafe(loaded.settings)
    yield from behind_proxies(loaded.settings)
    yield from lifetimes(loaded.settings.session_policy())
    if loaded.settings.public_url is not None:
        yield from ourselves(loaded.settings.public_url)
    path = _sqlite_path(loaded.settings)
    if path is not None and not os.path.exists(path):
        yield Finding("database", "info", f"{path} is not there yet", "'ostiary serve' makes it")
    else:
        yield from asyncio.run(_database(loaded.settings))


def _never_set_up(loaded: Loaded) -> bool:
    said = any(source != "default" for source in loaded.sources.values())
    return not said and not os.path.exists(_sqlite_path(loaded.settings) or "")


def _in_force(loaded: Loaded) -> Iterator[Finding]:
    if loaded.file is not None:
        yield Finding("settings file", "ok", str(loaded.file))
    policy = loaded.settings.session_policy()
    for row in fields(Settings):
        value, source = getattr(loaded.settings, row.name), str(loaded.sources[row.name])
        if value is None and hasattr(policy, row.name):
            value, source = getattr(policy, row.name), f"policy {policy.name}"
        yield Finding(row.name, "ok", f"{_shown(row.name, value)} ({'' if source == 'default' else 'from '}{source})")


def _shown(name: str, value: object) -> str:
    if name == "database_url":
        from ostiary.storage import database_url  # with the drivers, which may be missing at the top of this module

        return database_url.shown(str(value))
    if name == "key":
        return "set" if value else "not set"
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return "not set" if value is None else str(value)


def _unsafe(settings: Settings) -> Iterator[Finding]:
    https = (settings.public_url or "").startswith("https://")
    if settings.allow_plain_http and not https:
        yield Finding(
            "sign-in",
            "unsafe",
            "accepted over plain http from other machines: passwords and cookies can be read on the way",
            "put TLS in front and set public_url",
        )
    elif not _is_loopback(settings.host) and not https:
        yield Finding(
            "sign-in",
            "unsafe",
            f"listens on {settings.host} without TLS, so browsers elsewhere cannot sign in",
            "put TLS in front and set public_url",
        )
    if settings.places_file is not None:
        yield from _places(settings.places_file)
    path = _sqlite_path(settings)
    if path is not None and os.name == "posix" and os.path.exists(path):
        mode = stat.S_IMODE(os.stat(path).st_mode)
        readable = mode & 0o077 and os.stat(os.path.dirname(path) or ".").st_mode & 0o011
        if readable:
            yield Finding("database file", "unsafe", f"{path} can be read by others ({mode:o})", f"chmod 600 {path}")


def _places(file: str) -> Iterator[Finding]:
    import maxminddb

    try:
        maxminddb.open_database(file, maxminddb.MODE_MEMORY).close()
    except (OSError, ValueError, maxminddb.InvalidDatabaseError) as why:
        yield Finding("places_file", "broken", f"cannot be read: {why}", "give a MaxMind-format file (.mmdb)")


async def _database(settings: Settings) -> list[Finding]:
    from ostiary.storage import inspection, migrate, ready
    from ostiary.storage.database import Database

    database: Database | None = None
    try:
        database = Database.of(settings)
        current, newest = await migrate.current(database), migrate.newest()
        if current != newest:
            found = f"at schema {current or 'none'}, this version needs {newest}"
            return [Finding("database", "broken", found, f"run 'ostiary migrate --database-url {database.typed}'")]
        answers = Finding("database", "ok", f"answers, at schema {current}")
        await ready.ensure_writable(database)
        theirs, ours = await inspection.clock(database), datetime.now(UTC)
        return [answers, clock(theirs - ours), indexes(await inspection.missing_indexes(database))]
    except OstiaryError as error:
        return [_broken(error)]
    finally:
        if database is not None:
            await database.close()


def _broken(error: OstiaryError) -> Finding:
    if not isinstance(error, StoreUnavailable):
        return Finding("database", "broken", error.message, "correct database_url")
    found = error.sentence or error.cause or error.message
    cause = error.cause or ""
    hint = "start it, or correct database_url"
    if "standby" in cause:
        hint = "let database_url lead to the primary; of several hosts it is found: postgresql://a,b/name"
    elif "read-only" in cause:
        found, hint = found if "read-only" in found else f"read-only: {found}", "no session can be ended while it is"
    return Finding("database", "broken", found, hint)


def clock(apart: timedelta) -> Finding:
    """How far the database's clock is from this machine's."""
    if abs(apart) <= CLOCK_TOLERANCE:
        return Finding("database clock", "ok", "agrees with this machine's")
    found = f"{abs(apart).total_seconds():.0f} s apart from this machine's"
    return Finding("database clock", "unsafe", found, "set both by NTP: limits are kept by this machine's")


def indexes(missing: list[str]) -> Finding:
    """Whether every index is there: without one, a question about one session reads all of them."""
    if not missing:
        return Finding("indexes", "ok", "all there")
    return Finding("indexes", "broken", f"missing: {', '.join(missing)}", "make them anew, as the migrations do")


def _sqlite_path(settings: Settings) -> str | None:
    return settings.database_url.removeprefix("sqlite:///") if settings.database_url.startswith("sqlite:///") else None


def _is_loopback(host: str) -> bool:
    import ipaddress

    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
