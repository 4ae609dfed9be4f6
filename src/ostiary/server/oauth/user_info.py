"""Who the user of an access token is (OIDC Core 5.3)."""

from __future__ import annotations

from typing import Any

from litestar import Router, get, post
from litestar.di import NamedDependency

from ostiary.authority import Authority
from ostiary.server.bodies import ApiRequest
from ostiary.server.oauth import failures
from ostiary.server.oauth.bearer import holder_of


@get("/userinfo")
async def user_info(request: ApiRequest, authority: NamedDependency[Authority]) -> dict[str, Any]:
    """What the token's scopes let its client know."""
    return authority.oauth.inspection.user_info(await holder_of(request))


user_info_by_post = post("/userinfo", status_code=200)(user_info.fn)

router = Router("/", route_handlers=[user_info, user_info_by_post], exception_handlers={Exception: failures.answer})
