"""What the API accepts and answers about leaked credentials."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from ostiary.authority.hanging import What
from ostiary.authority.neutralising import Neutralised
from ostiary.core.leak import MAXIMUM_TEXT, LeakKind
from ostiary.server.requests import Body
from ostiary.server.shapes import SESSION_ID, USER_ID, Count, Instant


class LeakRequest(Body):
    """A credential that leaked."""

    credential: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=MAXIMUM_TEXT,
            description="Any credential of this server, a line that holds one, or the id of one.",
            examples=[SESSION_ID],
        ),
    ]


class ThingView(Struct, kw_only=True):
    """One thing that hangs on the credential."""

    what: Annotated[What, Meta(description="`session_of_another` is told, but not ended.")]
    id: Annotated[str, Meta(description="Of access tokens, their session's.", examples=[SESSION_ID])]
    works: Annotated[bool, Meta(description="True if it would be accepted now.")]
    created_at: Instant | None
    last_used_at: Instant | None
    expires_at: Annotated[
        datetime | None, Meta(description="When it stops by itself; the last access token's, at most.")
    ]
    about: Annotated[str | None, Meta(description="A name, an agent, or the client that holds it.")]
    under: Annotated[str | None, Meta(description="The id of what it was made with.")]


class NeutralisedView(Struct, kw_only=True):
    """A leaked credential, and everything that hangs on it."""

    kind: LeakKind
    id: Annotated[str, Meta(examples=[SESSION_ID])]
    matches: Annotated[
        bool | None, Meta(description="Whether the secret is right; null for an id alone. If false, only the id is.")
    ]
    user_id: Annotated[str, Meta(examples=[USER_ID])]
    username: str | None
    sessions: Annotated[Count, Meta(description="That work; after the act, that it ended.")]
    tokens: Annotated[Count, Meta(description="CLI tokens that work; after the act, that it ended.")]
    applied: Annotated[bool, Meta(description="False for a preview.")]
    things: list[ThingView]


def view_of(found: Neutralised) -> NeutralisedView:
    """What hangs on a credential, as administrators see it."""
    values = {name: getattr(found, name) for name in NeutralisedView.__struct_fields__ if name != "things"}
    things = [
        ThingView(**{name: getattr(thing, name) for name in ThingView.__struct_fields__}) for thing in found.things
    ]
    return NeutralisedView(**values, things=things)
