"""Every error of Ostiary, as one tree. A `code` never changes once released; the words may.

OstiaryError
├── Unauthenticated 401             who you are is not established
│   ├── NoCredentials               nothing was sent
│   ├── SessionInvalid              malformed, unknown, or a wrong secret
│   ├── SessionExpired              holder of the right secret: a limit passed
│   ├── SessionRevoked              holder of the right secret: somebody ended it
│   ├── TokenExpired                the same for a CLI token
│   ├── TokenRevoked                the same for a CLI token
│   ├── WrongCredentials            sign-in refused; never says which half was wrong
│   └── ReauthenticationRequired    the act needs a fresher sign-in (RFC 9470)
├── NotAllowed 403                  the caller's role or token scope does not cover the act
├── NotFound 404                    missing, or not the caller's: nobody can tell which
│   ├── SessionNotFound
│   ├── UserNotFound
│   ├── TokenNotFound
│   ├── EventNotFound
│   ├── ClientNotFound
│   ├── ResourceNotFound
│   ├── PlanNotFound
│   └── SetupCodeNotFound           the first administrator's link: unknown, used or expired
├── Conflict 409                    the state of things forbids it
│   ├── PlanStale                   a plan has expired, or more sessions match than it pinned
│   └── LimitReached                the user has as many sessions as the policy allows
├── InvalidRequest 422              one field is wrong: which, why, what to do
├── OAuthError 400                  an OAuth request is refused; `code` is the word of RFC 6749 and OIDC
│   ├── InvalidClient 401           unknown client, or its secret is wrong
│   ├── InvalidGrant                a code or refresh token that does not work (any more)
│   ├── InvalidScope                more than the client, or the grant, has
│   ├── UnauthorizedClient          this client may not use this grant
│   ├── UnsupportedGrantType
│   ├── UnsupportedResponseType
│   ├── AccessDenied                the user said no
│   ├── LoginRequired               nobody is signed in, and nobody may be asked
│   ├── ConsentRequired             the user has not agreed yet
│   ├── InvalidTarget               a resource that is not registered, or not for this client or grant
│   ├── RequestNotSupported         the three parameters of OIDC Core that this server does not take
│   ├── RequestUriNotSupported
│   └── RegistrationNotSupported
├── TooManyRequests 429             too many failed sign-ins; `retry_after` says when to come back
├── ConfigurationError 500          a setting is wrong, or the database is not as this version needs it
├── ServerFault 500                 our mistake; the request id finds it in the log
└── StoreUnavailable 503            the database did not answer: nothing was decided, nothing was ended

`status` is the HTTP status of http.md; other doors translate by class.
"""

from ostiary.errors.general import *  # noqa: F403  # the tree above is the list of what there is
from ostiary.errors.missing import *  # noqa: F403
from ostiary.errors.oauth import *  # noqa: F403
