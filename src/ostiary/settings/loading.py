"""Reading the settings: argument > OSTIARY_* > ostiary.toml > default."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, fields
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from ostiary.errors import ConfigurationError
from ostiary.settings.table import Settings

Source: TypeAlias = Literal["argument", "environment", "file", "default"]

PREFIX: Final = "OSTIARY_"


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
