"""The settings that the guide shows, written out as files: with this authority, client and application in them."""

from __future__ import annotations

import re
from pathlib import Path

GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "connect-an-application.md"
BLOCK = re.compile(r"^```\w+\n(?://|#) (\S+\.\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks() -> dict[str, str]:
    """The guide's files by name."""
    return dict(BLOCK.findall(GUIDE.read_text(encoding="utf-8")))


def write(name: str, directory: Path, *, issuer: str, client_id: str, application: str) -> Path:
    """One of them, as it stands there but for the addresses and the client's id."""
    exchanged = {
        "https://auth.example.org": issuer,
        "https://shop.example.org": application,
        "client_…": client_id,
        # A server on this machine has no certificate; what each library wants to be told of that, the guide says.
        "process.env.CLIENT_SECRET)\n": "process.env.CLIENT_SECRET, undefined, "
        "{ execute: [client.allowInsecureRequests] })\n",
    }
    text = blocks()[name]
    for placeholder, real in exchanged.items():
        text = text.replace(placeholder, real)
    written = directory / name
    written.write_text(text, encoding="utf-8")
    return written
