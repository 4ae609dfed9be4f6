"""The local directory of accounts, for administrators; and what is held about one person."""

from __future__ import annotations

from ostiary.authority import RevokedMany
from ostiary.authority.administration import MAXIMUM_PAGE
from ostiary.contract import users as contract
from ostiary.contract.answer import LEFT_OUT
from ostiary.contract.shapes import Done
from ostiary.contract.users import AdminUser, AdminUsers, Ended, UserAnswer
from ostiary.http.cursors import after_user, read_user
from ostiary.http.exchange import Exchange
from ostiary.http.operations import serves


@serves(AdminUsers.list)
async def list_users(asked: contract.ListUsers, exchange: Exchange) -> contract.UserPage:
    """By name."""
    users, after = await exchange.authority.accounts.list(
        by=exchange.caller, after=read_user(asked.cursor), limit=asked.limit
    )
    return contract.UserPage(users=[AdminUser.of(user) for user in users], next_cursor=after_user(after))


@serves(AdminUsers.add)
async def add_user(asked: contract.AddUser, exchange: Exchange) -> UserAnswer:
    """Names differ by more than case."""
    user = await exchange.authority.accounts.add(
        asked.username, asked.password, by=exchange.caller, email=asked.email, roles=asked.roles
    )
    return UserAnswer(user=AdminUser.of(user))


@serves(AdminUsers.show)
async def show_user(asked: contract.ShowUser, exchange: Exchange) -> contract.UserOverview:
    """With how much of theirs works now."""
    found = await exchange.authority.accounts.find(asked.username, by=exchange.caller)
    return contract.UserOverview.of(found, user=AdminUser.of(found.user))


@serves(AdminUsers.disable)
async def disable_user(asked: contract.DisableUser, exchange: Exchange) -> Ended:
    """Everything of theirs ends now."""
    return _ended(await exchange.authority.accounts.disable(asked.username, by=exchange.caller))


@serves(AdminUsers.enable)
async def enable_user(asked: contract.EnableUser, exchange: Exchange) -> Done:
    """What ended stays ended."""
    await exchange.authority.accounts.enable(asked.username, by=exchange.caller)
    return Done()


@serves(AdminUsers.set_password)
async def set_password(asked: contract.SetPassword, exchange: Exchange) -> Ended:
    """Every session of the user ends, but the one that asks."""
    return _ended(await exchange.authority.accounts.set_password(asked.username, asked.new, by=exchange.caller))


@serves(AdminUsers.set_roles)
async def set_roles(asked: contract.SetRoles, exchange: Exchange) -> UserAnswer:
    """They hold from the user's next request."""
    user = await exchange.authority.accounts.set_roles(asked.username, asked.roles, by=exchange.caller)
    return UserAnswer(user=AdminUser.of(user))


@serves(AdminUsers.delete)
async def delete_user(asked: contract.DeleteUser, exchange: Exchange) -> Ended:
    """The history of their sessions stays until it is purged."""
    return _ended(await exchange.authority.accounts.delete(asked.username, by=exchange.caller))


@serves(AdminUsers.export)
async def export_user(asked: contract.ExportUser, exchange: Exchange) -> contract.PersonExport:
    """That it was written out is in the audit trail."""
    found = await exchange.authority.privacy.export(asked.username, by=exchange.caller)
    return contract.PersonExport.of(found, account=AdminUser.of(found.account) if found.account else None)


@serves(AdminUsers.erase)
async def erase_user(asked: contract.EraseUser, exchange: Exchange) -> contract.PersonErased:
    """There is no way back."""
    return contract.PersonErased.of(await exchange.authority.privacy.erase(asked.username, by=exchange.caller))


def _ended(ended: RevokedMany) -> Ended:
    return Ended(sessions=ended.count, tokens=ended.tokens)


@serves(AdminUsers.logout)
async def sign_out_user(asked: contract.SignOutUser, exchange: Exchange) -> contract.SignedOutUser:
    """Nobody else's."""
    ended = await exchange.authority.administration.log_out(asked.username, by=exchange.caller)
    return contract.SignedOutUser(
        sessions=[
            contract.SignedOutSession(username=asked.username, session_id=session.id, revoked=session.revoked.at)
            for session in ended[:MAXIMUM_PAGE]
            if session.revoked is not None
        ],
        more=True if len(ended) > MAXIMUM_PAGE else LEFT_OUT,
    )
