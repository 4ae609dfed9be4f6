"""What people call browsers, systems and devices, beside the names that agents are read as: for filters."""

from __future__ import annotations

from typing import Final

DEVICES: Final = ("desktop", "phone", "tablet", "tv", "console", "cli", "service", "bot", "unknown")  # kinds

_LINUX: Final = frozenset(
    {
        *("linux", "ubuntu", "kubuntu", "debian", "fedora", "red hat", "centos", "suse", "opensuse", "raspbian"),
        *("arch linux", "linux mint", "gentoo", "mageia", "mandriva", "pclinuxos", "puppy", "slackware", "vectorlinux"),
    }
)
_ALONE: Final = (
    *("windows", "windows phone", "android", "ios", "chrome os", "freebsd", "openbsd", "netbsd", "solaris"),
    *("tizen", "kaios"),
)
# Systems by their names, and what people call them. A word that is none of these may be a model, too.
SYSTEMS: Final[dict[str, frozenset[str]]] = {
    **{name: frozenset({name}) for name in (*_LINUX, *_ALONE)},
    **{name: frozenset({"mac os x", "mac os", "macos"}) for name in ("mac", "macos", "mac os x")},
    "linux": _LINUX,
}
# Devices by their names: the kind, the system, what the agent says, and what it then does not say.
KNOWN_AS: Final[dict[str, tuple[str, str, str, str | None]]] = {
    "iphone": ("phone", "ios", "iphone", "ipod"),  # an iPod says "iPhone OS"
    "ipad": ("tablet", "ios", "ipad", None),
    "ipod": ("phone", "ios", "ipod", None),
}
# How browsers are called on other systems, and inside of apps: Chrome is there as Chrome Mobile iOS, too.
VARIANTS: Final = (
    *("{}", "{} mobile", "{} ios", "{} mobile ios", "{} webview", "{} mobile webview", "{} tablet", "{} mini"),
    *("{} ui/wkwebview", "mobile {}", "mobile {} ui/wkwebview"),
)
