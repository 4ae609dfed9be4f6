"""Rules for the applications behind `/verify`: who may use which, by which credential, signed in how long ago.

Closed by default: as soon as there is one rule, an application without one is refused, and so is a question that does
not say which application it is about. A misspelt name opens nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Final, Literal, TypeAlias, get_args

from ostiary.core.account import ROLES
from ostiary.core.caller import Caller
from ostiary.core.duration import format_duration, parse_duration
from ostiary.core.return_address import read_origin
from ostiary.core.session import Kind
from ostiary.errors import NotAllowed, ReauthenticationRequired

Credential: TypeAlias = Kind | Literal["token"]

CREDENTIALS: Final[tuple[str, ...]] = (*get_args(Kind), "token")  # kinds of sessions, and CLI tokens
MAXIMUM_RULES: Final = 1000
MINIMUM_SIGN_IN_AGE: Final = timedelta(minutes=1)  # less, and a person is asked again while the page still loads

_APPLICATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rule:
    """What an application asks of whoever uses it. What is empty asks nothing.

    Attributes:
        application: the id that the proxy gives, as `/verify?app=wiki`.
        hosts: under which it is reached, for a proxy that gives no id.
        roles: one of these has to be the caller's.
        tenant: of the session.
        credentials: of `CREDENTIALS`: how the caller may come.
        max_sign_in_age: since the person last proved who they are.
    """

    application: str
    hosts: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    tenant: str | None = None
    credentials: tuple[str, ...] = ()
    max_sign_in_age: timedelta | None = None

    def __str__(self) -> str:
        """For an operator, in one line."""
        said = {
            "hosts": ", ".join(self.hosts),
            "roles": " or ".join(self.roles),
            "tenant": self.tenant,
            "credentials": " or ".join(self.credentials),
            "max_sign_in_age": format_duration(self.max_sign_in_age) if self.max_sign_in_age else None,
        }
        told = "; ".join(f"{name} {value}" for name, value in said.items() if value)
        return f"{self.application}: {told or 'anybody signed in'}"


def rule_for(rules: Sequence[Rule], application: str | None, host: str | None) -> Rule | None:
    """The rule that decides; None where the operator made none and the proxy names no application.

    Args:
        application: as the proxy's own configuration names it.
        host: what the client asked the proxy for, in any case, with or without a port; None if nobody we trust says.

    Raises:
        NotAllowed: no rule is about it.
    """
    if application is not None:
        found = next((rule for rule in rules if rule.application == application), None)
        if found is None:
            raise NotAllowed("there is no rule for this application")
        return found
    if not rules:
        return None
    name = plain_host(host or "")
    found = next((rule for rule in rules if name and name in rule.hosts), None)
    if found is None:
        raise NotAllowed("there is no rule for this host; the proxy names the application by ?app=")
    return found


def ensure_allowed(rule: Rule, caller: Caller, now: datetime) -> None:
    """Return if the rule lets the caller through.

    Raises:
        NotAllowed: the role, the tenant or the kind of credential is not what it asks for.
        ReauthenticationRequired: signed in too long ago; a fresh sign-in helps.
    """
    if rule.credentials and kind_of(caller) not in rule.credentials:
        raise NotAllowed("this application does not take this kind of credential")
    if rule.tenant is not None and (caller.session is None or caller.session.tenant != rule.tenant):
        raise NotAllowed("this application belongs to another tenant")
    if rule.roles and not set(rule.roles) & set(caller.acting_roles):
        raise NotAllowed(f"this application needs the role {' or '.join(rule.roles)}", role=rule.roles[0])
    if rule.max_sign_in_age is None:
        return
    if caller.session is None:
        raise NotAllowed("this application needs a recent sign-in: a CLI token has none")
    if not caller.session.was_proved_within(rule.max_sign_in_age, now):
        raise ReauthenticationRequired(int(rule.max_sign_in_age.total_seconds()))


def kind_of(caller: Caller) -> str:
    """By what the caller came, of `CREDENTIALS`."""
    return caller.session.kind if caller.session is not None else "token"


def plain_host(host: str) -> str:
    """A host as it is compared: lower case, without the port and without the dot of the root."""
    bare = host if host.startswith("[") and host.endswith("]") else re.sub(r":\d*$", "", host)
    return bare.lower().removesuffix(".")


# Reading what an operator wrote.


def parse_rules(value: object) -> tuple[Rule, ...]:
    """Rules as tables of a settings file, or as JSON in the environment.

    Raises:
        ValueError: which rule, which member of it, what would be right.
    """
    if isinstance(value, str):
        try:
            value = json.loads(value) if value.strip() else []
        except json.JSONDecodeError as why:
            raise ValueError(f"must be a JSON array of rules: {why}") from None
    if not isinstance(value, list | tuple) or len(value) > MAXIMUM_RULES:
        raise ValueError(f"must be a list of at most {MAXIMUM_RULES} rules")
    rules = tuple(_rule(number, one) for number, one in enumerate(value, 1))
    for what, names in (
        ("application", [rule.application for rule in rules]),
        ("host", [host for rule in rules for host in rule.hosts]),
    ):
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"two rules are about the {what} {twice!r}")
    return rules


def _rule(number: int, value: object) -> Rule:
    if isinstance(value, Rule):
        return value
    if not isinstance(value, Mapping):
        raise ValueError(f"rule {number}: must be a table")
    where = f"rule {number} ({value.get('application', 'without application')!s:.64})"
    unknown = sorted(set(value) - {row.name for row in fields(Rule)})
    if unknown:
        raise ValueError(f"{where}: unknown member {unknown[0]!r}; there are {', '.join(_MEMBERS)}")
    if "application" not in value:
        raise ValueError(f"{where}: application is missing")
    read: dict[str, Any] = {}
    for name, given in value.items():
        try:
            read[name] = _MEMBERS[name](given)
        except ValueError as why:
            raise ValueError(f"{where}: {name} {why}") from None
    return Rule(**read)


def _application(value: object) -> str:
    if not isinstance(value, str) or not _APPLICATION.fullmatch(value):
        raise ValueError("must be 1 to 64 letters, digits, dots, dashes or underscores")
    return value


def _hosts(value: object) -> tuple[str, ...]:
    hosts = tuple(plain_host(host) for host in _texts(value))
    for host in hosts:
        try:
            read_origin(f"https://{host}")
        except ValueError:
            raise ValueError(f"must be host names such as app.example.org, not {host[:64]!r}") from None
    return hosts


def _of(words: Sequence[str]) -> Any:
    def parse(value: object) -> tuple[str, ...]:
        given = _texts(value)
        wrong = next((word for word in given if word not in words), None)
        if wrong is not None:
            raise ValueError(f"{wrong[:64]!r} is none of {', '.join(words)}")
        return given

    return parse


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not value or not all(isinstance(one, str) and one for one in value):
        raise ValueError("must be a list of texts, and not an empty one")
    return tuple(value)


def _tenant(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("must be a text")
    return value


def _age(value: object) -> timedelta:
    span = value if isinstance(value, timedelta) else parse_duration(str(value))
    if span < MINIMUM_SIGN_IN_AGE:
        raise ValueError(f"must be at least {format_duration(MINIMUM_SIGN_IN_AGE)}")
    return span


_MEMBERS: Final[dict[str, Any]] = {
    "application": _application,
    "hosts": _hosts,
    "roles": _of(ROLES),
    "tenant": _tenant,
    "credentials": _of(CREDENTIALS),
    "max_sign_in_age": _age,
}
