"""Each operation of the API as requests that succeed: what they need is made first, and is not measured.

`python -m bench.cpu` walks the contract: an operation without a work here, or a reason not to have one, stops it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from itertools import cycle, islice
from typing import TypeAlias, TypeVar

from bench.cpu_world import World, call
from bench.ours import API, CALLBACK, PASSWORD
from bench.wire import Answer, Script, request

Work: TypeAlias = Callable[[World, int], "list[bytes] | list[Script]"]
T = TypeVar("T")

NONE = {
    "set_up": "done once in the life of a database",
    "oauth_end_session": "a redirect to a page",
}
AUTH, ADMIN = f"{API}/auth", f"{API}/admin"


def _some(values: Iterable[T], number: int) -> list[T]:
    return list(islice(cycle(values), number))


def _asks(path: str) -> Work:
    """By users, each with one of eight sessions."""
    return lambda world, number: [call("GET", path, token) for token in _some(world.own, number)]


def _administers(path: str) -> Work:
    return lambda world, number: [call("GET", path, world.admin)] * number


def _anybody(path: str) -> Work:
    return lambda _, number: [call("GET", path, "")] * number


def _for_users(method: str, path: str, body: object = None) -> Work:
    """To the users that there are, by an administrator, in turn."""
    return lambda world, number: [
        call(method, path.format(name), world.admin, body) for name in _some(world.users, number)
    ]


def _to_new_users(method: str, path: str, body: object = None) -> Work:
    """Each to a user of its own."""
    return lambda world, number: [
        call(method, path.format(world.add_user()), world.admin, body) for _ in range(number // 2)
    ]


def _to_anybodys(method: str, path: str) -> Work:
    """To anybody's session, by an administrator."""
    return lambda world, number: [call(method, path.format(made.id), world.admin) for made in world.sessions(number)]


def _by_their_own(method: str, path: str, body: object = None) -> Work:
    """Each by a session of its own, one of which can be asked of by itself."""
    return lambda world, number: [call(method, path, made.secret, body) for made in world.sessions(number)]


def _each_by_itself(method: str, path: str, body: object = None) -> Work:
    """Each by a user who has just signed in, and has more sessions."""

    def work(world: World, number: int) -> list[bytes]:
        made = []
        for name in _some(world.users, min(number, len(world.users))):
            world.sessions(2, name)
            made.append(call(method, path, world.sign_in(name).secret, body))
        return made

    return work


def _to_own(method: str, path: str, body: object = None) -> Work:
    """To others of one's own sessions, by users who have just signed in."""

    def work(world: World, number: int) -> list[bytes]:
        made = []
        for name in world.users[:8]:
            mine = world.sign_in(name).secret
            made += [call(method, path.format(one.id), mine, body) for one in world.sessions(number // 8, name)]
        return made

    return work


def _to_own_tokens(method: str, path: str) -> Work:
    def work(world: World, number: int) -> list[bytes]:
        made = []
        for name in world.users[:8]:
            mine = world.sign_in(name).secret
            made += [call(method, path.format(world.token(mine).id), mine) for _ in range(number // 8)]
        return made

    return work


def _creates_tokens(world: World, number: int) -> list[bytes]:
    mine = [world.sign_in(name).secret for name in world.users[:8]]
    return [call("POST", f"{AUTH}/cli-token", secret, {}) for secret in _some(mine, number)]


def _validates(world: World, number: int) -> list[bytes]:
    tokens = [world.token(world.sign_in(name).secret).secret for name in world.users[:8]]
    return [call("GET", f"{AUTH}/cli-token/validate", secret) for secret in _some(tokens, number)]


def _signs_in(world: World, number: int) -> list[bytes]:
    bodies = [{"username": name, "password": PASSWORD, "transport": "bearer"} for name in _some(world.users, number)]
    return [call("POST", f"{AUTH}/sessions", "", body) for body in bodies]


def _reauthenticates(world: World, number: int) -> list[bytes]:
    holders = [world.sign_in(name).secret for name in _some(world.users, number // 2)]
    return [call("POST", f"{AUTH}/reauthenticate", secret, {"password": PASSWORD}) for secret in holders]


def _changes_password(world: World, number: int) -> list[bytes]:
    body = {"current": PASSWORD, "new": "another long password"}
    holders = [world.sign_in(world.add_user()).secret for _ in range(number // 2)]
    return [call("POST", f"{AUTH}/password", secret, body) for secret in holders]


def _own_lag(world: World, number: int) -> list[bytes]:
    made = []
    for name in world.users[:8]:
        mine, ended = world.sign_in(name).secret, world.sessions(1, name)[0].id
        world.ask(call("POST", f"{ADMIN}/sessions/{ended}/revoke", world.admin))
        made.append(call("GET", f"{AUTH}/sessions/{ended}/lag", mine))
    return _some(made, number)


def _ended(world: World, number: int) -> list[str]:
    made = world.sessions(number)
    for one in made:
        world.ask(call("POST", f"{ADMIN}/sessions/{one.id}/revoke", world.admin))
    return [one.id for one in made]


def _of_ended(path: str) -> Work:
    return lambda world, number: [call("GET", path.format(one), world.admin) for one in _some(_ended(world, 8), number)]


def _of_plans(method: str, path: str, *, applied: bool = False) -> Work:
    def work(world: World, number: int) -> list[bytes]:
        made = []
        for name in world.users[: min(number, len(world.users))]:
            world.sessions(1, name)
            plan_id = world.plan(name)
            if applied:
                undoable = {"undo_for": "10m"}
                world.ask(call("POST", f"{ADMIN}/sessions/plan/{plan_id}/apply", world.admin, undoable))
            made.append(call(method, path.format(plan_id), world.admin))
        return made

    return work


def _adds_users(world: World, number: int) -> list[bytes]:
    names = [world.new_name() for _ in range(number // 2)]
    return [call("POST", f"{ADMIN}/users", world.admin, {"username": name, "password": PASSWORD}) for name in names]


def _enables(world: World, number: int) -> list[bytes]:
    made = []
    for _ in range(number // 2):
        name = world.add_user()
        world.ask(call("POST", f"{ADMIN}/users/{name}/disable", world.admin))
        made.append(call("POST", f"{ADMIN}/users/{name}/enable", world.admin))
    return made


def _adds_clients(world: World, number: int) -> list[bytes]:
    body = {"name": "another", "redirect_uris": [CALLBACK]}
    return [call("POST", f"{ADMIN}/clients", world.admin, body)] * (number // 4)


def _to_new_clients(method: str, path: str) -> Work:
    return lambda world, number: [
        call(method, path.format(world.add_client()[0]), world.admin) for _ in range(number // 4)
    ]


def _shows_client(world: World, number: int) -> list[bytes]:
    return [call("GET", f"{ADMIN}/clients/{world.client[0]}", world.admin)] * number


def _lists_clients(world: World, number: int) -> list[bytes]:
    return [call("GET", f"{ADMIN}/clients", world.admin)] * number


def _neutralises(path: str) -> Work:
    return lambda world, number: [
        call("POST", path, world.admin, {"credential": made.id}) for made in world.sessions(number)
    ]


def _follows(world: World, number: int) -> list[bytes]:
    return [call("GET", f"{API}/feed?hold=0", world.service)] * number


def _verifications(world: World, number: int) -> list[bytes]:
    asked = [{"credentials": [{"token": token}]} for token in _some(world.own, number)]
    return [call("POST", f"{API}/verifications", world.service, body) for body in asked]


def _metrics(world: World, number: int) -> list[bytes]:
    return [call("GET", "/metrics", world.service)] * number


def _verifies(world: World, number: int) -> list[bytes]:
    return [request("GET", "/verify", Cookie=f"__Host-session={token}") for token in _some(world.own, number)]


def _grants(world: World, number: int) -> list[dict[str, str]]:
    return [world.grant(made.secret) for made in world.sessions(min(number, 64))]


def _refreshes(world: World, number: int) -> list[Script]:
    """One after the other on each connection, with the token of the last one."""

    def script(chain: dict[str, str], left: list[int]) -> Script:
        def ask(answer: Answer | None) -> bytes | None:
            if answer is not None and answer.status == 200:
                chain.update(json.loads(answer.body))
            left[0] -= 1
            refresh = {"grant_type": "refresh_token", "refresh_token": chain["refresh_token"]}
            return world.form("/oauth/token", **refresh) if left[0] >= 0 else None

        return ask

    return [script(chain, [number // 16]) for chain in _grants(world, 16)]


def _by_tokens(path: str, name: str) -> Work:
    """Forms of the client with an access or a refresh token."""
    return lambda world, number: [world.form(path, token=one[name]) for one in _grants(world, number)]


def _introspects(world: World, number: int) -> list[bytes]:
    return _some([world.form("/oauth/introspect", token=one["access_token"]) for one in _grants(world, 16)], number)


def _with_access_tokens(method: str, path: str, *, once: bool = False) -> Work:
    def work(world: World, number: int) -> list[bytes]:
        given = _grants(world, number if once else 16)
        return _some([call(method, path, one["access_token"]) for one in given], len(given) if once else number)

    return work


def _revokes_by_access_token(world: World, number: int) -> list[bytes]:
    made = []
    for name in world.users[: min(number, 64)]:
        access = world.grant(world.sessions(1, name)[0].secret)["access_token"]
        made.append(call("POST", f"/oauth/sessions/{world.sessions(1, name)[0].id}/revoke", access))
    return made


def _logs_out(world: World, number: int) -> list[bytes]:
    given = _grants(world, number)
    return [call("POST", "/oauth/logout", "", {"refresh_token": one["refresh_token"]}) for one in given]


# By the id of the operation.
WORKS: dict[str, Work] = {
    "verify": _verifies,
    "list_sessions": _asks(f"{AUTH}/sessions"),
    "who_am_i": _asks(f"{AUTH}/whoami"),
    "current_session": _asks(f"{AUTH}/sessions/current"),
    "introspect": _introspects,
    "sign_in": _signs_in,
    "sign_out": _by_their_own("POST", f"{AUTH}/logout"),
    "reauthenticate": _reauthenticates,
    "change_password": _changes_password,
    "revoke_session": _to_own("POST", AUTH + "/sessions/{}/revoke"),
    "delete_session": _to_own("DELETE", AUTH + "/sessions/{}"),
    "label_session": _to_own("POST", AUTH + "/sessions/{}/label", {"label": "kitchen"}),
    "revoke_other_sessions": _each_by_itself("POST", f"{AUTH}/sessions/revoke-others"),
    "revoke_all_sessions": _each_by_itself("POST", f"{AUTH}/sessions/revoke-all"),
    "show_lag": _own_lag,
    "create_cli_token": _creates_tokens,
    "validate_cli_token": _validates,
    "list_cli_tokens": _asks(f"{AUTH}/cli-tokens"),
    "revoke_cli_token": _to_own_tokens("DELETE", AUTH + "/cli-tokens/{}"),
    "rotate_cli_token": _to_own_tokens("POST", AUTH + "/cli-tokens/{}/rotate"),
    "search_sessions": _administers(f"{ADMIN}/sessions"),
    "revoke_any_session": _to_anybodys("POST", ADMIN + "/sessions/{}/revoke"),
    "mint_session": _for_users("POST", ADMIN + "/users/{}/sessions", {"expire_after": "1h"}),
    "make_plan": _for_users("POST", ADMIN + "/sessions/plan", {"user": "user1"}),
    "list_plans": _administers(f"{ADMIN}/sessions/plan"),
    "show_plan": _of_plans("GET", ADMIN + "/sessions/plan/{}"),
    "apply_plan": _of_plans("POST", ADMIN + "/sessions/plan/{}/apply"),
    "undo_plan": _of_plans("POST", ADMIN + "/sessions/plan/{}/undo", applied=True),
    "list_users": _administers(f"{ADMIN}/users"),
    "add_user": _adds_users,
    "show_user": _for_users("GET", ADMIN + "/users/{}"),
    "delete_user": _to_new_users("DELETE", ADMIN + "/users/{}"),
    "disable_user": _to_new_users("POST", ADMIN + "/users/{}/disable"),
    "enable_user": _enables,
    "sign_out_user": _to_new_users("POST", ADMIN + "/users/{}/logout"),
    "set_password": _to_new_users("POST", ADMIN + "/users/{}/password", {"new": "another long password"}),
    "set_roles": _to_new_users("POST", ADMIN + "/users/{}/roles", {"roles": ["member", "admin"]}),
    "export_user": _for_users("POST", ADMIN + "/users/{}/export"),
    "erase_user": _to_new_users("POST", ADMIN + "/users/{}/erase"),
    "list_events": _administers(f"{ADMIN}/events"),
    "receipt_of_ending": _of_ended(ADMIN + "/events/{}/receipt"),
    "list_clients": _lists_clients,
    "add_client": _adds_clients,
    "show_client": _shows_client,
    "remove_client": _to_new_clients("DELETE", ADMIN + "/clients/{}"),
    "rotate_client_secret": _to_new_clients("POST", ADMIN + "/clients/{}/secret"),
    "preview_neutralise": _neutralises(f"{ADMIN}/neutralise"),
    "neutralise": _neutralises(f"{ADMIN}/neutralise/apply"),
    "show_any_lag": _of_ended(ADMIN + "/sessions/{}/lag"),
    "list_verifiers": _administers(f"{ADMIN}/verifiers"),
    "follow_feed": _follows,
    "verifications": _verifications,
    "is_alive": _anybody("/healthz"),
    "is_ready": _anybody("/readyz"),
    "metrics": _metrics,
    "token": _refreshes,
    "revoke_token": _by_tokens("/oauth/revoke", "refresh_token"),
    "user_info": _with_access_tokens("GET", "/oauth/userinfo"),
    "user_info_by_post": _with_access_tokens("POST", "/oauth/userinfo"),
    "openid_configuration": _anybody("/.well-known/openid-configuration"),
    "oauth_authorization_server": _anybody("/.well-known/oauth-authorization-server"),
    "jwks": _anybody("/.well-known/jwks.json"),
    "oauth_list_sessions": _with_access_tokens("GET", "/oauth/sessions"),
    "oauth_revoke_session": _revokes_by_access_token,
    "oauth_log_out_all": _with_access_tokens("POST", "/oauth/logout-all", once=True),
    "oauth_log_out": _logs_out,
    # Last: each adds keys that all later ones verify by.
    "rotate_keys": lambda world, number: [call("POST", f"{ADMIN}/keys/rotate", world.admin)] * (number // 8),
}
