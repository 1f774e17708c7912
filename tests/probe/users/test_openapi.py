"""Requests out of a description of an API."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from holdfast.probe.users.openapi import steps_of
from holdfast.probe.users.plan import PlanError

SHOP = """
openapi: 3.1.0
servers: [{url: https://shop.example/api/v1/}]
paths:
  /orders/:
    get:
      parameters:
        - {name: state, in: query, required: true, schema: {enum: [open, done]}}
        - {name: q, in: query, required: true, schema: {type: string}}
        - {name: page, in: query, schema: {type: integer}}
        - {name: X-Shop, in: header, required: true, schema: {type: string, maxLength: 3}}
    post:
      requestBody:
        content:
          application/json:
            schema: {$ref: '#/components/schemas/Order'}
  /orders/{id}/{when}/:
    parameters:
      - {name: id, in: path, required: true, schema: {type: integer, minimum: 7}}
      - {$ref: '#/components/parameters/When'}
    get: {}
    delete: {}
  /files/{name}:
    get:
      parameters: [{name: name, in: path, required: true, example: a/b, schema: {type: string}}]
  /users/logout/:
    get: {}
components:
  parameters:
    When: {name: when, in: path, required: true, schema: {type: string, format: date}}
  schemas:
    Order:
      type: object
      required: [text, lines, id]
      properties:
        id: {type: integer, readOnly: true}
        text: {type: string}
        note: {type: string}
        lines: {type: array, minItems: 1, items: {$ref: '#/components/schemas/Line'}}
    Line:
      allOf:
        - {type: object, properties: {count: {type: integer, default: 2}}}
        - type: object
          required: [code, price, paid, parent]
          properties:
            code: {type: string, pattern: '^[A-Z]+$', example: ABC}
            price: {type: [number, 'null'], minimum: 1.5}
            paid: {type: boolean}
            parent: {oneOf: [{$ref: '#/components/schemas/Line'}, {type: 'null'}]}
"""


def test_only_what_is_safe_is_asked_unless_told():
    safe = steps_of(SHOP, "shop.yaml", unsafe=False)
    assert {step.method for step in safe} == {"GET"}
    methods = [step.method for step in steps_of(SHOP, "shop.yaml", unsafe=True)]
    assert sorted(methods) == ["DELETE", "GET", "GET", "GET", "POST"]


def test_paths_and_required_parameters_have_values():
    orders, order, file = steps_of(SHOP, "shop.yaml", unsafe=False)
    parts = urlsplit(orders.path)
    assert parts.path == "/api/v1/orders/"
    assert parse_qs(parts.query) == {"state": ["open"], "q": ["{marker}"]}
    assert orders.headers == {"X-Shop": "1"}
    assert order.path == "/api/v1/orders/7/2026-01-01/"
    assert file.path == "/api/v1/files/a%2Fb"


def test_nobody_is_logged_out():
    assert not any("logout" in step.path for step in steps_of(SHOP, "shop.yaml", unsafe=True))


def test_a_body_fits_its_schema_also_one_that_holds_itself():
    (post,) = [step for step in steps_of(SHOP, "shop.yaml", unsafe=True) if step.body]
    body = json.loads(post.body)
    assert set(body) == {"text", "lines"}
    assert body["text"] == "{marker}"
    (line,) = body["lines"]
    assert (line["count"], line["code"], line["price"], line["paid"]) == (2, "ABC", 1.5, True)
    assert post.headers == {"Content-Type": "application/json"}


def test_version_2_is_read_too():
    described = {
        "swagger": "2.0",
        "basePath": "/v2",
        "paths": {
            "/pets/{kind}": {
                "parameters": [{"name": "kind", "in": "path", "type": "string", "enum": ["cat"]}],
                "get": {
                    "parameters": [
                        {"name": "n", "in": "query", "required": True, "type": "integer"}
                    ]
                },
                "post": {
                    "parameters": [
                        {
                            "name": "pet",
                            "in": "body",
                            "schema": {"properties": {"name": {"type": "string"}}},
                        }
                    ]
                },
            }
        },
    }
    get, post = steps_of(json.dumps(described), "pets.json", unsafe=True)
    assert str(get) == "GET /v2/pets/cat?n=1"
    assert post.body == '{"name": "{marker}"}'


@pytest.mark.parametrize("text", ["<html>", "[1]", "openapi: 3.0.0", "a: [", "paths: no"])
def test_what_is_no_description_is_said(text):
    with pytest.raises(PlanError, match=r"--openapi shop\.yaml: n"):
        steps_of(text, "shop.yaml", unsafe=False)
