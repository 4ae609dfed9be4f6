"""A Django site around what the guide shows for mozilla-django-oidc. Run as a program, with the port."""

from __future__ import annotations

import hashlib
import os
import sys
from wsgiref.simple_server import make_server

import oidc_settings  # type: ignore[import-not-found]  # written out of the guide
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect
from django.urls import include, path

shown = {name: value for name, value in vars(oidc_settings).items() if name.isupper()}
settings.configure(
    SECRET_KEY="k" * 50,
    DEBUG=True,
    ALLOWED_HOSTS=["localhost"],
    ROOT_URLCONF=__name__,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["DJANGO_DATABASE"]}},
    INSTALLED_APPS=[
        "django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions", "mozilla_django_oidc",
    ],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        *shown.pop("MIDDLEWARE_LAST"),
    ],
    USE_TZ=True,
    **shown,
)  # fmt: skip
application = get_wsgi_application()

FORM = (
    '<form method="post" action="/oidc/logout/"><input type="hidden" name="csrfmiddlewaretoken" value="{}"></form>'
    "<script>document.forms[0].submit()</script>"
)


def me(request: HttpRequest) -> HttpResponseBase:
    from django.contrib.auth.models import AbstractUser  # once the applications are there

    user = request.user
    if not isinstance(user, AbstractUser):
        return JsonResponse({}, status=401)
    mark = hashlib.sha256(str(request.session["oidc_id_token"]).encode()).hexdigest()
    return JsonResponse({"name": user.first_name, "email": user.email, "mark": mark})


def refresh(request: HttpRequest) -> HttpResponseBase:
    """As if its time had come: the next page asks the authority, without a page of its own."""
    request.session["oidc_id_token_expiration"] = 0
    return redirect("/")


def logout(request: HttpRequest) -> HttpResponse:
    from django.middleware.csrf import get_token

    return HttpResponse(FORM.format(get_token(request)))


urlpatterns = [
    path("", me),
    path("refresh", refresh),
    path("logout", logout),
    path("oidc/", include("mozilla_django_oidc.urls")),
]

if __name__ == "__main__":
    call_command("migrate", verbosity=0)
    make_server("localhost", int(sys.argv[1]), application).serve_forever()
