"""Every setting in one table: the fields of `Settings`. Argument > OSTIARY_* > ostiary.toml > default.

`docs/reference/settings.md` is held against this table by a test.
"""

from __future__ import annotations

import base64
import ipaddress
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, cast, get_args

from ostiary.core.address_privacy import ADDRESS_MODES
from ostiary.core.duration import format_duration, parse_duration
from ostiary.core.gateway import Rule, parse_rules
from ostiary.core.policy import PRESETS, AtLimit, Policy
from ostiary.core.return_address import host_of, is_under, read_origin
from ostiary.errors import ConfigurationError

Source: TypeAlias = Literal["argument", "environment", "file", "default"]
ForwardedHeader: TypeAlias = Literal["x-forwarded-for", "forwarded", "none"]
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

DEFAULT_PORT: Final = 8420
DEFAULT_SCHEMA: Final = "ostiary"
PREFIX: Final = "OSTIARY_"
MAXIMUM_WORKERS: Final = 64
MAPPED_BITS: Final = 96  # of the prefix of IPv4 in IPv6 (RFC 4291 2.5.5.2)
KEY_BYTES: Final = 32  # of the key that protects signing keys: AES-256


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("must be a non-empty text")
    return value.strip()


def _optional_text(value: object) -> str | None:
    return None if value in ("", None) else _text(value)


def _identifier(value: object) -> str:
    text = _text(value)
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,30}", text) or text.startswith(("pg_", "sqlite_")):
        raise ValueError("must be at most 31 small letters, digits and _, beginning with a letter; not pg_ or sqlite_")
    return text


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    words = {
        "1": True,
        "true": True,
        "yes": True,
        "on": True,
        "0": False,
        "false": False,
        "no": False,
        "off": False,
    }
    try:
        return words[str(value).strip().lower()]
    except KeyError:
        raise ValueError("must be true or false") from None


def _number(lowest: int, highest: int) -> Callable[[object], int]:
    def parse(value: object) -> int:
        try:
            number = int(str(value))
        except ValueError:
            raise ValueError(f"must be a whole number from {lowest} to {highest}") from None
        if not lowest <= number <= highest:
            raise ValueError(f"must be from {lowest} to {highest}")
        return number

    return parse


def _optional(parse: Callable[[object], Any]) -> Callable[[object], Any]:
    return lambda value: None if value in ("", "none", None) else parse(value)


def _duration(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    return parse_duration(_text(value))


def _between(lowest: timedelta, highest: timedelta) -> Callable[[object], timedelta]:
    def parse(value: object) -> timedelta:
        span = _duration(value)
        if not lowest <= span <= highest:
            raise ValueError(f"must be from {format_duration(lowest)} to {format_duration(highest)}")
        return span

    return parse


_kept = _between(timedelta(days=1), timedelta(days=36_500))


def _key(value: object) -> str | None:
    if value in ("", None):
        return None
    try:
        is_right = len(base64.b64decode(f"{value}=", altchars=b"-_", validate=True)) == KEY_BYTES
    except ValueError:
        is_right = False
    if not is_right:  # what it is instead is not repeated: it may be a key with a typing error
        raise ValueError(f"must be {KEY_BYTES} random bytes in base64url, as 'ostiary keys generate' prints them")
    return str(value)


def _choice(*words: str) -> Callable[[object], str]:
    def parse(value: object) -> str:
        if not isinstance(value, str) or value not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return value

    return parse


def _listen_address(value: object) -> str | None:
    text = _optional_text(value)
    if text is None:
        return None
    found = re.fullmatch(r"([^\s:\[\]]+|\[[0-9a-fA-F:.]+\]):([0-9]{1,5})", text)
    if found is None or not 0 < int(found[2]) < 65536:
        raise ValueError("must be an address and a port such as 127.0.0.1:9464 or [::1]:9464")
    return text


def _networks(value: object) -> tuple[Network, ...]:
    parts = value.replace(",", " ").split() if isinstance(value, str) else list(cast("list[object]", value))
    return tuple(_as_ipv4(ipaddress.ip_network(str(part))) for part in parts)


def _as_ipv4(network: Network) -> Network:
    """An IPv4 network that is written as a part of `::ffff:0:0/96`, as IPv4: addresses are compared so."""
    mapped = network.network_address.ipv4_mapped if isinstance(network, ipaddress.IPv6Network) else None
    if mapped is None or network.prefixlen < MAPPED_BITS:
        return network
    return ipaddress.IPv4Network((mapped, network.prefixlen - MAPPED_BITS))


def _origin(value: object) -> str | None:
    text = _optional_text(value)
    if text is None:
        return None
    scheme, separator, rest = text.rstrip("/").partition("://")
    if scheme not in {"http", "https"} or not separator or not rest or any(c in rest for c in "/?#@ "):
        raise ValueError("must be an origin such as https://auth.example.org")
    return f"{scheme}://{rest.lower()}"


def _origins(value: object) -> tuple[str, ...]:
    parts = value.replace(",", " ").split() if isinstance(value, str) else list(cast("list[object]", value))
    return tuple(dict.fromkeys(read_origin(str(part)) for part in parts))


def _domain(value: object) -> str | None:
    text = _optional_text(value)
    if text is None:
        return None
    domain = host_of(read_origin(f"https://{text.removeprefix('.')}"))
    if "." not in domain or domain.replace(".", "").isdigit() or domain.startswith("["):
        raise ValueError("must be a domain of your own such as example.org, with a dot in it")
    return domain


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

    database_url: str = _setting(_default_database_url, _text, "where sessions live: sqlite:///… or postgresql://…")
    database_schema: str = _setting(
        DEFAULT_SCHEMA, _identifier, "the schema of Ostiary's tables on PostgreSQL, so that others' cannot collide"
    )
    database_prefix: str | None = _setting(
        None, _optional(_identifier), "what the names of Ostiary's tables begin with on SQLite, likewise"
    )
    host: str = _setting("127.0.0.1", _text, "address to listen on")
    port: int = _setting(DEFAULT_PORT, _number(0, 65535), "port to listen on; 0 takes a free one")
    metrics_address: str | None = _setting(
        None, _listen_address, "an address and port of its own for /metrics, without a credential"
    )
    workers: int = _setting(1, _number(1, MAXIMUM_WORKERS), "processes; one a core")
    public_url: str | None = _setting(None, _origin, "the origin that people use; https here makes every cookie secure")
    allow_plain_http: bool = _setting(False, _flag, "accept sign-ins over plain http from other machines")
    trusted_proxies: tuple[Network, ...] = _setting((), _networks, "networks whose forwarded headers are believed")
    forwarded_header: ForwardedHeader = _setting(
        "x-forwarded-for", _choice(*get_args(ForwardedHeader)), "the header in which they say for whom they ask"
    )
    cookie_domain: str | None = _setting(None, _domain, "share the session cookie with every host under this domain")
    return_addresses: tuple[str, ...] = _setting(
        (), _origins, "origins of applications that a sign-in may lead back to"
    )
    gateway_rules: tuple[Rule, ...] = _setting((), parse_rules, "who may use which application behind /verify")
    policy: str = _setting("default", _choice(*PRESETS), "the preset that the limits below change")
    lifetime: timedelta | None = _setting(None, _optional(_duration), "since start; also the most that can be minted")
    idle_timeout: timedelta | None = _setting(None, _optional(_duration), "since last used; at least 2m")
    max_sessions: int | None = _setting(None, _optional(_number(1, 100_000)), "live sessions per user")
    at_limit: str = _setting("evict", _choice("evict", "deny"), "what a sign-in over max_sessions does")
    step_up_age: timedelta | None = _setting(None, _optional(_duration), "oldest sign-in that may end other sessions")
    power_age: timedelta | None = _setting(
        None, _optional(_duration), "oldest sign-in that may give or take power, such as a role or a CLI token"
    )
    retention: timedelta = _setting(timedelta(days=90), _duration, "how long ended sessions and CLI tokens are kept")
    retention_events: timedelta = _setting(timedelta(days=365), _kept, "how long events are kept (PCI DSS 4.0 10.5.1)")
    retention_refused: timedelta = _setting(timedelta(days=30), _kept, "how long events of refused sign-ins are kept")
    retention_personal: timedelta = _setting(
        timedelta(days=90), _kept, "how long ended sessions and events keep address and agent"
    )
    purge_automatically: bool = _setting(True, _flag, "servers remove by themselves what is past retention")
    addresses: str = _setting("full", _choice(*ADDRESS_MODES), "what is kept of a client's address")
    sign_in_failures: int = _setting(
        10, _number(1, 1000), "failed sign-ins on one account from one address in a window"
    )
    sign_in_failures_per_address: int = _setting(
        100, _number(1, 100_000), "failed sign-ins from one address in a window"
    )
    sign_in_failures_per_account: int = _setting(
        100, _number(1, 100_000), "failed sign-ins on one account from addresses new to it in a window"
    )
    sign_in_window: timedelta = _setting(timedelta(minutes=15), _duration, "how long a failed sign-in counts")
    password_memory_kib: int = _setting(65536, _number(19456, 4_194_304), "argon2id memory in KiB (RFC 9106 4)")
    password_time_cost: int = _setting(3, _number(2, 100), "argon2id passes (RFC 9106 4)")
    access_token_lifetime: timedelta = _setting(
        timedelta(minutes=5),
        _between(timedelta(minutes=1), timedelta(hours=1)),
        "how long an OAuth access token lasts; a session that ends takes its tokens along at once",
    )
    refresh_grace: int = _setting(
        10, _number(0, 300), "seconds in which the same refresh token gets the same successor again"
    )
    key: str | None = _setting(None, _key, "what protects the signing keys, in base64url", secret=True)
    key_file: str | None = _setting(None, _optional_text, "a file that holds it; beside a SQLite database by default")
    places_file: str | None = _setting(None, _optional_text, "a MaxMind-format file that turns addresses into places")
    wake_url: str | None = _setting(
        None, _optional_text, "redis://, rediss:// or nats://: how nodes wake each other, beside the poll", secret=True
    )
    log_level: str = _setting("info", _choice("debug", "info", "warning", "error"), "the least that is logged")

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
            for name in ("lifetime", "idle_timeout", "max_sessions", "step_up_age", "power_age")
            if getattr(self, name) is not None
        }
        try:
            return replace(PRESETS[self.policy], at_limit=cast("AtLimit", self.at_limit), **changes)
        except ValueError as why:
            raise ConfigurationError(f"policy: {why}") from None


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings in force, and where each one came from."""

    settings: Settings
    sources: Mapping[str, Source]
    file: Path | None


def load(
    arguments: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
    file: Path | None = None,
) -> Loaded:
    """Read the settings: argument > OSTIARY_* > ostiary.toml > default. None among the arguments means not given.

    Args:
        arguments: what the command line gave.
        environ: the environment; the process's own by default.
        file: `OSTIARY_SETTINGS`, else `ostiary.toml` here when there is one.

    Raises:
        ConfigurationError: which setting, where it came from, what is wrong; a file that is not TOML; an unknown name.
    """
    environ = os.environ if environ is None else environ
    path = file or _settings_file(environ)
    written = _read(path) if path else {}
    given: tuple[tuple[Source, Mapping[str, object]], ...] = (
        ("argument", {name: value for name, value in (arguments or {}).items() if value is not None}),
        (
            "environment",
            {n.removeprefix(PREFIX).lower(): v for n, v in environ.items() if n.startswith(PREFIX)},
        ),
        ("file", written),
    )
    values: dict[str, Any] = {}
    sources: dict[str, Source] = {}
    for row in fields(Settings):
        source = next((name for name, mapping in given if row.name in mapping), None)
        sources[row.name] = source or "default"
        if source is not None:
            values[row.name] = _parse(row, dict(given)[source][row.name], source)
    settings = Settings(**values)
    settings.session_policy()
    settings.ensure_consistent()
    return Loaded(settings, sources, path)


def _wrong(name: str, why: str) -> ConfigurationError:
    return ConfigurationError(f"{name}: {why}", field=name)


def table() -> list[tuple[str, str, str]]:
    """Name, default and meaning of every setting: for `doctor` and the documentation."""
    return [(row.name, str(_default(row)), str(row.metadata["about"])) for row in fields(Settings)]


def _default(row: Field[Any]) -> object:
    return "" if row.default is MISSING else row.default


def _parse(row: Field[Any], value: object, source: Source) -> Any:
    try:
        return row.metadata["parse"](value)
    except (ValueError, TypeError) as why:
        raise ConfigurationError(f"{row.name} (from {source}): {why}", field=row.name) from None


def _settings_file(environ: Mapping[str, str]) -> Path | None:
    named = environ.get(f"{PREFIX}SETTINGS")
    if named:
        return Path(named)
    here = Path("ostiary.toml")
    return here if here.is_file() else None


def _read(path: Path) -> dict[str, object]:
    try:
        written = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as why:
        raise ConfigurationError(f"{path} cannot be read: {why}") from None
    except tomllib.TOMLDecodeError as why:
        raise ConfigurationError(f"{path} is not valid TOML: {why}") from None
    unknown = sorted(set(written) - {row.name for row in fields(Settings)})
    if unknown:
        raise ConfigurationError(f"{path}: unknown setting {unknown[0]!r}", field=unknown[0])
    return written
