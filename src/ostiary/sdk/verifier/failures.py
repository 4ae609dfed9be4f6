"""What a verifier says when it does not know."""

from __future__ import annotations

from ostiary.errors import OstiaryError


class CannotProve(OstiaryError):
    """Neither memory nor the authority can say whether the credential works now: let nobody in, and sign nobody out.

    Its cause is in `__cause__`: the authority is away, refuses the verifier's own credential, or answers too late.
    """

    code = "cannot_prove"
    status = 503
    title = "It cannot be proven now that the credential works"
    remedy = "Let nobody in, sign nobody out, and try again."
