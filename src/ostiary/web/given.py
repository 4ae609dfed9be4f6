"""What the handlers of pages may ask for: of the application, of the path, of the query."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from litestar.di import NamedDependency
from litestar.params import PathParameter, QueryParameter

from ostiary.authority import Authority
from ostiary.core.caller import Caller
from ostiary.core.client import Client

OurAuthority: TypeAlias = NamedDependency[Authority]
Signed: TypeAlias = NamedDependency[Caller]  # who is signed in
Visitor: TypeAlias = NamedDependency[Client]  # where the request came from

SessionIdInPath: TypeAlias = Annotated[str, PathParameter()]
TokenIdInPath: TypeAlias = Annotated[str, PathParameter()]
PlanIdInPath: TypeAlias = Annotated[str, PathParameter()]
ClientIdInPath: TypeAlias = Annotated[str, PathParameter()]
FileInPath: TypeAlias = Annotated[str, PathParameter()]

PageNumber: TypeAlias = Annotated[int, QueryParameter(name="page", ge=1, le=10_000)]
Device: TypeAlias = Annotated[str | None, QueryParameter(max_length=256)]
Seen: TypeAlias = Annotated[str | None, QueryParameter(max_length=64)]
UsernameInPath: TypeAlias = Annotated[str, PathParameter(min_length=1, max_length=256)]
Code: TypeAlias = Annotated[str, QueryParameter(max_length=128)]
Next: TypeAlias = Annotated[str | None, QueryParameter(name="next")]
Again: TypeAlias = Annotated[bool, QueryParameter(name="again")]
