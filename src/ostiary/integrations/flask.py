"""Flask: the extension, `current_session`, and `@require(role=…)`."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar, cast

from flask import Flask, Response, g, request
from werkzeug.local import LocalProxy

from ostiary.errors import OstiaryError, StoreUnavailable
from ostiary.http import problems
from ostiary.integrations.identity import Identify, Identity, Keeper
from ostiary.integrations.portal import BlockingVisit, Portal
from ostiary.integrations.wsgi import scope_of

__all__ = ["Ostiary", "current_session", "optional_session", "require", "visit"]

P = ParamSpec("P")
R = TypeVar("R")


class Ostiary:
    """The extension: `Ostiary(app, lambda: Embedded("postgresql://…"))`, or `init_app` later."""

    def __init__(
        self,
        app: Flask | None = None,
        make_keeper: Callable[[], Keeper] | None = None,
        *,
        required: bool = False,
        identify: Identify | None = None,
        check_origin: bool = True,
    ) -> None:
        """Put it in front of an application.

        Args:
            app: the application.
            make_keeper: makes what answers, `Embedded` or `Remote`, in the process that serves.
            required: True to let nobody through who is not signed in; else views ask where they want to know.
            identify: the application's own users: gets Flask's request, answers a `User`, or None for nobody.
            check_origin: False only where something else refuses cross-site requests.
        """
        self._required = required
        self._identify = identify
        self._check_origin = check_origin
        self.portal: Portal | None = None
        if app is not None and make_keeper is not None:
            self.init_app(app, make_keeper)

    def init_app(self, app: Flask, make_keeper: Callable[[], Keeper]) -> None:
        """Put it in front of an application that was made before."""
        self.portal = Portal(make_keeper)
        app.extensions["ostiary"] = self
        app.before_request(self._arrive)
        app.after_request(_leave)
        app.register_error_handler(OstiaryError, _refuse)

    def close(self) -> None:
        """Give everything back, at the end of the process or of a test."""
        if self.portal is not None:
            self.portal.close()

    def _arrive(self) -> None:
        if self.portal is None:
            raise RuntimeError("init_app has not been called")
        g.ostiary = BlockingVisit(
            self.portal,
            scope_of(request.environ),
            identify=self._identify,
            request=request,
            check_origin=self._check_origin,
        )
        if self._required:
            g.ostiary.current()


def _visit() -> BlockingVisit:
    found = g.get("ostiary")
    if not isinstance(found, BlockingVisit):
        raise RuntimeError("the Ostiary extension is not in front of this application")
    return found


def _leave(response: Response) -> Response:
    found = g.get("ostiary")
    if isinstance(found, BlockingVisit):
        for name, value in found.headers:
            if name == "cache-control":
                response.headers[name] = value
            else:
                response.headers.add(name, value)
        if found.identity is not None and "cache-control" not in response.headers:
            response.headers["Cache-Control"] = "private"
    return response


def _refuse(error: OstiaryError) -> Response:
    if error.status >= 500 and not isinstance(error, StoreUnavailable):
        raise error  # for the operator's eyes
    headers = [(name.decode(), value.decode("latin-1")) for name, value in problems.headers(error)]
    found = g.get("ostiary")
    request_id = found.inner.request_id if isinstance(found, BlockingVisit) else ""
    answer = Response(problems.body(error, request_id), error.status, headers)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def optional_session() -> Identity | None:
    """Who sent this request, or None for nobody. The store is away: the answer is 503."""
    return _visit().current_or_none()


def require(*, role: str | None = None, scope: str | None = None) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """A decorator under `@app.route`: only for who is signed in and has the role and the scope; else 401 or 403."""

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def required(*args: P.args, **kwargs: P.kwargs) -> R:
            _visit().current().ensure(role=role, scope=scope)
            return view(*args, **kwargs)

        return required

    return decorate


# The visit of this request: to start a session, to sign out, to list and to end.
visit = cast("BlockingVisit", LocalProxy(_visit))
# Who sent it. Looking at it answers 401 if nobody did, and 503 while the store is away.
current_session = cast("Identity", LocalProxy(lambda: _visit().current()))
