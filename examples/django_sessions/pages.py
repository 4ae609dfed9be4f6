"""The pages: sign in as Django does it, see one's sessions, end them."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_POST


@login_required
def sessions(request: HttpRequest) -> HttpResponse:
    return render(request, "sessions.html", {"sessions": request.ostiary.list()})


@require_POST
@login_required
def revoke(request: HttpRequest, session_id: str) -> HttpResponse:
    request.ostiary.revoke(session_id)
    return redirect("/")


@require_POST
@login_required
def log_out_everywhere(request: HttpRequest) -> HttpResponse:
    request.ostiary.revoke_all()
    return redirect("/sign-in")


urlpatterns = [
    path("", sessions),
    path("sign-in", LoginView.as_view(template_name="sign_in.html")),
    path("sign-out", LogoutView.as_view()),
    path("sessions/<str:session_id>/revoke", revoke),
    path("log-out-everywhere", log_out_everywhere),
]
