"""What the simulator lets through to a resident's phone, and in which order it says no."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx

from backend import clock
from backend.wechat.simulator import Limits
from backend.wechat.simulator.calls import RISKY

from .conftest import (
    APPID,
    FOLLOW_UP,
    SEND,
    VISIT,
    Simulator,
    a_message,
    an_account,
)

CUSTOM = "/cgi-bin/message/custom/send"
CHECK = "/wxa/msg_sec_check"
CHANNEL, LINK, SCHEME = (
    "/cityservice/sendchannelmsg",
    "/wxa/generate_urllink",
    "/wxa/generatescheme",
)
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 64

Simulate = Callable[..., Awaitable[Simulator]]


# Subscribe messages


async def test_the_order_of_checks(sim: Simulator) -> None:
    openid = await sim.agree(0)
    wrong = a_message("oNobody", template_id="T-none", page="/bad page", data={})
    steps: list[tuple[dict[str, Any], int]] = [
        ({}, 40003),
        ({"touser": openid}, 40037),
        ({"template_id": FOLLOW_UP}, 41030),
        ({"page": "pages/index?from=1"}, 43101),
    ]
    for mended, errcode in steps:
        wrong |= mended
        assert (await sim.call(SEND, wrong))["errcode"] == errcode
    await sim.agree()
    reply = await sim.call(SEND, wrong)
    assert reply["errcode"] == 47003
    assert reply["errmsg"].startswith("argument invalid! data.thing1.value rid: ")
    reply = await sim.call(SEND, a_message(openid))
    assert (reply["errcode"], reply["errmsg"]) == (0, "ok")


async def test_only_known_pages(simulate: Simulate) -> None:
    sim = await simulate(an_account(pages=frozenset({"pages/visit"})))
    openid = await sim.agree()
    assert (await sim.call(SEND, a_message(openid, page="pages/other")))["errcode"] == 41030
    assert (await sim.call(SEND, a_message(openid, page="pages/visit?id=1")))["errcode"] == 0


async def test_one_accept_is_one_message(sim: Simulator) -> None:
    openid = await sim.agree(3)
    errcodes = [(await sim.call(SEND, a_message(openid)))["errcode"] for _ in range(5)]
    assert errcodes == [0, 0, 0, 43101, 43101]
    assert len(await sim.messages()) == 3


async def test_one_quota_for_twenty_senders(sim: Simulator) -> None:
    openid = await sim.agree()
    replies = await asyncio.gather(*(sim.call(SEND, a_message(openid)) for _ in range(20)))
    assert sorted(reply["errcode"] for reply in replies) == [0] + [43101] * 19


async def test_a_refused_message_costs_no_quota(sim: Simulator) -> None:
    openid = await sim.agree()
    long = {"thing1": {"value": "长" * 21}, "time2": {"value": "09:00"}}
    risky = {"thing1": {"value": RISKY[0][:20]}, "time2": {"value": "09:00"}}
    for data in (long, {}, [], {"thing1": "x"}, {"thing1": {"value": 7}}):
        assert (await sim.call(SEND, a_message(openid, data=data)))["errcode"] == 47003
    assert (await sim.call(SEND, a_message(openid, data=risky)))["errcode"] == 0


async def test_the_answer_in_the_popup_and_in_the_settings(sim: Simulator) -> None:
    openid = await sim.agree(3)

    async def decide(result: str, **more: str) -> int:
        form = {"user": "王奶奶", "template_id": FOLLOW_UP, "result": result, **more}
        await sim.act("subscribe", **form)
        return int((await sim.call(SEND, a_message(openid)))["errcode"])

    assert await decide("reject") == 0  # what was accepted before stays
    assert await decide("ban") == 0
    assert await decide("reject", where="settings") == 43101
    assert await decide("filter") == 43101
    assert await decide("accept") == 0


async def test_a_long_term_template_needs_one_accept(sim: Simulator) -> None:
    openid = await sim.agree(0)
    message = a_message(openid, template_id=VISIT, data={"name1": {"value": "王秀英"}})
    assert (await sim.call(SEND, message))["errcode"] == 43101
    await sim.agree(1, VISIT)
    assert [(await sim.call(SEND, message))["errcode"] for _ in range(3)] == [0, 0, 0]


# Text, customer service, visits, links, media


async def test_text_check(noon: clock.Hands, simulate: Simulate) -> None:
    sim = await simulate(limits=Limits(text_per_minute=3, text_per_day=4))
    form = {"version": 2, "openid": await sim.openid(), "scene": 4, "content": "您好"}
    for changes, errcode in [
        ({"openid": "oNobody"}, 40003),
        ({"version": 1}, 47001),
        ({"scene": 5}, 40129),
        ({"content": ""}, 44002),
        ({"content": "长" * 2501}, 47001),
        ({}, 0),
        ({}, 45011),
    ]:
        assert (await sim.call(CHECK, form | changes))["errcode"] == errcode
    noon.move(timedelta(minutes=1))
    assert (await sim.call(CHECK, form))["result"] == {"suggest": "pass", "label": 100}
    assert (await sim.call(CHECK, form))["errcode"] == 45009
    noon.move(timedelta(hours=2))
    assert (await sim.call(CHECK, form))["errcode"] == 61010


async def test_customer_service_has_five_messages_in_48_hours(
    noon: clock.Hands, sim: Simulator
) -> None:
    text = {"touser": await sim.openid(), "msgtype": "text", "text": {"content": "您好"}}
    assert (await sim.call(CUSTOM, text | {"msgtype": "poem"}))["errcode"] == 40008
    assert (await sim.call(CUSTOM, text))["errcode"] == 45015
    await sim.act("event", user="王奶奶", kind="enter")
    assert [(await sim.call(CUSTOM, text))["errcode"] for _ in range(3)] == [0, 0, 45047]
    await sim.act("event", user="王奶奶", kind="message", content="在吗")
    assert [(await sim.call(CUSTOM, text))["errcode"] for _ in range(6)] == [0] * 5 + [45047]
    noon.move(timedelta(hours=48))
    assert (await sim.call(CUSTOM, text))["errcode"] == 45015
    assert {message["kind"] for message in await sim.messages()} == {"custom"}


async def test_media_live_three_days(noon: clock.Hands, sim: Simulator) -> None:
    async def upload(body: bytes, **changes: str) -> dict[str, Any]:
        query = {"access_token": (await sim.token())["access_token"], "type": "image"} | changes
        files = {"media": ("a.png", body, "image/png")}
        reply = await sim.http.post("/cgi-bin/media/upload", params=query, files=files)
        return dict(reply.json())

    assert (await upload(PNG, type="video"))["errcode"] == 40004
    assert (await upload(PNG + b"\0" * 2 * 1024 * 1024))["errcode"] == 40006
    assert (await upload(b"MZ"))["errcode"] == 40005
    media_id = (await upload(PNG))["media_id"]

    async def fetch() -> httpx.Response:
        query = {"access_token": (await sim.token())["access_token"], "media_id": media_id}
        return await sim.http.get("/cgi-bin/media/get", params=query)

    reply = await fetch()
    assert (reply.content, reply.headers["content-type"]) == (PNG, "image/png")
    image = {"touser": await sim.openid(), "msgtype": "image", "image": {"media_id": media_id}}
    await sim.act("event", user="王奶奶", kind="message")
    assert (await sim.call(CUSTOM, image))["errcode"] == 0
    assert (await sim.call(CUSTOM, image | {"image": {"media_id": ["x"]}}))["errcode"] == 40007
    noon.move(timedelta(days=3))
    assert (await fetch()).json()["errcode"] == 40007


async def test_links(noon: clock.Hands, simulate: Simulate) -> None:
    sim = await simulate(limits=Limits(links_per_day=2))
    now = int(clock.now().timestamp())
    for form, errcode in [
        ({"path": "/x y"}, 40165),
        ({"path": "pages/index", "query": "q" * 1025}, 40212),
        ({"env_version": "x"}, 85402),
        ({"expire_type": 1, "expire_interval": 31}, 85401),
        ({"expire_type": 0, "expire_time": now}, 85401),
        ({"expire_type": 0, "expire_time": 10**400}, 85401),
        ({"expire_type": 1, "expire_interval": 10**400}, 85401),
    ]:
        assert (await sim.call(LINK, form))["errcode"] == errcode
    good = {"path": "pages/index", "query": "id=1", "expire_type": 1, "expire_interval": 30}
    assert (await sim.call(LINK, good))["url_link"].startswith("https://")
    scheme = {"jump_wxa": {"path": "pages/index"}, "expire_time": now + 60}
    assert (await sim.call(SCHEME, scheme))["openlink"].startswith("weixin://")
    assert (await sim.call(SCHEME, scheme))["errcode"] == 45009


async def test_the_visit_channel(simulate: Simulate) -> None:
    sim = await simulate()
    visit = {"pat_name": "王*英", "pat_hospital_id": "1", "department_name": "内科"}
    visit["appointment_time"] = "2026-11-24 09:00"
    form = {
        "status": 1501001,
        "open_id": await sim.openid(),
        "order_id": "a1",
        "msg_id": "m1",
        "app_id": APPID,
        "business_id": 150,
        "business_info": visit,
    }
    for changes, errcode in [
        ({"open_id": "oNobody"}, 40003),
        ({"app_id": "wx1"}, 40013),
        ({"business_id": 1}, 47003),
        ({"status": "1501001"}, 47003),
        ({"order_id": ""}, 47003),
        ({"business_info": {}}, 47003),
        ({}, 0),
        ({}, 47003),  # the same (openid, order_id, msg_id) again
        ({"msg_id": "m2"}, 0),
    ]:
        assert (await sim.call(CHANNEL, form | changes))["errcode"] == errcode
    private = await simulate(an_account(public_hospital=False))
    assert (await private.call(CHANNEL, form))["errcode"] == 48001
