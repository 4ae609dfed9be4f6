"""A program that remembers sessions, as little of one as there can be: it asks, applies, and acknowledges."""

from __future__ import annotations

import json
import sys
from urllib.parse import urlencode
from urllib.request import Request, urlopen


def main(url: str, token: str, reader: str, name: str, staleness: str) -> None:
    query = {"hold": "1", "reader": reader, "name": name, "max_staleness": staleness}
    while True:
        asked = Request(f"{url}/api/v1/feed?{urlencode(query)}", headers={"Authorization": f"Bearer {token}"})
        with urlopen(asked, timeout=10) as answer:
            for line in answer:
                if line.startswith(b"data: {") and b'"position"' in line:
                    query["after"] = query["applied"] = json.loads(line[6:])["position"]
                    print("heard", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
