"""The database's URL, read once, for every driver and every pool.

For PostgreSQL it is libpq's (section 34.1.1.2 of its manual), with SQLAlchemy's way to repeat `host=name:port` beside
it. A parameter that cannot be honoured is refused by its name: one that was dropped in silence would be no parameter.
No error repeats the text, as it may hold a password.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias
from urllib.parse import quote, unquote, urlencode

from ostiary.errors import ConfigurationError
from ostiary.storage import tls
from ostiary.storage.tls import refuse

Host: TypeAlias = tuple[str, int]  # a name, an address, the directory of a socket, "" for the usual one; and the port

PORT: Final = 5432
CONNECT_TIMEOUT: Final = 5.0  # seconds for each host, where `connect_timeout` does not say
NAME: Final = "ostiary"  # `application_name`, where nobody says

# Of `target_session_attrs`: both are what is asked of each connection anyway.
TARGETS: Final = ("primary", "read-write")
_FILES: Final = ("sslrootcert", "sslcrl", "sslcert", "sslkey", "passfile")
_TAKEN: Final = frozenset(
    {"host", "port", "dbname", "database", "user", "password", "passfile", "connect_timeout", "options"}
    | {"application_name", "fallback_application_name", "target_session_attrs", "sslnegotiation", "ssl"}
    | {"krbsrvname", "gsslib", *tls.PARAMETERS, *tls.VERSIONS}
)
# What changes nothing, as things are so anyway.
_INERT: Final[Mapping[str, frozenset[str]]] = {
    "channel_binding": frozenset({"disable", "prefer"}),
    "client_encoding": frozenset({"auto", "utf8", "utf-8", "unicode"}),
    "gssencmode": frozenset({"disable", "prefer"}),
    "gssdelegation": frozenset({"0"}),
    "keepalives": frozenset({"1"}),
    "load_balance_hosts": frozenset({"disable"}),
    "replication": frozenset({"false", "off", "no", "0"}),
    "requiressl": frozenset({"0"}),
    "sslcertmode": frozenset({"allow"}),
    "sslcompression": frozenset({"0"}),
    "sslsni": frozenset({"1"}),
}
_DIGITS: Final = re.compile(r"[0-9]{1,5}")
_HOST: Final = r"(?:\[[^\]/?@]*\]|[^\[\]:,/?@]*)(?::[0-9]*)?"
_HOSTS: Final = re.compile(rf"{_HOST}(?:,{_HOST})*")
_PARAMETER: Final = re.compile(r"[a-z_]{1,40}")


@dataclass(frozen=True, slots=True)
class Servers:
    """PostgreSQL: where the primary may be, and how to be let in.

    Attributes:
        hosts: in the order of the URL; none where the driver looks for a socket of this machine.
        user, password, database, passfile: None for the driver's default, by libpq's environment variables.
        connect_timeout: seconds for each host.
        tls: libpq's parameters, by name.
        is_tls_direct: TLS from the first byte on (`sslnegotiation=direct`).
        startup: settings that are sent along with the first message.
        more: further arguments of the driver.
    """

    hosts: tuple[Host, ...]
    user: str | None
    password: str | None = field(repr=False)
    database: str | None
    passfile: str | None
    connect_timeout: float
    tls: Mapping[str, str] = field(repr=False)
    is_tls_direct: bool
    startup: Mapping[str, str]
    more: Mapping[str, str]

    def arguments(self, host: Host | None) -> dict[str, Any]:
        """What `asyncpg.connect` takes for one of the hosts. Files of TLS are read anew by it, each time.

        Raises:
            OSError: a file is not there any more, or holds no certificate.
        """
        found: dict[str, Any] = {
            "user": self.user,
            "password": self.password,
            "database": self.database,
            "passfile": self.passfile,
            "server_settings": dict(self.startup),
            # Of all hosts it would take the first that answers; who asks looks at each by itself.
            "target_session_attrs": "any",
            **self.more,
        }
        if host is not None:
            found["host"], found["port"] = host[0] or None, host[1]
        if self.is_tls_direct:
            found["direct_tls"] = True
        if self.tls.get("sslrootcert") == "system":  # libpq 16: the roots of the machine
            found["ssl"] = tls.by_the_systems_roots(self.tls)
        elif self.tls:
            found["dsn"] = f"postgresql://?{urlencode(self.tls, quote_via=quote)}"
        return found

    def __str__(self) -> str:
        """Where, for people: without user and password."""
        where = ",".join(_shown_host(host) for host in self.hosts) or "localhost"
        return f"{where}/{self.database or ''}".rstrip("/")


def read(text: str) -> Path | Servers:
    """Read `sqlite:///path` or `postgresql://…`; the driver is ours to choose.

    Raises:
        ConfigurationError: another kind of database, no URL, or a parameter that cannot be honoured.
    """
    scheme, found, rest = text.partition("://")
    backend = scheme.partition("+")[0].lower()
    if not found or not re.fullmatch(r"[a-z][a-z0-9]{0,30}", backend):
        refuse("write sqlite:///path or postgresql://user@host/name")
    if backend == "sqlite":
        return _file(rest)
    if backend in {"postgresql", "postgres"}:
        return _servers(rest)
    refuse(f"{backend} is not supported; use sqlite or postgresql")


def shown(text: str) -> str:
    """A URL without its secrets, for people. What cannot be read is not shown at all."""
    try:
        found = read(text)
    except ConfigurationError:
        return "(cannot be read)"
    if isinstance(found, Path):
        return f"sqlite:///{found}"
    who = f"{found.user}{':***' if found.password else ''}@" if found.user else ""
    return f"postgresql://{who}{found}"


def typed(found: Path | Servers) -> str:
    """The URL for a command that somebody types, without a password, which the command takes from elsewhere."""
    if isinstance(found, Path):
        return f"sqlite:///{found.absolute()}"
    who = f"{quote(found.user, safe='')}@" if found.user else ""
    if found.hosts and found.hosts[0][0].startswith("/"):  # a socket's directory cannot stand where a name does
        return f"postgresql://{who}/{found.database or ''}?host={found.hosts[0][0]}"
    return f"postgresql://{who}{found}"


def _file(rest: str) -> Path:
    path = rest.removeprefix("/")
    if not rest.startswith("/") or not path or path == ":memory:" or "?" in rest or "\0" in path:
        refuse("SQLite needs a file, such as sqlite:///ostiary.db")
    return Path(path)


def _servers(rest: str) -> Servers:
    credentials, rest = _without_credentials(rest)
    rest, _, query = rest.partition("?")
    places, _, database = rest.partition("/")
    if "@" in places or "@" in database:
        refuse("write @ : / ? and # in a name or password as %40 %3A %2F %3F and %23")
    asked = _asked(query)
    user, _, password = (credentials or "").partition(":")
    last = {name: values[-1] for name, values in asked.items()}
    named = [one for value in asked.get("host", ()) for one in value.split(",")]
    hosts = _hosts(named or [unquote(one) for one in places.split(",") if places], asked.get("port", ()))
    for name in _FILES:
        _ensure_readable(name, last.get(name))
    found = tls.read_tls(last)
    return Servers(
        hosts=hosts,
        user=last.get("user") or unquote(user) or None,
        password=last.get("password") or unquote(password) or None,
        database=last.get("dbname") or last.get("database") or unquote(database) or None,
        passfile=last.get("passfile"),
        connect_timeout=_seconds(last.get("connect_timeout")),
        tls=found,
        is_tls_direct=tls.is_direct(last.get("sslnegotiation"), found),
        startup=_startup(last),
        more={name: last[name] for name in ("krbsrvname", "gsslib") if name in last},
    )


def _without_credentials(rest: str) -> tuple[str | None, str]:
    """`user:password`, if it is there, and what follows it.

    As libpq does, up to the first @ before a slash. A password with a slash that nobody has encoded was read by
    SQLAlchemy; it still is, where what stands in front of the slash can be no list of hosts.
    """
    head = re.split(r"[/?]", rest, maxsplit=1)[0]
    before, found, after = rest.partition("@")
    if not found or ("@" not in head and _HOSTS.fullmatch(head)):
        return None, rest
    return before, after


def _asked(query: str) -> dict[str, list[str]]:
    """The parameters, each with all that was said of it."""
    asked: dict[str, list[str]] = {}
    if "@" in query and not re.search(r"(?:^|&)(?:user|password|options|application_name|sslpassword)=[^&]*@", query):
        refuse("write @ : / ? and # in a name or password as %40 %3A %2F %3F and %23")
    for part in filter(None, query.split("&")):
        name, found, value = part.partition("=")
        name, value = unquote(name), unquote(value)
        if not found or not _PARAMETER.fullmatch(name):
            refuse("after the ? there must be name=value, joined by &")
        if "\0" in value:
            refuse(f"{name} holds a NUL")
        if name in _INERT and value.lower() in _INERT[name]:
            continue
        if name == "hostaddr":
            refuse("hostaddr is not supported; write the address as host")
        if name not in _TAKEN:
            refuse(f"the parameter {name}{' with this value' if name in _INERT else ''} is not supported")
        if value:
            asked.setdefault(name, []).append(value)
    target = asked.get("target_session_attrs", ["primary"])[-1]
    if target not in TARGETS:
        known = target if target in {"any", "standby", "read-only", "prefer-standby"} else "with this value"
        refuse(
            f"target_session_attrs {known} is not supported: whether a session has ended is known by the primary only; "
            "leave it out, or write primary"
        )
    return asked


def _hosts(places: Sequence[str], said: Sequence[str]) -> tuple[Host, ...]:
    ports = [one for value in said for one in value.split(",")]
    if not places:
        # libpq's variables, read here: the driver would take the first that answers, whatever it is.
        places = [one for one in os.environ.get("PGHOST", "").split(",") if one]
        ports = ports or [one for one in os.environ.get("PGPORT", "").split(",") if one and len(places) > 0]
    if len(ports) not in {0, 1, len(places)} and places:
        refuse("as many ports are needed as there are hosts, or one for all")
    if not places:
        return (("", _port(ports[0])),) if ports else ()
    each = ports * len(places) if len(ports) == 1 else ports or [os.environ.get("PGPORT", "")] * len(places)
    return tuple(_host(place, port) for place, port in zip(places, each, strict=True))


def _host(place: str, port: str) -> Host:
    bracketed = re.fullmatch(r"\[([^\]]*)\](?::([0-9]*))?", place)
    if bracketed:
        name, own = bracketed[1], bracketed[2]
    elif place.startswith("/") or place.count(":") != 1:  # a directory; or an IPv6 address by itself
        name, own = place, ""
    else:
        name, _, own = place.partition(":")
    if "@" in name or any(letter.isspace() or letter in "\0?#" for letter in name) or "[" in name:
        refuse("a host cannot be read; write @ : / ? and # in a password as %40 %3A %2F %3F and %23")
    return name or "localhost", _port(own or port)


def _port(text: str) -> int:
    if not text:
        return PORT
    if not _DIGITS.fullmatch(text) or not 0 < int(text) < 65536:
        refuse("a port must be a number from 1 to 65535")
    return int(text)


def _startup(last: Mapping[str, str]) -> dict[str, str]:
    name = last.get("application_name") or os.environ.get("PGAPPNAME") or last.get("fallback_application_name", NAME)
    return {"application_name": name} | ({"options": last["options"]} if "options" in last else {})


def _seconds(text: str | None) -> float:
    if text is None:
        return CONNECT_TIMEOUT
    if not re.fullmatch(r"-?[0-9]{1,6}", text):
        refuse("connect_timeout must be a whole number of seconds")
    # Zero is libpq's word for ever: nobody waits for ever here.
    return float(text) if int(text) > 0 else CONNECT_TIMEOUT


def _ensure_readable(name: str, path: str | None) -> None:
    if path is None or (name == "sslrootcert" and path == "system"):
        return
    try:
        with Path(path).open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
    except OSError as why:
        refuse(f"{name}: {path} cannot be read: {why.strerror or type(why).__name__}")
    if name == "passfile" and os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        refuse(f"passfile: {path} can be read by others, so it would be ignored; chmod 600 {path}")


def _shown_host(host: Host) -> str:
    name, port = host
    return f"[{name}]:{port}" if ":" in name else f"{name or 'localhost'}:{port}"
