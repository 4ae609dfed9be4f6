"""What clients find out by themselves: metadata (RFC 8414, OIDC Discovery 1.0) and keys (RFC 7517)."""

from __future__ import annotations

from typing import Any, Final

from litestar import Response, Router, get
from litestar.di import NamedDependency

from ostiary.authority import Authority
from ostiary.core.oauth.client import GRANTS
from ostiary.core.oauth.jws import ALGORITHM
from ostiary.core.oauth.pkce import METHOD
from ostiary.core.oauth.scope import SCOPES

# The one thing here that is worth a cache. Every site may read it: it is public, and carries nobody's credential.
PUBLIC: Final = {"cache-control": "public, max-age=300", "access-control-allow-origin": "*"}
AUTHENTICATION: Final = ["client_secret_basic", "client_secret_post"]
PROMPTS: Final = ["none", "login", "consent", "select_account"]


def metadata(issuer: str) -> dict[str, Any]:
    """The document, for both addresses: OIDC's is RFC 8414's and more."""
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/oauth/authorize",
        "token_endpoint": f"{issuer}/oauth/token",
        "jwks_uri": f"{issuer}/.well-known/jwks.json",
        "userinfo_endpoint": f"{issuer}/oauth/userinfo",
        "revocation_endpoint": f"{issuer}/oauth/revoke",
        "introspection_endpoint": f"{issuer}/oauth/introspect",
        "end_session_endpoint": f"{issuer}/oauth/logout",
        "scopes_supported": list(SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": list(GRANTS),
        "code_challenge_methods_supported": [METHOD],
        "token_endpoint_auth_methods_supported": [*AUTHENTICATION, "none"],
        "revocation_endpoint_auth_methods_supported": [*AUTHENTICATION, "none"],
        "introspection_endpoint_auth_methods_supported": AUTHENTICATION,
        "authorization_response_iss_parameter_supported": True,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "claims_supported": [
            *("iss", "sub", "aud", "exp", "iat", "auth_time", "amr", "nonce", "sid", "tenant_id"),
            *("preferred_username", "email"),
        ],
        "prompt_values_supported": PROMPTS,
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }


@get(["/openid-configuration", "/oauth-authorization-server"])
async def configuration(authority: NamedDependency[Authority]) -> Response[dict[str, Any]]:
    """Where everything is, and what is supported."""
    return Response(metadata(authority.oauth.issuer), headers=PUBLIC)


@get("/jwks.json")
async def jwks(authority: NamedDependency[Authority]) -> Response[dict[str, Any]]:
    """The public keys."""
    return Response({"keys": await authority.oauth.keys.published()}, headers=PUBLIC)


router = Router("/.well-known", route_handlers=[configuration, jwks])
