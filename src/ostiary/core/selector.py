"""Which sessions: the filters that search, plans, the command line and the pages share.

A selector is read from plain texts by name, as an address line, a JSON object or `--where` carries them. All of its
filters hold at once. `matches` is the rule, `storage/selecting.py` is the same as SQL; a test holds the two together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Final, Literal, TypeAlias

from ostiary.core.account import username_key
from ostiary.core.address import Network, parse_network
from ostiary.core.client import MAXIMUM_LABEL, MAXIMUM_USER_AGENT
from ostiary.core.likeness import Agent, Machine, Words, lies_in
from ostiary.core.policy import Policy
from ostiary.core.session import REASONS, STATUSES, Reason, Session, Status
from ostiary.errors import InvalidRequest
from ostiary.errors.translatable import translatable

# live: active or stale, so all that would be accepted; ended: revoked or expired, so all that nothing brings back
Wanted: TypeAlias = Status | Literal["live", "ended"]
Sort: TypeAlias = Literal["created_at", "-created_at", "last_used_at", "-last_used_at"]

WANTED: Final[tuple[Wanted, ...]] = (*STATUSES, "live", "ended")
SORTS: Final[tuple[Sort, ...]] = ("created_at", "-created_at", "last_used_at", "-last_used_at")
MAXIMUM_TEXT: Final = 256  # characters of a user's name, an application or a tenant
LEAST_OF_ID: Final = 3  # characters after `sess_` that the beginning of an id needs, as on the command line

_SESSION_ID = re.compile(rf"sess_[a-z2-7]{{{LEAST_OF_ID},26}}")


@dataclass(frozen=True, slots=True)
class Selector:
    """Filters that all hold at once; None filters nothing.

    Attributes:
        user: a username in any case, or a user id.
        ip: the address of the last recorded use lies in this network.
        user_agent: the browser or tool, such as `Firefox` or `Firefox on Linux`, in any case; or a whole agent as the
            client sent it.
        device: the kind of device (`DEVICES`), its system, such as `Windows`, or its model, in any case.
        application_id, tenant: exactly.
        status: at the moment of asking; `live` is active or stale, `ended` revoked or expired.
        created_before, created_after, last_used_before: strictly before; at or after.
        reason: why somebody ended or suspended it, of `REASONS`.
        q: the beginning of a session id, of a username or of a label; or an address or network.
    """

    user: str | None = None
    ip: Network | None = None
    user_agent: str | None = None
    device: str | None = None
    application_id: str | None = None
    tenant: str | None = None
    status: Wanted | None = None
    created_before: datetime | None = None
    created_after: datetime | None = None
    last_used_before: datetime | None = None
    reason: Reason | None = None
    q: str | None = None

    def matches(self, session: Session, username: str | None, policy: Policy, now: datetime) -> bool:
        """True if the session is one of those; `username` is its user's, None when it is not known."""
        return all(
            (
                self.user is None or self.user == session.user_id or _is_called(username, self.user),
                self.ip is None or lies_in(session, self.ip),
                self.user_agent is None or self.agent.matches(session),
                self.device is None or self.machine.matches(session),
                self.application_id is None or self.application_id == session.application_id,
                self.tenant is None or self.tenant == session.tenant,
                self.status is None or session.status(policy, now) in self.statuses,
                self.created_before is None or session.created_at < self.created_before,
                self.created_after is None or session.created_at >= self.created_after,
                self.last_used_before is None or session.last_used_at < self.last_used_before,
                self.reason is None or (session.revoked is not None and session.revoked.reason == self.reason),
                self.q is None or self.words.matches(session, username),
            )
        )

    @property
    def statuses(self) -> tuple[Status, ...]:
        """The states that `status` stands for."""
        if self.status is None:
            return STATUSES
        if self.status == "ended":
            return ("expired", "revoked")
        return ("active", "stale") if self.status == "live" else (self.status,)

    @property
    def agent(self) -> Agent:
        """What `user_agent` says."""
        return Agent.read(self.user_agent or "")

    @property
    def machine(self) -> Machine:
        """What `device` says."""
        return Machine.read(self.device or "")

    @property
    def words(self) -> Words:
        """What `q` says."""
        return Words.read(self.q or "")

    def filters(self) -> dict[str, str]:
        """As plain texts, which `parse` reads back."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            name: value.astimezone(UTC).isoformat().replace("+00:00", "Z")
            if isinstance(value, datetime)
            else str(value)
            for name, value in given.items()
            if value is not None
        }

    def describe(self) -> str:
        """In words: `user ada, ip 203.0.113.0/24, last used before 2026-01-15T12:00:00Z`; `all sessions`."""
        return ", ".join(f"{name.replace('_', ' ')} {text}" for name, text in self.filters().items()) or "all sessions"


def parse(given: Mapping[str, str | None]) -> Selector:
    """Read filters by name; None is as if it were not there.

    Raises:
        InvalidRequest: an unknown filter, or a value that it cannot have; says which, why, and what to write.
    """
    read: dict[str, object] = {}
    for name, text in given.items():
        reader = _READERS.get(name)
        if reader is None:
            raise InvalidRequest(
                name[:64], translatable("there is no such filter; there are %(words)s", words=", ".join(_READERS))
            )
        if text is not None:
            read[name] = reader(name, text)
    selector = Selector(**read)  # type: ignore[arg-type]  # each reader answers its field's type
    if selector.reason is not None and selector.status not in (None, "revoked", "suspended", "ended"):
        raise InvalidRequest(
            "reason",
            translatable(
                "only what was revoked or suspended has one, so it contradicts status=%(status)s",
                status=str(selector.status),
            ),
        )
    return selector


def _is_called(username: str | None, wanted: str) -> bool:
    return username is not None and username_key(username) == username_key(wanted)


def _text(maximum: int) -> Callable[[str, str], str]:
    def read(name: str, text: str) -> str:
        if not 0 < len(text) <= maximum:
            raise InvalidRequest(name, translatable("use 1 to %(most)s characters", most=maximum))
        if not text.isprintable():
            raise InvalidRequest(name, "use printable characters only")
        return text

    return read


def _network(name: str, text: str) -> Network:
    try:
        return parse_network(text[:64])
    except ValueError as why:
        raise InvalidRequest(name, str(why)) from None


def _one_of(words: tuple[str, ...]) -> Callable[[str, str], str]:
    def read(name: str, text: str) -> str:
        if text not in words:
            raise InvalidRequest(name, translatable("is one of %(words)s", words=", ".join(words)))
        return text

    return read


def _instant(name: str, text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text[:64])
        if at.tzinfo is None:
            raise ValueError
        return at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidRequest(name, "write a time with its zone (RFC 3339), such as 2026-01-15T12:00:00Z") from None


def _words(name: str, text: str) -> str:
    text = _text(MAXIMUM_LABEL)(name, text).strip()
    if not text:
        raise InvalidRequest(name, translatable("use 1 to %(most)s characters", most=MAXIMUM_LABEL))
    if text.startswith("sess_") and not _SESSION_ID.fullmatch(text):
        raise InvalidRequest(
            name,
            translatable(
                "of a session id, write sess_ and at least %(least)s more of its characters", least=LEAST_OF_ID
            ),
        )
    return text


_READERS: Final[dict[str, Callable[[str, str], object]]] = {
    "user": _text(MAXIMUM_TEXT),
    "ip": _network,
    "user_agent": _text(MAXIMUM_USER_AGENT),
    "device": _text(MAXIMUM_LABEL),
    "application_id": _text(MAXIMUM_TEXT),
    "tenant": _text(MAXIMUM_TEXT),
    "status": _one_of(WANTED),
    "created_before": _instant,
    "created_after": _instant,
    "last_used_before": _instant,
    "reason": _one_of(REASONS),
    "q": _words,
}
FILTERS: Final = tuple(_READERS)
