"""Door 5, inside an application: `asgi`, `fastapi`, `django`, `flask`, each written once for both ways to ask.

`embedded` is an authority in the same process, `remote` one elsewhere. Nothing is imported before it is wanted, so that
an application which asks a server elsewhere needs none of the server's own parts.
"""
