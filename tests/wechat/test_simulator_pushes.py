"""What the simulator pushes, how often, and what a bad answer leads to."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from sanic import HTTPResponse, Request, Sanic
from sanic.response import raw

from backend.wechat.push import Push, PushGate
from backend.wechat.simulator import Account, Callback
from backend.wechat.simulator.phone import UNAVAILABLE

from .conftest import (
    APPID,
    FOLLOW_UP,
    SEND,
    Simulator,
    a_message,
    an_account,
    serving,
    until,
)

Simulate = Callable[..., Awaitable[Simulator]]


@dataclass
class Server:
    """The mini-program's own server: what was pushed to it, and what it answers."""

    url: str = ""
    gate: PushGate = field(
        default_factory=lambda: PushGate(token="t0ken", aes_key="k" * 43, appid=APPID)
    )
    pushes: list[Push] = field(default_factory=list)
    answers: list[HTTPResponse | float] = field(default_factory=list)
    tries: int = 0

    async def receive(self, request: Request) -> HTTPResponse:
        self.tries += 1
        query = {name: request.args.get(name) for name in request.args}
        self.pushes.append(self.gate.open(query, request.body))
        answer = self.answers.pop(0) if self.answers else raw(b"success")
        if isinstance(answer, float):
            await asyncio.sleep(answer)
            return raw(b"")
        return answer


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    app: Sanic[Any, Any] = Sanic(f"receiver-{id(server)}", configure_logging=False)
    app.config.update(AUTO_EXTEND=False, MOTD=False, TOUCHUP=False, ACCESS_LOG=False)
    app.add_route(server.receive, "/push", methods=["POST"])
    async with serving(app) as url:
        server.url = f"{url}/push"
        yield server


def pushing_to(server: Server, *, xml: bool = False, limit_s: float = 5.0) -> Account:
    callback = Callback(url=server.url, token="t0ken", aes_key="k" * 43, xml=xml, limit_s=limit_s)
    return an_account(callback=callback)


@pytest.mark.parametrize("xml", [True, False])
async def test_what_a_resident_does_is_pushed(
    simulate: Simulate, server: Server, xml: bool
) -> None:
    sim = await simulate(pushing_to(server, xml=xml))
    openid = await sim.agree()
    await until(lambda: len(server.pushes) == 1)
    msgid = str((await sim.call(SEND, a_message(openid)))["msgid"])
    await until(lambda: len(server.pushes) == 2)
    choice = {"user": "王奶奶", "template_id": FOLLOW_UP, "result": "reject"}
    await sim.act("subscribe", **choice, where="settings")
    await until(lambda: len(server.pushes) == 3)

    popup, sent, change = server.pushes
    assert {push.sender for push in server.pushes} == {openid}
    assert [push.event for push in server.pushes] == [
        "subscribe_msg_popup_event",
        "subscribe_msg_sent_event",
        "subscribe_msg_change_event",
    ]
    agreed = {"TemplateId": FOLLOW_UP, "SubscribeStatusString": "accept", "PopupScene": "0"}
    assert popup.details == (agreed,)
    assert sent.details[0]["MsgID"] == msgid
    assert sent.details[0]["ErrorStatus"] == "success"
    assert change.details[0]["SubscribeStatusString"] == "reject"


async def test_three_tries_of_a_limited_time(simulate: Simulate, server: Server) -> None:
    sim = await simulate(pushing_to(server, limit_s=0.2))
    server.answers = [9.0, raw(b"", status=500)]
    await sim.agree()
    await until(lambda: server.tries == 3)
    assert len({push.dedupe_key for push in server.pushes}) == 1

    server.answers = [raw(b"", status=500)] * 3
    await sim.act("event", user="王奶奶", kind="message", content="在吗")
    await until(lambda: sim.was_told(UNAVAILABLE))
    assert server.tries == 6
    assert server.pushes[-1].text == "在吗"


async def test_an_odd_answer_shows_and_a_sealed_one_does_not(
    simulate: Simulate, server: Server
) -> None:
    sim = await simulate(pushing_to(server))
    await sim.code()
    server.answers = [raw(server.gate.reply(b"{}")), raw(b""), raw(b"OK")]
    for count in range(1, 4):
        await sim.act("event", user="王奶奶", kind="message", content="在吗")
        await until(lambda count=count: server.tries == count)
    await until(lambda: sim.was_told(UNAVAILABLE))
    assert server.tries == 3


async def test_a_server_that_is_down_hurts_nobody(simulate: Simulate) -> None:
    callback = Callback(url="http://127.0.0.1:9/push", token="t", aes_key="k" * 43)
    sim = await simulate(an_account(callback=callback))
    openid = await sim.agree()
    assert (await sim.call(SEND, a_message(openid)))["errcode"] == 0
