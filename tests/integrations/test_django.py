"""A Django site with Django's own users: its sign-ins are sessions, and a session that ends signs out of Django."""

from __future__ import annotations

import os
from collections.abc import Iterator
from http.cookies import SimpleCookie

import pytest
from django.conf import settings as django_settings

# Before anything of Django is used: it has one configuration a process.
if not django_settings.configured:
    django_settings.configure(
        SECRET_KEY="tests",
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF="tests.integrations.django_site",
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions"],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "ostiary.integrations.django.OstiaryMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ],
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        DATETIME_FORMAT="c",
    )
    import django

    django.setup()

from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.test import Client, override_settings

from ostiary.core.token import mint
from ostiary.integrations import django as integration
from tests.integrations.conftest import ORIGIN

COOKIE = "__Host-session"
HOST = ORIGIN.removeprefix("https://")


@pytest.fixture(scope="module", autouse=True)
def users() -> Iterator[None]:
    from django.contrib.auth.models import User

    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # the test runner has a loop of its own; no view runs in it
    call_command("migrate", verbosity=0)
    User.objects.create_superuser("ada", password="secret-secret")
    User.objects.create_user("bob", password="secret-secret")
    yield
    from django.db import connections

    connections.close_all()


@pytest.fixture
def configured(settings) -> Iterator[None]:
    integration.portal.cache_clear()
    with override_settings(
        OSTIARY={"DATABASE_URL": settings.database_url, "PUBLIC_URL": ORIGIN, "POLICY": "nist-aal1"}
    ):
        yield
        integration.portal().close()
        integration.portal.cache_clear()


class Browser:
    def __init__(self) -> None:
        self.client = Client(SERVER_NAME=HOST)

    def __call__(self, path: str):
        return self.client.get(path, secure=True)

    @property
    def cookies(self) -> SimpleCookie:
        return self.client.cookies


def test_django_sign_ins_are_sessions_and_end_as_such(configured):
    laptop, phone = Browser(), Browser()
    assert laptop("/me").json() == {"django": "", "ours": None, "roles": None}
    for browser in (laptop, phone):
        browser("/sign-in?name=ada")
        assert browser("/me").json() == {"django": "ada", "ours": "ada", "roles": ["admin", "staff"]}
    cookie = laptop.cookies[COOKIE]
    assert cookie["httponly"] and cookie["secure"] and cookie["samesite"] == "Lax" and cookie["path"] == "/"
    first = phone("/current").content
    laptop("/sign-in?name=ada")  # again: a new session, and the one before has ended
    assert phone("/current").content == first
    assert laptop("/everywhere").json() == {"count": 2}
    for browser in (laptop, phone):
        assert browser("/me").json() == {"django": "", "ours": None, "roles": None}
        assert "_auth_user_id" not in browser.client.session


def test_who_is_signed_out_is_signed_out_for_async_views_too(configured):
    laptop, phone = Browser(), Browser()
    laptop("/sign-in?name=ada")
    phone("/sign-in?name=ada")
    assert phone("/me-async").json() == {"django": "ada"}
    laptop("/everywhere")
    assert phone("/me-async").json() == {"django": ""}


def test_signing_out_of_django_ends_the_session(configured):
    browser, thief = Browser(), Browser()
    browser("/sign-in?name=ada")
    for name in (COOKIE, "sessionid"):
        thief.cookies[name] = browser.cookies[name].value
    assert thief("/me").json()["django"] == "ada"
    browser("/sign-out")
    assert browser.cookies[COOKIE].value == ""
    assert thief("/me").json() == {"django": "", "ours": None, "roles": None}


def test_the_cookie_of_another_user_makes_nobody_of_both(configured):
    ada, bob, mixed = Browser(), Browser(), Browser()
    ada("/sign-in?name=ada")
    bob("/sign-in?name=bob")
    mixed.cookies["sessionid"] = bob.cookies["sessionid"].value
    mixed.cookies[COOKIE] = ada.cookies[COOKIE].value
    assert mixed("/me").json()["django"] == ""
    assert mixed("/admins").status_code == 401
    assert ada("/admins").status_code == 200


def test_djangos_cookie_alone_is_nobody(configured):
    ada, stolen = Browser(), Browser()
    ada("/sign-in?name=ada")
    stolen.cookies["sessionid"] = ada.cookies["sessionid"].value
    assert stolen("/me").json()["django"] == ""


def test_a_session_that_the_client_brings_is_never_adopted(configured):
    attacker, victim = Browser(), Browser()
    attacker("/sign-in?name=bob")
    planted = attacker.cookies[COOKIE].value
    victim.cookies[COOKIE] = planted
    victim("/sign-in?name=ada")
    assert victim.cookies[COOKIE].value != planted and victim("/me").json()["ours"] == "ada"
    assert attacker("/me").json()["django"] == ""
    victim.cookies[COOKIE] = mint("sess").text
    assert victim("/me").json()["django"] == ""


def test_roles(configured):
    bob = Browser()
    assert bob("/admins").status_code == 401
    bob("/sign-in?name=bob")
    assert bob("/admins").status_code == 403


def test_with_the_store_away_it_is_503_and_nobody_is_signed_out(configured):
    browser = Browser()
    browser("/sign-in?name=ada")
    integration.portal().close()
    integration.portal.cache_clear()
    with override_settings(OSTIARY={"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}):
        for path in ("/me", "/sign-out", "/admins", "/sign-in?name=ada"):
            other = Browser()  # a client holds on to the middleware that it first saw
            if "sign-in" not in path:
                other.client.cookies = browser.cookies
            answer = other(path)
            assert answer.status_code == 503 and COOKIE not in answer.cookies, path
        integration.portal().close()
        integration.portal.cache_clear()


def test_untied_djangos_own_sign_in_is_left_alone(settings):
    integration.portal.cache_clear()
    user_logged_in.disconnect(dispatch_uid="ostiary")
    user_logged_out.disconnect(dispatch_uid="ostiary")
    with override_settings(OSTIARY={"DATABASE_URL": settings.database_url, "TIED": False}):
        browser = Browser()
        browser("/sign-in?name=ada")
        assert browser("/me").json() == {"django": "ada", "ours": None, "roles": None}
        integration.portal().close()
    integration.portal.cache_clear()


def test_a_mistake_in_the_settings_is_named(settings):
    for wrong in ({"NO_SUCH": 1}, {"DATABASE_URL": "mysql://x", "POLICY": "nope"}):
        integration.portal.cache_clear()
        with override_settings(OSTIARY=wrong), pytest.raises(ImproperlyConfigured):
            Browser()("/me")
