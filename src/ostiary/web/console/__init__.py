"""The console: an administrator's pages."""

from ostiary.web.console import (  # noqa: F401  # each has pages, which are kept as it is loaded
    clients,
    events,
    neutralise,
    overview,
    plans,
    session_acts,
    sessions,
    user_acts,
    users,
    verifiers,
)
