"""What a filter of sessions says of an agent, a device, or in the one field: read by its looks, and matched."""

from __future__ import annotations

from dataclasses import dataclass

from ostiary.core.account import username_key
from ostiary.core.address import Network, address_key, bounds, parse_network
from ostiary.core.client import describe
from ostiary.core.device_words import DEVICES, KNOWN_AS, SYSTEMS, VARIANTS
from ostiary.core.session import Session


@dataclass(frozen=True, slots=True)
class Agent:
    """A browser or tool by its name, if wanted on one system; or one agent exactly, as it was sent.

    Attributes:
        browsers: their keys; any of them.
        exactly, browser: the whole agent, and the key that it is stored under.
    """

    browsers: frozenset[str]
    system: str | None
    exactly: str
    browser: str | None

    @classmethod
    def read(cls, text: str) -> Agent:
        """What is shown is found: the browser, the browser on its system, and the agent itself."""
        name, on, system = text.casefold().rpartition(" on ")
        if on:
            return cls(frozenset((name,)), system, text, browser_key(text))
        browsers = frozenset(variant.format(system) for variant in VARIANTS)
        return cls(browsers, None, text, browser_key(text))

    def matches(self, session: Session) -> bool:
        """True if the session's agent is it."""
        agent = session.user_agent
        is_named = browser_key(agent) in self.browsers and self.system in (None, system_key(agent))
        return is_named or agent == self.exactly


@dataclass(frozen=True, slots=True)
class Machine:
    """A kind of device, a system, a device by what its agents say, or a model; what is None is not asked.

    Attributes:
        systems: any of them.
        says, says_not: what is in the agent, and what is not; in lower case.
        model: as `describe` reads it; it is enough by itself.
    """

    kind: str | None = None
    systems: frozenset[str] | None = None
    says: str | None = None
    says_not: str | None = None
    model: str | None = None

    @classmethod
    def read(cls, text: str) -> Machine:
        """By its words, whatever their case; a word that nobody is called by finds nobody."""
        folded = text.casefold()
        if folded in KNOWN_AS:
            kind, system, says, says_not = KNOWN_AS[folded]
            return cls(kind, frozenset((system,)), says, says_not)
        if folded in DEVICES:
            return cls(folded)
        if folded in SYSTEMS:
            return cls(systems=SYSTEMS[folded])
        return cls(systems=frozenset((folded,)), model=folded)

    def matches(self, session: Session) -> bool:
        """True if the session's client is such a device."""
        agent = session.user_agent
        if self.model is not None and model_key(agent) == self.model:
            return True
        said = (agent or "").lower()
        return (
            self.kind in (None, device_key(agent))
            and (self.systems is None or system_key(agent) in self.systems)
            and (self.says is None or self.says in said)
            and (self.says_not is None or self.says_not not in said)
        )


@dataclass(frozen=True, slots=True)
class Words:
    """What somebody typed into the one field: one of the three is set."""

    id_prefix: str | None = None
    network: Network | None = None
    name_prefix: str | None = None

    @classmethod
    def read(cls, text: str) -> Words:
        """By its looks: an id, an address, else the beginning of a name."""
        if text.startswith("sess_"):
            return cls(id_prefix=text)
        try:
            return cls(network=parse_network(text))
        except ValueError:
            return cls(name_prefix=username_key(text))

    def matches(self, session: Session, username: str | None) -> bool:
        """True if it is the beginning of the id, the username or the label, or where the session is."""
        if self.id_prefix is not None:
            return session.id.startswith(self.id_prefix)
        if self.network is not None:
            return lies_in(session, self.network)
        names = (username_key(username) if username is not None else None, label_key(session.label))
        return any(name is not None and name.startswith(self.name_prefix or "") for name in names)


def browser_key(user_agent: str | None) -> str | None:
    """The browser or tool as it is compared and stored."""
    found = describe(user_agent).browser
    return found.casefold() if found else None


def system_key(user_agent: str | None) -> str | None:
    """The operating system, likewise."""
    found = describe(user_agent).os
    return found.casefold() if found else None


def model_key(user_agent: str | None) -> str | None:
    """The model, likewise; it is not stored."""
    found = describe(user_agent).device
    return found.casefold() if found else None


def device_key(user_agent: str | None) -> str:
    """The kind of device, likewise."""
    return describe(user_agent).kind


def label_key(label: str | None) -> str | None:
    """What labels are compared by: case does not tell two apart."""
    return label.casefold() if label is not None else None


def lies_in(session: Session, network: Network) -> bool:
    """True if the address of its last recorded use is in that network."""
    key, (first, last) = address_key(session.ip), bounds(network)
    return key is not None and first <= key <= last
