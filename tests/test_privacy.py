"""Canaries: unmistakable names, numbers, phones and openids go through everything the service does.

Afterwards none is in any answer, log or figure; in the database only names, in their one column.
"""

import contextlib
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest
import structlog

from backend import clock, logs
from backend.crypto import Vault
from backend.identity import patients
from backend.identity.models import Account
from backend.inbox import scanning
from backend.settings import Settings
from tests.api.world import dump
from tests.clinics import a_clinic, a_schedule
from tests.people import an_id_number

Wired = tuple[httpx.AsyncClient, httpx.AsyncClient, Settings]
API = "/api/v1"
FAMILY_NAMES = "赫连上官东方令狐慕容诸葛"
REASON = "老毛病金丝雀又犯了"  # shown to its writer, and kept; in no log and no figure
PEOPLE = 3


@dataclass
class Canary:
    user: str
    name: str
    number: str
    phone: str
    openid: str
    headers: dict[str, str]

    @property
    def sealed(self) -> tuple[str, ...]:
        """What must be unreadable even in the database."""
        token = self.headers["authorization"].removeprefix("Bearer ")
        return self.number, self.phone, self.openid, token


class Heard:
    """A logger that keeps its lines, whether they come as text or as bytes."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, *_names: Any) -> "Heard":
        return self

    def msg(self, line: str | bytes) -> None:
        self.lines.append(line.decode() if isinstance(line, bytes) else line)

    debug = info = warning = warn = error = critical = exception = fatal = msg


@contextlib.contextmanager
def listening(*, as_json: bool, level: str) -> Iterator[list[str]]:
    """What production would log inside the block."""
    before, heard = structlog.get_config(), Heard()
    logs.configure(json=as_json, level=level)
    structlog.configure(
        **structlog.get_config() | {"logger_factory": heard, "cache_logger_on_first_use": False}
    )
    try:
        yield heard.lines
    finally:
        structlog.configure(**before)


@pytest.fixture
def log_lines(engine: str, caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    """Everything that production would log, and more: at DEBUG, libraries at INFO.

    In each of its two forms on one of the two engines.
    """
    caplog.set_level(logging.INFO)
    with listening(as_json=engine == "postgres", level="DEBUG") as lines:
        yield lines


class Walk:
    """One person's way through the whole service; every answer is kept."""

    def __init__(self, wired: Wired) -> None:
        self.phone, self.http, self.settings = wired
        self.told: list[str] = []

    async def ask(
        self, method: str, path: str, headers: dict[str, str], **form: Any
    ) -> httpx.Response:
        keyed = headers | ({"idempotency-key": uuid4().hex} if method == "POST" else {})
        answer = await self.http.request(method, API + path, headers=keyed, **form)
        self.told.append(f"{answer.status_code} {answer.headers} {answer.text}")
        return answer

    async def arrive(self, number: int) -> Canary:
        user = f"canary-{number}"
        openid = await self._openid(user)
        code = (await self.phone.post("/_sim/login", json={"user": user})).json()["code"]
        answer = await self.http.post(f"{API}/login/wechat", json={"code": code})
        headers = {"authorization": f"Bearer {answer.json()['token']}"}
        name = FAMILY_NAMES[number * 2 : number * 2 + 2] + "金丝雀"
        return Canary(
            user, name, an_id_number(birth=f"194{number}0717", order=600 + number),
            f"1395550{number}421", openid, headers,
        )  # fmt: skip

    async def _openid(self, user: str) -> str:
        code = (await self.phone.post("/_sim/login", json={"user": user})).json()["code"]
        query = {
            "appid": self.settings.wechat_appid, "secret": self.settings.wechat_secret.reveal(),
            "js_code": code, "grant_type": "authorization_code",
        }  # fmt: skip
        return str((await self.phone.get("/sns/jscode2session", params=query)).json()["openid"])

    async def live(self, who: Canary, other: Canary, slots: list[str]) -> None:
        form = {
            "name": who.name, "id_number": who.number, "relation": "self", "agreed": True,
            "phone": who.phone,
        }  # fmt: skip
        me = (await self.ask("POST", "/patients", who.headers, json=form)).json()["id"]
        mine = f"/patients/{me}"
        for path in ("/me", "/patients", mine, f"{mine}/standing", f"{mine}/carers", "/me/devices"):
            assert (await self.ask("GET", path, who.headers)).status_code == 200
        await self.ask("PATCH", mine, who.headers, json={"phone": who.phone, "is_default": True})
        booking = {"slot_id": slots[0], "patient_id": me, "confirm": False}
        held = await self.ask("POST", "/appointments", who.headers, json=booking)
        one = f"/appointments/{held.json()['id']}"
        await self.ask("POST", f"{one}/confirm", who.headers)
        await self.ask("POST", f"{one}/reschedule", who.headers, json={"slot_id": slots[1]})
        await scanning.scan()
        told = (await self.ask("GET", "/inbox", who.headers)).json()
        assert told["unread"], told
        await self.ask("GET", f"/inbox/{told['items'][0]['id']}", who.headers)
        links = (await self.ask("GET", f"{one}/links", who.headers)).json()
        for link in (links["slip"], links["ics"]):
            path = link.replace(self.settings.public_url + API, "")
            assert (await self.ask("GET", path, {})).status_code == 200
        for path in (one, f"{one}/slip", f"{one}.ics", "/appointments?status=upcoming"):
            assert (await self.ask("GET", path, who.headers)).status_code == 200
        invited = await self.ask("POST", f"{mine}/carers", who.headers, json={"scope": "view"})
        accepting = {"code": invited.json()["code"], "relation": "other"}
        opening = {"code": accepting["code"]}
        offer = await self.ask("POST", "/carers/invitation", other.headers, json=opening)
        assert offer.status_code == 200
        unused = await self.ask("GET", f"{mine}/invitations", who.headers)
        assert len(unused.json()["items"]) == 1
        await self.ask("POST", "/carers", other.headers, json=accepting)
        await self.ask("GET", mine, other.headers)
        await self.ask("DELETE", mine, other.headers)
        code = (await self.phone.post("/_sim/phone", json={"user": who.user})).json()["code"]
        assert (await self.ask("POST", "/me/phone", who.headers, json={"code": code})).is_success
        await self.err(who, other, form, me, one)
        await self.ask("POST", f"{one}/cancel", who.headers, json={"reason": REASON})

    async def err(
        self, who: Canary, other: Canary, form: dict[str, Any], me: str, one: str
    ) -> None:
        """Everything private, in everything that goes wrong."""
        wrong_forms: list[dict[str, Any]] = [
            form,
            form | {"relation": "spouse"},
            form | {"name": other.name},
            form | {"name": who.name * 30},
            form | {"id_number": who.number[:-1] + ("0" if who.number[-1] != "0" else "1")},
            form | {"id_kind": "passport", "id_number": who.phone + "?"},
            form | {"phone": who.number},
            form | {"birth_on": who.phone},
            form | {"relation": who.name},
            form | {"agreed": False, "id_number": other.number},
            form | {"note": who.number},
        ]
        for wrong in wrong_forms:
            answer = await self.ask("POST", "/patients", who.headers, json=wrong)
            assert 400 <= answer.status_code < 500, answer.text
        broken = json.dumps(form, ensure_ascii=False)[:-1].encode()
        json_body = {"content-type": "application/json"}
        await self.ask("POST", "/patients", who.headers | json_body, content=broken)
        await self.ask("POST", "/patients", who.headers, content=broken)
        for path in (
            f"/patients/{who.number}",
            f"/appointments/{who.phone}",
            f"/departments?q={who.name}",
            f"/practitioners?q={who.number}&cursor={who.phone}",
            f"/organizations?tier={who.number}",
            f"/organizations?limit={who.phone}&q={who.phone}&q={who.phone}",
            f"{one}/slip?key={who.openid}.{who.number}.{who.phone}",
        ):
            await self.ask("GET", path, who.headers)
        await self.ask("GET", "/me", {"authorization": f"Bearer {who.openid}"})
        await self.ask("GET", f"/patients/{me}", other.headers)
        await self.ask("POST", f"{one}/cancel", other.headers, json={"reason": who.number})
        await self.ask("POST", "/login/wechat", {}, json={"code": who.openid, "device": ""})
        await self.ask("POST", "/carers", other.headers, json={"code": who.number, "relation": "self"})  # fmt: skip  # noqa: E501


async def everybody(wired: Wired, monkeypatch: pytest.MonkeyPatch) -> tuple[Walk, list[Canary]]:
    walk = Walk(wired)
    clinic = await a_clinic(walk.settings)
    slots = [str(slot.id) for slot in await a_schedule(walk.settings, clinic, slots=2, capacity=9)]
    people = [await walk.arrive(number) for number in range(PEOPLE)]
    for number, who in enumerate(people):
        await walk.live(who, people[number - 1], slots)
    await a_bug(walk, people[0], monkeypatch)
    vault = Vault(walk.settings.keys, walk.settings.index_key_bytes)
    for who, account in zip(people, await Account.all().order_by("created_at"), strict=False):
        if account.phone_sealed:  # the phone that WeChat told
            opened = vault.open(account.phone_sealed, bound_to="account.phone")
            people.append(Canary(who.user, who.name, who.number, opened, who.openid, who.headers))
    return walk, people


async def a_bug(walk: Walk, who: Canary, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of ours, deep inside, where names and numbers are in the frames above."""

    async def broken(*_args: Any) -> None:
        raise RuntimeError("broken on purpose")

    with monkeypatch.context() as patched:
        patched.setattr(patients, "_check_guardian", broken)
        form = {
            "name": who.name, "id_number": an_id_number(birth="19330717", order=700),
            "relation": "other", "agreed": True, "phone": who.phone,
        }  # fmt: skip
        answer = await walk.ask("POST", "/patients", who.headers, json=form)
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "broken on purpose" not in answer.text


async def test_nothing_private_leaves_by_any_way_or_lies_open(
    phone_and_server: Wired,
    noon: clock.Hands,
    log_lines: list[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    walk, people = await everybody(phone_and_server, monkeypatch)
    metrics = (await walk.http.get("/metrics")).text
    ways = {
        "answers": "\n".join(walk.told),
        "logs": "\n".join(log_lines),
        "library logs": "\n".join(
            f"{record.getMessage()} {record.exc_text or ''}"
            for record in caplog.records
            if not record.name.startswith("httpx")  # the test's own client says its addresses
        ),
        "figures": metrics,
    }
    assert "broken on purpose" in ways["logs"]
    assert "appointment" in ways["logs"]
    assert "jiamenkou_requests_total" in ways["figures"]
    assert REASON in ways["answers"]
    assert REASON not in ways["logs"] + ways["library logs"] + ways["figures"]
    for way, text in ways.items():
        for who in people:
            for word in (who.name, *who.sealed):
                assert word not in text, (way, _around(text, word))
    await numbers_phones_and_openids_are_unreadable_in_the_database(people)


def _around(text: str, word: str) -> str:
    place = text.index(word)
    return text[max(0, place - 200) : place + 200]


async def numbers_phones_and_openids_are_unreadable_in_the_database(people: list[Canary]) -> None:
    tables = await dump()
    assert len(tables) > 15
    for table, rows in tables.items():
        text = "\n".join(rows)
        for who in people:
            for word in who.sealed:
                assert word not in text, (table, _around(text, word))
            assert who.name not in text or table == "patient", (table, _around(text, who.name))
    assert any(people[0].name in row for row in tables["patient"])


def test_what_is_private_by_its_name_is_hidden_from_logs() -> None:
    with listening(as_json=True, level="INFO") as lines:
        private = dict.fromkeys(sorted(logs.PRIVATE), "金丝雀")
        structlog.get_logger().info("canary.sang", patient_id="p1", **private)
    (line,) = lines
    assert "金丝雀" not in line
    told = json.loads(line)
    assert told["patient_id"] == "p1"
    assert {told[name] for name in logs.PRIVATE} == {logs.HIDDEN}
