"""The table of browsers in which somebody has signed in: which mark each holds, and its newest sign-in."""

from __future__ import annotations

from sqlalchemy import Column, Index, LargeBinary, Table, Text

from ostiary.storage.columns import Instant, metadata

# One row for each user of a browser; the mark is the browser's, and is another one after each sign-in there.
device_marks = Table(
    "device_marks",
    metadata,
    Column("mark_hash", LargeBinary, primary_key=True),
    Column("user_id", Text, primary_key=True),
    Column("session_id", Text, nullable=False),  # the root that the newest sign-in of this user there has made
    Column("marked_at", Instant, nullable=False),
    Index("ix_device_marks_user_id", "user_id"),
    Index("ix_device_marks_marked_at", "marked_at"),
)
