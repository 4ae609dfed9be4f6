"""Where the operations are that the command line asks a server for.

Known without the contract, whose import takes a third of a command's time (docs/decisions/0004); a test holds each line
to it. What an operation takes is said by the contract alone: a name in braces travels in the path, any other in the
query of a GET and in the body of a POST.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from ostiary.cli.answers import segment

# By `operationId`: the method, and the path under `/api/v1`.
OPERATIONS: Final[Mapping[str, tuple[str, str]]] = {
    "sign_in": ("POST", "/auth/sessions"),
    "sign_out": ("POST", "/auth/logout"),
    "who_am_i": ("GET", "/auth/whoami"),
    "reauthenticate": ("POST", "/auth/reauthenticate"),
    "list_sessions": ("GET", "/auth/sessions"),
    "revoke_session": ("POST", "/auth/sessions/{session_id}/revoke"),
    "revoke_other_sessions": ("POST", "/auth/sessions/revoke-others"),
    "revoke_all_sessions": ("POST", "/auth/sessions/revoke-all"),
    "show_lag": ("GET", "/auth/sessions/{session_id}/lag"),
    "create_cli_token": ("POST", "/auth/cli-token"),
    "validate_cli_token": ("GET", "/auth/cli-token/validate"),
    "list_cli_tokens": ("GET", "/auth/cli-tokens"),
    "revoke_cli_token": ("DELETE", "/auth/cli-tokens/{token_id}"),
    "rotate_cli_token": ("POST", "/auth/cli-tokens/{token_id}/rotate"),
    "search_sessions": ("GET", "/admin/sessions"),
    "revoke_any_session": ("POST", "/admin/sessions/{session_id}/revoke"),
    "mint_session": ("POST", "/admin/users/{username}/sessions"),
    "sign_out_user": ("POST", "/admin/users/{username}/logout"),
    "make_plan": ("POST", "/admin/sessions/plan"),
    "list_plans": ("GET", "/admin/sessions/plan"),
    "show_plan": ("GET", "/admin/sessions/plan/{plan_id}"),
    "apply_plan": ("POST", "/admin/sessions/plan/{plan_id}/apply"),
    "undo_plan": ("POST", "/admin/sessions/plan/{plan_id}/undo"),
    "list_users": ("GET", "/admin/users"),
    "add_user": ("POST", "/admin/users"),
    "show_user": ("GET", "/admin/users/{username}"),
    "disable_user": ("POST", "/admin/users/{username}/disable"),
    "enable_user": ("POST", "/admin/users/{username}/enable"),
    "set_password": ("POST", "/admin/users/{username}/password"),
    "delete_user": ("DELETE", "/admin/users/{username}"),
    "export_user": ("POST", "/admin/users/{username}/export"),
    "erase_user": ("POST", "/admin/users/{username}/erase"),
    "list_events": ("GET", "/admin/events"),
    "receipt_of_ending": ("GET", "/admin/events/{event_id}/receipt"),
    "list_clients": ("GET", "/admin/clients"),
    "add_client": ("POST", "/admin/clients"),
    "show_client": ("GET", "/admin/clients/{client_id}"),
    "rotate_client_secret": ("POST", "/admin/clients/{client_id}/secret"),
    "remove_client": ("DELETE", "/admin/clients/{client_id}"),
    "list_resources": ("GET", "/admin/resources"),
    "add_resource": ("POST", "/admin/resources"),
    "show_resource": ("GET", "/admin/resources/{resource_id}"),
    "remove_resource": ("DELETE", "/admin/resources/{resource_id}"),
    "rotate_keys": ("POST", "/admin/keys/rotate"),
    "preview_neutralise": ("POST", "/admin/neutralise"),
    "neutralise": ("POST", "/admin/neutralise/apply"),
    "show_any_lag": ("GET", "/admin/sessions/{session_id}/lag"),
    "list_verifiers": ("GET", "/admin/verifiers"),
}


def request_of(operation: str, takes: Mapping[str, object]) -> tuple[str, str, Mapping[str, object] | None]:
    """Method, path with its query, and body.

    Raises:
        Failure: a name that cannot be a part of a path.
    """
    method, template = OPERATIONS[operation]
    rest, parts = dict(takes), list[str]()
    for part in template.split("/"):
        parts.append(segment(str(rest.pop(part[1:-1]))) if part.startswith("{") else part)
    path = f"/api/v1{'/'.join(parts)}"
    if method == "POST":
        return method, path, rest
    return method, f"{path}?{urlencode(rest)}" if rest else path, None
