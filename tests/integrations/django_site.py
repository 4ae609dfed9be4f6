"""A Django site with Django's own users and its own sessions in the same process as an authority."""

from __future__ import annotations

from django.contrib.auth import authenticate, login, logout
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

from ostiary.integrations.django import require


def sign_in(request: HttpRequest) -> HttpResponse:
    user = authenticate(request, username=request.GET["name"], password="secret-secret")
    assert user is not None
    login(request, user)
    return HttpResponse()


def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return HttpResponse()


def me(request) -> HttpResponse:
    who = request.ostiary.current_or_none()
    return JsonResponse(
        {
            "django": request.user.get_username(),
            "ours": who.user.username if who else None,
            "roles": who and who.user.roles,
        }
    )


async def me_async(request) -> HttpResponse:
    user = await request.auser()
    return JsonResponse({"django": user.get_username()})


@require(role="admin")
def admins(request) -> HttpResponse:
    return HttpResponse()


def current(request) -> HttpResponse:
    return HttpResponse(request.ostiary.current().session_id)


def everywhere(request) -> HttpResponse:
    return JsonResponse({"count": request.ostiary.revoke_all()})


urlpatterns = [
    path("sign-in", sign_in),
    path("sign-out", sign_out),
    path("me", me),
    path("me-async", me_async),
    path("admins", admins),
    path("current", current),
    path("everywhere", everywhere),
]
