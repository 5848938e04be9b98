"""What crosses the wire: strict JSON, problem documents, headers."""

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import example, given
from hypothesis import settings as tried
from hypothesis import strategies as st

from backend import errors
from backend.api import openapi, paging, problem, wire
from backend.api.route import PREFIX, routes
from backend.api.wire import BODY_MOST, DEPTH_MOST
from backend.booking.taking import Taking
from backend.identity.models import Carer
from tests.api.asking import (
    BOOKINGS,
    CHINESE,
    PATIENT,
    PATIENTS,
    a_booking,
    is_problem,
    patient_json,
)
from tests.api.conftest import Headers, Server, keyed
from tests.clinics import a_clinic, a_schedule
from tests.serving import plain_http

# --- bodies ---------------------------------------------------------------------------------------


def wrong_bodies() -> Iterator[Any]:
    """Bytes, and the code with which they are refused, alike on both databases."""
    plain = patient_json().decode()
    for name, body, code in (
        ("nothing", b"", "bad-json"),
        ("no JSON", b"name=wang", "bad-json"),
        ("half a body", plain[:-1].encode(), "bad-json"),
        ("two bodies", (plain + plain).encode(), "bad-json"),
        ("a mark of byte order", b"\xef\xbb\xbf" + plain.encode(), "bad-json"),
        ("another encoding", plain.encode("gb18030"), "bad-json"),
        ("UTF-16", plain.encode("utf-16"), "bad-json"),
        ("a comment", b"/* */" + plain.encode(), "bad-json"),
        ("an unknown field", patient_json(admin=True), "malformed"),
        ("an unknown field of ours", patient_json(scope="manage"), "malformed"),
        ("the same field twice", plain.replace('"name"', '"relation": "x", "name"').encode(),
         "bad-json"),
        ("the same field twice, escaped", plain.replace(
            '"name"', '"\\u006eame": "x", "name"').encode(), "bad-json"),
        ("the same field twice, unknown and deep",
         patient_json(x={}).replace(b"{}", b'{"a": 1, "a": 1}'), "bad-json"),
        ("NaN", plain.replace("true", "NaN").encode(), "bad-json"),
        ("infinity", plain.replace("true", "Infinity").encode(), "bad-json"),
        ("minus infinity", plain.replace("true", "-Infinity").encode(), "bad-json"),
        ("a number beyond floats", plain.replace("true", "1e999").encode(), "bad-json"),
        ("a number of 5,000 digits", plain.replace("true", "1" * 5000).encode(), "bad-json"),
        ("a lone surrogate", patient_json().replace("兰".encode(), rb"\ud800"), "bad-json"),
        ("a surrogate as bytes", patient_json().replace("兰".encode(), b"\xed\xa0\x80"),
         "bad-json"),
        ("surrogates the wrong way round", patient_json().replace("兰".encode(), rb"\udc00\ud800"),
         "bad-json"),
        ("NUL", patient_json().replace("兰".encode(), rb"\u0000"), "bad-json"),
        ("NUL as a byte", patient_json().replace("兰".encode(), b"\x00"), "bad-json"),
        ("NUL in a name of a field", patient_json(**{"na\x00me": 1}), "bad-json"),
        ("a control character", patient_json(name="王\x1b[31m兰"), "bad-json"),
        ("DEL", patient_json(name="王\x7f兰"), "bad-json"),
        ("an overlong sequence", patient_json().replace("兰".encode(), b"\xc0\xaf"), "bad-json"),
        ("a list", b"[" + plain.encode() + b"]", "malformed"),
        ("null", b"null", "malformed"),
        ("a string", b'"x"', "malformed"),
        ("a number for a text", patient_json(name=7), "malformed"),
        ("a text for a truth", patient_json(agreed="true"), "malformed"),
        ("a number for a truth", patient_json(agreed=1), "malformed"),
        ("an empty name", patient_json(name=""), "malformed"),
        ("a name of spaces", patient_json(name="  "), "malformed"),
        ("a name of 61", patient_json(name="王" * 61), "malformed"),
        ("a name that ends in a new line", patient_json(name="王桂兰\n"), "malformed"),
        ("a phone that ends in a new line", patient_json(phone="13800001234\n"), "malformed"),
        ("no phone", patient_json(phone="12345"), "malformed"),
        ("a phone in full-width digits", patient_json(phone="1380000123\uff14"), "malformed"),
        ("no such relation", patient_json(relation="boss"), "malformed"),
        ("no such day", patient_json(birth_on="2023-02-29"), "malformed"),
        ("an instant for a day", patient_json(birth_on="2023-02-28T00:00:00Z"), "malformed"),
        ("too deep", patient_json(name=None).replace(
            b"null", b"[" * DEPTH_MOST + b"]" * DEPTH_MOST), "bad-json"),
        ("very much too deep", b"[" * 100_000 + b"]" * 100_000, "bad-json"),
    ):  # fmt: skip
        yield pytest.param(body, code, id=name)


JSON_BODY = {"content-type": "application/json"}


async def test_wrong_bodies_are_refused_one_and_all(server: Server, who: Headers) -> None:
    """In one test: fifty servers would cost a minute."""
    verdicts = {}
    for case in wrong_bodies():
        body, code = case.values
        answer = await server.http.post(PATIENTS, content=body, headers=keyed(who) | JSON_BODY)
        found = (answer.status_code, answer.json().get("code"))
        if found != (422, code):
            verdicts[case.id] = found
    assert verdicts == {}
    assert await Carer.all().count() == 0


async def test_text_that_looks_the_same_is_the_same(server: Server, who: Headers) -> None:
    """NFC: é as one character or as two is one name, so one person."""
    decomposed, composed = "Andre\u0301", "Andr\u00e9"
    first = await server.http.post(
        PATIENTS, content=patient_json(name=decomposed), headers=keyed(who) | JSON_BODY
    )
    assert first.status_code == 201, first.text
    row = await Carer.all().select_related("patient").get()
    assert row.patient.name == composed


async def test_characters_beyond_the_basic_plane_are_names_too(
    server: Server, who: Headers
) -> None:
    """Rare names: 𠮷 is one character, and four bytes."""
    name = "𠮷王桂"
    for body in (patient_json(name=name), json.dumps(PATIENT | {"name": name}).encode()):
        answer = await server.http.post(PATIENTS, content=body, headers=keyed(who) | JSON_BODY)
        assert answer.json().get("name") == "𠮷*桂" or answer.status_code == 409, answer.text
    assert (await Carer.all().select_related("patient").get()).patient.name == name


async def test_a_body_may_have_a_megabyte_and_no_more(server: Server, who: Headers) -> None:
    padding = b" " * (BODY_MOST - len(patient_json()))
    whole = await server.http.post(
        PATIENTS, content=patient_json() + padding, headers=keyed(who) | JSON_BODY
    )
    assert whole.status_code == 201, whole.text

    async def chunks() -> Any:
        for _ in range(17):
            yield b" " * 65_536

    for body in (patient_json() + padding + b" ", chunks()):
        async with plain_http(base_url=server.http.base_url) as fresh:
            answer = await fresh.post(PATIENTS, content=body, headers=keyed(who) | JSON_BODY)
            assert answer.status_code == 413, answer.text
            assert answer.json()["code"] == "too-large"
    assert (await server.http.get(f"{PREFIX}/me", headers=who)).status_code == 200


async def test_another_content_type_is_refused(server: Server, who: Headers) -> None:
    for media in (
        "", "text/plain", "application/x-www-form-urlencoded", "application/jsonp",
        "multipart/form-data; boundary=x", "application/problem+json",
    ):  # fmt: skip
        headers = keyed(who) | {"content-type": media}
        answer = await server.http.post(PATIENTS, content=patient_json(), headers=headers)
        is_problem(answer, 415, "unsupported-media-type")


async def test_a_refusal_names_the_field_as_a_path(server: Server, who: Headers) -> None:
    for body, field in (
        ({"slot_id": "x", "patient_id": str(uuid4())}, "slot_id"),
        ({"patient_id": str(uuid4())}, "slot_id"),
        ({"slot_id": str(uuid4()), "patient_id": str(uuid4()), "confirm": "yes"}, "confirm"),
        ({"slot_id": str(uuid4()), "patient_id": str(uuid4()), "vip": 1}, "vip"),
    ):
        answer = await server.http.post(BOOKINGS, json=body, headers=keyed(who))
        assert is_problem(answer, 422, "malformed")["field"] == field
    family = {"bookings": [{"slot_id": "x", "patient_id": str(uuid4())}]}
    answer = await server.http.post(f"{BOOKINGS}/family", json=family, headers=keyed(who))
    assert is_problem(answer, 422)["field"] == "bookings.slot_id"


# --- addresses, queries, cursors ------------------------------------------------------------------


WRONG_QUERIES = [
    ("/organizations?unknown=1", "unknown"),
    ("/organizations?tier=county&tier=village", "tier"),
    ("/organizations?tier=moon", "tier"),
    ("/organizations?limit=0", "limit"),
    ("/organizations?limit=101", "limit"),
    ("/organizations?limit=", "limit"),
    ("/organizations?near=91,0", "near"),
    ("/organizations?near=0,181", "near"),
    ("/organizations?near=nan,nan", "near"),
    ("/organizations?near=30.1,120.1%0A", "near"),
    ("/organizations?q=", "q"),
    ("/organizations?q=%00", "q"),
    ("/organizations?q=%1b", "q"),
    ("/organizations?q=%FF", "query"),
    ("/organizations?q=%ED%A0%80", "query"),
    ("/organizations?q", "query"),
    ("/organizations?q=a;tier=county&&", "query"),
    ("/schedules?within_km=5", "near"),
    ("/schedules?within_km=nan&near=30,120", "within_km"),
    ("/schedules?within_km=inf&near=30,120", "within_km"),
    ("/schedules?from=2026-02-30", "from"),
    ("/schedules?from=tomorrow", "from"),
    ("/slots", "schedule"),
    ("/slots?schedule=1", "schedule"),
]


async def test_a_query_is_read_as_strictly_as_a_body(server: Server) -> None:
    verdicts = {}
    for path, field in WRONG_QUERIES:
        answer = await server.http.get(PREFIX + path)
        if answer.status_code != 422 or is_problem(answer, 422)["field"] != field:
            verdicts[path] = (answer.status_code, answer.text)
    assert verdicts == {}


async def test_days_at_the_ends_of_the_calendar_are_answered(server: Server) -> None:
    for day in ("0001-01-01", "9999-12-31", "9999-11-01"):
        for name in ("from", "to"):
            answer = await server.http.get(f"{PREFIX}/schedules?{name}={day}")
            assert answer.status_code in (200, 422), answer.text


async def test_a_query_that_is_too_long_is_refused(server: Server) -> None:
    answer = await server.http.get(f"{PREFIX}/organizations?q={'%E7' * 2000}")
    is_problem(answer, answer.status_code)
    assert answer.status_code in (413, 414, 422)


async def test_a_cursor_that_we_did_not_write_is_refused(server: Server, who: Headers) -> None:
    instants = ("2026-11-23T04:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00")
    nobody = str(uuid4())
    forged = [paging.encode((instant, nobody)) for instant in instants]
    forged += [paging.encode(("2026-11-23", instant, nobody)) for instant in instants]
    forged += [
        "x", "!!!!", "AAAA", "é", paging.encode(()), paging.encode((-1,)), paging.encode(("1",)),
        paging.encode((1.5,)), paging.encode((None,)), paging.encode((10**30,)),
        paging.encode((nobody,)), paging.encode(({"a": 1},)), "eyJhIjoxfQ",
    ]  # fmt: skip
    for path in ("/organizations", "/departments", "/practitioners", "/schedules", "/appointments"):
        for cursor in forged:
            answer = await server.http.get(PREFIX + path, params={"cursor": cursor}, headers=who)
            assert answer.status_code in (200, 422), (path, cursor, answer.text)
            if answer.status_code == 422:
                assert is_problem(answer, 422)["field"] == "cursor"
            else:
                assert answer.json()["items"] == []


async def test_an_unknown_address_is_a_problem_too(server: Server) -> None:
    for path in (
        "/api", "/api/v1", "/api/v1/nothing", "/api/v1/patients/1", "/api/v2/me", "/favicon.ico",
        "/api/v1/appointments/not-a-uuid", "/API/V1/me", "/api/v1//me", "/%00", "/..;/metrics",
        "/api/v1/patients/%2e%2e/me", "/api/v1/appointments/x.ics",
    ):  # fmt: skip
        is_problem(await server.http.get(path), 404, "not-found")


async def test_every_answer_has_an_id_of_its_own_on_one_connection(server: Server) -> None:
    seen = []
    for path in ("/api/v1/organizations", "/nothing", "/nothing", "/api/v1/me", "/nothing"):
        answer = await server.http.get(path)
        seen.append(answer.headers.get("x-request-id"))
    assert all(seen)
    assert len(set(seen)) == len(seen)


async def test_a_method_that_is_not_there_is_405_and_says_which_are(server: Server) -> None:
    by_path: dict[str, set[str]] = {}
    for declared in routes:
        path = PREFIX + openapi._template(declared.path)
        path = re.sub(r"{\w+}", str(UUID(int=7)), path)
        by_path.setdefault(path, set()).add(declared.method)
    for path, methods in by_path.items():
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"):
            if method in methods:
                continue
            answer = await server.http.request(method, path)
            assert answer.status_code in (405, 404), (method, path, answer.text)
            if answer.status_code == 405:
                is_problem(answer, 405, "method-not-allowed")
                allowed = {name.strip() for name in answer.headers["allow"].split(",")}
                assert methods <= allowed <= methods | {"HEAD", "OPTIONS"}, (method, path)


async def test_head_has_no_body_and_no_error(server: Server) -> None:
    for path in ("/healthz", "/api/v1/organizations", "/api/v1/me", "/api/v1/docs", "/nothing"):
        got, head = await server.http.get(path), await server.http.head(path)
        assert head.status_code == got.status_code, path
        assert head.content == b""


async def test_a_full_queue_says_when_to_come_back(server: Server, who: Headers) -> None:
    appointment = await a_booking(server, who)
    server.service.desk.taking = Taking(0)
    slot = (await a_schedule(server.settings, await a_clinic(server.settings)))[0]
    form = {"slot_id": str(slot.id), "patient_id": appointment["patient"]["id"]}
    answer = await server.http.post(BOOKINGS, json=form, headers=keyed(who))
    assert is_problem(answer, 503)["code"] == "busy"
    assert int(answer.headers["retry-after"]) > 0


async def test_it_says_whether_it_lives_is_ready_and_how_it_does(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await server.http.get("/healthz")).json() == {"status": "ok"}
    ready = await server.http.get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["database"] == ready.json()["hub"] == "ok"

    async def silent() -> None:
        raise TimeoutError

    monkeypatch.setattr(server.service.hub, "ping", silent)
    ready = await server.http.get("/readyz")
    assert (ready.status_code, ready.json()["hub"]) == (503, "unreachable")
    await server.http.get(f"{PREFIX}/organizations")
    figures = await server.http.get("/metrics")
    assert figures.headers["content-type"].startswith("text/plain; version=")
    route = 'jiamenkou_requests_total{method="GET",route="/api/v1/organizations",status="200"}'
    assert route in figures.text


async def test_no_other_site_is_let_in_by_cors(server: Server) -> None:
    answer = await server.http.get(
        f"{PREFIX}/organizations", headers={"origin": "https://evil.example"}
    )
    assert not [name for name in answer.headers if name.startswith("access-control-")]


FOREIGN_HOSTS = (
    "evil.example", "127.0.0.1.evil.example", "localhost@evil.example", "evil.example:80",
    "127.0.0.1:x", "127.0.0.1:80:80", "[::1]", "LOCALHOST.", "127.0.0.1/evil",
)  # fmt: skip


async def test_a_host_that_is_not_ours_is_refused_everywhere(server: Server) -> None:
    let_in = []
    for path in ("/api/v1/organizations", "/api/v1/me", "/api/v1/openapi.json", "/api/v1/docs",
                 "/", "/metrics", "/nothing"):  # fmt: skip
        for host in FOREIGN_HOSTS:
            answer = await server.http.get(path, headers={"host": host})
            assert "evil" not in answer.text
            if answer.status_code != 400:
                let_in.append((path, host))
            else:
                assert is_problem(answer, 400)["code"] in ("host-unknown", "bad-request")
    assert let_in == []


async def test_our_own_hosts_are_served(server: Server) -> None:
    for host in ("127.0.0.1", "127.0.0.1:8000", "localhost:1", "LocalHost"):
        answer = await server.http.get(f"{PREFIX}/organizations", headers={"host": host})
        assert answer.status_code == 200, host


async def test_a_changed_address_poisons_no_link(server: Server, who: Headers) -> None:
    """Links come from the settings, never from what a request says about itself."""
    appointment = await a_booking(server, who)
    answer = await server.http.get(
        f"{BOOKINGS}/{appointment['id']}/links",
        headers=who | {"x-forwarded-host": "evil.example", "x-forwarded-proto": "https",
                       "forwarded": "host=evil.example"},
    )  # fmt: skip
    assert answer.json()["slip"].startswith(server.settings.public_url + "/api/v1/")
    assert "evil" not in answer.text


# --- caches ---------------------------------------------------------------------------------------


async def test_public_answers_may_be_kept_and_asked_for_by_their_tag(server: Server) -> None:
    await a_clinic(server.settings)
    for path, seconds in (("/organizations", 10), ("/schedules", 1)):
        first = await server.http.get(PREFIX + path)
        assert first.headers["cache-control"] == f"public, max-age={seconds}"
        etag = first.headers["etag"]
        for said in (etag, f"W/{etag}", f'"other", {etag}', "*"):
            again = await server.http.get(PREFIX + path, headers={"if-none-match": said})
            assert (again.status_code, again.content) == (304, b""), said
            assert again.headers["etag"] == etag
        other = await server.http.get(PREFIX + path, headers={"if-none-match": '"other"'})
        assert (other.status_code, other.content) == (200, first.content)


async def test_what_is_somebodys_own_is_never_stored_on_the_way(
    server: Server, who: Headers
) -> None:
    appointment = await a_booking(server, who)
    one = f"{BOOKINGS}/{appointment['id']}"
    for path in (f"{PREFIX}/me", PATIENTS, BOOKINGS, one, f"{one}/links", f"{one}/slip",
                 f"{one}.ics", f"{PREFIX}/me/devices", "/healthz", "/readyz"):  # fmt: skip
        answer = await server.http.get(path, headers=who)
        assert answer.status_code == 200, (path, answer.text)
        assert answer.headers["cache-control"] == "no-store", path


async def test_papers_are_framed_by_a_strict_policy(server: Server, who: Headers) -> None:
    appointment = await a_booking(server, who)
    slip = await server.http.get(f"{BOOKINGS}/{appointment['id']}/slip", headers=who)
    assert "default-src 'none'" in slip.headers["content-security-policy"]
    assert "script-src" not in slip.headers["content-security-policy"]
    assert slip.headers["x-content-type-options"] == "nosniff"
    assert slip.headers["referrer-policy"] == "no-referrer"
    assert "<script" not in slip.text


def test_every_problem_says_in_chinese_what_is_wrong() -> None:
    kinds: set[type[errors.Problem]] = {kind for route in routes for kind in route.problems}
    for kind in kinds | set(errors.Problem.__subclasses__()):
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", kind.code)
        assert CHINESE.search(kind.title), kind
        assert CHINESE.search(kind.detail), kind
        assert 400 <= kind.status < 600


def test_what_the_end_of_a_process_cuts_off_may_be_tried_again() -> None:
    assert isinstance(problem.to_problem(asyncio.CancelledError()), errors.Busy)


PARTS = st.sampled_from(
    ['"a"', '"b"', '""', ":", ",", "{", "}", "[", "]", " ", "true", "null", "1"]
)


@tried(max_examples=500, deadline=None)
@given(st.lists(PARTS, max_size=9).map("".join))
@example('"a":"b","a":"b"')
@example('"a" :"b", "b": true')
def test_what_is_read_fast_is_what_the_strict_reader_reads(inside: str) -> None:
    body = f"{{{inside}}}"
    fast = wire._flat(body.encode())
    if fast is not None:
        assert fast == wire.decoder.decode(body)
