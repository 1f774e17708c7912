"""Steps from an OpenAPI description (2.0, 3.0, 3.1), in JSON or YAML."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import yaml

from .paths import is_asked
from .plan import PlanError, Step

_METHODS = ("get", "head", "post", "put", "patch", "delete")
_UNSAFE = frozenset({"post", "put", "patch", "delete"})
#: Schemas that hold themselves end somewhere.
_DEEPEST = 6
_BY_FORMAT: Mapping[str, str] = {
    "date": "2026-01-01",
    "date-time": "2026-01-01T00:00:00Z",
    "time": "00:00:00",
    "uuid": "00000000-0000-4000-8000-000000000001",
    "email": "{marker}@example.com",
    "uri": "https://example.com/{marker}",
    "ipv4": "127.0.0.1",
}


def steps_of(text: str, source: str, *, unsafe: bool) -> list[Step]:
    """The requests that a description tells of, with values for what they need.

    Args:
        text: JSON or YAML.
        source: where it is from, for errors.
        unsafe: also those that change something.

    Raises:
        PlanError: it is no such description.
    """
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise PlanError(f"--openapi {source}: neither JSON nor YAML.") from error
    if not isinstance(found, dict) or not isinstance(found.get("paths"), dict):
        raise PlanError(f"--openapi {source}: no OpenAPI description: it has no `paths`.")
    described = _Described(found)
    return [step for step in described.steps() if (step.is_safe or unsafe) and is_asked(step.path)]


class _Described:
    def __init__(self, whole: dict[str, Any]) -> None:
        self._whole = whole

    def steps(self) -> Iterator[Step]:
        prefix = self._prefix()
        for path, item in self._whole["paths"].items():
            here = self._resolved(item)
            for method in _METHODS:
                operation = here.get(method)
                if isinstance(operation, dict):
                    parameters = [
                        self._resolved(one)
                        for one in (*here.get("parameters", ()), *operation.get("parameters", ()))
                    ]
                    yield self._step(prefix + path, method, operation, parameters)

    def _prefix(self) -> str:
        servers = self._whole.get("servers") or [{}]
        url = str(servers[0].get("url", "")) or str(self._whole.get("basePath", ""))
        return urlsplit(url).path.rstrip("/")

    def _step(
        self,
        path: str,
        method: str,
        operation: Mapping[str, Any],
        parameters: Sequence[Mapping[str, Any]],
    ) -> Step:
        filled, body = path, ""
        query: dict[str, str] = {}
        headers: dict[str, str] = {}
        form: dict[str, str] = {}
        for one in parameters:
            place, name = one.get("in"), str(one.get("name", ""))
            if place == "path":
                value = quote(_text(self._value(one, marked=False)), safe="")
                filled = filled.replace(f"{{{name}}}", value)
            elif place == "body":
                body = json.dumps(self._made(one.get("schema", {})))
            elif one.get("required"):
                target = {"query": query, "header": headers, "formData": form}.get(str(place))
                if target is not None:
                    target[name] = _text(self._value(one))
        if query:
            filled += "?" + urlencode(query, safe="{}")
        if form:
            body = urlencode(form, safe="{}")
        if method in _UNSAFE and not body:
            body, kind = self._body(operation)
            if kind:
                headers["Content-Type"] = kind
        return Step(filled, method.upper(), headers=headers, body=body, named=path)

    def _body(self, operation: Mapping[str, Any]) -> tuple[str, str]:
        content = self._resolved(operation.get("requestBody", {})).get("content", {})
        for kind in ("application/json", "application/x-www-form-urlencoded"):
            if kind in content:
                made = self._value(content[kind])
                as_form = isinstance(made, dict) and kind != "application/json"
                text = urlencode(made, safe="{}") if as_form else json.dumps(made)
                return text, kind
        return "", ""

    def _value(self, given: Mapping[str, Any], *, marked: bool = True) -> Any:
        """For a parameter or a body: its example, or something that fits its schema."""
        if "example" in given:
            return given["example"]
        for one in (given.get("examples") or {}).values():
            return self._resolved(one).get("value")
        # Version 2 has type and format beside the name.
        return self._made(given.get("schema", given), marked=marked)

    def _made(self, schema: Any, depth: int = 0, *, marked: bool = True) -> Any:  # noqa: C901, PLR0911 - one answer for each type
        schema = self._resolved(schema)
        for known in ("example", "default", "const"):
            if known in schema:
                return schema[known]
        for several in ("enum", "examples"):
            if isinstance(schema.get(several), list) and schema[several]:
                return schema[several][0]
        for parts in ("oneOf", "anyOf", "allOf"):
            if schema.get(parts):
                return self._of_parts(schema[parts], parts, depth, marked=marked)
        kind = schema.get("type", "object" if "properties" in schema else "string")
        if isinstance(kind, list):
            kind = next((one for one in kind if one != "null"), "string")
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            few = schema.get("minItems", 0) == 0 or depth > _DEEPEST
            return [] if few else [self._made(schema.get("items", {}), depth + 1)]
        if kind in {"integer", "number"}:
            return schema.get("minimum", 1)
        if kind == "boolean":
            return True
        return _word(schema, marked=marked)

    def _of_parts(self, parts: Sequence[Any], how: str, depth: int, *, marked: bool) -> Any:
        if how != "allOf" or depth > _DEEPEST:
            return self._made(parts[0], depth + 1, marked=marked) if depth <= _DEEPEST else None
        made = [self._made(part, depth + 1, marked=marked) for part in parts]
        if all(isinstance(one, dict) for one in made):
            return {name: value for one in made for name, value in one.items()}
        return made[0]

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        if depth > _DEEPEST:
            return {}
        properties = schema.get("properties") or {}
        wanted = schema.get("required") or list(properties)
        return {
            name: self._made(properties[name], depth + 1)
            for name in wanted
            if name in properties and not self._resolved(properties[name]).get("readOnly")
        }

    def _resolved(self, given: Any) -> dict[str, Any]:
        """What `$ref` leads to, within the description."""
        for _ in range(_DEEPEST):
            reference = given.get("$ref") if isinstance(given, dict) else None
            if not isinstance(reference, str):
                break
            given = self._whole
            for part in reference.removeprefix("#/").split("/"):
                name = part.replace("~1", "/").replace("~0", "~")
                given = given.get(name, {}) if isinstance(given, dict) else {}
        return given if isinstance(given, dict) else {}


def _word(schema: Mapping[str, Any], *, marked: bool) -> str:
    """A text that fits, with a marker where it may be any."""
    by_format = _BY_FORMAT.get(str(schema.get("format", "")))
    if by_format is not None:
        return by_format
    longest = schema.get("maxLength")
    # A marker has 28 letters and digits.
    is_free = "pattern" not in schema and (longest is None or longest >= 28)  # noqa: PLR2004
    if marked and is_free:
        return "{marker}"
    return "1" if longest is None else "1"[:longest]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(map(_text, value))
    return str(value)
