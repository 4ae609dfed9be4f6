"""Where a request came from: address and agent, bounded; and what a person calls it, "Firefox on Linux"."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Literal, TypeAlias

from ostiary.errors import InvalidRequest
from ostiary.errors.translatable import translatable

DeviceKind: TypeAlias = Literal["desktop", "phone", "tablet", "cli", "service", "unknown"]

MAXIMUM_USER_AGENT: Final = 512  # characters kept; real agents stay under 300
MAXIMUM_LABEL: Final = 64  # characters a person may name a device with
LEAST_OF_MODEL: Final = 4  # characters by which an agent names a model


def _stays() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Client:
    """Where a request came from. Build it with `seen`, which bounds all of it.

    Attributes:
        ip: as much of the address as is kept.
        origin: all of it, for the sign-in limits to count by; it is never stored or logged.
        is_gone: whether it was seen to hang up: nobody reads the answer then, and costly work is not begun.
    """

    ip: str | None = None
    user_agent: str | None = None
    request_id: str | None = None
    origin: str | None = field(default=None, repr=False, compare=False)
    is_gone: Callable[[], bool] = field(default=_stays, repr=False, compare=False)


def seen(ip: str | None, user_agent: str | None, request_id: str | None = None) -> Client:
    """A client from what it sent: the address in its shortest form or None, the agent cut and without NUL."""
    agent = user_agent.replace("\0", "").strip()[:MAXIMUM_USER_AGENT] if user_agent else None
    address = _canonical(ip) if ip else None
    return Client(address, agent or None, request_id, address)


@lru_cache(maxsize=4096)
def _canonical(ip: str) -> str | None:
    try:
        address = ipaddress.ip_address(ip.strip())
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


@dataclass(frozen=True, slots=True)
class Description:
    """What an agent says it is. Never a fact, always a hint for a person's eye.

    Attributes:
        device: a model that the agent itself names, so that it can be searched; none that was only guessed.
    """

    browser: str | None
    os: str | None
    device: str | None
    kind: DeviceKind

    @property
    def name(self) -> str:
        """`Firefox on Linux`, `curl`, `iPhone`, or `Unknown device`."""
        if self.browser and self.os:
            return f"{self.browser} on {self.os}"
        return self.browser or self.device or self.os or translatable("Unknown device")


_TOOLS: Final = {
    "ostiary": translatable("Ostiary command line"),
    "curl": "curl",
    "wget": "Wget",
    "httpie": "HTTPie",
    "python-requests": "Python requests",
    "python-httpx": "Python httpx",
    "python-urllib": "Python urllib",
    "python-urllib3": "Python urllib3",
    "aiohttp": "Python aiohttp",
    "go-http-client": "Go",
    "node": "Node.js",
    "okhttp": "OkHttp",
    "java": "Java",
    "postmanruntime": "Postman",
}
_DESKTOPS: Final = frozenset({"Windows", "Mac OS X", "Linux", "Ubuntu", "Chrome OS", "Fedora", "FreeBSD"})


@lru_cache(maxsize=4096)
def describe(user_agent: str | None) -> Description:
    """Read an agent. Command-line tools by their product token; browsers by the ua-parser rules."""
    if not user_agent:
        return Description(None, None, None, "unknown")
    product = user_agent.split("/", 1)[0].split(" ", 1)[0].casefold()
    if product in _TOOLS:
        return Description(_TOOLS[product], None, None, "cli")
    return _describe_browser(user_agent)


def _describe_browser(user_agent: str) -> Description:
    from ua_parser import parse  # the rules are large: read only where a door shows devices

    found = parse(user_agent)
    browser = found.user_agent.family if found.user_agent else None
    system = found.os.family if found.os else None
    device = found.device
    model = device.family if device and device.family not in {"Other", "Mac"} else None
    kind = _kind(user_agent, system, model)
    folded = user_agent.casefold()
    is_named = model is not None and any(part in folded for part in named_by(model))
    return Description(browser, system, model if is_named else None, kind)


def named_by(model: str) -> tuple[str, ...]:
    """What is in every agent of this model, one or another: its name, or that without the maker's in front.

    `Samsung SM-G991B` is an SM-G991B. `Generic Smartphone` and `K` are in no agent, or in all: they are no models.
    """
    folded = model.casefold()
    rest = folded.partition(" ")[2]
    return tuple(part for part in (folded, rest) if len(part) >= LEAST_OF_MODEL)


def _kind(user_agent: str, system: str | None, model: str | None) -> DeviceKind:
    if model == "Spider" or "bot" in user_agent.casefold():
        return "service"
    if model == "iPad" or "Tablet" in user_agent:
        return "tablet"
    if system == "Android":  # Android tablets leave "Mobile" out, by Google's own advice to browser makers
        return "phone" if "Mobile" in user_agent else "tablet"
    if system == "iOS" or "Mobile" in user_agent:
        return "phone"
    return "desktop" if system in _DESKTOPS else "unknown"


def check_label(label: str | None) -> str | None:
    """A device's name as a person gave it: bounded, printable; None and blank mean none.

    Raises:
        InvalidRequest: too long, or with control characters.
    """
    text = (label or "").strip()
    if not text:
        return None
    if len(text) > MAXIMUM_LABEL:
        raise InvalidRequest("label", translatable("use at most %(most)s characters", most=MAXIMUM_LABEL))
    if not text.isprintable():
        raise InvalidRequest("label", "use printable characters only")
    return text
