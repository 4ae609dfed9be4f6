"""What several operations take: every text bounded, with an example. And the headers that several answer with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeAlias

from msgspec import Meta

from ostiary.contract.operation import Shared
from ostiary.contract.shapes import SESSION_ID, TOKEN_ID
from ostiary.core.account import MAXIMUM_PASSWORD, ROLES, Role
from ostiary.core.client import MAXIMUM_LABEL
from ostiary.core.duration import MAXIMUM_LENGTH as MAXIMUM_DURATION
from ostiary.core.reach import SCOPES, Scope
from ostiary.core.tree import Extent

CLIENT_ID = "client_e6fk3v7mzpq2w4x6y7a2b3c4d5"

NO_NUL: Final = r"^[^\u0000]*$"  # PostgreSQL keeps no NUL in a text

Transport: TypeAlias = Annotated[
    Literal["cookie", "bearer"],
    Meta(description="`cookie` sets the session cookie; `bearer` answers the token in the body."),
]
Username: TypeAlias = Annotated[str, Meta(min_length=1, max_length=256, pattern=NO_NUL, examples=["ada"])]
NewUsername: TypeAlias = Annotated[str, Meta(min_length=1, max_length=64, pattern=NO_NUL, examples=["ada"])]
Password: TypeAlias = Annotated[
    str, Meta(min_length=1, max_length=MAXIMUM_PASSWORD, examples=["correct horse battery staple"])
]
Email: TypeAlias = Annotated[str, Meta(max_length=254, pattern=NO_NUL, examples=["ada@example.org"])]
Label: TypeAlias = Annotated[
    str, Meta(max_length=MAXIMUM_LABEL, pattern=NO_NUL, description="A name for the device.", examples=["laptop"])
]
Text: TypeAlias = Annotated[str, Meta(min_length=1, max_length=128, pattern=NO_NUL)]
Time: TypeAlias = Annotated[str, Meta(max_length=40, examples=["2026-05-19T09:02:00Z"])]
Duration: TypeAlias = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAXIMUM_DURATION,
        description="Hours, minutes and seconds as Go writes them: 4h30m, 1.5h, 90s.",
        examples=["4h30m"],
    ),
]
Seconds: TypeAlias = Annotated[int, Meta(ge=1, le=2**31)]
# Who calls by these types writes words that there are. What comes by HTTP is any, and refused with a list of them.
if TYPE_CHECKING:
    Scopes: TypeAlias = Sequence[Scope]
    Roles: TypeAlias = Sequence[Role]
else:
    Scopes = Annotated[
        Sequence[Annotated[str, Meta(max_length=32)]],
        Meta(max_length=len(SCOPES) * 2, description=f"Of {', '.join(SCOPES)}.", examples=[["sessions:read"]]),
    ]
    Roles = Annotated[
        Sequence[Annotated[str, Meta(max_length=32)]],
        Meta(max_length=len(ROLES) * 2, description=f"Of {', '.join(ROLES)}.", examples=[["member"]]),
    ]
Cursor: TypeAlias = Annotated[str, Meta(max_length=512, description="`next_cursor` of the page before; opaque.")]
NextCursor: TypeAlias = Annotated[str | None, Meta(description="Give it as `cursor` for more; null at the end.")]
# Of whatever form: one that cannot be ours is answered as a missing one, by `http.guard`.
SessionId: TypeAlias = Annotated[str, Meta(examples=[SESSION_ID])]
TokenId: TypeAlias = Annotated[str, Meta(examples=[TOKEN_ID])]
ClientId: TypeAlias = Annotated[str, Meta(description="Public; never a secret.", examples=[CLIENT_ID])]
HowFar: TypeAlias = Annotated[
    Extent,
    Meta(
        description="What ends: the `session` with what is bound to it; only what hangs `below` it; or the whole "
        "`device` that it is on."
    ),
]
Standing: TypeAlias = Annotated[
    bool, Meta(description="True: also what hangs there and was allowed to act while its person is away.")
]
PlanId: TypeAlias = Annotated[str, Meta(examples=["plan_k3v7mzpq2w4x6y7a2b3c4d5e6f"])]

Headers: TypeAlias = Mapping[str, str]  # what they say, by name

SETS_COOKIE: Final[Headers] = {"Set-Cookie": "The session cookie, where the caller holds the session by it."}
CLEARS_COOKIE: Final[Headers] = {
    "Set-Cookie": "Clears the session cookie, where the caller's own session has ended.",
    "Clear-Site-Data": "With it: what the browser has cached and stored of this origin.",
}
LOCATION: Final[Headers] = {"Location": "Where to go."}
PUBLIC: Final[Headers] = {"Cache-Control": "It may be kept for a while."}
SHARED: Final[Mapping[Shared, Headers]] = {
    "nobody": {},
    "clients": {
        "Access-Control-Allow-Origin": "The asker's origin, if it is one of a public client's redirect URIs.",
        "Access-Control-Expose-Headers": "With it: what a script may read beside the body.",
        "Vary": "Another origin is answered otherwise.",
    },
    "everybody": {
        "Access-Control-Allow-Origin": "Every site may read it.",
        "Access-Control-Expose-Headers": "What a script may read beside the body.",
    },
}
