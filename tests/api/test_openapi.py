"""The OpenAPI document: valid, complete, exact; and the running service keeps to it, fuzzed."""

import asyncio
import copy
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from backend.api import openapi
from backend.api.route import PREFIX, Nothing, routes
from backend.main import create_app
from backend.settings import Settings
from tests.api.conftest import Server
from tests.api.world import World, a_world
from tests.processes import ROOT

SEED = "20261123"
# Not `positive_data_acceptance`: a well-formed booking may be refused for a hundred good reasons.
CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance",
    "response_headers_conformance", "response_schema_conformance", "negative_data_rejection",
    "unsupported_method", "allow_header_conformance", "missing_required_header", "ignored_auth",
)  # fmt: skip
# Too long is a refusal as good as any.
CONFIG = """
[checks.negative_data_rejection]
expected-statuses = [400, 401, 404, 405, 409, 413, 414, 415, 422, 429, 431]
"""
# What is at the limits of each type, some 2800 requests, and what nobody thought of. Both of them
# on both engines take a minute: that is for `make soak`.
PHASE = {"sqlite": "coverage", "postgres": "fuzzing"}
ENVIRON = {
    "PYTHONWARNINGS": "ignore",
    # Else it works out anew which characters there are, for seconds.
    "HYPOTHESIS_STORAGE_DIRECTORY": str(ROOT / ".hypothesis"),
    # Else requests looks for proxies in all of the environment, for each request.
    "no_proxy": "127.0.0.1",
}
# Whoever fuzzes must not end the log-in with which it fuzzes.
ENDING = ("login.end_one", "login.end_others")


def test_the_document_is_valid() -> None:
    from openapi_spec_validator import validate  # slow, and nobody else needs it

    validate(json.loads(json.dumps(openapi.document(), default=str)))


def test_every_mounted_route_is_in_it_and_nothing_else(settings: Settings) -> None:
    app = create_app(settings)
    mounted = {
        (method.lower(), _template(f"/{found.path}"))
        for found in app.router.routes
        for method in found.methods
        if found.path.startswith(PREFIX[1:]) and method != "HEAD"  # goes with every GET
    }
    about_itself = {("get", f"{PREFIX}/openapi.json"), ("get", f"{PREFIX}/docs")}
    # OpenAPI knows no sockets: said at their tickets.
    sockets = {("get", f"{PREFIX}/{what}/live") for what in ("queue", "conversations")}
    described = {
        (method, path) for path, item in openapi.document()["paths"].items() for method in item
    }
    assert mounted - about_itself - sockets == described
    assert len(described) == len(routes)


def _template(path: str) -> str:
    path = re.sub(r"<(\w+):\(?\[.*\)?\\\.ics\)?>", r"{\1}.ics", path)
    path = re.sub(r"<__file_uri__.*", "", path)
    return re.sub(r"<(\w+)(:[^>]+)?>", r"{\1}", path)


def test_names_of_operations_are_unique_and_each_says_what_it_does() -> None:
    operations = [op for item in openapi.document()["paths"].values() for op in item.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(names) == len(set(names))
    assert all(operation["summary"] for operation in operations)


def test_what_needs_a_log_in_a_key_or_a_body_says_so() -> None:
    paths = openapi.document()["paths"]
    for declared in routes:
        operation = paths[PREFIX + openapi._template(declared.path)][declared.method.lower()]
        assert ("security" in operation) is (not declared.public), declared.path
        headers = [one for one in operation["parameters"] if one["in"] == "header"]
        assert [header["name"] for header in headers] == ["Idempotency-Key"] * declared.receipt
        assert all(header["required"] for header in headers)
        assert ("requestBody" in operation) is bool(declared.body or declared.upload_most)
        if "requestBody" in operation:
            assert operation["requestBody"]["required"]
        queries = {one["name"] for one in operation["parameters"] if one["in"] == "query"}
        assert bool(queries) is (declared.query is not Nothing)
        if not declared.public:
            assert "401" in operation["responses"]


def test_limits_are_written_down() -> None:
    """What wire.py refuses can be read in the document."""
    schemas = openapi.document()["components"]["schemas"]
    patient = schemas["NewPatientForm"]
    assert set(patient["required"]) == {"name", "id_number", "relation", "agreed"}
    assert patient["additionalProperties"] is False
    assert patient["properties"]["name"]["maxLength"] == 60
    assert patient["properties"]["id_number"]["minLength"] == 5
    assert "pattern" in json.dumps(patient["properties"]["phone"])
    assert "self" in patient["properties"]["relation"]["enum"]
    assert set(schemas["BookForm"]["required"]) == {"slot_id", "patient_id"}
    family = schemas["FamilyForm"]["properties"]["bookings"]
    assert (family["minItems"], family["maxItems"]) == (1, 5)
    assert schemas["CancelForm"]["properties"]["reason"]["maxLength"] == 200
    problem = schemas["ProblemDocument"]
    assert {"type", "title", "status", "detail", "code", "request_id"} <= set(problem["required"])
    for name, schema in schemas.items():
        for text in _texts(schema):
            closed = {"maxLength", "enum", "const", "format", "pattern"} & text.keys()
            assert closed or not name.endswith(("Form", "Query")), (name, text)


def _texts(schema: Any) -> list[dict[str, Any]]:
    if isinstance(schema, list):
        return [text for item in schema for text in _texts(item)]
    if not isinstance(schema, dict):
        return []
    mine = [schema] if schema.get("type") == "string" else []
    return mine + [text for item in schema.values() for text in _texts(item)]


async def test_the_served_document_and_page_are_the_declared_ones(server: Server) -> None:
    served = await server.http.get(f"{PREFIX}/openapi.json")
    assert served.json() == json.loads(json.dumps(openapi.document(), default=str))
    page = await server.http.get(f"{PREFIX}/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    for declared in routes:
        assert openapi._template(declared.path) in page.text, declared.path


# --- fuzzed ---------------------------------------------------------------------------------------


def seeded(world: World) -> dict[str, Any]:
    """The document, its ids narrowed to some that exist, so that fuzzing gets past 404."""
    known = {
        "patient": ("patient", "child"),
        "appointment": ("appointment", "held"),
        "carer": ("carer", "asked", "helper_carer"),
        "organization": ("organization",),
        "department": ("department",),
        "schedule": ("schedule",),
        "session": ("far_session",),
    }

    def ids(name: str) -> list[str]:
        kind = name.removesuffix("_id")
        if kind == "slot":
            return [str(place) for place in world.places.values()]
        return [str(world.ids[one]) for one in (*known.get(kind, ()), "far_slot")]

    def narrowed(name: str, schema: Any) -> Any:
        if isinstance(schema, dict):
            if schema.get("format") == "uuid":
                return {"type": "string", "format": "uuid", "enum": ids(name)}
            return {key: narrowed(name, value) for key, value in schema.items()}
        return [narrowed(name, item) for item in schema] if isinstance(schema, list) else schema

    document = copy.deepcopy(openapi.document())
    for item in document["paths"].values():
        for operation in item.values():
            for parameter in operation["parameters"]:
                parameter["schema"] = narrowed(parameter["name"], parameter["schema"])
    for title, schema in document["components"]["schemas"].items():
        if title.endswith("Form") or title == "FamilyMember":
            properties = schema["properties"]
            schema["properties"] = {n: narrowed(n, kind) for n, kind in properties.items()}
    return document


async def fuzz(server: Server, folder: Path, *arguments: str, most_s: float) -> str:
    """Schemathesis against the running service; returns what it says. Fails when it complains."""
    world = await a_world(server.settings)
    path = folder / "openapi.json"
    path.write_text(json.dumps(seeded(world), default=str))
    (folder / "schemathesis.toml").write_text(CONFIG)
    excluded = [part for name in ENDING for part in ("--exclude-operation-id", name)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "schemathesis.cli", "run", str(path),
        "--url", f"http://127.0.0.1:{server.port}",
        "--header", f"Authorization: Bearer {world.tokens['owner']}",
        "--checks", ",".join(CHECKS), *excluded, "--seed", SEED, "--workers", "1",
        "--suppress-health-check", "all", "--continue-on-failure", "--no-color",
        "--warnings", "off", *arguments,
        "--generation-database", "none",
        cwd=folder, env=os.environ | ENVIRON,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        said, _ = await asyncio.wait_for(process.communicate(), most_s)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    text = said.decode()
    assert process.returncode == 0, text
    return text


async def test_fuzzing_finds_no_5xx_and_no_broken_promise(
    server: Server, tmp_path: Path, engine: str
) -> None:
    await fuzz(
        server, tmp_path, "--phases", PHASE[engine], "--max-examples", "3", "--no-shrink",
        most_s=120,
    )  # fmt: skip


@pytest.mark.soak
async def test_fuzzing_for_long(server: Server, tmp_path: Path, engine: str) -> None:
    from benchmarks.soak import note

    said = await fuzz(
        server, tmp_path, "--phases", "coverage,fuzzing", "--max-examples", "300", most_s=3600
    )
    cases = re.search(r"(\d+) generated", said)
    note(engine, "schemathesis", {"cases": int(cases[1]) if cases else 0, "failures": 0})
