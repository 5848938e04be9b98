"""The production client against the simulator, faults included."""

import asyncio
import gzip
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from backend import clock
from backend.errors import Malformed, Upstream
from backend.hub import Hub
from backend.protocol import Limits
from backend.settings import Secret
from backend.wechat.client import (
    TOKEN_WAIT_S,
    TOKEN_WAITS,
    InvalidCode,
    Login,
    WeChat,
    WeChatError,
)
from backend.wechat.simulator.calls import REVIEW, RISKY
from backend.wechat.transport import CALL_S, REPLY_MOST, Transport
from tests.serving import until

from .conftest import APPID, FOLLOW_UP, SECRET, VALUES, VISIT, Simulator

TOKEN_PATH, SEND_PATH = "/cgi-bin/stable_token", "/cgi-bin/message/subscribe/send"


async def an_agreed_send(sim: Simulator, wechat: WeChat) -> str:
    openid = await sim.openid()
    await sim.act("subscribe", user="王奶奶", template_id=FOLLOW_UP, result="accept")
    return await wechat.send_subscribe(openid=openid, template_id=FOLLOW_UP, values=VALUES)


async def test_login_gives_the_same_openid_every_time(sim: Simulator, wechat: WeChat) -> None:
    first = await wechat.login(await sim.code())
    second = await wechat.login(await sim.code())
    other = await wechat.login(await sim.code("李医生"))
    assert first == second
    assert first.openid != other.openid
    assert first.unionid is None
    assert first.openid not in repr(first)
    assert not hasattr(first, "session_key")


async def test_a_code_works_once(sim: Simulator, wechat: WeChat) -> None:
    code = await sim.code()
    await wechat.login(code)
    with pytest.raises(InvalidCode) as caught:
        await wechat.login(code)
    assert isinstance(caught.value, Malformed)
    assert (caught.value.status, caught.value.code) == (422, "invalid-code")


@pytest.mark.parametrize("code", ["", "nonsense", "码", "x" * 500])
async def test_what_is_no_code_is_refused(wechat: WeChat, code: str) -> None:
    with pytest.raises(InvalidCode):
        await wechat.login(code)


async def test_a_code_lives_five_minutes(noon: clock.Hands, sim: Simulator, wechat: WeChat) -> None:
    code = await sim.code()
    noon.move(timedelta(minutes=5))
    with pytest.raises(InvalidCode):
        await wechat.login(code)


async def test_twenty_logins_at_once_with_one_code(sim: Simulator, wechat: WeChat) -> None:
    code = await sim.code()
    results = await asyncio.gather(*(wechat.login(code) for _ in range(20)), return_exceptions=True)
    assert sum(isinstance(result, InvalidCode) for result in results) == 19


async def test_phone(sim: Simulator, wechat: WeChat) -> None:
    await sim.code()
    code = (await sim.act("phone", user="王奶奶"))["code"]
    number = await wechat.phone(code)
    assert len(number) == 11
    assert number.isdigit()
    with pytest.raises(InvalidCode, match="授权"):
        await wechat.phone(code)
    with pytest.raises(InvalidCode):
        await wechat.phone(await sim.code())  # a login code is not a phone code


@pytest.mark.parametrize(
    ("country", "number"), [(86, "19900000001"), ("86", "19900000001"), (852, "+85219900000001")]
)
async def test_the_country_may_be_a_number_or_a_string(
    connect: Callable[..., WeChat],
    hub: Hub,
    babble: Callable[[bytes], Awaitable[str]],
    country: int | str,
    number: str,
) -> None:
    await hub.set(f"wechat-token:{APPID}", b"T", 60)
    phone = {"purePhoneNumber": "19900000001", "countryCode": country}
    body = msgspec.json.encode({"errcode": 0, "errmsg": "ok", "phone_info": phone})
    assert await connect(await babble(http_reply(body))).phone("c") == number


async def test_a_message_arrives(sim: Simulator, wechat: WeChat) -> None:
    msgid = await an_agreed_send(sim, wechat)
    (message,) = await sim.messages()
    assert message["msgid"] == msgid
    assert message["data"] == VALUES


async def test_no_agreement_is_permanent(sim: Simulator, wechat: WeChat) -> None:
    openid = await sim.openid()
    with pytest.raises(WeChatError) as caught:
        await wechat.send_subscribe(openid=openid, template_id=FOLLOW_UP, values=VALUES)
    assert caught.value.permanent
    assert caught.value.errcode == 43101
    assert " rid: " in caught.value.errmsg
    assert isinstance(caught.value, Upstream)


async def test_a_value_that_does_not_fit_costs_no_call(sim: Simulator, wechat: WeChat) -> None:
    values = VALUES | {"thing1": "长" * 21}
    with pytest.raises(WeChatError, match=r"47003 .*data\.thing1\.value") as caught:
        await wechat.send_subscribe(openid="o", template_id=FOLLOW_UP, values=values)
    assert caught.value.permanent
    assert sim.seen == []


async def test_check_text(sim: Simulator, wechat: WeChat) -> None:
    openid = await sim.openid()
    texts = {"您好": "pass", f"一二{REVIEW}三四": "review", RISKY[0]: "risky"}
    for text, suggestion in texts.items():
        assert await wechat.check_text(text, openid=openid) == suggestion
    with pytest.raises(ValueError, match="2500"):
        await wechat.check_text("长" * 2501, openid=openid)


async def test_twenty_callers_share_one_token(sim: Simulator, wechat: WeChat) -> None:
    openid = await sim.openid()
    await asyncio.gather(*(wechat.check_text("您好", openid=openid) for _ in range(20)))
    assert sim.count(TOKEN_PATH) == 1


async def test_workers_share_one_token(sim: Simulator, connect: Callable[..., WeChat]) -> None:
    openid = await sim.openid()
    workers = [connect(sim.url) for _ in range(10)]
    await asyncio.gather(
        *(worker.check_text("您好", openid=openid) for worker in workers for _ in range(5))
    )
    assert sim.count(TOKEN_PATH) == 1


async def test_a_caller_that_gives_up_spoils_nothing(sim: Simulator, wechat: WeChat) -> None:
    openid = await sim.openid()
    calls = [asyncio.create_task(wechat.check_text("您好", openid=openid)) for _ in range(5)]
    await asyncio.sleep(0)
    calls[0].cancel()
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert results[1:] == ["pass"] * 4
    assert sim.count(TOKEN_PATH) == 1


async def test_a_worker_that_died_with_the_lock_does_not_stop_the_rest(
    sim: Simulator, wechat: WeChat, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.wechat.client.TOKEN_WAITS", 2)
    openid = await sim.openid()
    async with hub.lock(f"wechat-token:{APPID}:fetch", ttl_s=60):
        assert await wechat.check_text("您好", openid=openid) == "pass"


@pytest.mark.parametrize("errcode", ["40001", "40014", "42001"])
async def test_a_refused_token_is_renewed_once(
    sim: Simulator, wechat: WeChat, errcode: str
) -> None:
    openid = await sim.openid()
    await sim.act("faults", call="msg_sec_check", kind=errcode, times=1)
    assert await wechat.check_text("您好", openid=openid) == "pass"
    assert sim.count(TOKEN_PATH) == 2

    await sim.act("faults", call="msg_sec_check", kind=errcode, times=2)
    with pytest.raises(WeChatError) as caught:
        await wechat.check_text("您好", openid=openid)
    assert not caught.value.permanent
    assert sim.count(TOKEN_PATH) == 3


async def test_a_token_killed_elsewhere_is_replaced_for_all(
    sim: Simulator, connect: Callable[..., WeChat]
) -> None:
    openid = await sim.openid()
    workers = [connect(sim.url) for _ in range(4)]
    await asyncio.gather(*(worker.check_text("您好", openid=openid) for worker in workers))
    await sim.token(force_refresh=True)
    before = sim.count(TOKEN_PATH)
    results = await asyncio.gather(
        *(worker.check_text("您好", openid=openid) for worker in workers for _ in range(5))
    )
    assert results == ["pass"] * 20
    assert sim.count(TOKEN_PATH) == before + 1


async def test_an_expired_token_is_replaced(
    noon: clock.Hands, sim: Simulator, wechat: WeChat
) -> None:
    await an_agreed_send(sim, wechat)
    noon.move(timedelta(hours=3))
    assert await an_agreed_send(sim, wechat)
    assert sim.count(TOKEN_PATH) == 2


async def test_a_wrong_secret_is_permanent_and_stays_out_of_sight(
    sim: Simulator, connect: Callable[..., WeChat]
) -> None:
    wechat = connect(sim.url, secret=Secret("wrong-secret"))
    with pytest.raises(WeChatError, match="40125") as caught:
        await wechat.phone("c")
    assert caught.value.permanent
    assert "wrong-secret" not in repr(caught.value) + str(caught.value.__dict__)


ERRCODES = ["45009", "45011", "-1"]
FAULTS = ["slow", "5xx", "reset", "half", "bad_json", *ERRCODES]


@pytest.mark.parametrize("kind", FAULTS)
async def test_a_bad_day_ends_in_one_temporary_error_and_passes(
    sim: Simulator, connect: Callable[..., WeChat], kind: str
) -> None:
    wechat, hasty = connect(sim.url), connect(sim.url, call_s=0.5)
    await an_agreed_send(sim, wechat)
    await sim.act("faults", call="subscribe_send", kind=kind, times=1)
    with pytest.raises(WeChatError) as caught:
        await an_agreed_send(sim, hasty if kind == "slow" else wechat)
    assert not caught.value.permanent
    assert caught.value.errcode == (int(kind) if kind in ERRCODES else None)
    assert sim.count(SEND_PATH) == 2  # never repeated here
    assert await an_agreed_send(sim, wechat)


@pytest.mark.parametrize("kind", FAULTS)
async def test_a_bad_day_of_the_token(
    sim: Simulator, connect: Callable[..., WeChat], kind: str
) -> None:
    wechat, hasty = connect(sim.url), connect(sim.url, call_s=0.5)
    openid = await sim.openid()
    await sim.act("faults", call="stable_token", kind=kind, times=1)
    unlucky = hasty if kind == "slow" else wechat
    results = await asyncio.gather(
        *(unlucky.check_text("您好", openid=openid) for _ in range(10)), return_exceptions=True
    )
    assert all(isinstance(result, WeChatError) for result in results)
    assert sim.count(TOKEN_PATH) == 1
    assert await wechat.check_text("您好", openid=openid) == "pass"


async def test_a_lost_answer_may_hide_a_success(sim: Simulator, wechat: WeChat) -> None:
    await sim.act("faults", call="subscribe_send", kind="half", times=1)
    with pytest.raises(WeChatError) as caught:
        await an_agreed_send(sim, wechat)
    assert caught.value.errcode is None
    assert len(await sim.messages()) == 1


def test_a_slow_wechat_is_given_up_before_the_request_is() -> None:
    """Else the request's own deadline answers, and says that too many people are there."""
    assert Limits().response_s - CALL_S >= 0.5


async def test_who_waits_for_a_token_that_another_did_not_get_fetches_it(
    sim: Simulator, connect: Callable[..., WeChat], hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    wechat, openid, lock, tries = connect(sim.url), await sim.openid(), hub.lock, 0

    def tried(name: str, *, ttl_s: float) -> Any:
        nonlocal tries
        tries += 1
        return lock(name, ttl_s=ttl_s)

    monkeypatch.setattr(hub, "lock", tried)
    async with lock(f"wechat-token:{APPID}:fetch", ttl_s=60):
        waiting = asyncio.create_task(wechat.check_text("您好", openid=openid))
        await until(lambda: tries >= 2)
        assert sim.count(TOKEN_PATH) == 0
    async with asyncio.timeout(TOKEN_WAITS * TOKEN_WAIT_S / 2):
        assert await waiting == "pass"


async def test_a_slow_token_is_given_up_like_a_slow_call(
    sim: Simulator, connect: Callable[..., WeChat], hub: Hub
) -> None:
    """Another process is fetching it, for longer than anybody here waits; the next have it."""
    hasty, wechat = connect(sim.url, call_s=0.5), connect(sim.url)
    async with hub.lock(f"wechat-token:{APPID}:fetch", ttl_s=60):
        async with asyncio.timeout(TOKEN_WAITS * TOKEN_WAIT_S / 2):
            with pytest.raises(WeChatError) as caught:
                await hasty.phone("c")
        assert (caught.value.status, caught.value.errcode) == (502, None)
        await hub.set(f"wechat-token:{APPID}", (await sim.token())["access_token"].encode(), 60)
    with pytest.raises(InvalidCode):
        await wechat.phone("c")


async def test_nobody_there(connect: Callable[..., WeChat]) -> None:
    with pytest.raises(WeChatError) as caught:
        await connect("http://127.0.0.1:9").login("c")
    assert not caught.value.permanent


def http_reply(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(head).encode() + body


LOGIN = b'{"openid":"oAnna","session_key":"k"}'
BABBLE = {
    "oversized": http_reply(b" " * (REPLY_MOST + 1)),
    "endless": b"HTTP/1.1 200 OK\r\n\r\n" + b" " * (REPLY_MOST * 3),
    "gzip bomb": http_reply(gzip.compress(b" " * 50_000_000), "Content-Encoding: gzip"),
    "gzip": http_reply(gzip.compress(LOGIN), "Content-Encoding: gzip"),
    "redirect": http_reply(b"", "Location: http://127.0.0.1:9/", status="302 Found"),
    "204": http_reply(b"", status="204 No Content"),
    "half": http_reply(LOGIN)[:-9],
    "not HTTP": b"220 smtp ready\r\n",
    "nothing": b"",
    "empty": http_reply(b""),
    "HTML": http_reply(b"<html>"),
    "array": http_reply(b"[]"),
    "null": http_reply(b"null"),
    "deep": http_reply(b"[" * 100_000),
    "deep inside": http_reply(b'{"x":' * 100_000),
    "no openid": http_reply(b'{"session_key":"k"}'),
    "empty openid": http_reply(b'{"openid":""}'),
    "number as openid": http_reply(b'{"openid":7}'),
    "huge openid": http_reply(b'{"openid":"' + b"o" * 129 + b'"}'),
    "errcode as text": http_reply(b'{"errcode":"0","openid":"oAnna"}'),
    "not UTF-8": http_reply(b'{"openid":"\xff\xfe"}'),
}


@pytest.mark.parametrize("what", BABBLE)
async def test_babble_is_a_temporary_error(
    connect: Callable[..., WeChat], babble: Callable[[bytes], Awaitable[str]], what: str
) -> None:
    with pytest.raises(WeChatError) as caught:
        await connect(await babble(BABBLE[what])).login("c")
    assert not caught.value.permanent
    assert caught.value.errcode is None


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("gzip bomb", "compressed reply"),
        ("oversized", "oversized reply"),
        ("endless", "oversized reply"),
        ("redirect", "HTTP 302"),
    ],
)
async def test_what_is_too_much_is_refused_before_reading_on(
    connect: Callable[..., WeChat],
    babble: Callable[[bytes], Awaitable[str]],
    what: str,
    why: str,
) -> None:
    with pytest.raises(WeChatError, match=why):
        await connect(await babble(BABBLE[what])).login("c")


async def test_a_body_that_trickles_is_cut_off(connect: Callable[..., WeChat]) -> None:
    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")
        try:
            while True:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.05)
        except OSError:
            writer.close()

    async with await asyncio.start_server(trickle, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        wechat = connect(f"http://127.0.0.1:{port}", call_s=0.4)
        with pytest.raises(WeChatError, match="TimeoutError"):
            await asyncio.wait_for(wechat.login("c"), 30)


@given(st.one_of(st.binary(max_size=200), st.from_regex(rb'\{"(openid|errcode)":[^}]{0,20}\}')))
def test_any_bytes_give_a_reply_or_a_wechat_error(body: bytes) -> None:
    try:
        reply = Transport._read(None, "/x", Login, body)  # type: ignore[arg-type]
    except WeChatError:
        return
    assert 0 < len(reply.openid) <= 128


async def test_proxies_of_the_environment_are_ignored(
    sim: Simulator, connect: Callable[..., WeChat], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert await connect(sim.url).login(await sim.code())


async def test_logs_keep_secrets(
    sim: Simulator, wechat: WeChat, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with structlog.testing.capture_logs() as events:
        await an_agreed_send(sim, wechat)
        code = await sim.code()
        openid = (await wechat.login(code)).openid
        with pytest.raises(InvalidCode):
            await wechat.login(code)
    token = (await sim.token())["access_token"]
    told = caplog.text + repr(events)
    assert [word for word in (SECRET, token, code, openid) if word in told] == []
    assert any(event["event"] == "wechat.refused" for event in events)


async def test_long_term_messages_use_up_nothing(sim: Simulator, wechat: WeChat) -> None:
    openid = await sim.openid()
    await sim.act("subscribe", user="王奶奶", template_id=VISIT, result="accept")
    for _ in range(3):
        await wechat.send_subscribe(
            openid=openid, template_id=VISIT, values={"name1": "王秀英"}, page="pages/visit?id=1"
        )
    assert len(await sim.messages()) == 3
