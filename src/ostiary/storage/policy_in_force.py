"""The limits that servers hold sessions to, written down for whoever asks the database itself (`web_sessions`)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import insert, update

from ostiary.core.policy import Policy
from ostiary.storage.database import Connection
from ostiary.storage.schema import policy_in_force

_ONLY = 1  # the id of the only row


async def put(db: Connection, policy: Policy, now: datetime) -> None:
    """Write the policy of this server over that of the one before."""
    values = {
        "lifetime_s": int(policy.lifetime.total_seconds()),
        "idle_timeout_s": None if policy.idle_timeout is None else int(policy.idle_timeout.total_seconds()),
        "browser_idle_s": int(policy.browser_idle.total_seconds()),
        "written_at": now,
    }
    done = await db.execute(update(policy_in_force).where(policy_in_force.c.id == _ONLY).values(**values))
    if not done.rowcount:
        await db.execute(insert(policy_in_force).values(id=_ONLY, **values))
