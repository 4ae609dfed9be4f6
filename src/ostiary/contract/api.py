"""Every operation, in the order in which they are shown."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from ostiary.contract.admin_sessions import AdminSessions
from ostiary.contract.clients import AdminClients
from ostiary.contract.events import AdminEvents
from ostiary.contract.feed import Feed
from ostiary.contract.leaks import Leaks
from ostiary.contract.machines import Machines
from ostiary.contract.oauth import Discovery, OAuth, OAuthSessions
from ostiary.contract.operation import Namespace, Operation, operations_of
from ostiary.contract.plans import Plans
from ostiary.contract.sessions import Sessions
from ostiary.contract.sign_in import Auth
from ostiary.contract.tokens import Tokens
from ostiary.contract.users import AdminUsers
from ostiary.contract.verifications import Services
from ostiary.contract.verifiers import AdminVerifiers, Lags
from ostiary.contract.verify import Gateway

NAMESPACES: Final[tuple[type[Namespace], ...]] = (
    Auth,
    Sessions,
    Lags,
    Tokens,
    AdminSessions,
    Plans,
    AdminUsers,
    AdminEvents,
    AdminClients,
    Leaks,
    AdminVerifiers,
    Feed,
    Services,
    Machines,
    Gateway,
    OAuth,
    Discovery,
    OAuthSessions,
)


@cache
def operations() -> tuple[Operation[..., Any, Any], ...]:
    """What the server, the document, the command line and the tests walk."""
    return tuple(_all())


def _all() -> Iterator[Operation[..., Any, Any]]:
    for group in NAMESPACES:
        yield from operations_of(group)
