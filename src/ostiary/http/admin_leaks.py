"""A leaked credential: what hangs on it, and the end of all that, for administrators."""

from __future__ import annotations

from ostiary.authority.neutralising import Neutralised
from ostiary.contract import leaks as contract
from ostiary.contract.leaks import Leaks, NeutralisedView, ThingView
from ostiary.http.exchange import Exchange
from ostiary.http.operations import serves


@serves(Leaks.preview)
async def preview(asked: contract.PreviewNeutralise, exchange: Exchange) -> NeutralisedView:
    """Nothing is changed."""
    return _view(await exchange.authority.neutralising.preview(asked.credential, by=exchange.caller))


@serves(Leaks.neutralise)
async def neutralise(asked: contract.Neutralise, exchange: Exchange) -> NeutralisedView:
    """All of it ends in one act."""
    return _view(await exchange.authority.neutralising.apply(asked.credential, by=exchange.caller))


def _view(found: Neutralised) -> NeutralisedView:
    things = [ThingView.of(one, under=one.made_with) for one in found.derived]
    return NeutralisedView.of(found, things=things)
