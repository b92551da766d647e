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
