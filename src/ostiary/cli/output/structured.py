"""json, ndjson and yaml: the same keys, real types and real nulls, the exact value of every field.

Characters that a terminal could obey are written as the format's own escapes, which readers turn back: nothing is lost.
"""

from __future__ import annotations

import json
import re

_INVISIBLE = re.compile(
    "[\x7f-\xa0\xad\u0600-\u0605\u061c\u180e\u200b-\u200f\u2028-\u202f\u205f-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb]"
)


def to_json(value: object) -> str:
    """Indented by two, as people read it; ends with a newline."""
    return f"{_escape(json.dumps(value, ensure_ascii=False, indent=2))}\n"


def to_json_line(value: object) -> str:
    """On one line; ends with a newline."""
    return f"{_escape(json.dumps(value, ensure_ascii=False))}\n"


def to_yaml(value: object) -> str:
    """Block style, keys in their own order."""
    import yaml  # slow to import; only for this format

    text = yaml.safe_dump(value, allow_unicode=True, sort_keys=False, width=4096)
    if _INVISIBLE.search(text):  # its emitter would let bidirectional overrides through
        text = yaml.safe_dump(value, allow_unicode=False, sort_keys=False, width=4096)
    return text


def _escape(text: str) -> str:
    # Outside its strings JSON is ASCII, so every match is inside one. None is beyond the basic plane.
    return _INVISIBLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
