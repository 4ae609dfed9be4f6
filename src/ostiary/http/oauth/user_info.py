"""Who the user of an access token is (OIDC Core 5.3)."""

from __future__ import annotations

from ostiary.contract.oauth import OAuth, ReadUserInfo
from ostiary.contract.oauth_answers import UserInfo
from ostiary.http.exchange import Exchange
from ostiary.http.operations import serves


@serves(OAuth.userinfo, OAuth.userinfo_by_post)
async def user_info(_: ReadUserInfo, exchange: Exchange) -> UserInfo:
    """What the token's scopes let its client know."""
    return UserInfo(**await exchange.authority.oauth.inspection.user_info(exchange.caller))
