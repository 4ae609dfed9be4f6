"""Who acts at the database itself."""

from __future__ import annotations

import getpass
import os

from ostiary.core.caller import Caller


def operator() -> Caller:
    """Whoever can open the database is trusted, and recorded as `database:<login>`."""
    try:
        login = getpass.getuser()
    except (OSError, KeyError):  # a container may run as a user id without a name
        login = str(os.getuid()) if hasattr(os, "getuid") else "unknown"
    return Caller.operator(login)
