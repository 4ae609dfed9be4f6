"""Every setting in one table: the fields of `Settings`.

`docs/reference/settings.md` is held against this table by a test.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, cast, get_args

from ostiary.core.address_privacy import ADDRESS_MODES
from ostiary.core.gateway import Rule, parse_rules
from ostiary.core.policy import PRESETS, AtLimit, Policy
from ostiary.core.return_address import host_of, is_under
from ostiary.errors import ConfigurationError
from ostiary.settings.values import (
    Network,
    as_domain,
    as_duration,
    as_flag,
    as_identifier,
    as_key,
    as_listen_address,
    as_networks,
    as_optional_text,
    as_origin,
    as_origins,
    as_retention,
    as_text,
    duration_between,
    number_between,
    one_of,
    optional,
)

ForwardedHeader: TypeAlias = Literal["x-forwarded-for", "forwarded", "none"]

DEFAULT_PORT: Final = 8420
DEFAULT_SCHEMA: Final = "ostiary"
MAXIMUM_WORKERS: Final = 64


def default_data_directory() -> Path:
    """Where SQLite lives when nothing is said: the user's data directory."""
    base = os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "ostiary"


def _default_database_url() -> str:
    return f"sqlite:///{default_data_directory() / 'ostiary.db'}"


def _setting(default: Any, parse: Callable[[object], Any], about: str, *, secret: bool = False) -> Any:
    metadata = {"parse": parse, "about": about, "secret": secret}
    if callable(default):
        return field(default_factory=default, metadata=metadata, repr=not secret)
    return field(default=default, metadata=metadata, repr=not secret)


@dataclass(frozen=True, slots=True)
class Settings:
    """What is in force. Build it with `load`, which says where each value came from."""

    database_url: str = _setting(_default_database_url, as_text, "where sessions live: sqlite:///… or postgresql://…")
    database_schema: str = _setting(
        DEFAULT_SCHEMA, as_identifier, "the schema of Ostiary's tables on PostgreSQL, so that others' cannot collide"
    )
    database_prefix: str | None = _setting(
        None, optional(as_identifier), "what the names of Ostiary's tables begin with on SQLite, likewise"
    )
    host: str = _setting("127.0.0.1", as_text, "address to listen on")
    port: int = _setting(DEFAULT_PORT, number_between(0, 65535), "port to listen on; 0 takes a free one")
    metrics_address: str | None = _setting(
        None, as_listen_address, "an address and port of its own for /metrics, without a credential"
    )
    workers: int = _setting(1, number_between(1, MAXIMUM_WORKERS), "processes; one a core")
    public_url: str | None = _setting(
        None, as_origin, "the origin that people use; https here makes every cookie secure"
    )
    allow_plain_http: bool = _setting(False, as_flag, "accept sign-ins over plain http from other machines")
    trusted_proxies: tuple[Network, ...] = _setting((), as_networks, "networks whose forwarded headers are believed")
    forwarded_header: ForwardedHeader = _setting(
        "x-forwarded-for", one_of(*get_args(ForwardedHeader)), "the header in which they say for whom they ask"
    )
    cookie_domain: str | None = _setting(None, as_domain, "share the session cookie with every host under this domain")
    return_addresses: tuple[str, ...] = _setting(
        (), as_origins, "origins of applications that a sign-in may lead back to"
    )
    gateway_rules: tuple[Rule, ...] = _setting((), parse_rules, "who may use which application behind /verify")
    policy: str = _setting("default", one_of(*PRESETS), "the preset that the limits below change")
    lifetime: timedelta | None = _setting(None, optional(as_duration), "since start; also the most that can be minted")
    idle_timeout: timedelta | None = _setting(None, optional(as_duration), "since last used; at least 2m")
    browser_idle: timedelta | None = _setting(
        None, optional(as_duration), "since last used, where the cookie dies with the browser; at least 2m"
    )
    stay_signed_in: bool | None = _setting(
        None, optional(as_flag), "people may ask to stay signed in when the browser is closed"
    )
    max_sessions: int | None = _setting(None, optional(number_between(1, 100_000)), "live sessions per user")
    at_limit: str = _setting("evict", one_of("evict", "deny"), "what a sign-in over max_sessions does")
    step_up_age: timedelta | None = _setting(None, optional(as_duration), "oldest sign-in that may end other sessions")
    power_age: timedelta | None = _setting(
        None, optional(as_duration), "oldest sign-in that may give or take power, such as a role or a CLI token"
    )
    retention: timedelta = _setting(timedelta(days=90), as_duration, "how long ended sessions and CLI tokens are kept")
    retention_events: timedelta = _setting(
        timedelta(days=365), as_retention, "how long events are kept (PCI DSS 4.0 10.5.1)"
    )
    retention_refused: timedelta = _setting(
        timedelta(days=30), as_retention, "how long events of refused sign-ins are kept"
    )
    retention_personal: timedelta = _setting(
        timedelta(days=90), as_retention, "how long ended sessions and events keep address and agent"
    )
    purge_automatically: bool = _setting(True, as_flag, "servers remove by themselves what is past retention")
    addresses: str = _setting("full", one_of(*ADDRESS_MODES), "what is kept of a client's address")
    sign_in_failures: int = _setting(
        10, number_between(1, 1000), "failed sign-ins on one account from one address in a window"
    )
    sign_in_failures_per_address: int = _setting(
        100, number_between(1, 100_000), "failed sign-ins from one address in a window"
    )
    sign_in_failures_per_account: int = _setting(
        100, number_between(1, 100_000), "failed sign-ins on one account from addresses new to it in a window"
    )
    sign_in_window: timedelta = _setting(timedelta(minutes=15), as_duration, "how long a failed sign-in counts")
    password_memory_kib: int = _setting(65536, number_between(19456, 4_194_304), "argon2id memory in KiB (RFC 9106 4)")
    password_time_cost: int = _setting(3, number_between(2, 100), "argon2id passes (RFC 9106 4)")
    access_token_lifetime: timedelta = _setting(
        timedelta(minutes=5),
        duration_between(timedelta(minutes=1), timedelta(hours=1)),
        "how long an OAuth access token lasts; a session that ends takes its tokens along at once",
    )
    refresh_grace: int = _setting(
        10, number_between(0, 300), "seconds in which the same refresh token gets the same successor again"
    )
    refresh_grace_native: int = _setting(
        60, number_between(0, 300), "the same for apps on a device, whose processes share one refresh token"
    )
    key_rotation: timedelta = _setting(
        timedelta(days=90),
        duration_between(timedelta(days=1), timedelta(days=3650)),
        "how old signing keys become before new ones take their place",
    )
    key: str | None = _setting(None, as_key, "what protects the signing keys, in base64url", secret=True)
    key_file: str | None = _setting(None, as_optional_text, "a file that holds it; beside a SQLite database by default")
    places_file: str | None = _setting(None, as_optional_text, "a MaxMind-format file that turns addresses into places")
    wake_url: str | None = _setting(
        None,
        as_optional_text,
        "redis://, rediss:// or nats://: how nodes wake each other, beside the poll",
        secret=True,
    )
    log_level: str = _setting("info", one_of("debug", "info", "warning", "error"), "the least that is logged")

    @property
    def metrics_listen(self) -> tuple[str, int] | None:
        """`metrics_address` as a host, without brackets, and a port."""
        if self.metrics_address is None:
            return None
        host, _, port = self.metrics_address.rpartition(":")
        return host.strip("[]"), int(port)

    @property
    def issuer(self) -> str:
        """What tokens call this server: its public origin, else the address that it listens on."""
        if self.public_url is not None:
            return self.public_url
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 - only compared
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    def ensure_consistent(self) -> None:
        """Return if the settings about applications behind `/verify` can work together.

        Raises:
            ConfigurationError: one contradicts another, so that the browser would be led in circles or a rule would
                never be met.
        """
        if self.metrics_listen is not None and self.metrics_listen[1] == self.port:
            raise _wrong("metrics_address", "needs a port of its own")
        home = host_of(self.public_url or "")
        is_https = (self.public_url or "").startswith("https://")
        if self.cookie_domain is not None and not (is_https and is_under(home, self.cookie_domain)):
            raise _wrong("cookie_domain", f"needs a public_url with https on a host under {self.cookie_domain}")
        if self.return_addresses and self.public_url is None:
            raise _wrong("return_addresses", "needs public_url, where people sign in")
        for origin in self.return_addresses:
            host = host_of(origin)
            if host != home and not (self.cookie_domain and is_under(host, self.cookie_domain)):
                raise _wrong(
                    "return_addresses",
                    f"the session cookie of {home} never reaches {host}: it needs a cookie_domain above both",
                )
        if any(rule.hosts for rule in self.gateway_rules) and not self.trusted_proxies:
            raise _wrong("gateway_rules", "hosts are read from X-Forwarded-Host, which needs trusted_proxies")

    def session_policy(self) -> Policy:
        """The preset with the limits that were set.

        Raises:
            ConfigurationError: the limits contradict each other or the preset's floor.
        """
        changes: dict[str, Any] = {
            name: getattr(self, name)
            for name in ("lifetime", "idle_timeout", "browser_idle", "max_sessions", "step_up_age", "power_age")
            if getattr(self, name) is not None
        }
        if self.stay_signed_in is not None:
            changes["may_stay"] = self.stay_signed_in
        try:
            return replace(PRESETS[self.policy], at_limit=cast("AtLimit", self.at_limit), **changes)
        except ValueError as why:
            raise ConfigurationError(f"policy: {why}") from None


def _wrong(name: str, why: str) -> ConfigurationError:
    return ConfigurationError(f"{name}: {why}", field=name)
