"""How far a reader has come, as it is written to it: opaque to readers, and understood by every node."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FORM = re.compile(r"([0-9]{1,19})-([0-9]{1,17})-([a-z0-9]{8})-([0-9]{1,12})-([a-z0-9]{0,16})")


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the feed.

    Attributes:
        floor: of the trail; everything up to it was told.
        time: the store's, at the start of the poll that everything up to here was read by.
        node: which one's memory `serial` counts in; on other nodes a reader resumes at `floor`.
        serial: of the next entry there.
        lineage: which chain of requests of a reader this belongs to; empty for readers without a name.
    """

    floor: int
    time: datetime
    node: str
    serial: int
    lineage: str = ""

    @property
    def text(self) -> str:
        """As it is written."""
        micros = (self.time - _EPOCH) // timedelta(microseconds=1)
        return f"{self.floor}-{micros}-{self.node}-{self.serial}-{self.lineage}"

    @classmethod
    def read(cls, text: str) -> Position | None:
        """What `text` wrote; None for anything that it cannot have written."""
        found = _FORM.fullmatch(text)
        if found is None:
            return None
        floor, micros, node, serial, lineage = found.groups()
        if int(floor) >= 2**63:
            return None
        try:
            time = _EPOCH + timedelta(microseconds=int(micros))
        except OverflowError:
            return None
        return cls(int(floor), time, node, int(serial), lineage)
