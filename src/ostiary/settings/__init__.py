"""Every setting, and how it is read: argument > OSTIARY_* > ostiary.toml > default."""

from ostiary.settings.loading import PREFIX, Loaded, Source, load, table
from ostiary.settings.table import DEFAULT_PORT, DEFAULT_SCHEMA, ForwardedHeader, Settings, default_data_directory
from ostiary.settings.values import KEY_BYTES, Network

__all__ = [
    "DEFAULT_PORT",
    "DEFAULT_SCHEMA",
    "KEY_BYTES",
    "PREFIX",
    "ForwardedHeader",
    "Loaded",
    "Network",
    "Settings",
    "Source",
    "default_data_directory",
    "load",
    "table",
]
