"""`ostiary`, deaf to NOTIFY: as behind a pooler that does not carry it. Only the poll is left.

python -m bench.without_notify serve
"""

from __future__ import annotations

from ostiary.cli import main
from ostiary.storage import wakeups

if __name__ == "__main__":
    wakeups.CHANNEL = "ostiary_nobody"  # type: ignore[misc]
    main()
