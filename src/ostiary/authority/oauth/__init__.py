"""The acts of an authorization server whose grants are sessions (RFC 6749, OIDC Core)."""

from ostiary.authority.oauth.oauth import OAuth

__all__ = ["OAuth"]
