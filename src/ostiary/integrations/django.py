"""Django: a middleware after `SessionMiddleware`, and its own signals. `settings.OSTIARY` holds what it is told.

Tied, the default: whoever is signed in to Django has a session of ours too, and is signed out of Django at the next
request when that one has ended. Untied: Django's own sign-in is left alone, and only `request.ostiary` is added.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, wraps
from typing import Any, Final

from django.conf import settings as django_settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.utils.module_loading import import_string

from ostiary.core.account import User
from ostiary.errors import ConfigurationError, OstiaryError, StoreUnavailable, Unauthenticated
from ostiary.http import problems
from ostiary.integrations.identity import Identify, Keeper
from ostiary.integrations.portal import BlockingVisit, Portal
from ostiary.integrations.wsgi import scope_of
from ostiary.settings import Settings, load

__all__ = ["OstiaryMiddleware", "django_user", "portal", "require"]

# Beside these, `OSTIARY` may hold every setting of Ostiary, in capitals: DATABASE_URL, PUBLIC_URL, POLICY …
OWN: Final = {"KEEPER", "TIED", "IDENTIFY", "REQUIRED", "CHECK_ORIGIN", "AUDIENCE", "SCOPE"}


def django_user(request: HttpRequest) -> User | None:
    """Django's own user, the default of `IDENTIFY`; roles are their groups' names, `staff`, `admin` for a superuser."""
    user: Any = request.user
    if not user.is_authenticated or not user.is_active:
        return None
    named = [name for name, has in (("admin", user.is_superuser), ("staff", user.is_staff)) if has]
    groups = user.groups.values_list("name", flat=True) if hasattr(user, "groups") else []
    return User(str(user.pk), user.get_username(), roles=(*named, *groups))


class OstiaryMiddleware:
    """Puts `request.ostiary` there: a `BlockingVisit`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        """Read `settings.OSTIARY`.

        Raises:
            ImproperlyConfigured: what is wrong with it.
        """
        self._get_response = get_response
        given = _given()
        self._is_tied = bool(given.get("TIED", True))
        self._required = bool(given.get("REQUIRED", False))
        # Django has its own defence against requests from other sites; ours is for those who took that out.
        self._check_origin = bool(given.get("CHECK_ORIGIN", False))
        self._identify = _identify(given, self._is_tied)
        self._portal = portal()
        if self._is_tied:
            user_logged_in.connect(_start, dispatch_uid="ostiary")
            user_logged_out.connect(_sign_out, dispatch_uid="ostiary")

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass one request on."""
        visit = BlockingVisit(
            self._portal,
            scope_of(request.META | {"REQUEST_METHOD": request.method, "wsgi.url_scheme": request.scheme}),
            identify=self._identify,
            request=request,
            check_origin=self._check_origin,
        )
        request.ostiary = visit  # type: ignore[attr-defined]
        try:
            if self._is_tied:
                _ensure_both(request, visit)
            if self._required:
                visit.current()
            response = self._get_response(request)
        except OstiaryError as error:
            response = _refusal(visit, error)
        return _complete(response, visit)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """What a view let through of ours."""
        visit: BlockingVisit = request.ostiary  # type: ignore[attr-defined]
        return _refusal(visit, error) if isinstance(error, OstiaryError) else None


def require(*, role: str | None = None, scope: str | None = None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator for views: only for who is signed in and has the role and the scope; else 401 or 403."""

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def required(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            request.ostiary.current().ensure(role=role, scope=scope)  # type: ignore[attr-defined]
            return view(request, *args, **kwargs)

        return required

    return decorate


@cache
def portal() -> Portal:
    """What this process asks; `portal().run(portal().keeper.revoke_all(…))` for code outside of requests."""
    given = _given()
    made: Callable[[], Keeper] | None = given.get("KEEPER") and import_string(given["KEEPER"])
    audience, scope = given.get("AUDIENCE"), given.get("SCOPE")
    if made is not None:
        if audience is not None or scope is not None:
            raise ImproperlyConfigured("OSTIARY: give audience and scope to what KEEPER makes")
        return Portal(made)
    try:
        settings = load({name.lower(): value for name, value in given.items() if name not in OWN}).settings
    except ConfigurationError as why:
        raise ImproperlyConfigured(f"OSTIARY: {why}") from None
    return Portal(lambda: _embedded(settings, audience, scope))


def _embedded(settings: Settings, audience: str | None, scope: str | None) -> Keeper:
    # Late: an application that asks a server elsewhere names its own KEEPER, and has none of what this needs.
    from ostiary.integrations.embedded import Embedded

    return Embedded(settings, audience=audience, scope=scope)


def _given() -> Mapping[str, Any]:
    given: Mapping[str, Any] = getattr(django_settings, "OSTIARY", {})
    unknown = sorted(set(given) - OWN - {name.upper() for name in Settings.__dataclass_fields__})
    if unknown:
        raise ImproperlyConfigured(f"OSTIARY: there is no setting {unknown[0]!r}")
    return given


def _identify(given: Mapping[str, Any], is_tied: bool) -> Identify | None:
    named = given.get("IDENTIFY", django_user if is_tied else None)
    found: Identify | None = import_string(named) if isinstance(named, str) else named
    return found


def _ensure_both(request: HttpRequest, visit: BlockingVisit) -> None:
    """Sign the request out of Django, before anything has looked at its user, unless both sign-ins are of one user."""
    user_id = request.session.get(SESSION_KEY)
    if user_id is None:
        return
    try:
        if visit.verified().user_id == user_id:
            return
    except Unauthenticated:
        pass
    request.session.flush()


def _start(request: HttpRequest | None, user: Any, **_: Any) -> None:
    visit = getattr(request, "ostiary", None)
    if request is None or visit is None:
        return  # not of a request that the middleware saw: nobody could be given the cookie
    try:
        visit.start(str(user.pk))
    except OstiaryError:
        request.session.flush()
        raise


def _sign_out(request: HttpRequest | None, **_: Any) -> None:
    visit = getattr(request, "ostiary", None)
    if visit is not None:
        visit.sign_out()


def _refusal(visit: BlockingVisit, error: OstiaryError) -> HttpResponse:
    if error.status >= 500 and not isinstance(error, StoreUnavailable):
        raise error  # for the operator's eyes
    answer = HttpResponse(problems.body(error, visit.inner.request_id), status=error.status)
    for name, value in problems.headers(error):
        answer[name.decode()] = value.decode("latin-1")
    answer["Cache-Control"] = "no-store"
    return answer


def _complete(response: HttpResponse, visit: BlockingVisit) -> HttpResponse:
    for name, value in visit.headers:
        if name == "set-cookie":
            response.cookies.load(value)
        else:
            response[name] = value
    if visit.identity is not None and not response.has_header("Cache-Control"):
        response["Cache-Control"] = "private"
    return response
