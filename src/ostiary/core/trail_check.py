"""Looking at the chain, link by link, in constant memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, TypeAlias

from ostiary.core.chain import GENESIS, OUT_OF_TIME, Fault, Link, agrees, follows
from ostiary.core.event import Event
from ostiary.core.retained import Taken

MAXIMUM_NAMED: Final = 1000  # faults that are named one by one; more are counted

Agreement: TypeAlias = Literal["agrees", "differs", "purged", "ahead"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        position: of the event in the trail; of the gap's first link if that is what is missing.
        number: of its link; None if it has none.
    """

    fault: Fault
    position: int
    number: int | None
    at: datetime | None
    kind: str | None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The chain up to some link, in few words: what was written down elsewhere."""

    number: int
    position: int
    at: datetime
    hash: bytes


@dataclass(slots=True)
class TrailReport:
    """What a look at the chain found.

    Attributes:
        first, head: the first and the last link that are kept; None of an empty chain.
        intact: events that are as they were sealed.
        purged, forgotten: events that retention took away; whose personal part was taken away, as the trail records.
        unsealed: events that are too new to be sealed.
        faults: how many; `findings` names the first of them.
        checkpoint: whether the chain is the one that a checkpoint was taken of.
    """

    first: Link | None = None
    head: Link | None = None
    intact: int = 0
    purged: int = 0
    forgotten: int = 0
    unsealed: int = 0
    faults: int = 0
    findings: list[Finding] = field(default_factory=list)
    checkpoint: Agreement | None = None

    @property
    def is_sound(self) -> bool:
        """True if nothing is wrong."""
        return not self.faults and self.checkpoint in {None, "agrees", "purged"}


class Inspector:
    """Takes links and their events in the order of the chain, and keeps a report."""

    def __init__(self, taken: Taken, checkpoint: Checkpoint | None = None) -> None:
        """`taken`: what may be missing."""
        self.report = TrailReport()
        self._taken = taken
        self._checkpoint = checkpoint
        self._newest: datetime | None = None

    def look(self, link: Link, event: Event | None) -> None:
        """The next link."""
        before = self.report.head
        if before is None:
            self.report.first = link
            self._look_at_beginning(link, event)
        elif link.number != before.number + 1:
            self._find("link_missing", before.position, before.number + 1)
        elif not follows(link, before.hash):
            self._find("link_altered", link.position, link.number, link)
        self.report.head = link
        if self._checkpoint is not None and link.number == self._checkpoint.number:
            self.report.checkpoint = "agrees" if link.hash == self._checkpoint.hash else "differs"
        self._look_at_event(link, event)

    def begin_again(self) -> None:
        """All that was looked at has been purged meanwhile: the next link is the first that is kept."""
        self.report.head = None

    def look_at_unsealed(self, event: Event, *, behind_gap: bool) -> None:
        """An event without a link, at a place that was sealed."""
        fault: Fault = "link_missing" if behind_gap else "inserted"
        self._find(fault, event.position or 0, None, event)

    def end(self, unsealed: int) -> TrailReport:
        """The report; `unsealed` events are behind the last link."""
        self.report.unsealed = unsealed
        if self._checkpoint is not None and self.report.checkpoint is None:
            first = self.report.first
            self.report.checkpoint = "purged" if first and self._checkpoint.number < first.number else "ahead"
        return self.report

    def _look_at_beginning(self, link: Link, event: Event | None) -> None:
        # The first link that is kept is the last of those whose events were purged, unless it is the very first.
        if link.number != 1 and event is not None:
            self._find("link_missing", link.position, link.number - 1)
        elif link.number == 1 and not follows(link, GENESIS):
            self._find("link_altered", link.position, link.number, link)

    def _look_at_event(self, link: Link, event: Event | None) -> None:
        if event is None:
            if self._taken.covers_removal(link):
                self.report.purged += 1
            else:
                self._find("removed", link.position, link.number, link)
            return
        if not agrees(link, event) or event.at != link.at or event.kind != link.kind:
            self._find("altered", link.position, link.number, event)
            return
        if link.salt is None:
            if not self._taken.covers_forgetting(link, event):
                self._find("forgotten", link.position, link.number, event)
                return
            self.report.forgotten += 1
        elif self._newest is not None and self._newest - event.at > OUT_OF_TIME:
            self._find("misdated", link.position, link.number, event)
            return
        else:
            self.report.intact += 1
        self._newest = max(self._newest or event.at, event.at)

    def _find(self, fault: Fault, position: int, number: int | None, what: Link | Event | None = None) -> None:
        self.report.faults += 1
        if len(self.report.findings) < MAXIMUM_NAMED:
            at, kind = (what.at, what.kind) if what is not None else (None, None)
            self.report.findings.append(Finding(fault, position, number, at, kind))
