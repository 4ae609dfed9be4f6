"""What those hear who wait for the end of a session."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ostiary.core.endings import Changed
from ostiary.sdk.verifier.watches import Watch


@pytest.mark.parametrize(("session_id", "must_look"), [("sess_a", True), ("sess_b", False), (None, False)])
async def test_a_renewal_makes_who_waits_look_again(session_id, must_look):
    """Whoever opened the connection may have the secret of before (ASVS 5.0 7.2.4)."""
    watch = Watch("sess_a", "user_a", datetime.now(UTC))
    ending = watch.ending(Changed(session_id=session_id))
    assert (ending is not None) is must_look
    assert ending is None or ending.reason is None  # nobody can tell: `look`
