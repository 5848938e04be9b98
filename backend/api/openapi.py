"""OpenAPI 3.1 out of the very declarations that serve the requests; constraints and all."""

import re
from functools import cache
from http import HTTPStatus
from typing import Any

import msgspec

from backend import __version__, errors
from backend.api.etags import JSON
from backend.api.hosts import HostUnknown
from backend.api.problem import BadRequest, ProblemDocument
from backend.api.route import PREFIX, Nothing, Route, routes
from backend.api.wire import BadJson, TooLarge, UnsupportedMedia

REF = "#/components/schemas/{name}"
PROBLEM = "application/problem+json"
EVERYWHERE = (BadRequest, HostUnknown, errors.Throttled, errors.Busy)
KEY_PARAMETER = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "Yours to choose, new for each deed, the same when you repeat it. Kept 90 days.",
    "schema": {"type": "string", "minLength": 8, "maxLength": 64, "pattern": "^[!-~]{8,64}$"},
}

# As `wx.uploadFile` sends it.
FILE_FORM = {
    "type": "object",
    "properties": {
        "file": {"type": "string", "format": "binary"},
        "client_id": {"type": "string", "pattern": "^[0-9A-Za-z_-]{8,64}$"},
        "kind": {"type": "string", "enum": ["image", "voice"]},
    },
    "required": ["file", "client_id", "kind"],
}


@cache
def document() -> dict[str, Any]:
    """The whole document, as plain data."""
    structs = _structs()
    schemas, components = msgspec.json.schema_components(structs, ref_template=REF)
    references = dict(zip(structs, schemas, strict=True))
    paths: dict[str, Any] = {}
    for declared in routes:
        path = PREFIX + _template(declared.path)
        paths.setdefault(path, {})[declared.method.lower()] = _operation(
            declared, references, components
        )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "家门口 · Jiamenkou",
            "version": __version__,
            "description": "县域医共体预约服务。Patient service for a county medical consortium.",
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _structs() -> list[Any]:
    found = [ProblemDocument]
    for declared in routes:
        found += [kind for kind in (declared.body, declared.answer) if kind is not None]
        if declared.query is not Nothing:
            found.append(declared.query)
    return list(dict.fromkeys(found))


def _template(path: str) -> str:
    """Sanic's `<id:uuid>` → `{id}`; the calendar entry's regular expression → `{id}.ics`."""
    path = re.sub(r"<(\w+):\(.*\)\\\.ics>", r"{\1}.ics", path)
    return re.sub(r"<(\w+):\w+>", r"{\1}", path)


def _operation(
    declared: Route, references: dict[Any, Any], components: dict[str, Any]
) -> dict[str, Any]:
    handler = declared.handler
    operation: dict[str, Any] = {
        "operationId": f"{handler.__module__.rpartition('.')[2]}.{handler.__name__}",
        "summary": (handler.__doc__ or "").strip().partition("\n")[0],
        "tags": [handler.__module__.rpartition(".")[2]],
        "parameters": _parameters(declared, components),
        "responses": _responses(declared, references),
    }
    if declared.body is not None:
        content = {JSON: {"schema": references[declared.body]}}
        operation["requestBody"] = {"required": True, "content": content}
    if declared.upload_most:
        content = {"multipart/form-data": {"schema": FILE_FORM}}
        operation["requestBody"] = {"required": True, "content": content}
    if not declared.public:
        operation["security"] = [{"token": []}]
    return operation


def _parameters(declared: Route, components: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "format": "uuid"},
        }
        for name in re.findall(r"{(\w+)}", _template(declared.path))
    ]
    if declared.receipt:
        found.append(KEY_PARAMETER)
    if declared.query is not Nothing:
        schema = components[declared.query.__name__]
        for name, kind in schema["properties"].items():
            required = name in schema.get("required", ())
            found.append({"name": name, "in": "query", "required": required, "schema": kind})
    return found


def _responses(declared: Route, references: dict[Any, Any]) -> dict[str, Any]:
    done: dict[str, Any] = {"description": HTTPStatus(declared.status).phrase}
    if declared.answer is not None:
        done["content"] = {JSON: {"schema": references[declared.answer]}}
    elif declared.media != JSON:
        done["content"] = {declared.media: {"schema": {"type": "string"}}}
    responses = {str(declared.status): done}
    if declared.cached_s:
        responses["304"] = {"description": "Not Modified"}
    for status, codes in sorted(_codes(declared).items()):
        responses[str(status)] = {
            "description": "、".join(sorted(codes)),
            "content": {PROBLEM: {"schema": references[ProblemDocument]}},
        }
    return responses


def _codes(declared: Route) -> dict[int, set[str]]:
    problems: list[type[errors.Problem]] = [*EVERYWHERE, *declared.problems, errors.Malformed]
    if not declared.public:
        problems.append(errors.Unauthenticated)
    if "<" in declared.path:
        problems.append(errors.NotFound)
    if declared.body is not None:
        problems += [BadJson, TooLarge, UnsupportedMedia]
    if declared.upload_most:
        problems += [errors.Malformed, TooLarge, UnsupportedMedia]
    codes: dict[int, set[str]] = {}
    for kind in problems:
        codes.setdefault(kind.status, set()).add(kind.code)
    return codes
