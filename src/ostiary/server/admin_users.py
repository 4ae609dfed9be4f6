"""The local directory of accounts, for administrators."""

from __future__ import annotations

from typing import Annotated

from litestar import Router, delete, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, QueryParameter

from ostiary import errors
from ostiary.authority import Authority
from ostiary.core.account import User
from ostiary.core.caller import Caller
from ostiary.server import admin_shapes, requests, shapes
from ostiary.server.cursors import Cursor, after_user, read_user
from ostiary.server.refusals import refusals

PageLimit = Annotated[int, QueryParameter(ge=1, le=1000, description="Rows in one page.")]


@get("/users", operation_id="list_users", summary="List users", responses=refusals())
async def list_users(
    authority: NamedDependency[Authority],
    caller: NamedDependency[Caller],
    cursor: Cursor = None,
    limit: PageLimit = 100,
) -> admin_shapes.UserPage:
    """One page of all users, by name."""
    users, after = await authority.accounts.list(by=caller, after=read_user(cursor), limit=limit)
    return admin_shapes.UserPage(users=[_admin_user(user) for user in users], next_cursor=after_user(after))


@post(
    "/users",
    operation_id="add_user",
    summary="Add a user",
    responses=refusals(errors.Conflict, errors.ReauthenticationRequired, body=True),
)
async def add_user(
    data: JSONBody[requests.UserRequest], authority: NamedDependency[Authority], caller: NamedDependency[Caller]
) -> admin_shapes.UserAnswer:
    """Add a user; names differ by more than case."""
    user = await authority.accounts.add(data.username, data.password, by=caller, email=data.email, roles=data.roles)
    return admin_shapes.UserAnswer(user=_admin_user(user))


@get(
    "/users/{username:str}",
    operation_id="show_user",
    summary="Show a user",
    responses=refusals(errors.UserNotFound),
)
async def show_user(
    username: requests.UsernameInPath, authority: NamedDependency[Authority], caller: NamedDependency[Caller]
) -> admin_shapes.UserOverview:
    """A user, and how many sessions and CLI tokens of theirs work now."""
    found = await authority.accounts.find(username, by=caller)
    return admin_shapes.UserOverview(user=_admin_user(found.user), sessions=found.sessions, tokens=found.tokens)


@post(
    "/users/{username:str}/disable",
    operation_id="disable_user",
    summary="Disable a user",
    status_code=200,
    responses=refusals(errors.UserNotFound, errors.Conflict, errors.ReauthenticationRequired),
)
async def disable_user(
    username: requests.UsernameInPath, authority: NamedDependency[Authority], caller: NamedDependency[Caller]
) -> admin_shapes.Ended:
    """The user cannot sign in any more, and everything of theirs ends now. Not the last administrator."""
    ended = await authority.accounts.disable(username, by=caller)
    return admin_shapes.Ended(sessions=ended.count, tokens=ended.tokens)


@post(
    "/users/{username:str}/enable",
    operation_id="enable_user",
    summary="Enable a user",
    status_code=200,
    responses=refusals(errors.UserNotFound, errors.ReauthenticationRequired),
)
async def enable_user(
    username: requests.UsernameInPath, authority: NamedDependency[Authority], caller: NamedDependency[Caller]
) -> shapes.Done:
    """The user can sign in again; what ended stays ended."""
    await authority.accounts.enable(username, by=caller)
    return shapes.Done()


@post(
    "/users/{username:str}/password",
    operation_id="set_password",
    summary="Give a user a new password",
    status_code=200,
    responses=refusals(errors.UserNotFound, errors.ReauthenticationRequired, body=True),
)
async def set_password(
    username: requests.UsernameInPath,
    data: JSONBody[requests.NewPasswordRequest],
    authority: NamedDependency[Authority],
    caller: NamedDependency[Caller],
) -> admin_shapes.Ended:
    """Every session of the user ends, but the one that asks."""
    ended = await authority.accounts.set_password(username, data.new, by=caller)
    return admin_shapes.Ended(sessions=ended.count, tokens=ended.tokens)


@post(
    "/users/{username:str}/roles",
    operation_id="set_roles",
    summary="Replace a user's roles",
    status_code=200,
    responses=refusals(errors.UserNotFound, errors.Conflict, errors.ReauthenticationRequired, body=True),
)
async def set_roles(
    username: requests.UsernameInPath,
    data: JSONBody[requests.RolesRequest],
    authority: NamedDependency[Authority],
    caller: NamedDependency[Caller],
) -> admin_shapes.UserAnswer:
    """They hold from the user's next request. Not taking `admin` from the last administrator."""
    return admin_shapes.UserAnswer(
        user=_admin_user(await authority.accounts.set_roles(username, data.roles, by=caller))
    )


@delete(
    "/users/{username:str}",
    operation_id="delete_user",
    summary="Delete a user",
    status_code=200,
    responses=refusals(errors.UserNotFound, errors.Conflict, errors.ReauthenticationRequired),
)
async def delete_user(
    username: requests.UsernameInPath, authority: NamedDependency[Authority], caller: NamedDependency[Caller]
) -> admin_shapes.Ended:
    """Everything of the user ends now; the history of their sessions stays until it is purged."""
    ended = await authority.accounts.delete(username, by=caller)
    return admin_shapes.Ended(sessions=ended.count, tokens=ended.tokens)


def _admin_user(user: User) -> admin_shapes.AdminUser:
    return admin_shapes.AdminUser(
        id=user.id,
        username=user.username,
        email=user.email,
        roles=list(user.roles),
        created_at=user.created_at,
        disabled_at=user.disabled_at,
    )


router = Router(
    "/admin",
    route_handlers=[
        list_users,
        add_user,
        show_user,
        disable_user,
        enable_user,
        set_password,
        set_roles,
        delete_user,
    ],
    tags=["administration: users"],
)
