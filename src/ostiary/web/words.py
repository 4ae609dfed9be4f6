"""Tables of words: for reasons, states, kinds of events and whatever else is a code elsewhere.

They are English, as marked for the catalogues; what is shown of them goes through `word`, `in_words` or `gettext`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ostiary.core.plan import State
from ostiary.core.reach import Scope
from ostiary.core.selector import Sort, Wanted
from ostiary.errors.translatable import translatable
from ostiary.web.language import gettext

# To its user, about another session of theirs.
ENDINGS: Final[dict[str, str]] = {
    "logout": translatable("Signed out there"),
    "user": translatable("Ended"),
    "user_others": translatable("Ended with all other sessions"),
    "user_all": translatable("Ended by signing out everywhere"),
    "admin": translatable("Ended by an administrator"),
    "bulk": translatable("Ended by an administrator, together with others"),
    "password_change": translatable("Ended when the password was changed"),
    "account_disabled": translatable("Ended when the account was disabled"),
    "refresh_reuse": translatable("Ended for safety: a copy of its token was used"),
    "limit": translatable("Ended to make room: the number of sessions is limited"),
    "policy": translatable("Ended by a rule of this server"),
    "replaced": translatable("Replaced by a newer sign-in there"),
    "upstream": translatable("Ended by the provider that you sign in with"),
    "client": translatable("Ended when the application was removed"),
    "code_replay": translatable("Ended for safety: a copy of its code was used"),
    "parent": translatable("Ended with the device that let it in"),
    "suspended": translatable("Suspended by an administrator, together with others; it may come back"),
    "idle": translatable("Expired: it was not used for too long"),
    "lifetime": translatable("Expired: it reached the end of its lifetime"),
}

# The same in two or three words, where many stand together.
REASONS: Final[dict[str, str]] = {
    "logout": translatable("signed out"),
    "user": translatable("by its user"),
    "user_others": translatable("with all others"),
    "user_all": translatable("everywhere"),
    "admin": translatable("by an administrator"),
    "bulk": translatable("in bulk"),
    "password_change": translatable("password changed"),
    "account_disabled": translatable("account disabled"),
    "refresh_reuse": translatable("copied token"),
    "limit": translatable("too many sessions"),
    "policy": translatable("by a rule"),
    "replaced": translatable("replaced"),
    "upstream": translatable("by the provider"),
    "client": translatable("application removed"),
    "code_replay": translatable("copied code"),
    "parent": translatable("with its device"),
}

# The console's filters, sorts, states and kinds of device.
FILTERS: Final[dict[str, str]] = {
    "user": translatable("User"),
    "ip": translatable("Address or network"),
    "user_agent": translatable("Browser or tool"),
    "device": translatable("Device"),
    "application_id": translatable("Application"),
    "tenant": translatable("Tenant"),
    "status": translatable("State"),
    "created_before": translatable("Signed in before (UTC)"),
    "created_after": translatable("Signed in after (UTC)"),
    "last_used_before": translatable("Unused since (UTC)"),
    "reason": translatable("Ended"),
    "q": translatable("Name, id, label or address"),
}
SORTS: Final[dict[Sort, str]] = {
    "-last_used_at": translatable("last used first"),
    "last_used_at": translatable("longest unused first"),
    "-created_at": translatable("newest first"),
    "created_at": translatable("oldest first"),
}
STATUSES: Final[dict[Wanted, str]] = {
    "live": translatable("live"),
    "active": translatable("live and in use"),
    "stale": translatable("live, unused for 30 days"),
    "suspended": translatable("suspended, can be undone"),
    "expired": translatable("expired"),
    "revoked": translatable("ended by somebody"),
    "ended": translatable("ended or expired"),
}

DEVICES: Final[dict[str, str]] = {
    "desktop": translatable("desktop"),
    "phone": translatable("phone"),
    "tablet": translatable("tablet"),
    "tv": translatable("tv"),
    "console": translatable("console"),
    "cli": translatable("cli"),
    "service": translatable("service"),
    "bot": translatable("bot"),
    "unknown": translatable("unknown"),
}

PLANS: Final[dict[State, str]] = {
    "planned": translatable("Not applied"),
    "applying": translatable("Half applied"),
    "applied": translatable("Applied"),
    "undoing": translatable("Being undone"),
    "undone": translatable("Undone"),
}

# What hangs on a leaked credential, and what such a credential can be.
THINGS: Final[dict[str, str]] = {
    "session": translatable("Session"),
    "session_of_another": translatable("Session of another user, made with it"),
    "refresh_token": translatable("Refresh token"),
    "access_tokens": translatable("Access tokens"),
    "cli_token": translatable("CLI token"),
    "code": translatable("Authorization code"),
    "session_token": translatable("Session token"),
    "access_token": translatable("Access token"),
    "id_token": translatable("ID token"),
    "session_id": translatable("Session id"),
    "cli_token_id": translatable("Id of a CLI token"),
    "refresh_token_id": translatable("Id of a refresh token"),
    "code_id": translatable("Id of an authorization code"),
}

# What happened, in the console. A kind that is not here is shown by its own name.
EVENTS: Final[dict[str, str]] = {
    "session.started": translatable("Signed in"),
    "session.renewed": translatable("Session renewed"),
    "session.labelled": translatable("Device named"),
    "session.revoked": translatable("Session ended"),
    "session.suspended": translatable("Session suspended"),
    "sign_in.refused": translatable("Sign-in refused"),
    "sign_in.throttled": translatable("Sign-in slowed down"),
    "sign_in.limited": translatable("Sign-ins refused over a limit"),
    "token.created": translatable("CLI token made"),
    "token.revoked": translatable("CLI token revoked"),
    "user.added": translatable("User added"),
    "user.disabled": translatable("User disabled"),
    "user.enabled": translatable("User enabled"),
    "user.deleted": translatable("User deleted"),
    "user.roles_changed": translatable("Roles changed"),
    "user.password_changed": translatable("Password changed"),
    "client.added": translatable("Client registered"),
    "client.secret_rotated": translatable("Client given a new secret"),
    "client.removed": translatable("Client removed"),
    "resource.added": translatable("Resource registered"),
    "resource.removed": translatable("Resource removed"),
    "consent.granted": translatable("Application allowed"),
    "consent.withdrawn": translatable("Application not allowed any more"),
    "keys.rotated": translatable("Signing keys rotated"),
    "session.restored": translatable("Session brought back"),
    "plan.made": translatable("Many sessions chosen"),
    "plan.applied": translatable("Many sessions ended"),
    "plan.undone": translatable("Many sessions brought back"),
    "credential.neutralised": translatable("Credential neutralised"),
    "retention.applied": translatable("What was past retention removed"),
    "user.erased": translatable("User erased"),
    "user.exported": translatable("User's data exported"),
}

# To the browser that held it.
FAREWELLS: Final[dict[str, str]] = {
    "logout": translatable("You signed out in this browser."),
    "user": translatable("This session was ended from another of your sessions."),
    "user_others": translatable("This session was ended from another of your sessions, with all the others."),
    "user_all": translatable("You signed out everywhere."),
    "admin": translatable("An administrator ended this session."),
    "bulk": translatable("An administrator ended this session, together with others."),
    "password_change": translatable("Your password was changed, which ended this session."),
    "account_disabled": translatable("Your account was disabled."),
    "refresh_reuse": translatable("This session was ended for safety: a copy of its token was used."),
    "limit": translatable("This session was ended because you signed in on more devices than are allowed."),
    "policy": translatable("A rule of this server ended this session."),
    "replaced": translatable("You signed in here again, which ended the session of before."),
    "upstream": translatable("The provider that you sign in with ended this session."),
    "client": translatable("The application was removed, which ended this session."),
    "code_replay": translatable("This session was ended for safety: a copy of its code was used."),
    "parent": translatable("The session that had let this one in was ended."),
    "idle": translatable("Your session expired because it was not used for a while."),
    "lifetime": translatable("Your session expired. Sessions end after a while, however much they are used."),
}

# Method references of RFC 8176.
AUTHENTICATIONS: Final[dict[str, str]] = {
    "pwd": translatable("a password"),
    "otp": translatable("a one-time code"),
    "hwk": translatable("a security key"),
}

SCOPES: Final[dict[Scope, str]] = {
    "sessions:read": translatable("see your sessions"),
    "sessions:revoke": translatable("end and name your sessions"),
    "tokens:manage": translatable("make and revoke CLI tokens"),
    "gateway": translatable("use the applications behind this server as you"),
    "feed:read": translatable("follow what ends, for everybody"),
    "metrics:read": translatable("read the server's counters"),
    "admin": translatable("do everything that an administrator can"),
}

# The same for an application of others: what it may do for the person who allows it.
APPLICATION_SCOPES: Final[dict[str, str]] = {
    "openid": translatable("know that it is you"),
    "profile": translatable("see your username and your roles"),
    "email": translatable("see your email address"),
    "offline_access": translatable("stay connected while you are away"),
    "sessions:read": translatable("see where you are signed in"),
    "sessions:revoke": translatable("sign you out, here and elsewhere"),
    "gateway": translatable("use applications of this server in your name"),
    "feed:read": translatable("follow what ends, for everybody"),
}


NO_COOKIE: Final = translatable(
    "Nothing was done. If it was open for more than an hour, just try again. If it happens again, your browser keeps "
    "no cookies here: allow them for this site. Safari keeps none on http://localhost: use https there, or another "
    "browser."
)
TWO_PEOPLE: Final = translatable(
    "This browser holds the sign-ins of two people at once, so neither counts. Signing in ends both."
)
TOO_MANY: Final = translatable("Too many failed attempts. Wait a moment before you try again.")
NOT_YOUR_PASSWORD: Final = translatable("That is not your password.")


def in_words(table: Mapping[Any, str]) -> dict[str, str]:
    """One of the tables above, in the language of the request."""
    return {name: gettext(text) for name, text in table.items()}


def word(table: Mapping[Any, str], name: str) -> str:
    """One word of a table, in the language of the request; what is not in it is shown by its own name."""
    return gettext(table[name]) if name in table else name
