"""Django with cached_db sessions; with BENCH_ALLAUTH, django-allauth headless and its user sessions on top."""

from __future__ import annotations

import json
import os
from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit

import django
from django.conf import settings
from django.contrib.auth import get_user_model, logout
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import include, path
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

USERS, RACES, SESSIONS_EACH = 64, 64, 8
ALLAUTH = bool(os.environ.get("BENCH_ALLAUTH"))
database = urlsplit(os.environ["BENCH_POSTGRES"])

settings.configure(
    SECRET_KEY="0123456789abcdef0123456789abcdef0123456789abcdef",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    LOGGING_CONFIG=None,
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        *(["allauth", "allauth.account", "allauth.headless", "allauth.usersessions"] if ALLAUTH else []),
    ],
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        *(
            [
                "allauth.account.middleware.AccountMiddleware",
                "allauth.usersessions.middleware.UserSessionsMiddleware",
            ]
            if ALLAUTH
            else []
        ),
    ],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
    SESSION_ENGINE="django.contrib.sessions.backends.cached_db",
    CACHES={
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": os.environ["BENCH_REDIS"],
        }
    },
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": database.path[1:],
            "USER": database.username,
            "PASSWORD": database.password or "",
            "HOST": database.hostname,
            "PORT": database.port or 5432,
            "OPTIONS": {"pool": {"min_size": 1, "max_size": 10}},
        }
    },
    HEADLESS_ONLY=True,
    HEADLESS_CLIENTS=("browser",),
    USERSESSIONS_TRACK_ACTIVITY=True,
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
)
django.setup()


def me(request: HttpRequest) -> JsonResponse:
    user = request.user
    if not user.is_authenticated:
        return JsonResponse({"error": "nobody"}, status=401)
    expires = request.session.get_expiry_date()
    return JsonResponse(
        {
            "user": {"id": f"user-id-{user.pk}.", "username": user.username, "is_staff": user.is_staff},
            "session": {"expires_at": expires.isoformat()},
        }
    )


@csrf_exempt
def out(request: HttpRequest) -> JsonResponse:
    logout(request)
    return JsonResponse({})


urlpatterns = [path("me", me), path("out", out)]
if ALLAUTH:
    urlpatterns.append(path("_allauth/", include("allauth.headless.urls")))


def prepare() -> None:
    from django.db import connection

    call_command("migrate", verbosity=0)
    store = import_module(settings.SESSION_ENGINE).SessionStore
    ask = "/_allauth/browser/v1/auth/session" if ALLAUTH else "/me"

    def start(user) -> dict[str, str]:
        session = store()
        session["_auth_user_id"] = str(user.pk)
        session["_auth_user_backend"] = "django.contrib.auth.backends.ModelBackend"
        session["_auth_user_hash"] = user.get_session_auth_hash()
        session.create()
        if ALLAUTH:
            from allauth.usersessions.models import UserSession

            UserSession.objects.create(
                user=user, session_key=session.session_key, ip="127.0.0.1", user_agent="wrk", data={},
                last_seen_at=timezone.now(),
            )  # fmt: skip
        return {"Cookie": f"sessionid={session.session_key}"}

    verify, mine = [], []
    for number in range(USERS):
        user = get_user_model().objects.create(username=f"user{number}", email=f"user{number}@example.org")
        headers, *_ = [start(user) for _ in range(SESSIONS_EACH)]
        expect = f'"id": {user.pk},' if ALLAUTH else f"user-id-{user.pk}."
        verify.append({"path": ask, "headers": headers, "expect": expect})
        mine.append({"path": "/_allauth/browser/v1/auth/sessions", "headers": headers, "expect": "wrk"})
    races = []
    for _ in range(RACES):
        headers = start(user)
        revoke = {"method": "POST", "path": "/out", "headers": headers}
        races.append({"ask": {"path": ask, "headers": headers}, "revoke": revoke})
    works = {"verify": verify} | ({"list mine": mine} if ALLAUTH else {})
    Path(os.environ["BENCH_PLAN"]).write_text(json.dumps({"works": works, "races": races}))
    connection.close()
    connection.close_pool()  # gunicorn forks after this; a pool does not survive it


prepare()
application = get_wsgi_application()
