"""From the core's words to the API's shapes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from ostiary.authority import Minted, Started
from ostiary.contract import shapes
from ostiary.contract.answer import LEFT_OUT
from ostiary.core.account import User
from ostiary.core.caller import Caller
from ostiary.core.client import describe
from ostiary.core.credential import CliToken
from ostiary.core.policy import Policy
from ostiary.core.session import STALE_AFTER_DAYS, Session, Status, lifetime_ends_at
from ostiary.http.places import Places
from ostiary.storage.hot import ListedSession


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

    def listed(self, shown: Session | ListedSession, status: Status, *, is_current: bool) -> shapes.Session:
        """One session, of which the status is known. From where it was used, as far as the caller may know."""
        if not self._sees_places:
            shown = replace(shown, ip=None, user_agent=None, label=None)
        description = describe(shown.user_agent)
        return shapes.Session(
            id=shown.id,
            created_at=shown.created_at,
            last_used_at=shown.last_used_at,
            expires_at=lifetime_ends_at(shown, self._policy),
            user_agent=shown.user_agent,
            ip=shown.ip,
            is_current=is_current,
            status=status,
            client=shapes.ClientView(
                browser=description.browser,
                os=description.os,
                device=description.device,
                kind=description.kind,
            ),
            place=self._places.of(shown.ip),
            label=shown.label,
            application_id=shown.application_id,
            tenant=shown.tenant,
            amr=shown.amr,
            issued_by=shown.issued_by,
        )

    def own_session(self, shown: Session) -> shapes.OwnSession:
        """The session that asks."""
        plain = self.session(shown)
        return shapes.OwnSession(
            **{name: getattr(plain, name) for name in shapes.Session.__struct_fields__},
            auth_time=shown.proved_at,
            ends_at=shown.ends_at(self._policy),
        )

    def admin_session(self, shown: Session, username: str | None) -> shapes.AdminSession:
        """One session of anybody, with who issued it and how it ended."""
        plain = self.session(shown, with_ending=True)
        return shapes.AdminSession(
            **{name: getattr(plain, name) for name in shapes.Session.__struct_fields__},
            username=username,
            user_id=shown.user_id,
            kind=shown.kind,
            auth_time=shown.proved_at,
            revoked_at=shown.revoked.at if shown.revoked else None,
        )

    def token(self, shown: CliToken) -> shapes.CliToken:
        """One CLI token, without its secret."""
        return shapes.CliToken(
            id=shown.id,
            name=shown.name,
            created_at=shown.created_at,
            last_used_at=shown.last_used_at,
            expires_at=shown.expires_at,
            revoked_at=shown.revoked_at,
            scopes=shown.scopes,
            status=shown.status(self._now),
            made_by=shown.minted_by,
            made_in=shown.session_id,
        )

    def signed_in(self, user: User, started: Started, *, with_token: bool) -> shapes.SignedIn:
        """A session that was just started or renewed; from now on it is the current one, and all told its holder."""
        self._sees_places = True
        return shapes.SignedIn(
            user=user_of(user),
            session=self.session(started.session, is_current=True),
            token=started.token if with_token else LEFT_OUT,
        )


def user_of(user: User) -> shapes.User:
    """A user as everybody may see themselves."""
    return shapes.User(id=user.id, username=user.username, email=user.email, roles=user.roles)


def grant_of(caller: Caller) -> shapes.Grant | None:
    """What an OAuth client was granted with the access token that it sent; nothing for any other credential."""
    if caller.granted is None:
        return LEFT_OUT
    client_id = caller.session.client_id if caller.session else None
    return shapes.Grant(client_id=client_id, audience=caller.audience, scopes=caller.granted)


def minted(made: Minted) -> shapes.CliTokenCreated:
    """A CLI token with its secret."""
    return shapes.CliTokenCreated(
        id=made.token.id,
        name=made.token.name,
        token=made.secret,
        created_at=made.token.created_at,
        expires_at=made.token.expires_at,
        scopes=made.token.scopes,
    )
