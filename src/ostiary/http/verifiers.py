"""Who remembers sessions, and how far an ending has come."""

from __future__ import annotations

from ostiary.contract import verifiers as contract
from ostiary.contract.sessions import Sessions
from ostiary.contract.verifiers import AdminVerifiers, Lag, LateVerifier, Verifier
from ostiary.core.verifier import Lag as CoreLag
from ostiary.http.exchange import Exchange
from ostiary.http.operations import serves


@serves(Sessions.lag)
async def show_lag(asked: contract.ShowLag, exchange: Exchange) -> Lag:
    """Of one of the caller's own."""
    lag = await exchange.authority.verifiers.lag(asked.session_id, by=exchange.caller, wait=asked.wait)
    return _lag(asked.session_id, lag)


@serves(AdminVerifiers.lag)
async def show_any_lag(asked: contract.ShowAnyLag, exchange: Exchange) -> Lag:
    """Of anybody's."""
    lag = await exchange.authority.verifiers.lag(asked.session_id, by=exchange.caller, wait=asked.wait, anybodys=True)
    return _lag(asked.session_id, lag)


@serves(AdminVerifiers.list)
async def list_verifiers(_: contract.ListVerifiers, exchange: Exchange) -> contract.VerifierList:
    """How far each has come."""
    found = await exchange.authority.verifiers.list(by=exchange.caller)
    return contract.VerifierList(verifiers=[Verifier.of(one) for one in found])


def _lag(session_id: str, lag: CoreLag) -> Lag:
    late = [LateVerifier(name=one.name or one.reader, trust_until=one.trusts_until(lag.ended_by)) for one in lag.late]
    return Lag.of(lag, session_id=session_id, lag_ms=round(lag.seconds * 1000, 1), late=late)
