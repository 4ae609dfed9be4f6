"""A leaked credential: what hangs on it, and the end of all that, for administrators."""

from __future__ import annotations

from ostiary.authority.derived import Derived
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
    values = {name: getattr(found, name) for name in NeutralisedView.__struct_fields__ if name != "things"}
    return NeutralisedView(**values, things=[_derived(one) for one in found.derived])


def _derived(one: Derived) -> ThingView:
    values = {name: getattr(one, name) for name in ThingView.__struct_fields__ if name != "under"}
    return ThingView(**values, under=one.made_with)
