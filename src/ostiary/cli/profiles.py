"""Named profiles in the configuration file: each a server and the credential that was issued for it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from ostiary.cli import config_file
from ostiary.cli.config_file import Document
from ostiary.cli.failures import usage

DEFAULT_PROFILE: Final = "default"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_TEXTS: Final = ("server", "username", "credential", "issued_for")


@dataclass(frozen=True, slots=True)
class Profile:
    """A server under a name.

    Attributes:
        credential: a session token or CLI token, or None after signing out.
        issued_for: the origin that the credential is for; it is sent nowhere else.
        allow_plain_http: the user accepted that this server is spoken to in the clear.
    """

    name: str
    server: str | None = None
    username: str | None = None
    credential: str | None = None
    issued_for: str | None = None
    allow_plain_http: bool = False

    def credential_for(self, origin: str) -> str | None:
        """The credential if it was issued for that origin (scheme, host and port), else None."""
        return self.credential if self.credential and self.issued_for == origin else None


@dataclass(frozen=True, slots=True)
class Profiles:
    """What the file said when it was read."""

    current: str
    known: dict[str, Profile]

    def get(self, name: str) -> Profile:
        """The profile; an empty one if there is none of that name."""
        return self.known.get(name, Profile(name))


def check_name(name: str) -> str:
    """Return the name if a profile may have it.

    Raises:
        Failure: empty, longer than 64, or with characters that mislead.
    """
    if not _NAME.fullmatch(name):
        raise usage("a profile's name has 1 to 64 letters, digits or . _ - and begins with a letter or digit")
    return name


def load(path: str) -> Profiles:
    """Read the file; a missing one holds no profiles.

    Raises:
        Failure: as `config_file.read`, or not of our shape.
    """
    document = _checked(path, config_file.read(path))
    entries = document.get("profiles", {})
    return Profiles(
        document.get("current", DEFAULT_PROFILE),
        {name: _profile(name, entry) for name, entry in entries.items()},
    )


def store(path: str, profile: Profile) -> Profile:
    """Write one profile, and leave the others as they are; the first one ever becomes the current one.

    Returns:
        What stood there before.

    Raises:
        Failure: as `load`, or the file cannot be written.
    """
    before = Profile(profile.name)

    def change(document: Document) -> Document:
        nonlocal before
        entry = dict(_checked(path, document).get("profiles", {}).get(profile.name, {}))
        before = _profile(profile.name, entry)
        for key in (*_TEXTS, "allow_plain_http"):
            entry.pop(key, None)
            if value := getattr(profile, key):
                entry[key] = value
        return {
            "current": profile.name,
            **document,
            "profiles": {**document.get("profiles", {}), profile.name: entry},
        }

    config_file.rewrite(path, change)
    return before


def remove(path: str, name: str) -> None:
    """Forget a profile and its credential; when it was the current one, `default` is.

    Raises:
        Failure: as `store`.
    """

    def change(document: Document) -> Document:
        left = {key: entry for key, entry in _checked(path, document).get("profiles", {}).items() if key != name}
        current = document.get("current", DEFAULT_PROFILE)
        return {**document, "current": DEFAULT_PROFILE if current == name else current, "profiles": left}

    config_file.rewrite(path, change)


def use(path: str, name: str) -> None:
    """Make a profile the current one.

    Raises:
        Failure: as `store`.
    """
    config_file.rewrite(path, lambda document: {**_checked(path, document), "current": name})


def _checked(path: str, document: Document) -> Document:
    table = document.get("profiles", {})
    good = isinstance(document.get("current", ""), str) and isinstance(table, dict)
    good = good and all(isinstance(entry, dict) for entry in table.values())
    good = good and all(isinstance(entry.get(key, ""), str) for entry in table.values() for key in _TEXTS)
    if not good:
        raise usage(f"{path} does not hold profiles as ostiary writes them; fix or remove it")
    return document


def _profile(name: str, entry: Document) -> Profile:
    texts = {key: entry.get(key) for key in _TEXTS}
    return Profile(name, **texts, allow_plain_http=entry.get("allow_plain_http") is True)
