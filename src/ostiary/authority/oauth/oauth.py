"""OAuth: what the authority's OAuth doors hold on to."""

from __future__ import annotations

from ostiary.authority.acting import Acting
from ostiary.authority.batch import Batch
from ostiary.authority.counting import Counting
from ostiary.authority.oauth.assertions import Assertions
from ostiary.authority.oauth.authorization import Authorization
from ostiary.authority.oauth.client_credentials import ClientCredentials
from ostiary.authority.oauth.clients import Clients
from ostiary.authority.oauth.consents import Consents
from ostiary.authority.oauth.exchange import Exchange
from ostiary.authority.oauth.inspection import Inspection
from ostiary.authority.oauth.issuing import Issuing
from ostiary.authority.oauth.keys import Keys
from ostiary.authority.oauth.leaving import Leaving
from ostiary.authority.oauth.pushing import Pushing
from ostiary.authority.oauth.refreshing import Refreshing
from ostiary.authority.oauth.resources import Resources
from ostiary.authority.oauth.rotation import Rotation
from ostiary.authority.sessions import Sessions
from ostiary.settings import Settings
from ostiary.storage import clients
from ostiary.storage.hot import SessionRow


class OAuth:
    """The acts, by noun.

    Attributes:
        clients: add, find, list, rotate_secret, remove, authenticate.
        keys: published, read an access token.
        rotation: new keys, now or when it is due.
        resources: servers of others that tokens can be for: add, find, list, remove.
        authorization: from a browser's request to a code.
        pushing: requests that clients push before they send their user.
        assertions: clients that prove themselves by a signature.
        consents: what users have agreed to: list, find, withdraw.
        exchange: from a code to a session.
        refreshing: from a refresh token to its successor.
        client_credentials: a client that acts for itself.
        inspection: introspect, revoke, and what a client may know of its user.
        leaving: log out by a refresh token, or from a client's page.
    """

    def __init__(
        self,
        settings: Settings,
        acting: Acting,
        sessions: Sessions,
        rows: Batch[SessionRow],
    ) -> None:
        """Part of an `Authority`."""
        self.issuer = settings.issuer
        self.keys = Keys(settings, acting)
        self.rotation = Rotation(acting, self.keys, settings.key_rotation)
        issuing = Issuing(settings, acting.policy, acting.clock, self.keys)
        self.clients = Clients(acting, self.keys)
        self.resources = Resources(acting, settings.issuer)
        self.authorization = Authorization(acting, self.keys)
        self.counting = Counting(acting.database, self.keys.purpose_key_if_any)
        self.pushing = Pushing(acting, self.authorization, self.counting)
        self.assertions = Assertions(acting, self.clients, settings.issuer)
        self.consents = Consents(acting)
        self.exchange = Exchange(acting, sessions, self.keys, issuing)
        self.refreshing = Refreshing(acting, settings, self.keys, issuing)
        self.client_credentials = ClientCredentials(acting, sessions, self.keys, issuing)
        self.inspection = Inspection(acting, self.keys, rows, self.clients, self.resources)
        self.leaving = Leaving(acting, self.keys)
        self._database = acting.database

    async def ensure_ready(self) -> None:
        """Return if tokens could be signed now, where somebody could ask for one.

        Raises:
            ConfigurationError: there are clients, but no key to protect signing keys with; says how to give one.
            StoreUnavailable: nothing is known.
        """
        async with self._database.reading() as db:
            wanted = await clients.any_exist(db)
        if wanted:
            self.keys.purpose_key("signing keys")
