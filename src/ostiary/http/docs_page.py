"""The documentation page: the OpenAPI document as plain HTML, readable without a script."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from typing import Any, Final, TypeAlias

Object: TypeAlias = dict[str, Any]

METHODS: Final = ("get", "post", "put", "patch", "delete")
STYLE: Final = """\
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
code, pre { font: 14px/1.4 ui-monospace, monospace }
pre { overflow-x: auto; padding: .75rem; border: 1px solid #8886; border-radius: .25rem }
h2 { margin-top: 2.5rem } h3 { margin: 2rem 0 0 }
summary { cursor: pointer; padding: .25rem 0 }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .25rem .5rem; border-top: 1px solid #8886 }
"""
STYLE_HASH: Final = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS: Final = {
    "content-security-policy": (
        f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}


def render(document: Object) -> str:
    """The whole page."""
    info = document["info"]
    parts = [
        f"<h1>{escape(info['title'])} {escape(info['version'])}</h1>",
        _paragraphs(info.get("description", "")),
        '<p>For programs: <a href="openapi.json">openapi.json</a>.</p>',
        *(_section(tag, document) for tag in document.get("tags", [])),
        "<h2>Shapes</h2>",
        *(_shape(name, schema) for name, schema in sorted(document["components"]["schemas"].items())),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(info['title'])} API</title><style>{STYLE}</style></head>"
        f"<body><main>{''.join(parts)}</main></body></html>"
    )


def _section(tag: Object, document: Object) -> str:
    operations = [
        _operation(method, path, item[method])
        for path, item in document["paths"].items()
        for method in METHODS
        if method in item and tag["name"] in item[method].get("tags", [])
    ]
    return f"<h2>{escape(tag['name'].capitalize())}</h2>{_paragraphs(tag.get('description', ''))}{''.join(operations)}"


def _operation(method: str, path: str, operation: Object) -> str:
    parameters = "".join(
        f"<tr><td><code>{escape(one['name'])}</code> ({escape(one['in'])})</td>"
        f"<td>{_type(one.get('schema', {}))}</td><td>{escape(one.get('description', ''))}</td></tr>"
        for one in operation.get("parameters", [])
    )
    body = _content(operation.get("requestBody", {}))
    answers = "".join(
        f"<tr><td>{escape(status)}</td><td>{_content(answer)}</td>"
        f"<td>{escape(answer.get('description', '').replace('`', ''))}</td></tr>"
        for status, answer in operation["responses"].items()
    )
    return (
        f'<h3 id="{escape(operation["operationId"])}"><code>{method.upper()} {escape(path)}</code></h3>'
        f"<p>{escape(operation.get('summary', ''))}</p>{_paragraphs(operation.get('description', ''))}"
        + (f"<table>{parameters}</table>" if parameters else "")
        + (f"<p>Body: {body}</p>" if body else "")
        + f"<details><summary>Answers</summary><table>{answers}</table></details>"
    )


def _content(described: Object) -> str:
    return ", ".join(
        f"{_type(content.get('schema', {}))} <small>{escape(media)}</small>"
        for media, content in described.get("content", {}).items()
    )


def _shape(name: str, schema: Object) -> str:
    required = set(schema.get("required", []))
    rows = "".join(
        f"<tr><td><code>{escape(field)}</code>{'' if field in required else ' (optional)'}</td>"
        f"<td>{_type(inner)}</td><td>{escape(inner.get('description', ''))}</td></tr>"
        for field, inner in schema.get("properties", {}).items()
    )
    title = escape(schema.get("title") or name)
    return f'<h3 id="{escape(name)}">{title}</h3>{_paragraphs(schema.get("description", ""))}<table>{rows}</table>'


def _type(schema: Object) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f'<a href="#{escape(name)}">{escape(name.rpartition("_")[2] or name)}</a>'
    if "oneOf" in schema or "anyOf" in schema:
        return " or ".join(dict.fromkeys(_type(inner) for inner in schema.get("oneOf") or schema["anyOf"]))
    if "enum" in schema or "const" in schema:
        values = schema.get("enum") or [schema["const"]]
        return " or ".join(f"<code>{escape(str(value))}</code>" for value in values)
    kind = schema.get("type", "anything")
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}"
    named = " or ".join(kind) if isinstance(kind, list) else str(kind)
    return escape(f"{named} ({schema['format']})" if "format" in schema else named)


def _paragraphs(text: str) -> str:
    return "".join(f"<p>{escape(part).replace(chr(10), ' ')}</p>" for part in text.split("\n\n") if part.strip())
