"""A WSGI application with an authority inside, as a process: `python -m tests.integrations.wsgi_node PORT`."""

from __future__ import annotations

import os
import sys
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIServer, make_server

from flask import Flask

from ostiary.integrations.embedded import Embedded
from ostiary.integrations.flask import Ostiary, current_session

app = Flask(__name__)
Ostiary(app, lambda: Embedded(os.environ["NODE_DATABASE"]))


@app.get("/me")
def me() -> dict[str, str | None]:
    return {"user": current_session.user_id, "session": current_session.session_id}


class Threaded(ThreadingMixIn, WSGIServer):
    daemon_threads = True


if __name__ == "__main__":
    make_server("127.0.0.1", int(sys.argv[1]), app, Threaded).serve_forever()
