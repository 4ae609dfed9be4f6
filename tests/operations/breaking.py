"""What a document of the API has that an older one promised otherwise: what would break a client that was made of it.

More may be said than before: operations, parameters and bodies that may be left out, words that a parameter takes,
members of answers. What was said stays as it
was, but for its words. Defaults count most: who sends what equals one sends nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, TypeAlias

import msgspec

Object: TypeAlias = dict[str, Any]

WORDS = {"description", "summary", "examples", "title"}
METHODS = {"get", "post", "put", "patch", "delete"}
OPEN = {"properties", "required"}  # of a shape, and judged by themselves


def breaks(old: Object, new: Object) -> Iterator[str]:
    """Each difference, by the name of its operation or shape."""
    now = dict(_operations(new))
    for name, (where, before) in _operations(old).items():
        if name not in now or now[name][0] != where:
            yield f"{name}: is not at {where} any more"
        else:
            yield from (f"{name}: {why}" for why in _of_operation(before, now[name][1]))
    sent = _sent(old)
    for name, shape in old["components"]["schemas"].items():
        after = new["components"]["schemas"].get(name)
        if after is None:
            yield f"{name}: is gone"
        else:
            yield from (f"{name}: {why}" for why in _of_shape(shape, after, is_sent=name in sent))


def _operations(document: Object) -> dict[str, tuple[str, Object]]:
    return {
        operation["operationId"]: (f"{method.upper()} {path}", operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }


def _of_operation(old: Object, new: Object) -> Iterator[str]:
    before, now = _parameters(old), _parameters(new)
    for name in before:
        if not _takes(before[name], now.get(name)):
            yield f"the parameter {name} is {now.get(name)}, and was {before[name]}"
    yield from (f"the parameter {name} is needed" for name in now.keys() - before.keys() if now[name].get("required"))
    body, body_now = without_words(old.get("requestBody")), without_words(new.get("requestBody"))
    if body != body_now and (body is not None or body_now.get("required", False)):
        yield "the body is another one"
    yield from (f"{one} is no credential any more" for one in old["security"] if one not in new["security"])
    for status, answer in old["responses"].items():
        after = new["responses"].get(status)
        if after is None:
            yield f"{status} is gone"
        elif not _holds(answer, after):
            yield f"{status} is another one"


def _takes(old: Object, new: Object | None) -> bool:
    """True if a parameter takes all that it took: of some words, there may be more."""
    words, words_now = old.get("schema", {}).get("enum"), (new or {}).get("schema", {}).get("enum")
    if new is None or words is None or words_now is None or not set(words) <= set(words_now):
        return old == new
    return {**old, "schema": {**old["schema"], "enum": words_now}} == new


def _parameters(operation: Object) -> Object:
    return {one["name"]: without_words(one) for one in operation.get("parameters", [])}


def _of_shape(old: Object, new: Object, *, is_sent: bool) -> Iterator[str]:
    before, now = old.get("properties", {}), new.get("properties", {})
    for name in before:
        if without_words(before[name]) != without_words(now.get(name)):
            yield f"{name} is {without_words(now.get(name))}, and was {without_words(before[name])}"
    was_needed, is_needed = set(old.get("required", [])), set(new.get("required", []))
    yield from (f"{name} is needed" for name in is_needed - was_needed if is_sent)
    yield from (f"{name} may be left out" for name in was_needed - is_needed if not is_sent)
    if _rest(old) != _rest(new):
        yield f"is {_rest(new)}, and was {_rest(old)}"


def _rest(shape: Object) -> Any:
    return without_words({name: value for name, value in shape.items() if name not in OPEN})


def _sent(document: Object) -> set[str]:
    """The shapes that are in bodies, with those in them."""
    schemas = document["components"]["schemas"]
    bodies = [operation.get("requestBody") for _, operation in _operations(document).values()]
    found, waiting = set[str](), _references(bodies)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting |= _references(schemas[name])
    return found


def _references(value: Any) -> set[str]:
    return set(re.findall(r"#/components/schemas/(\w+)", msgspec.json.encode(value).decode()))


def _holds(old: Any, new: Any) -> bool:
    """True if everything that is in `old`, but for words, is in `new`."""
    if isinstance(old, dict) and isinstance(new, dict):
        return all(name in new and _holds(value, new[name]) for name, value in old.items() if name != "description")
    return bool(old == new)


def without_words(value: Any) -> Any:
    """The same without what is for people alone."""
    if isinstance(value, dict):
        return {name: without_words(inner) for name, inner in value.items() if name not in WORDS}
    return [without_words(inner) for inner in value] if isinstance(value, list) else value
