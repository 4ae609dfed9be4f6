"""This machine as a server: the settings in force, and the database."""

from __future__ import annotations

import asyncio
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import fields
from datetime import timedelta
from importlib.util import find_spec

from ostiary.cli.checks import Finding
from ostiary.core.duration import format_duration
from ostiary.errors import OstiaryError
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
    path = _sqlite_path(loaded.settings)
    if path is not None and not os.path.exists(path):
        yield Finding("database", "info", f"{path} is not there yet", "'ostiary serve' makes it")
    else:
        yield asyncio.run(_database(loaded.settings))


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
        return re.sub(r"(//[^/@]*?):.*@", r"\1:***@", str(value))  # without its password
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
    for network in settings.trusted_proxies:
        if network.prefixlen == 0:
            yield Finding(
                "trusted_proxies",
                "unsafe",
                f"{network} lets anybody forge the address that is recorded and limited",
                "name the proxies' own networks",
            )
    path = _sqlite_path(settings)
    if path is not None and os.name == "posix" and os.path.exists(path):
        mode = stat.S_IMODE(os.stat(path).st_mode)
        readable = mode & 0o077 and os.stat(os.path.dirname(path) or ".").st_mode & 0o011
        if readable:
            yield Finding("database file", "unsafe", f"{path} can be read by others ({mode:o})", f"chmod 600 {path}")


async def _database(settings: Settings) -> Finding:
    from ostiary.storage import migrate
    from ostiary.storage.database import Database

    database: Database | None = None
    try:
        database = Database(settings.database_url)
        current, newest = await migrate.current(database), migrate.newest()
    except OstiaryError as error:
        return Finding("database", "broken", error.message, "start it, or correct database_url")
    finally:
        if database is not None:
            await database.close()
    if current != newest:
        return Finding(
            "database",
            "broken",
            f"at schema {current or 'none'}, this version needs {newest}",
            "run 'ostiary migrate'",
        )
    return Finding("database", "ok", f"answers, at schema {current}")


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
