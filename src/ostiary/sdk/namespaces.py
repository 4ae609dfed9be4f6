"""What a client can do, by noun. Each line makes a blocking method and an async one."""

from __future__ import annotations

from ostiary.sdk.admin_results import AdminSession, AdminUser, Event
from ostiary.sdk.calls import admin, auth, oauth, sessions, tokens
from ostiary.sdk.endpoint import Endpoint, Namespace, Pages, W


class Auth(Namespace[W]):
    """Signing in, and what a person does to their own account."""

    sign_in = Endpoint(auth.sign_in)
    whoami = Endpoint(auth.whoami)
    reauthenticate = Endpoint(auth.reauthenticate)
    change_password = Endpoint(auth.change_password)
    logout = Endpoint(auth.logout)


class Sessions(Namespace[W]):
    """A user's own sessions."""

    list = Endpoint(sessions.list_sessions)
    current = Endpoint(sessions.current_session)
    revoke = Endpoint(sessions.revoke_session)
    label = Endpoint(sessions.label_session)
    revoke_others = Endpoint(sessions.revoke_others)
    revoke_all = Endpoint(sessions.revoke_all)
    logout = Endpoint(sessions.logout)


class Tokens(Namespace[W]):
    """A user's own CLI tokens."""

    list = Endpoint(tokens.list_tokens)
    create = Endpoint(tokens.create_token)
    validate = Endpoint(tokens.validate_token)
    rotate = Endpoint(tokens.rotate_token)
    revoke = Endpoint(tokens.revoke_token)


class OAuth(Namespace[W]):
    """The OAuth endpoints, as the client that `client_id` and `client_secret` name."""

    exchange = Endpoint(oauth.exchange)
    refresh = Endpoint(oauth.refresh)
    client_credentials = Endpoint(oauth.client_credentials)
    introspect = Endpoint(oauth.introspect)
    revoke = Endpoint(oauth.revoke)
    userinfo = Endpoint(oauth.userinfo)


class AdminSessions(Namespace[W]):
    """Anybody's sessions."""

    search = Endpoint(admin.search_sessions)
    each = Pages(admin.search_sessions, AdminSession)
    revoke = Endpoint(admin.revoke_session)
    start = Endpoint(admin.start_session)


class AdminUsers(Namespace[W]):
    """The local directory of accounts."""

    list = Endpoint(admin.list_users)
    each = Pages(admin.list_users, AdminUser)
    add = Endpoint(admin.add_user)
    show = Endpoint(admin.show_user)
    disable = Endpoint(admin.disable_user)
    enable = Endpoint(admin.enable_user)
    set_roles = Endpoint(admin.set_roles)
    set_password = Endpoint(admin.set_password)
    logout = Endpoint(admin.log_out_user)
    delete = Endpoint(admin.delete_user)


class AdminEvents(Namespace[W]):
    """The audit trail."""

    list = Endpoint(admin.list_events)
    each = Pages(admin.list_events, Event)


class AdminClients(Namespace[W]):
    """OAuth clients."""

    list = Endpoint(admin.list_clients)
    add = Endpoint(admin.add_client)
    show = Endpoint(admin.show_client)
    rotate_secret = Endpoint(admin.rotate_client_secret)
    remove = Endpoint(admin.remove_client)


class Admin(Namespace[W]):
    """What administrators do."""

    neutralise = Endpoint(admin.neutralise)
    rotate_keys = Endpoint(admin.rotate_keys)

    def __init__(self, wire: W) -> None:
        """Part of a client."""
        super().__init__(wire)
        self.sessions: AdminSessions[W] = AdminSessions(wire)
        self.users: AdminUsers[W] = AdminUsers(wire)
        self.events: AdminEvents[W] = AdminEvents(wire)
        self.clients: AdminClients[W] = AdminClients(wire)
