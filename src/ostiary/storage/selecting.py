"""A selector as SQL, and the two questions that a search asks: one page, and how many.

Each filter has an index of its own, with the time that a page is sorted by and the state of a session (schema.py). A
count is read from that index alone, and so are the times on a page; only the rows of these times are read beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, func, or_, select, text, true

from ostiary.core.account import username_key
from ostiary.core.address import Network, bounds
from ostiary.core.client import named_by
from ostiary.core.likeness import Agent, Machine, model_key
from ostiary.core.policy import Policy
from ostiary.core.selector import Selector, Sort
from ostiary.core.session import Session
from ostiary.errors import InvalidRequest
from ostiary.errors.translatable import translatable
from ostiary.storage import accounts, live
from ostiary.storage.database import Connection
from ostiary.storage.live import Chosen
from ostiary.storage.schema import sessions, users
from ostiary.storage.sessions import COLUMNS, as_session

MAXIMUM_AGENTS: Final = 1000  # that name one model; each is read
MAXIMUM_USERS: Final = 1000  # whose names begin with one text; more are not what somebody looks for
LONGEST_ID: Final = len("sess_") + 26

# Plans for these values, not for any: a range of time can hold one row in a million, or all. No compiling of them, and
# no second process for half a million index entries: starting it takes longer than it saves.
_TUNED: Final = text(
    "SELECT set_config('plan_cache_mode', 'force_custom_plan', true), set_config('jit', 'off', true), "
    "set_config('max_parallel_workers_per_gather', '0', true)"
)


async def prepare(db: Connection) -> None:
    """Say to PostgreSQL how searches are planned, until the transaction ends."""
    if db.dialect.name == "postgresql":
        await db.execute(_TUNED)


async def chosen(db: Connection, selector: Selector, policy: Policy, now: datetime) -> Chosen:
    """The sessions that `selector.matches`.

    Raises:
        InvalidRequest: `q` is the beginning of too many names.
    """
    filters = await _filters(db, selector)
    return and_(*filters) if selector.status is None else and_(*filters, live.in_state(selector.status, policy, now))


async def expired(db: Connection, selector: Selector, policy: Policy, now: datetime, *, begun_by: datetime) -> Chosen:
    """Those that the filters match but for their state, that nobody has ended, and that have expired at `now`.

    Another node, whose clock is behind, may accept them (docs/decisions/0034).

    Raises:
        InvalidRequest: as above.
    """
    filters = await _filters(db, replace(selector, status=None))
    return and_(*filters, sessions.c.created_at <= begun_by, live.expired(policy, now))


async def _filters(db: Connection, selector: Selector) -> list[Chosen]:
    conditions: list[Chosen] = [true()]
    if selector.user is not None:
        conditions.append(sessions.c.user_id.in_(await _ids_of(db, selector.user)))
    if selector.ip is not None:
        conditions.append(_within(selector.ip))
    if selector.user_agent is not None:
        conditions.append(_agent(selector.agent))
    if selector.device is not None:
        conditions.append(await _machine(db, selector.machine))
    if selector.application_id is not None:
        conditions.append(sessions.c.application_id == selector.application_id)
    if selector.tenant is not None:
        conditions.append(sessions.c.tenant == selector.tenant)
    if selector.created_before is not None:
        conditions.append(sessions.c.created_at < selector.created_before)
    if selector.created_after is not None:
        conditions.append(sessions.c.created_at >= selector.created_after)
    if selector.last_used_before is not None:
        conditions.append(sessions.c.last_used_at < selector.last_used_before)
    if selector.reason is not None:
        conditions += [sessions.c.revoked_at.is_not(None), sessions.c.revoked_reason == selector.reason]
    if selector.q is not None:
        conditions.append(await _begins_with(db, selector))
    return conditions


def _agent(agent: Agent) -> Chosen:
    named: Chosen = sessions.c.browser.in_(sorted(agent.browsers))
    if agent.system is not None:
        named = and_(named, sessions.c.system == agent.system)
    exactly = and_(sessions.c.browser == agent.browser, sessions.c.user_agent == agent.exactly)  # IS NULL for None
    # A name that a browser is known by is read from the index alone; a whole agent stands only in the row.
    return named if agent.exactly.isalpha() and agent.browser is None else or_(named, exactly)


async def _machine(db: Connection, machine: Machine) -> Chosen:
    conditions: list[Chosen] = []
    if machine.kind is not None:
        conditions.append(sessions.c.device == machine.kind)
    if machine.systems is not None:
        conditions.append(sessions.c.system.in_(sorted(machine.systems)))
    said = func.lower(func.coalesce(sessions.c.user_agent, ""))
    if machine.says is not None:
        conditions.append(said.contains(machine.says, autoescape=True))
    if machine.says_not is not None:
        conditions.append(~said.contains(machine.says_not, autoescape=True))
    found = and_(*conditions)
    agents = await _agents_of(db, machine.model) if machine.model is not None else []
    return or_(found, sessions.c.user_agent.in_(agents)) if agents else found


async def _agents_of(db: Connection, model: str) -> list[str]:
    """The agents of a model, which no column holds: those that name it are looked through."""
    said = func.lower(sessions.c.user_agent)
    named = [said.contains(part, autoescape=True) for part in named_by(model)]
    if not named:
        return []
    query = select(sessions.c.user_agent).where(or_(*named)).distinct().limit(MAXIMUM_AGENTS + 1)
    agents = (await db.execute(query)).scalars().all()
    if len(agents) > MAXIMUM_AGENTS:
        raise InvalidRequest(
            "device",
            translatable("more than %(most)s different agents say that; write more of the model", most=MAXIMUM_AGENTS),
        )
    return [agent for agent in agents if model_key(agent) == model]


async def _ids_of(db: Connection, user: str) -> list[str]:
    """The user of that name, and the one of that id: other applications' users have no name here."""
    found = await db.execute(select(users.c.id).where(users.c.username_key == username_key(user)))
    return [user, *found.scalars()]


def _within(network: Network) -> Chosen:
    first, last = bounds(network)
    return sessions.c.address.between(first, last)


async def _begins_with(db: Connection, selector: Selector) -> Chosen:
    words = selector.words
    if words.id_prefix is not None:
        # Ids have one length and no capitals, so this is the same range in every collation.
        first, last = (words.id_prefix.ljust(LONGEST_ID, filler) for filler in "2z")
        return sessions.c.id.between(first, last)
    if words.network is not None:
        return _within(words.network)
    prefix = words.name_prefix or ""
    named = select(users.c.id).where(_name_begins(db, prefix)).limit(MAXIMUM_USERS + 1)
    ids = (await db.execute(named)).scalars().all()
    if len(ids) > MAXIMUM_USERS:
        raise InvalidRequest(
            "q", translatable("more than %(most)s usernames begin so; write more of the name", most=MAXIMUM_USERS)
        )
    labelled = and_(sessions.c.label_key.is_not(None), *_range(sessions.c.label_key, prefix))
    return or_(sessions.c.user_id.in_(ids), labelled) if ids else labelled


def _name_begins(db: Connection, prefix: str) -> Chosen:
    if db.dialect.name == "sqlite":
        return and_(*_range(users.c.username_key, prefix))
    escaped = prefix.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return users.c.username_key.like(f"{escaped}%")


def _range(column: ColumnElement[str], prefix: str) -> Sequence[Chosen]:
    """All that begins with the prefix, in the order of bytes: nothing sorts behind the last character there is."""
    return column >= prefix, column < f"{prefix}\U0010ffff"


async def page(
    db: Connection, where: Chosen, *, sort: Sort, after: tuple[datetime, str] | None, limit: int
) -> list[Session]:
    """One page in a stable order, after a key: as fast on the thousandth page as on the first.

    Call it in a transaction that sees one moment (`Database.reading_through`): it asks more than once.
    """
    descending, name = sort.startswith("-"), sort.removeprefix("-")
    time, key = sessions.c[name], sessions.c.id
    found: list[Session] = []
    if after is not None:
        at, last_id = after
        same = and_(where, time == at, key < last_id if descending else key > last_id)
        found = await _rows(db, same, limit, key.desc() if descending else key)
        where = and_(where, time < at if descending else time > at)
    if len(found) < limit:
        found += await _beyond(db, where, time, descending=descending, limit=limit - len(found))
    return found


async def _beyond(
    db: Connection, where: Chosen, time: ColumnElement[datetime], *, descending: bool, limit: int
) -> list[Session]:
    """The first of the chosen: their times, which an index has in order, then the rows of these times by their ids."""
    order = time.desc() if descending else time
    times = (await db.execute(select(time).where(where).order_by(order).limit(limit))).scalars().all()
    ids = sessions.c.id.desc() if descending else sessions.c.id
    return await _rows(db, and_(where, time.in_(set(times))), limit, order, ids) if times else []


async def _rows(db: Connection, where: Chosen, limit: int, *order: ColumnElement[Any]) -> list[Session]:
    rows = await db.execute(select(*COLUMNS).where(where).order_by(*order).limit(limit))
    return [as_session(row) for row in rows]


async def count(db: Connection, where: Chosen) -> int:
    """How many, exactly."""
    return (await db.execute(select(func.count()).select_from(sessions).where(where))).scalar_one()


async def exists(db: Connection, user_id: str) -> bool:
    """True if that user has an account, or a session that is kept: other applications' users have nothing else."""
    if await accounts.find_by_id(db, user_id) is not None:
        return True
    found = await db.execute(select(sessions.c.id).where(sessions.c.user_id == user_id).limit(1))
    return found.first() is not None
