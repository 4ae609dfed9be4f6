"""What administrators ask and do. All of it needs the role `admin`, and of a CLI token the scope `admin`."""

from __future__ import annotations

from collections.abc import Sequence

from ostiary.sdk import admin_results as results
from ostiary.sdk.call import Call, delete, get, given, post, segment
from ostiary.sdk.results import Done, Revoked


def search_sessions(
    *,
    user: str | None = None,
    ip: str | None = None,
    user_agent: str | None = None,
    device: str | None = None,
    application_id: str | None = None,
    tenant: str | None = None,
    status: str | None = None,
    created_before: str | None = None,
    created_after: str | None = None,
    last_used_before: str | None = None,
    reason: str | None = None,
    q: str | None = None,
    sort: str | None = None,
    limit: int | None = None,
    cursor: str | None = None,
) -> Call[results.SessionPage]:
    """One page of everybody's sessions, ended ones too until they are purged. All filters hold at once.

    Args:
        user: a username, or a user id.
        ip: an address or a network, such as `203.0.113.0/24`.
        user_agent: a browser or tool, such as `Firefox`.
        device: a kind of device or a system, such as `phone` or `Windows`.
        status: `active`, `stale`, `expired`, `revoked`, or `live` for the first two.
        created_before, created_after, last_used_before: times as RFC 3339, such as `2026-01-15T12:00:00Z`.
        reason: why somebody ended it.
        q: the beginning of a session id, a username or a label; or an address or network.
        sort: `created_at` or `last_used_at`, with a `-` in front for newest first; default `-created_at`.
        limit: 1 to 1000 on a page; 100 by default.
        cursor: from the page before.

    Raises:
        UserNotFound: no such user.
    """
    return get(
        "/admin/sessions",
        results.SessionPage,
        user=user,
        ip=ip,
        user_agent=user_agent,
        device=device,
        application_id=application_id,
        tenant=tenant,
        status=status,
        created_before=created_before,
        created_after=created_after,
        last_used_before=last_used_before,
        reason=reason,
        q=q,
        sort=sort,
        limit=limit,
        cursor=cursor,
    )


def revoke_session(session_id: str) -> Call[Revoked]:
    """End anybody's session, with the reason `admin`.

    Raises:
        SessionNotFound: there is none.
        ReauthenticationRequired: the administrator's own sign-in is too old for the policy.
    """
    return post(f"/admin/sessions/{segment(session_id)}/revoke", Revoked, repeatable=True)


def start_session(
    username: str,
    *,
    expire_after: str,
    application_id: str | None = None,
    label: str | None = None,
    reason: str | None = None,
) -> Call[results.Minted]:
    """Make a session for a user without their sign-in; who made it is recorded.

    Args:
        expire_after: a span such as `4h30m`, at most the policy's lifetime.
        reason: why, for the audit trail.

    Raises:
        UserNotFound: no such user.
        InvalidRequest: a span that is none, or too long.
    """
    body = given(expire_after=expire_after, application_id=application_id, label=label, reason=reason)
    return post(f"/admin/users/{segment(username)}/sessions", results.Minted, body)


def list_users(*, limit: int | None = None, cursor: str | None = None) -> Call[results.UserPage]:
    """One page of all users, by name."""
    return get("/admin/users", results.UserPage, limit=limit, cursor=cursor)


def add_user(
    username: str, password: str, *, email: str | None = None, roles: Sequence[str] | None = None
) -> Call[results.OneUser]:
    """Add a user; `roles` is `member` by default.

    Raises:
        Conflict: the name is taken; names that differ only by case are one.
        InvalidRequest: a name, password or role that cannot be.
    """
    body = given(username=username, password=password, email=email, roles=None if roles is None else list(roles))
    return post("/admin/users", results.OneUser, body)


def show_user(username: str) -> Call[results.UserOverview]:
    """One user, and how many sessions and CLI tokens of theirs work now.

    Raises:
        UserNotFound: no such user.
    """
    return get(f"/admin/users/{segment(username)}", results.UserOverview)


def disable_user(username: str) -> Call[results.Ended]:
    """The user cannot sign in any more, and everything of theirs ends now.

    Raises:
        UserNotFound: no such user.
        Conflict: the last administrator who can sign in.
    """
    return post(f"/admin/users/{segment(username)}/disable", results.Ended)


def enable_user(username: str) -> Call[Done]:
    """The user can sign in again. What ended stays ended.

    Raises:
        UserNotFound: no such user.
    """
    return post(f"/admin/users/{segment(username)}/enable", Done, repeatable=True)


def set_roles(username: str, roles: Sequence[str]) -> Call[results.OneUser]:
    """Replace a user's roles; they hold from the user's next request.

    Raises:
        UserNotFound: no such user.
        Conflict: the last administrator who can sign in.
    """
    return post(f"/admin/users/{segment(username)}/roles", results.OneUser, {"roles": list(roles)}, repeatable=True)


def set_password(username: str, new: str) -> Call[results.Ended]:
    """Give a user a new password. Every session of theirs ends, but the one that asks.

    Raises:
        UserNotFound: no such user.
        InvalidRequest: too short or too long.
    """
    return post(f"/admin/users/{segment(username)}/password", results.Ended, {"new": new})


def log_out_user(username: str) -> Call[results.SignedOutUser]:
    """End every session of a user, and nobody else's. CLI tokens stay.

    Raises:
        UserNotFound: no such user.
    """
    return post(f"/admin/users/{segment(username)}/logout", results.SignedOutUser, repeatable=True)


def delete_user(username: str) -> Call[results.Ended]:
    """Delete a user and end everything of theirs.

    Raises:
        UserNotFound: no such user.
        Conflict: the last administrator who can sign in.
    """
    return delete(f"/admin/users/{segment(username)}", results.Ended, repeatable=False)


def list_events(
    *, user: str | None = None, limit: int | None = None, cursor: str | None = None
) -> Call[results.EventPage]:
    """One page of the audit trail, newest first.

    Raises:
        UserNotFound: no such user.
    """
    return get("/admin/events", results.EventPage, user=user, limit=limit, cursor=cursor)


def neutralise(credential: str, *, apply: bool = False) -> Call[results.Neutralised]:
    """What hangs on a leaked credential, or on the id of one; with `apply`, the end of all that in one act.

    The credential travels in the body only.

    Raises:
        InvalidRequest: it names nothing of this server, or several things.
        SessionNotFound, TokenNotFound: nothing is known under that id.
        Conflict: the secret does not match its id; give the id alone, if that is meant.
        ReauthenticationRequired: the administrator's own sign-in is too old for the policy.
    """
    path = "/admin/neutralise/apply" if apply else "/admin/neutralise"
    return post(path, results.Neutralised, {"credential": credential}, repeatable=not apply)


def list_clients() -> Call[results.ClientList]:
    """All OAuth clients, oldest first."""
    return get("/admin/clients", results.ClientList)


def add_client(
    name: str,
    *,
    redirect_uris: Sequence[str] = (),
    post_logout_redirect_uris: Sequence[str] = (),
    is_public: bool = False,
    application_id: str | None = None,
    application_type: str | None = None,
    tenant: str | None = None,
    tenant_subdomain: str | None = None,
    grants: Sequence[str] | None = None,
    scopes: Sequence[str] | None = None,
    third_party: bool = False,
) -> Call[results.NewClient]:
    """Register an OAuth client. Its secret is shown this once; a public one has none.

    Raises:
        InvalidRequest: a redirect URI, grant or scope that cannot be.
        Conflict: the server has no key to protect signing keys with.
    """
    body = given(
        name=name,
        redirect_uris=list(redirect_uris),
        post_logout_redirect_uris=list(post_logout_redirect_uris),
        is_public=is_public,
        application_id=application_id,
        application_type=application_type,
        tenant=tenant,
        tenant_subdomain=tenant_subdomain,
        grants=None if grants is None else list(grants),
        scopes=None if scopes is None else list(scopes),
        third_party=third_party,
    )
    return post("/admin/clients", results.NewClient, body)


def show_client(client_id: str) -> Call[results.OneClient]:
    """One OAuth client, without its secret, which nobody knows any more.

    Raises:
        ClientNotFound: no such client.
    """
    return get(f"/admin/clients/{segment(client_id)}", results.OneClient)


def rotate_client_secret(client_id: str) -> Call[results.NewClient]:
    """A new secret for an OAuth client; the old one is refused from now on.

    Raises:
        ClientNotFound: no such client.
        Conflict: a public client has no secret.
    """
    return post(f"/admin/clients/{segment(client_id)}/secret", results.NewClient)


def remove_client(client_id: str) -> Call[results.RemovedClient]:
    """Remove an OAuth client, and end every session that it holds.

    Raises:
        ClientNotFound: no such client.
    """
    return delete(f"/admin/clients/{segment(client_id)}", results.RemovedClient, repeatable=False)


def rotate_keys(*, at_once: bool = False) -> Call[results.RotatedKeys]:
    """Sign with new keys from now on; `at_once` if the old ones leaked."""
    return post("/admin/keys/rotate", results.RotatedKeys, {"at_once": at_once})
