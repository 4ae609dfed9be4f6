"""A Flask application around what the guide shows for Authlib. Run as a program, with the port."""

from __future__ import annotations

import hashlib
import os
import secrets
import sys
from typing import Any
from urllib.parse import urlencode

from authlib.integrations.base_client.errors import OAuthError  # type: ignore[import-untyped]
from authlib_client import oauth, ostiary  # type: ignore[import-not-found]  # written out of the guide
from flask import Flask, redirect, session
from flask.typing import ResponseReturnValue

ISSUER, ORIGIN = os.environ["ISSUER"], os.environ["ORIGIN"]
app = Flask(__name__)
app.secret_key = secrets.token_bytes(32)
oauth.init_app(app)
held: dict[str, dict[str, Any]] = {}


@app.get("/login")
def login() -> Any:
    return ostiary.authorize_redirect(f"{ORIGIN}/callback")


@app.get("/callback")
def callback() -> ResponseReturnValue:
    session["id"] = secrets.token_hex(16)
    held[session["id"]] = dict(ostiary.authorize_access_token())
    return redirect("/")


@app.get("/")
def me() -> ResponseReturnValue:
    tokens = held.get(session.get("id", ""))
    if tokens is None:
        return {}, 401
    told = ostiary.userinfo(token=tokens)
    mark = hashlib.sha256(tokens["access_token"].encode()).hexdigest()
    return {"name": told["preferred_username"], "email": told["email"], "mark": mark}


@app.get("/refresh")
def refresh() -> ResponseReturnValue:
    tokens = held.pop(session["id"])
    try:
        fresh = ostiary.fetch_access_token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    except OAuthError as refused:
        return {"error": refused.error}, 401
    held[session["id"]] = tokens | dict(fresh)
    return {}


@app.get("/logout")
def logout() -> ResponseReturnValue:
    tokens = held.pop(session["id"])
    asked = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": f"{ORIGIN}/"}
    return redirect(f"{ISSUER}/oauth/logout?{urlencode(asked)}")


if __name__ == "__main__":
    app.run("localhost", int(sys.argv[1]))
