"""The day over HTTP and over the WebSocket, on the service as it really runs."""

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from backend.booking.models import Appointment
from backend.clinic import calling, checkin, codes, live, tickets
from backend.hub import Hub
from backend.identity.access import Actor
from backend.identity.models import Carer, Session
from backend.main import create_app
from backend.protocol import Limits
from backend.serving import listen, serving
from tests.api.conftest import Headers, Server, keyed
from tests.api.conftest import server as server
from tests.clinic.day import Day, a_day, appointment_of
from tests.people import Person, an_id_number, vault_of

PATIENCE_S = 60.0
SAID_MOST = 10  # messages until the wanted one


@dataclass
class Resident:
    """王奶奶 with her phone, who has an appointment in `day`'s first slot."""

    server: Server
    day: Day
    headers: Headers
    appointment_id: UUID
    actor: Actor

    def url(self, what: str) -> str:
        return f"/api/v1/appointments/{self.appointment_id}/{what}"

    async def scan(self, code: str | None = None, key: str | None = None) -> httpx.Response:
        vault = vault_of(self.server.settings)
        return await self.server.http.post(
            self.url("checkin"),
            json={"code": code or codes.of_place(vault, self.day.schedule_id)},
            headers=keyed(self.headers, key),
        )

    async def place(self) -> dict[str, Any]:
        answer = await self.server.http.get(self.url("queue"), headers=self.headers)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def ticket(self) -> str:
        answer = await self.server.http.post(
            "/api/v1/queue/tickets",
            json={"appointment_id": str(self.appointment_id)},
            headers=self.headers,
        )
        assert answer.status_code == 201, answer.text
        return str(answer.json()["ticket"])

    @contextlib.asynccontextmanager
    async def watching(self, origin: str | None = None) -> AsyncIterator[ClientConnection]:
        async with socket(self.server, await self.ticket(), origin) as opened:
            yield opened


def socket(server: Server, ticket: str, origin: str | None = None) -> connect:
    url = f"ws://127.0.0.1:{server.port}/api/v1/queue/live?ticket={ticket}"
    return connect(url, origin=origin, proxy=None)  # type: ignore[arg-type]


async def heard(opened: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE_S):
        found: dict[str, Any] = msgspec.json.decode(await opened.recv())
    return found


async def hears(opened: ClientConnection, **wanted: Any) -> None:
    """Soon. Changes that follow each other closely are said together or one by one."""
    for _ in range(SAID_MOST):
        said = await heard(opened)
        if wanted.items() <= said.items():
            return
    raise AssertionError(f"{said} and not {wanted}")


@pytest.fixture
async def resident(server: Server) -> Resident:
    headers = await server.log_in()
    patient = {
        "name": "王桂兰", "id_number": an_id_number(), "relation": "self", "agreed": True,
    }  # fmt: skip
    made = await server.http.post("/api/v1/patients", json=patient, headers=keyed(headers))
    patient_id = UUID(made.json()["id"])
    account_id = (await Carer.get(patient_id=patient_id)).account_id
    day = await a_day(server.settings)
    session_id = (await Session.get(account_id=account_id)).id
    county = server.settings.consortium_id
    person = Person(Actor(county, "resident", account_id, session_id), patient_id)
    row = await appointment_of(person, day.slots[0])
    return Resident(server, day, headers, row.id, person.actor)


async def test_a_scan_checks_in_once_however_often_it_is_sent(resident: Resident) -> None:
    assert (await resident.place())["state"] == "expected"
    first = await resident.scan(key="once-and-again")
    assert (first.status_code, first.json()["number"]) == (200, 1)
    again = await resident.scan(key="once-and-again")
    assert (again.json(), again.headers["idempotent-replayed"]) == (first.json(), "true")
    twice = await resident.scan()
    assert (twice.status_code, twice.json()["code"]) == (409, "already-checked-in")
    place = await resident.place()
    assert (place["state"], place["number"], place["ahead"]) == ("waiting", 1, 0)
    listed = await resident.server.http.get(
        "/api/v1/appointments?status=upcoming", headers=resident.headers
    )
    assert [one["status"] for one in listed.json()["items"]] == ["checked_in"]


async def test_a_code_from_elsewhere_is_refused(resident: Resident) -> None:
    refused = await resident.scan("JMKQ1.x")
    assert (refused.status_code, refused.json()["code"]) == (409, "checkin-code-refused")
    assert (await Appointment.get(id=resident.appointment_id)).status == "booked"


async def test_ones_own_code_is_read_at_the_desk(resident: Resident, hub: Hub) -> None:
    answer = await resident.server.http.get(resident.url("checkin-code"), headers=resident.headers)
    shown = answer.json()
    assert shown["image"].startswith("data:image/png;base64,")
    day, vault = resident.day, vault_of(resident.server.settings)
    here = day.clinic.organization.id
    assert await checkin.by_code(day.desk, hub, vault, here, shown["code"])
    assert shown["number"] == codes.number_of(vault, resident.appointment_id)


async def test_polling_costs_nothing_while_nothing_changes(resident: Resident) -> None:
    http = resident.server.http
    first = await http.get(resident.url("queue"), headers=resident.headers)
    known = resident.headers | {"if-none-match": first.headers["etag"]}
    same = await http.get(resident.url("queue"), headers=known)
    assert (same.status_code, same.content) == (304, b"")
    await resident.scan()
    assert (await http.get(resident.url("queue"), headers=known)).status_code == 200


async def test_the_socket_says_each_change(resident: Resident) -> None:
    hub, day = resident.server.service.hub, resident.day
    before = await day.waiting(hub)
    async with resident.watching() as opened:
        assert (await heard(opened))["state"] == "expected"
        await resident.scan()
        await hears(opened, state="waiting", ahead=1)
        await calling.next(day.doctor, hub, day.schedule_id, room="3 诊室")
        await calling.finish(day.doctor, hub, before.id)
        await hears(opened, state="waiting", ahead=0)
        await calling.next(day.doctor, hub, day.schedule_id, room="3 诊室")
        await hears(opened, state="called", room="3 诊室")


async def test_a_ticket_opens_one_socket_and_others_open_none(resident: Resident) -> None:
    ticket = await resident.ticket()
    async with socket(resident.server, ticket) as opened:
        assert await heard(opened)
    for bad in (ticket, "", "x" * 32, "x" * 500):
        with pytest.raises(InvalidStatus) as refused:
            async with socket(resident.server, bad):
                pass
        assert refused.value.response.status_code == 401


async def test_twenty_who_come_with_one_ticket_get_one_socket(resident: Resident) -> None:
    ticket = await resident.ticket()

    async def come() -> bool:
        try:
            async with socket(resident.server, ticket) as opened:
                return bool(await heard(opened))
        except InvalidStatus:
            return False

    assert sum(await asyncio.gather(*(come() for _ in range(20)))) == 1


async def test_a_page_of_another_site_gets_no_socket(resident: Resident) -> None:
    for origin in ("https://evil.example", "http://127.0.0.1", "null"):
        with pytest.raises(InvalidStatus) as refused:
            async with resident.watching(origin):
                pass
        assert refused.value.response.status_code == 403
    for origin in ("https://servicewechat.com", f"http://127.0.0.1:{resident.server.port}"):
        async with resident.watching(origin) as opened:
            assert await heard(opened)


async def test_without_an_upgrade_it_is_a_problem(resident: Resident) -> None:
    answer = await resident.server.http.get(
        "/api/v1/queue/live", params={"ticket": await resident.ticket()}
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "malformed")


async def test_whoever_may_no_longer_see_it_is_let_go(
    resident: Resident, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.api.live.LOOK_AGAIN_S", 0.02)
    async with resident.watching() as opened:
        assert await heard(opened)
        await Carer.all().update(state="revoked")
        with pytest.raises(ConnectionClosed):
            await heard(opened)
        assert opened.close_code == 1008
    assert await Session.all().count() == 1


async def test_the_end_of_a_log_in_ends_its_sockets(
    resident: Resident, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.api.live.LOOK_AGAIN_S", 0.02)
    other = dataclasses.replace(resident, headers=await resident.server.log_in())
    async with resident.watching() as ended, other.watching() as stays:
        assert await heard(ended)
        assert await heard(stays)
        done = await resident.server.http.delete("/api/v1/me/devices", headers=other.headers)
        assert done.status_code == 204
        with pytest.raises(ConnectionClosed):
            await heard(ended)
        assert ended.close_code == 1008
        assert await (await stays.ping()) >= 0


async def test_whoever_talks_or_is_too_long_is_let_go(resident: Resident) -> None:
    for messages in (["hello"] * 30, ["x" * 2000]):
        async with resident.watching() as opened:
            assert await heard(opened)
            with contextlib.suppress(ConnectionClosed):
                for text in messages:
                    await opened.send(text)
            with pytest.raises(ConnectionClosed):
                await heard(opened)


async def test_it_goes_on_after_a_reconnect(resident: Resident) -> None:
    async with resident.watching() as opened:
        assert await heard(opened)
    await resident.scan()
    async with resident.watching() as opened:
        assert (await heard(opened))["state"] == "waiting"


async def test_a_socket_outlives_the_deadline_of_requests_and_ends_with_the_server(
    resident: Resident,
) -> None:
    app, door = create_app(resident.server.settings), listen("127.0.0.1", 0)
    limits = Limits(response_s=0.2, header_s=0.2, per_address_most=0)
    other = dataclasses.replace(
        resident.server, port=door.getsockname()[1], service=app.ctx.service
    )
    ticket, _ = await tickets.issue(
        resident.actor, app.ctx.service.desk, app.ctx.service.hub, resident.appointment_id
    )
    async with serving(app, door, limits, drain_s=PATIENCE_S):
        opened = await socket(other, ticket)
        assert await heard(opened)
        await a_request_is_late(other.port)
        await app.ctx.service.hub.publish(live.channel(resident.day.schedule_id), b"moved")
        assert await (await opened.ping()) >= 0  # the clock of some machines is coarse
        began = asyncio.get_running_loop().time()
    await opened.wait_closed()
    assert opened.close_code == 1001
    assert asyncio.get_running_loop().time() - began < PATIENCE_S / 2, "nobody waits for it"


async def a_request_is_late(port: int) -> None:
    """Begun after whatever was open before, and cut at its deadline."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\n")
    async with asyncio.timeout(PATIENCE_S):
        assert (await reader.read()).startswith(b"HTTP/1.1 408")
    writer.close()
