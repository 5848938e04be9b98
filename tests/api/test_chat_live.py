"""A conversation over the WebSocket: in order, each once, from where one left off."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from backend import clock
from backend.api import chat_live, watching
from backend.chat import conversations, live, queue
from backend.chat.messages import DOCTOR
from backend.chat.models import Conversation
from backend.fanout import MISSED
from backend.identity.models import Carer
from tests.api.conftest import Headers, Server, keyed
from tests.api.test_conversations import TALKS, begun, said
from tests.people import an_id_number
from tests.serving import until

PATIENCE_S = 60.0
LATE_S = 20.0  # how much later than it should a thing may come on a busy machine


@dataclass
class Phone:
    """王奶奶's phone in a conversation. `got`: the numbers of what it was told, in order."""

    server: Server
    headers: Headers
    talk: str
    got: list[int] = field(default_factory=list)
    shown: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> UUID:
        return UUID(self.talk.rpartition("/")[2])

    async def ticket(self) -> str:
        answer = await self.server.http.post(
            f"{TALKS}/tickets", json={"conversation_id": str(self.id)}, headers=self.headers
        )
        assert answer.status_code == 201, answer.text
        return str(answer.json()["ticket"])

    @contextlib.asynccontextmanager
    async def opened(self, **how: Any) -> AsyncIterator[ClientConnection]:
        async with socket(self.server, await self.ticket(), after=self.got[-1:], **how) as found:
            yield found

    async def hears(self, opened: ClientConnection, kind: str) -> dict[str, Any]:
        """All that comes, until something of that kind does."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                frame: dict[str, Any] = msgspec.json.decode(await opened.recv())
                if frame["is"] == "messages":
                    self.got += [item["seq"] for item in frame["items"]]
                if frame["is"] == "conversation":
                    self.shown = frame["conversation"]
                if frame["is"] == kind:
                    return frame

    async def hears_up_to(self, opened: ClientConnection, seq: int) -> None:
        while not self.got or self.got[-1] < seq:
            await self.hears(opened, "messages")

    async def does(self, opened: ClientConnection, do: str, **what: Any) -> None:
        await opened.send(msgspec.json.encode({"do": do, **what}).decode())

    async def says(self, opened: ClientConnection, text: str, **more: Any) -> None:
        message = {"client_id": uuid4().hex, "text": text} | more
        await self.does(opened, "send", message=message)


def socket(
    server: Server, ticket: str, after: list[int] | None = None, origin: str | None = None
) -> connect:
    url = f"ws://127.0.0.1:{server.port}/api/v1/conversations/live?ticket={ticket}"
    if after:
        url += f"&after={after[0]}"
    return connect(url, origin=origin, proxy=None)  # type: ignore[arg-type]


@pytest.fixture
async def phone(server: Server) -> Phone:
    headers = await server.log_in()
    patient = {
        "name": "王桂兰", "id_number": an_id_number(), "relation": "self", "agreed": True,
    }  # fmt: skip
    made = await server.http.post("/api/v1/patients", json=patient, headers=keyed(headers))
    return Phone(server, headers, await begun(server, headers, patient_id=made.json()["id"]))


@pytest.fixture
def watchful(monkeypatch: pytest.MonkeyPatch) -> None:
    """All sockets are looked after all the time."""
    monkeypatch.setattr(watching, "LOG_INS_EVERY_S", 0.05)
    monkeypatch.setattr(watching, "CHANGES_EVERY_S", 0.05)


async def test_what_is_said_comes_back_in_order_and_marks_are_seen(phone: Phone) -> None:
    async with phone.opened() as opened:
        await phone.hears(opened, "conversation")
        assert phone.shown["state"] == "bot"
        client_id = uuid4().hex
        for _ in range(3):  # a phone that does not hear the answer says it again
            await phone.says(opened, "膝盖疼", client_id=client_id)
        first = await phone.hears(opened, "sent")
        assert [(await phone.hears(opened, "sent"))["id"] for _ in range(2)] == [first["id"]] * 2
        other = (await said(phone.server, phone.headers, phone.talk, text="走路更疼")).json()
        await phone.hears_up_to(opened, other["seq"])
        assert phone.got == list(range(1, phone.got[-1] + 1))
        await phone.does(opened, "mark", what="read", seq=other["seq"], ref="m1")
        assert (await phone.hears(opened, "done"))["ref"] == "m1"
        while phone.shown["seen"] < other["seq"]:
            await phone.hears(opened, "conversation")
        await phone.does(opened, "recall", message_id=other["id"])
        await phone.hears(opened, "done")
        await phone.hears_up_to(opened, phone.shown["last_seq"] + 1)
        await live.typing(phone.server.service.hub, phone.id, "doctor")
        await phone.hears(opened, "typing")
        await phone.does(opened, "ping", ref="p")
        assert (await phone.hears(opened, "done"))["ref"] == "p"
    items = await phone.server.http.get(f"{phone.talk}/messages", headers=phone.headers)
    *_, recall = items.json()["items"]
    taken_back = items.json()["items"][other["seq"] - 1]
    assert (taken_back["recalled"], taken_back["text"], recall["kind"]) == (True, "", "recall")
    assert recall["quoted"] == {
        "id": taken_back["id"], "seq": taken_back["seq"], "author": "resident", "text": "",
        "recalled": True,
    }  # fmt: skip


async def test_it_goes_on_where_it_left_off(phone: Phone) -> None:
    """Whatever was said meanwhile is told once, in order, on the next socket."""
    for _ in range(4):
        async with phone.opened() as opened:
            await phone.says(opened, "在线上说的")
            await phone.hears(opened, "sent")
        # Gone at any moment: what was told and not read is told again after the cursor.
        for number in range(chat_live.PAGE // 10):
            await said(phone.server, phone.headers, phone.talk, text=f"断线时第{number}句")
    last = (await phone.server.http.get(phone.talk, headers=phone.headers)).json()["last_seq"]
    async with phone.opened() as opened:
        await phone.hears_up_to(opened, last)
    assert phone.got == list(range(1, last + 1))


async def test_what_is_wrong_is_said_and_the_socket_stays(phone: Phone) -> None:
    async with phone.opened() as opened:
        for text, code in (
            ("not json", "bad-json"),
            ('{"do":"fly"}', "malformed"),
            ('{"do":"mark","what":"read","seq":-1}', "malformed"),
            ('{"do":"send","message":{"client_id":"x","text":"好"}}', "malformed"),
            ('{"do":"send","message":{"client_id":"phone-001","text":" "},"ref":"r"}', "malformed"),
            (f'{{"do":"recall","message_id":"{uuid4()}"}}', "not-found"),
        ):
            await opened.send(text)
            assert (await phone.hears(opened, "refused"))["code"] == code, text
        await phone.says(opened, "还在")
        await phone.hears(opened, "sent")


async def test_a_ticket_opens_one_socket_of_its_own_kind(phone: Phone) -> None:
    ticket = await phone.ticket()
    async with socket(phone.server, ticket) as opened:
        await phone.hears(opened, "conversation")
    with pytest.raises(InvalidStatus) as refused:
        async with socket(phone.server, ticket):
            pass
    assert refused.value.response.status_code == 401
    wrong_way = f"ws://127.0.0.1:{phone.server.port}/api/v1/queue/live?ticket="
    with pytest.raises(InvalidStatus) as refused:
        async with connect(wrong_way + await phone.ticket(), proxy=None):
            pass
    assert refused.value.response.status_code == 401
    with pytest.raises(InvalidStatus) as refused:
        async with phone.opened(origin="https://evil.example"):
            pass
    assert refused.value.response.status_code == 403
    zhao = await phone.server.log_in("zhao-qiang")
    answer = await phone.server.http.post(
        f"{TALKS}/tickets", json={"conversation_id": str(phone.id)}, headers=zhao
    )
    assert answer.status_code == 404


async def test_the_end_of_a_log_in_ends_its_sockets(phone: Phone) -> None:
    other = Phone(phone.server, await phone.server.log_in(), phone.talk)
    async with phone.opened() as ended, other.opened() as stays:
        await phone.hears(ended, "conversation")
        await other.hears(stays, "conversation")
        began = asyncio.get_running_loop().time()
        done = await phone.server.http.delete("/api/v1/me/devices", headers=other.headers)
        assert done.status_code == 204
        with pytest.raises(ConnectionClosed):
            await phone.hears(ended, "refused")
        took_s = asyncio.get_running_loop().time() - began
        assert ended.close_code == 1008
        assert took_s < watching.LOG_INS_EVERY_S + LATE_S
        await other.says(stays, "还在")
        await other.hears(stays, "sent")


async def test_who_may_no_longer_see_it_is_let_go(phone: Phone) -> None:
    async with phone.opened() as opened:
        await phone.hears(opened, "conversation")
        await Carer.all().update(state="revoked")
        await phone.says(opened, "还能说吗")
        assert (await phone.hears(opened, "refused"))["code"] == "not-found"
        await phone.server.service.hub.publish(live.channel(phone.id), live.CHANGED)
        with pytest.raises(ConnectionClosed):
            await phone.hears(opened, "messages")


@pytest.mark.parametrize("end", [{"state": "revoked"}, {"expires_at": clock.now}])
@pytest.mark.usefixtures("watchful")
async def test_who_may_no_longer_see_it_is_let_go_though_nothing_happens(
    phone: Phone, end: dict[str, Any]
) -> None:
    async with phone.opened() as opened:
        await phone.hears(opened, "conversation")
        facts = {name: value() if callable(value) else value for name, value in end.items()}
        await Carer.all().update(**facts)
        with pytest.raises(ConnectionClosed):
            await phone.hears(opened, "messages")
        assert opened.close_code == 1008


async def test_who_says_too_much_at_once_is_let_go(phone: Phone) -> None:
    for messages in (['{"do":"ping"}'] * 50, ["x" * (64 * 1024 + 1)]):
        async with phone.opened() as opened:
            await phone.hears(opened, "conversation")
            with contextlib.suppress(ConnectionClosed):
                for text in messages:
                    await opened.send(text)
            with pytest.raises(ConnectionClosed):
                await phone.hears(opened, "refused")
    long = "长" * 2000
    async with phone.opened() as opened:
        await phone.says(opened, long)
        await phone.hears(opened, "sent")


async def test_an_account_has_five_sockets_at_once(phone: Phone) -> None:
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(chat_live.LIMITS.each_most):
            await phone.hears(await stack.enter_async_context(phone.opened()), "conversation")
        with pytest.raises(InvalidStatus) as refused:
            await stack.enter_async_context(phone.opened())
        assert refused.value.response.status_code == 429
    async with phone.opened() as opened:
        await phone.hears(opened, "conversation")


@pytest.mark.usefixtures("watchful")
async def test_what_the_hub_did_not_tell_is_seen_all_the_same(phone: Phone) -> None:
    async with phone.opened() as opened:
        await phone.hears(opened, "conversation")
        await Conversation.filter(id=phone.id).update(
            version=phone.shown["version"] + 1, state="waiting"
        )
        while phone.shown["state"] != "waiting":
            await phone.hears(opened, "conversation")


async def test_when_the_hub_comes_back_one_question_is_asked_for_all(
    phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And whoever has missed something is told, without waiting for the next time."""
    monkeypatch.setattr(watching, "LOG_INS_EVERY_S", 0.05)
    monkeypatch.setattr(watching, "CHANGES_EVERY_S", 3600.0)
    monkeypatch.setattr(watching, "AT_ONCE", 1)  # or two, where there are more than fit in one
    looks = 0
    real = queue.shown

    async def shown(*asked: Any) -> Any:
        nonlocal looks
        looks += 1
        return await real(*asked)

    monkeypatch.setattr(queue, "shown", shown)
    looked_up: list[UUID] = []
    versions = conversations.versions

    async def counted(ids: list[UUID]) -> dict[UUID, int]:
        found = await versions(ids)
        looked_up.extend(ids)
        return found

    monkeypatch.setattr(conversations, "versions", counted)
    fanout = phone.server.service.hub._fanout  # type: ignore[attr-defined]
    other = Phone(phone.server, phone.headers, await begun(phone.server, phone.headers))
    async with phone.opened() as opened, other.opened() as idle:
        await phone.hears(opened, "conversation")
        await other.hears(idle, "conversation")
        before = looks
        fanout.tell_all(MISSED)
        await until(lambda: set(looked_up) == {phone.id, other.id})
        for _ in range(2):  # what came before the first has been dealt with when the second comes
            fanout.tell_all(live.TYPING[DOCTOR])
            await phone.hears(opened, "typing")
            await other.hears(idle, "typing")
        assert looks == before
        version = phone.shown["version"] + 1
        await Conversation.filter(id=phone.id).update(version=version, state="waiting")
        fanout.tell_all(MISSED)
        while phone.shown["state"] != "waiting":
            await phone.hears(opened, "conversation")


async def test_polling_costs_nothing_while_nothing_changes(phone: Phone) -> None:
    http = phone.server.http
    for url in (phone.talk, f"{phone.talk}/messages?after=0"):
        first = await http.get(url, headers=phone.headers)
        known = phone.headers | {"if-none-match": first.headers["etag"]}
        assert (await http.get(url, headers=known)).status_code == 304
        await said(phone.server, phone.headers, phone.talk, text="有变化")
        assert (await http.get(url, headers=known)).status_code == 200
    assert (await http.get(TALKS, headers=phone.headers)).status_code == 200
