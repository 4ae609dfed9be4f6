"""Door 1, HTTP. Nothing heavy is imported until a server is wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ostiary.settings import Settings


def run(settings: Settings) -> None:
    """Serve until told to stop (SIGINT, SIGTERM).

    Raises:
        ConfigurationError: the address is taken, the database cannot be used, or it is not migrated.
    """
    from ostiary.http.serving import serve

    serve(settings)
