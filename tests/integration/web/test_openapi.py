"""The API is the recorded one: paths, parameters, bodies, answers and schemas, without prose."""

from collections.abc import Iterator
from typing import Any

from fastapi.testclient import TestClient

from tests.integration import recorded

#: Prose may be improved at any time.
PROSE = ("title", "description", "summary", "examples")


def _in_a_line(part: dict[str, Any]) -> str:
    return str(_plain(part, part.get("schema", {}).get("$defs", {})))


def _plain(part: Any, definitions: dict[str, Any]) -> Any:
    """Return a part of the document sorted, without prose, and with its own definitions in place."""
    if isinstance(part, list):
        return [_plain(item, definitions) for item in part]
    if not isinstance(part, dict):
        return part
    if part.get("$ref", "").startswith("#/$defs/"):
        return _plain(definitions[part["$ref"].removeprefix("#/$defs/")], definitions)
    kept = {key: value for key, value in part.items() if key not in PROSE or isinstance(value, dict)}
    return {key: _plain(value, definitions) for key, value in sorted(kept.items()) if key != "$defs"}


def _operation(operation: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    yield "operationId", operation["operationId"]
    for parameter in operation.get("parameters", []):
        yield f"{parameter['in']} {parameter['name']}", _in_a_line(parameter)
    for kind, body in operation.get("requestBody", {}).get("content", {}).items():
        yield f"body {kind}", _in_a_line(body)
    for status, answer in operation["responses"].items():
        yield status, sorted(answer.get("headers", {}))
        for kind, content in answer.get("content", {}).items():
            yield f"{status} {kind}", _in_a_line(content)


def _schema(schema: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in schema.pop("properties", {}).items():
        yield name, _in_a_line(value)
    yield "", _in_a_line(schema)


def _facts(document: dict[str, Any]) -> dict[str, Any]:
    facts = {
        f"{method.upper()} {path}": dict(sorted(_operation(operation)))
        for path, methods in sorted(document["paths"].items())
        for method, operation in sorted(methods.items())
    }
    schemas = sorted(document["components"]["schemas"].items())
    return facts | {f"schema {name}": dict(sorted(_schema(schema))) for name, schema in schemas}


def test_openapi_is_as_recorded(client: TestClient) -> None:
    recorded.check("openapi", _facts(client.get("/openapi.json").json()), depends_on_machine=False)


def _unbounded(part: Any, place: str, schemas: dict[str, Any]) -> Iterator[str]:
    """Give the places of the integers that may be as large as anybody likes."""
    if isinstance(part, list):
        for item in part:
            yield from _unbounded(item, place, schemas)
    elif isinstance(part, dict):
        if part.get("type") == "integer" and not part.keys() & {"maximum", "exclusiveMaximum", "enum", "const"}:
            yield place
        if "$ref" in part:
            yield from _unbounded(schemas[part["$ref"].rpartition("/")[2]], place, schemas)
        for key, item in part.items():
            if key not in ("examples", "default", "const", "enum"):
                yield from _unbounded(item, f"{place} {key}", schemas)


def test_whoever_asks_for_a_number_is_told_the_largest(client: TestClient) -> None:
    """A number of forty digits is a request that is refused in words, not one that fails further inside."""
    document = client.get("/openapi.json").json()
    schemas = document["components"]["schemas"]
    asked = {
        f"{method} {path}": [operation.get("parameters", []), operation.get("requestBody", {})]
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    assert len(asked) > 20
    assert [place for where, part in asked.items() for place in _unbounded(part, where, schemas)] == []
