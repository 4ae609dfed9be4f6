"""What the pages say: why a session ended, by whom, and how it began."""

from __future__ import annotations

from typing import Final

from ostiary.core.caller import Caller
from ostiary.core.plan import State
from ostiary.core.reach import Scope
from ostiary.core.selector import Sort, Wanted
from ostiary.core.session import Session
from ostiary.errors import OstiaryError, SessionExpired, SessionRevoked

# To its user, about another session of theirs.
ENDINGS: Final[dict[str, str]] = {
    "logout": "Signed out there",
    "user": "Ended",
    "user_others": "Ended with all other sessions",
    "user_all": "Ended by signing out everywhere",
    "admin": "Ended by an administrator",
    "bulk": "Ended by an administrator, together with others",
    "password_change": "Ended when the password was changed",
    "account_disabled": "Ended when the account was disabled",
    "refresh_reuse": "Ended for safety: a copy of its token was used",
    "limit": "Ended to make room: the number of sessions is limited",
    "policy": "Ended by a rule of this server",
    "suspended": "Suspended by an administrator, together with others; it may come back",
    "idle": "Expired: it was not used for too long",
    "lifetime": "Expired: it reached the end of its lifetime",
}

# The same in two or three words, where many stand together.
REASONS: Final[dict[str, str]] = {
    "logout": "signed out",
    "user": "by its user",
    "user_others": "with all others",
    "user_all": "everywhere",
    "admin": "by an administrator",
    "bulk": "in bulk",
    "password_change": "password changed",
    "account_disabled": "account disabled",
    "refresh_reuse": "copied token",
    "limit": "too many sessions",
    "policy": "by a rule",
}

# The console's filters, sorts and states.
FILTERS: Final[dict[str, str]] = {
    "user": "User",
    "ip": "Address or network",
    "user_agent": "Browser or tool",
    "device": "Device",
    "application_id": "Application",
    "tenant": "Tenant",
    "status": "State",
    "created_before": "Signed in before (UTC)",
    "created_after": "Signed in after (UTC)",
    "last_used_before": "Unused since (UTC)",
    "reason": "Ended",
    "q": "Name, id, label or address",
}
SORTS: Final[dict[Sort, str]] = {
    "-last_used_at": "last used first",
    "last_used_at": "longest unused first",
    "-created_at": "newest first",
    "created_at": "oldest first",
}
STATUSES: Final[dict[Wanted, str]] = {
    "live": "live",
    "active": "live and in use",
    "stale": "live, unused for 30 days",
    "suspended": "suspended, can be undone",
    "expired": "expired",
    "revoked": "ended by somebody",
    "ended": "ended or expired",
}

PLANS: Final[dict[State, str]] = {
    "planned": "Not applied",
    "applying": "Half applied",
    "applied": "Applied",
    "undoing": "Being undone",
    "undone": "Undone",
}

# What hangs on a leaked credential, and what such a credential can be.
THINGS: Final[dict[str, str]] = {
    "session": "Session",
    "session_of_another": "Session of another user, made with it",
    "refresh_token": "Refresh token",
    "access_tokens": "Access tokens",
    "cli_token": "CLI token",
    "code": "Authorization code",
    "session_token": "Session token",
    "access_token": "Access token",
    "id_token": "ID token",
    "session_id": "Session id",
    "cli_token_id": "Id of a CLI token",
    "refresh_token_id": "Id of a refresh token",
    "code_id": "Id of an authorization code",
}

# What happened, in the console. A kind that is not here is shown by its own name.
EVENTS: Final[dict[str, str]] = {
    "session.started": "Signed in",
    "session.renewed": "Session renewed",
    "session.labelled": "Device named",
    "session.revoked": "Session ended",
    "session.suspended": "Session suspended",
    "sign_in.refused": "Sign-in refused",
    "sign_in.throttled": "Sign-in slowed down",
    "sign_in.limited": "Sign-ins refused over a limit",
    "token.created": "CLI token made",
    "token.revoked": "CLI token revoked",
    "user.added": "User added",
    "user.disabled": "User disabled",
    "user.enabled": "User enabled",
    "user.deleted": "User deleted",
    "user.roles_changed": "Roles changed",
    "user.password_changed": "Password changed",
    "client.added": "Client registered",
    "client.secret_rotated": "Client given a new secret",
    "client.removed": "Client removed",
    "consent.granted": "Application allowed",
    "consent.withdrawn": "Application not allowed any more",
    "keys.rotated": "Signing keys rotated",
    "session.restored": "Session brought back",
    "plan.made": "Many sessions chosen",
    "plan.applied": "Many sessions ended",
    "plan.undone": "Many sessions brought back",
    "credential.neutralised": "Credential neutralised",
    "retention.applied": "What was past retention removed",
    "user.erased": "User erased",
    "user.exported": "User's data exported",
}

# To the browser that held it.
FAREWELLS: Final[dict[str, str]] = {
    "logout": "You signed out in this browser.",
    "user": "This session was ended from another of your sessions.",
    "user_others": "This session was ended from another of your sessions, with all the others.",
    "user_all": "You signed out everywhere.",
    "admin": "An administrator ended this session.",
    "bulk": "An administrator ended this session, together with others.",
    "password_change": "Your password was changed, which ended this session.",
    "account_disabled": "Your account was disabled.",
    "refresh_reuse": "This session was ended for safety: a copy of its token was used.",
    "limit": "This session was ended because you signed in on more devices than are allowed.",
    "policy": "A rule of this server ended this session.",
    "idle": "Your session expired because it was not used for a while.",
    "lifetime": "Your session expired. Sessions end after a while, however much they are used.",
}

AUTHENTICATIONS: Final[dict[str, str]] = {"pwd": "password", "otp": "one-time code", "hwk": "security key"}  # RFC 8176

SCOPES: Final[dict[Scope, str]] = {
    "sessions:read": "see your sessions",
    "sessions:revoke": "end and name your sessions",
    "tokens:manage": "make and revoke CLI tokens",
    "gateway": "use the applications behind this server as you",
    "feed:read": "follow what ends, for everybody",
    "metrics:read": "read the server's counters",
    "admin": "do everything that an administrator can",
}

# The same for an application of others: what it may do for the person who allows it.
APPLICATION_SCOPES: Final[dict[str, str]] = {
    "openid": "know that it is you",
    "profile": "see your username and your roles",
    "email": "see your email address",
    "offline_access": "stay connected while you are away",
    "sessions:read": "see where you are signed in",
    "sessions:revoke": "sign you out, here and elsewhere",
    "gateway": "use applications of this server in your name",
    "feed:read": "follow what ends, for everybody",
}


NO_COOKIE: Final = (
    "Nothing was done. If it was open for more than an hour, just try again. If it happens again, your browser keeps "
    "no cookies here: allow them for this site. Safari keeps none on http://localhost: use https there, or another "
    "browser."
)
TWO_PEOPLE: Final = "This browser holds the sign-ins of two people at once, so neither counts. Signing in ends both."


def farewell(error: OstiaryError) -> str | None:
    """Why the session of this browser does not work any more; None where nothing may be said (rule 6)."""
    if isinstance(error, SessionRevoked) and "suspended_until" in error.fields:
        return "An administrator suspended this session, together with others. It may come back."
    if isinstance(error, SessionRevoked):
        return FAREWELLS.get(str(error.fields["reason"]))
    if isinstance(error, SessionExpired):
        return FAREWELLS.get(str(error.fields["limit"]))
    return None


def ended_by(session: Session, caller: Caller) -> str:
    """Who ended it, in the caller's words; empty where nobody did or the ending says it already."""
    end = session.revoked
    if end is None or end.reason in {"logout", "admin", "bulk", "limit", "policy", "refresh_reuse"}:
        return ""
    if end.by == caller.user.id:
        return "by you"
    if end.by.startswith("ost_"):
        return "by a CLI token of yours"
    return "by the server's operator" if end.by.startswith("database:") else "by an administrator"


def began_how(session: Session) -> str:
    """How its user signed in."""
    if session.amr:
        return "with " + " and ".join(f"a {AUTHENTICATIONS.get(method, method)}" for method in session.amr)
    return "made by an administrator" if session.issued_by else "by an application"
