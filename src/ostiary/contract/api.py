"""Every operation, in the order in which they are shown: as methods of a client, and as a list."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, Generic

from ostiary.contract.admin_sessions import AdminSessions
from ostiary.contract.calling import W
from ostiary.contract.clients import AdminClients, AdminKeys
from ostiary.contract.events import AdminEvents
from ostiary.contract.feed import Feed
from ostiary.contract.leaks import Leaks
from ostiary.contract.machines import Machines
from ostiary.contract.oauth import OAuth
from ostiary.contract.operation import Namespace, Operation, operations_of
from ostiary.contract.plans import Plans
from ostiary.contract.resources import AdminResources
from ostiary.contract.sessions import Sessions
from ostiary.contract.sign_in import Auth
from ostiary.contract.tokens import Tokens
from ostiary.contract.users import AdminUsers
from ostiary.contract.verifications import Services
from ostiary.contract.verifiers import AdminVerifiers
from ostiary.contract.verify import Gateway


class Admin(Namespace[W]):
    """What administrators ask and do. It needs the role `admin`, and of a CLI token the scope `admin`."""

    def __init__(self, wire: W) -> None:
        """By noun."""
        super().__init__(wire)
        self.sessions: AdminSessions[W] = AdminSessions(wire)
        self.plans: Plans[W] = Plans(wire)
        self.users: AdminUsers[W] = AdminUsers(wire)
        self.events: AdminEvents[W] = AdminEvents(wire)
        self.clients: AdminClients[W] = AdminClients(wire)
        self.resources: AdminResources[W] = AdminResources(wire)
        self.keys: AdminKeys[W] = AdminKeys(wire)
        self.leaks: Leaks[W] = Leaks(wire)
        self.verifiers: AdminVerifiers[W] = AdminVerifiers(wire)


class Calls(Generic[W]):
    """Every operation as a method, by noun, on one way to ask: `Calls(wire).sessions.list()`."""

    def __init__(self, wire: W) -> None:
        """`wire` asks."""
        self.auth: Auth[W] = Auth(wire)
        self.sessions: Sessions[W] = Sessions(wire)
        self.tokens: Tokens[W] = Tokens(wire)
        self.admin: Admin[W] = Admin(wire)
        self.feed: Feed[W] = Feed(wire)
        self.services: Services[W] = Services(wire)
        self.machines: Machines[W] = Machines(wire)
        self.gateway: Gateway[W] = Gateway(wire)
        self.oauth: OAuth[W] = OAuth(wire)


def calls() -> Iterator[tuple[str, Operation[..., Any, Any]]]:
    """Every method of a client, variants too, by its path, such as `admin.sessions.search`."""
    nobody: Any = None
    return _below(Calls(nobody), "")


@cache
def operations() -> tuple[Operation[..., Any, Any], ...]:
    """What the server, the document, the command line and the tests walk."""
    return tuple(operation for _, operation in calls() if operation.variant_of is None)


def _below(at: object, path: str) -> Iterator[tuple[str, Operation[..., Any, Any]]]:
    if isinstance(at, Namespace):
        for operation in operations_of(type(at)):
            yield f"{path}{operation.name}", operation
    for name, inner in vars(at).items():
        if isinstance(inner, Namespace):
            yield from _below(inner, f"{path}{name}.")
