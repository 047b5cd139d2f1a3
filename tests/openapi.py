"""docs/openapi.json, and whether an answer is as it says."""

import json
import pathlib

OPENAPI = json.loads((pathlib.Path(__file__).resolve().parents[1] / "docs" / "openapi.json").read_text())


def matches(value, schema):
    """A small part of JSON schema: what docs/openapi.json uses."""
    if "$ref" in schema:
        return matches(value, OPENAPI["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]])
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    of = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool, "null": type(None)}
    assert any(isinstance(value, of[kind]) for kind in kinds), (value, schema)
    assert value in schema.get("enum", [value])
    for name in schema.get("required", []) if isinstance(value, dict) else []:
        assert name in value, (name, value)
    described = isinstance(value, dict) and "properties" in schema  # else its members are anybody's
    for name, each in (value.items() if described else []):
        assert name in schema["properties"], f"{name} is not described"
        matches(each, schema["properties"][name])
    for each in value if isinstance(value, list) else []:
        matches(each, schema["items"])
