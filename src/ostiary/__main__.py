"""`ostiary`, and `python -m ostiary`: the command line."""

from __future__ import annotations

import gc
from typing import Final

# A command lives for a tenth of a second and makes next to no garbage: looking for it after every 700 objects, as
# Python does, took a tenth of that. The server sets its own (`http.serving`) once it is loaded, which all stays: some
# 180,000 objects.
COLLECT_AFTER: Final = 250_000  # objects
gc.set_threshold(COLLECT_AFTER)  # as this is loaded: the workers of a server load it and do not run it


def main() -> None:
    """Run the command line and leave with its exit code."""
    from ostiary.cli import main as run

    run()


if __name__ == "__main__":
    main()
