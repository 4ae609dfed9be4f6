"""From the core's words to the API's shapes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from ostiary.authority import Started
from ostiary.contract import shapes
from ostiary.contract.answer import LEFT_OUT
from ostiary.core.account import User
from ostiary.core.caller import Caller
from ostiary.core.client import describe
from ostiary.core.credential import CliToken
from ostiary.core.policy import Policy
from ostiary.core.session import STALE_AFTER_DAYS, Session, Status, lifetime_ends_at
from ostiary.http.places import Places


class Presenter:
    """Shapes what the authority answers, for one caller."""

    def __init__(self, policy: Policy, clock: Callable[[], datetime], places: Places, caller: Caller | None) -> None:
        """`caller` is None where nobody is signed in yet."""
        self._policy = policy
        self._now = clock()
        self._places = places
        self._current = caller.session_id if caller else None
        self._sees_places = caller is None or caller.sees_places

    def session(
        self,
        shown: Session,
        *,
        stale_after_days: int = STALE_AFTER_DAYS,
        with_ending: bool = False,
        is_current: bool | None = None,
    ) -> shapes.Session:
        """One session. The one that asks is in use, so it is never stale."""
        current = shown.id == self._current if is_current is None else is_current
        status = shown.status(self._policy, self._now, 0 if current else stale_after_days)
        view = self.listed(shown, status, is_current=current)
        if with_ending:
            ended = shown.ended(self._policy, self._now)
            view.ended_at, view.reason = ended or (None, None)
            is_suspended = shown.life(self._policy, self._now) == "suspended"
            if is_suspended and shown.revoked is not None:
                view.suspended_until = shown.revoked.suspended_until
        return view

    def listed(self, shown: Session, status: Status, *, is_current: bool) -> shapes.Session:
        """One session, of which the status is known. From where it was used, as far as the caller may know."""
        if not self._sees_places:
            shown = replace(shown, ip=None, user_agent=None, label=None)
        return shapes.Session.of(
            shown,
            expires_at=lifetime_ends_at(shown, self._policy),
            is_current=is_current,
            status=status,
            client=shapes.ClientView.of(describe(shown.user_agent)),
            place=self._places.of(shown.ip),
        )

    def own_session(self, shown: Session) -> shapes.OwnSession:
        """The session that asks."""
        ends_at = shown.ends_at(self._policy)
        return shapes.OwnSession.of(self.session(shown), auth_time=shown.proved_at, ends_at=ends_at)

    def admin_session(self, shown: Session, username: str | None) -> shapes.AdminSession:
        """One session of anybody, with who issued it and how it ended."""
        return shapes.AdminSession.of(
            self.session(shown, with_ending=True),
            username=username,
            user_id=shown.user_id,
            auth_time=shown.proved_at,
            revoked_at=shown.revoked.at if shown.revoked else None,
        )

    def token(self, shown: CliToken) -> shapes.CliToken:
        """One CLI token, without its secret."""
        made_by, made_in = shown.minted_by, shown.session_id
        return shapes.CliToken.of(shown, status=shown.status(self._now), made_by=made_by, made_in=made_in)

    def signed_in(self, user: User, started: Started, *, with_token: bool) -> shapes.SignedIn:
        """A session that was just started or renewed; from now on it is the current one, and all told its holder."""
        self._sees_places = True
        return shapes.SignedIn(
            user=shapes.User.of(user),
            session=self.session(started.session, is_current=True),
            token=started.token if with_token else LEFT_OUT,
        )


def grant_of(caller: Caller) -> shapes.Grant | None:
    """What an OAuth client was granted with the access token that it sent; nothing for any other credential."""
    if caller.granted is None:
        return LEFT_OUT
    client_id = caller.session.client_id if caller.session else None
    return shapes.Grant(client_id=client_id, audience=caller.audience, scopes=caller.granted)
