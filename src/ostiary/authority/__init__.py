"""The acts: one verb for every use case. Each asks the core, runs one transaction, and knows neither HTTP nor SQL."""

from ostiary.authority.authority import Authority
from ostiary.authority.results import Beginning, RevokedMany, Started
from ostiary.authority.tokens import Minted

__all__ = ["Authority", "Beginning", "Minted", "RevokedMany", "Started"]
