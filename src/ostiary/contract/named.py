"""What the path of several operations names; what else they take stands with them."""

from __future__ import annotations

from ostiary.contract.fields import ClientId, PlanId, SessionId, TokenId, Username
from ostiary.contract.operation import Takes


class OfUser(Takes):
    """Which user."""

    username: Username


class OfSession(Takes):
    """Which session."""

    session_id: SessionId


class OfToken(Takes):
    """Which CLI token."""

    token_id: TokenId


class OfClient(Takes):
    """Which OAuth client."""

    client_id: ClientId


class OfPlan(Takes):
    """Which plan."""

    plan_id: PlanId
