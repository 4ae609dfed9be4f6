"""From an authorization code to a session (RFC 6749 4.1.3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ostiary.authority.acting import Acting, Acts
from ostiary.authority.ending import end_sessions
from ostiary.authority.oauth.issuing import Issued, Issuing
from ostiary.authority.oauth.keys import Keys
from ostiary.authority.results import Beginning
from ostiary.authority.sessions import Sessions
from ostiary.core.account import User
from ostiary.core.caller import Caller
from ostiary.core.client import Client
from ostiary.core.oauth import pkce, refresh
from ostiary.core.oauth.client import OAuthClient
from ostiary.core.oauth.code import Code
from ostiary.core.session import Session
from ostiary.core.token import Token, parse
from ostiary.core.tree import grant_hold
from ostiary.errors import InvalidClient, InvalidGrant, InvalidTarget, LimitReached, OAuthError, SessionInvalid
from ostiary.storage import accounts, clients, codes, refresh_tokens, resources, sessions, subjects, tree, uses
from ostiary.storage.database import Connection, in_transaction


@dataclass(frozen=True, slots=True)
class Granted:
    """The session that a code was exchanged for."""

    code: Code
    session: Session
    user: User
    refresh_token: Token | None


class Exchange(Acts):
    """Exchange a code."""

    def __init__(self, acting: Acting, sessions: Sessions, keys: Keys, issuing: Issuing) -> None:
        """Part of an `OAuth`."""
        super().__init__(acting)
        self._sessions = sessions
        self._keys = keys
        self._issuing = issuing

    async def exchange(
        self,
        text: str,
        *,
        client: OAuthClient,
        redirect_uri: str | None,
        verifier: str | None,
        at: Client,
        resource: str | None = None,
    ) -> Issued:
        """Start a session of the user, held by the client, where the browser was that the code came through.

        There is one attempt, also where it is refused; and one answer to a second by who asked for the code: what
        came of the first ends (RFC 6749 4.1.2, ASVS 5.0 10.4.2), unless the user has signed in again since.

        Args:
            at: where the client called from, for the trail.
            resource: whom the access token is to be for: whom the code is for, or nobody else.

        Raises:
            InvalidGrant: unknown, of another client, used, expired, or not proved; or since the sign-in behind it the
                user was signed out, or this client was sent away or suspended there.
            InvalidTarget: another resource than the code was made for.
            UnauthorizedClient: the client is not registered for codes.
        """
        client.ensure_grant("authorization_code")
        token = parse(text)
        if token is None or not token.id.startswith("code_"):
            raise InvalidGrant
        await self._keys.ensure()
        granted = await self._exchange(token, client, redirect_uri, verifier, resource, at)
        if isinstance(granted, OAuthError):
            raise granted
        return await self._issuing.issue(
            granted.session,
            client,
            granted.code.scopes,
            user=granted.user,
            refresh_token=granted.refresh_token.text if granted.refresh_token else None,
            nonce=granted.code.nonce,
        )

    @in_transaction
    async def _exchange(
        self,
        db: Connection,
        token: Token,
        client: OAuthClient,
        redirect_uri: str | None,
        verifier: str | None,
        resource: str | None,
        at: Client,
    ) -> Granted | OAuthError:
        """Once the code is used up, a refusal is answered and not raised: of all that was written, the use stays."""
        found = await codes.find(db, token.id)
        if not token.matches(found[1] if found else None) or found is None or found[0].client_id != client.id:
            raise InvalidGrant
        if await clients.find(db, client.id, hold=True) is None:
            raise InvalidClient
        # From here on whoever ends something of the user's takes turns with this: the session that the code comes from
        # lives until the session is there, and so is found by who follows what was derived from it.
        await subjects.hold(db, found[0].user_id)
        code, now = found[0], self._clock()
        if not await codes.use(db, token.id, now):
            # Who has seen the code in an address, but did not ask for it, ends nothing by it.
            if not code.code_challenge or pkce.proves(verifier, code.code_challenge):
                await self._end_what_came_of_it(db, token.id, client, at, now)
            return InvalidGrant("the code was used before")
        try:
            code.ensure_usable(client, redirect_uri, verifier, now, resource)
        except (InvalidGrant, InvalidTarget) as why:
            return why
        if code.resource is not None and await resources.named(db, code.resource, hold=True) is None:
            return InvalidTarget()
        try:
            async with db.begin_nested():
                session = await self._session(db, code, client, at, now)
        except (SessionInvalid, LimitReached) as why:
            return InvalidGrant(why.message)
        await codes.set_granted(db, code.id, session.id)
        account = await accounts.find_by_id(db, code.user_id)
        refresh_token = None
        if "refresh_token" in client.grants:
            refresh_token = refresh.first(self._keys.purpose_key("refresh tokens"))
            family = refresh.Family(refresh_token.id, session.id, refresh_token.digest, now, code.scopes)
            await refresh_tokens.add(db, family)
        return Granted(code, session, account.user if account else User(code.user_id), refresh_token)

    async def _session(self, db: Connection, code: Code, client: OAuthClient, at: Client, now: datetime) -> Session:
        """The grant, under the sign-in that the code comes from.

        A client holds one for each resource there: who signs in again goes on with it, under a new family of refresh
        tokens. What codes of before led to is over by that.

        Raises:
            SessionInvalid: the sign-in has ended; or what the client held there has, or is suspended (core/tree.py):
                a code that was made before must not undo that.
            LimitReached: the policy's limit, when it says deny.
        """
        began = Beginning(code.user_id, code.cut_off)
        await self._sessions.hold_unchanged(db, began)
        browser = await sessions.find(db, code.session_id)
        if browser is None or browser.refusal(self.policy, now) is not None:
            raise SessionInvalid("the user was signed out since")
        if not await uses.record_chain(db, (*browser.path, browser.id), now):  # from here on whoever ends it waits
            raise SessionInvalid("the user was signed out since")
        if await tree.was_sent_away(db, browser.id, client.id, code.auth_time):
            raise SessionInvalid("the application was signed out there since")
        place = Client(code.ip, code.user_agent, at.request_id)
        found = await tree.find_grants(db, browser.id, client.id, code.resource)
        if any(one.life(self.policy, now) == "suspended" for one in found):
            raise SessionInvalid("what the application holds there is suspended")
        live = [one for one in found if one.refusal(self.policy, now) is None]
        if obsolete := [one.id for one in found if one not in live[:1]]:
            by = Caller(User(client.id), client=at)
            await end_sessions(db, sessions.ids(obsolete), reason="replaced", by=by, now=now)
        if live:
            await refresh_tokens.forget(db, live[0].id)
            await codes.forget_granted(db, code.user_id, live[0].id)
            return await self._sessions.continue_within(
                db, live[0], client=place, auth_time=code.auth_time, amr=code.amr
            )
        started = await self._sessions.start_under(
            db,
            browser,
            grant_hold(browser, client, code.scopes),
            client=place,
            kind="oauth",
            began=began,
            auth_time=code.auth_time,
            amr=code.amr,
            application_id=client.application_id,
            tenant=client.tenant,
            client_id=client.id,
            resource=code.resource,
            issued_by=browser.issued_by,
        )
        return started.session

    async def _end_what_came_of_it(
        self, db: Connection, code_id: str, client: OAuthClient, at: Client, now: datetime
    ) -> None:
        found = await codes.find(db, code_id)  # again: of two at once, the first has just written its session
        session_id = found[0].granted_session_id if found else None
        if session_id is not None:
            by = Caller(User(client.id), client=at)
            await end_sessions(db, sessions.by_id(session_id), reason="code_replay", by=by, now=now)
