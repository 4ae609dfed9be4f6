"""What a verifier answers: from memory where that is fresh, else what the authority says, as far as it still holds."""

from __future__ import annotations

import hashlib
from typing import Final

from ostiary.contract.verifications import Credential
from ostiary.core.endings import Ended
from ostiary.core.oauth.claims import AccessToken
from ostiary.core.oauth.jws import MAXIMUM_LENGTH, looks_like_jwt
from ostiary.core.taking import Taking
from ostiary.core.token import parse
from ostiary.errors import SessionInvalid, SessionRevoked, Unauthenticated
from ostiary.sdk.verifier.access_tokens import AccessTokens
from ostiary.sdk.verifier.asker import Answered, Asker
from ostiary.sdk.verifier.clock import now
from ostiary.sdk.verifier.failures import CannotProve
from ostiary.sdk.verifier.heard import Verdict
from ostiary.sdk.verifier.knowledge import Knowledge
from ostiary.sdk.verifier.memory import Known
from ostiary.sdk.verifier.refusals import Refusals, problem_of, refused
from ostiary.sdk.verifier.remembering import known_from
from ostiary.sdk.verifier.verified import User, Verified, VerifiedToken

ATTEMPTS: Final = 3  # questions about one credential while the feed tells of changes to it
TOKEN_LENGTH: Final = 75  # characters of a session's token
ID_LENGTH: Final = 31  # of its id in front


class Answering:
    """Part of a `Verifier`.

    Attributes:
        refusals: what the authority refused a moment ago.
        access_tokens: reads them.
    """

    def __init__(self, known: Knowledge, asker: Asker, access_tokens: AccessTokens, taking: Taking) -> None:
        """Nothing is remembered yet."""
        self.refusals = Refusals()
        self.access_tokens = access_tokens
        self._known = known
        self._asker = asker
        self._taking = taking

    def recall(self, token: str, moment: float) -> Known | None:
        """What memory has of a credential, and may give. From any thread."""
        if len(token) == TOKEN_LENGTH and token.isascii():
            digest = hashlib.sha256(token.encode()).digest()
            return self._known.recall_token(token[:ID_LENGTH], digest, moment)
        return self._recall_access_token(token, moment)

    def _recall_access_token(self, token: str, moment: float) -> Known | None:
        server_time = self._known.server_time(moment)
        if server_time is None or not looks_like_jwt(token) or not token.isascii():
            return None
        access = self.access_tokens.recall(token, server_time)
        if access is None:
            return None
        self._taking.ensure_access_token(access.audience, access.scopes)
        return self._recall_access(access, moment)

    def _recall_access(self, access: AccessToken, moment: float) -> Known | None:
        known = self._known.recall(access.session_id, moment)
        is_told = known is not None and known.scopes == access.scopes and access.is_of(known)
        return known if is_told else None

    async def ask(self, asked: Credential) -> Verified:
        """Ask the authority, unless it can be told here that the credential is none.

        Raises:
            Unauthenticated, NotAllowed, CannotProve: as for `Verifier.verify`.
        """
        token = asked.token
        if len(token) > MAXIMUM_LENGTH or not token.isascii():
            raise SessionInvalid
        digest = hashlib.sha256(token.encode()).digest()
        refusal = self.refusals.get(digest, now())
        if refusal is not None:
            raise refusal
        if looks_like_jwt(token):
            if not self._taking:
                self._taking.ensure_access_token((), ())  # nobody needs to be asked
            found = await self._read_here(token)
            if found is not None and asked.is_use:
                return found
        elif parse(token) is None or not token.startswith(("sess_", "ost_")):
            raise SessionInvalid
        for _ in range(ATTEMPTS):
            verified = self._judged(asked, await self._asker.ask(asked), digest)
            if verified is not None:
                return verified
        raise CannotProve("it changes faster than the authority can be asked")

    async def _read_here(self, token: str) -> Verified | None:
        """A good access token whose session is known; None to ask. A bad one costs the authority nothing."""
        server_time = self._known.server_time(now())
        if server_time is None or not self._known.is_fresh(now()):
            return None  # keys may have changed, and the time is only guessed: the authority reads it
        access = await self.access_tokens.read(token, server_time)
        self._taking.ensure_access_token(access.audience, access.scopes)
        known = self._recall_access(access, now())
        return known.verified() if known is not None else None

    def _judged(self, asked: Credential, answered: Answered, digest: bytes) -> Verified | None:
        """What an answer is worth now. Without a pause from here to its use, so that nothing can be told in between."""
        answer, question = answered.answer, answered.question
        if answer.error is not None:
            problem = problem_of(answer.error)
            session_id = self._session_of(asked.token)
            if question.heard.verdict("", session_id, None, None) is not Verdict.DOUBTFUL:
                self.refusals.keep(digest, problem, now(), session_id)
            raise refused(problem)
        if answer.user is None:
            raise CannotProve("the authority's answer cannot be read")
        session, token = answer.session, answer.token
        verdict = self._known.verdict(
            question,
            now(),
            answer.user.id,
            session.id if session else None,
            session.created_at if session else None,
            token.id if token else None,
        )
        if isinstance(verdict, Ended):
            raise SessionRevoked(verdict.at, verdict.reason or "")
        if verdict is Verdict.DOUBTFUL:
            return None
        if answer.scopes is not None:
            # Looked at here as well: where the feed is away, it was not read before it was asked about.
            self._taking.ensure_access_token(answer.audience or (), answer.scopes)
        elif token is not None:
            self._taking.ensure_cli_token(token.scopes)
        if session is not None:
            own = b"" if answer.scopes is not None else digest
            known = known_from(answer.user, session, answer.client_id, own, answered.now, answer.scopes)
            if asked.is_use:  # or the next use would be answered from here, and not be reported for a while
                self._known.learn(known, question, session.remaining_s)
            return known.verified()
        user = User(answer.user.id, answer.user.username, answer.user.roles)
        return Verified(user, None, VerifiedToken(token.id, token.scopes, token.expires_at) if token else None)

    async def renew(self, asked: Credential) -> None:
        """Ask again before memory runs out: nobody has to wait, and the use is reported."""
        try:
            self._judged(asked, await self._asker.ask(asked), hashlib.sha256(asked.token.encode()).digest())
        except CannotProve:
            pass  # it is asked about again when memory has run out
        except Unauthenticated:
            self._known.memory.forget(self._session_of(asked.token))

    def _session_of(self, token: str) -> str:
        """The id of the session that a credential is of: an access token's as far as it was read here, or ""."""
        if len(token) == TOKEN_LENGTH:
            return token[:ID_LENGTH]
        server_time = self._known.server_time(now())
        access = self.access_tokens.recall(token, server_time) if server_time is not None else None
        return access.session_id if access is not None else ""
