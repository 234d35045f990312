"""/openapi.json and a page to read it: derived from the routes, so that it cannot disagree with them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from aiohttp import web

from api.errors import ErrorEnvelope
from api.routing import RawRoute, Route, Routes
from infra import wire

VERSION = "1.0.0"
PAGE = Path(__file__).parent / "openapi.html"
_PATH_FIELD = re.compile(r"{(\w+)}")

ERRORS = {
    "400": "The request is malformed (`invalid`, `key_required`, ...).",
    "401": "No valid token (`unauthenticated`, `token_expired`, `session_revoked`).",
    "403": "Known, but not allowed (`forbidden`).",
    "404": "It does not exist, or not for this actor (`not_found`).",
    "409": "The world disagrees (`version_conflict`, `illegal_transition`, `slot_taken`, `key_reused`, ...).",
    "413": "Too large (`too_large`).",
    "429": "Too many requests (`rate_limited`, `busy`).",
    "503": "Something we depend on is away (`unavailable`); try again with the same key.",
}


def document(routes: Routes) -> dict[str, Any]:
    """An OpenAPI 3.1 document."""
    operations = [route for route in routes if isinstance(route, Route)]
    types: list[type] = [ErrorEnvelope]
    for route in operations:
        types += [t for t in (route.operation.takes, route.operation.gives) if t not in types]
    schemas, components = wire.schemas(types)
    paths: dict[str, dict[str, Any]] = {}
    for any_route in routes:
        entry = (
            _operation(any_route, schemas, components)
            if isinstance(any_route, Route)
            else _raw(any_route)
        )
        path = re.sub(r"{(\w+):[^}]*}", r"{\1}", any_route.path)
        paths.setdefault(path, {})[any_route.method.lower()] = entry
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "ShareHub",
            "version": VERSION,
            "description": "REST of the sharing marketplace. Ids are decimal strings, times UTC milliseconds, money "
            "integer fen. Commands take an `Idempotency-Key`: the same key and request have one effect, and the same "
            "answer, for seven days.",
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
            },
        },
    }


def add(app: web.Application, routes: Routes) -> None:
    body = wire.json(document(routes))
    page = PAGE.read_bytes()

    async def openapi_json(_: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    async def readable(_: web.Request) -> web.Response:
        return web.Response(body=page, content_type="text/html", charset="utf-8")

    app.router.add_get("/openapi.json", openapi_json)
    app.router.add_get("/", readable)


def _operation(
    route: Route, schemas: dict[type, Any], components: dict[str, Any]
) -> dict[str, Any]:
    operation = route.operation
    schema = _resolve(schemas[operation.takes], components)
    properties, required = schema.get("properties", {}), set(schema.get("required", ()))
    in_path = _PATH_FIELD.findall(route.path)
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": properties[name]}
        for name in in_path
    ]
    rest = {name: value for name, value in properties.items() if name not in in_path}
    entry: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.wing],
        "summary": operation.doc.splitlines()[0] if operation.doc else operation.name,
        "description": operation.doc,
        "parameters": parameters,
        "responses": {
            str(route.status): _answer("Done.", schemas[operation.gives]),
            **{code: _answer(text, schemas[ErrorEnvelope]) for code, text in ERRORS.items()},
        },
    }
    if route.method == "GET":
        parameters += [
            {"name": name, "in": "query", "required": name in required, "schema": value}
            for name, value in rest.items()
        ]
    else:
        body = {"type": "object", "properties": rest, "required": sorted(required - set(in_path))}
        entry["requestBody"] = {
            "required": bool(body["required"]),
            "content": {"application/json": {"schema": body}},
        }
    if operation.keyed:
        parameters.append(
            {
                "name": "Idempotency-Key", "in": "header", "required": True,
                "schema": {"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[!-~]+$"},
            }
        )  # fmt: skip
    if not operation.public:
        entry["security"] = [{"bearer": []}]
    return entry


def _raw(route: RawRoute) -> dict[str, Any]:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in (re.sub(r":.*", "", part) for part in re.findall(r"{([^}]+)}", route.path))
    ]
    return {
        "tags": [route.wing], "summary": route.summary, "parameters": parameters,
        "responses": {"default": {"description": "See docs."}},
    }  # fmt: skip


def _answer(text: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": text, "content": {"application/json": {"schema": schema}}}


def _resolve(schema: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    reference = schema.get("$ref")
    return components[reference.rpartition("/")[2]] if reference else schema
