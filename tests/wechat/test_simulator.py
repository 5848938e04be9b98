"""The simulator is as strict as WeChat, and remembers what WeChat remembers."""

import hashlib
import hmac
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from backend import clock
from backend.wechat.simulator import Limits

from .conftest import (
    APPID,
    FOLLOW_UP,
    SECRET,
    SEND,
    VALUES,
    Simulator,
    a_message,
    an_account,
)

CUSTOM = "/cgi-bin/message/custom/send"
CHECK, PHONE = "/wxa/msg_sec_check", "/wxa/business/getuserphonenumber"
CHANNEL, LINK, SCHEME = (
    "/cityservice/sendchannelmsg",
    "/wxa/generate_urllink",
    "/wxa/generatescheme",
)

Simulate = Callable[..., Awaitable[Simulator]]


# Errors


async def test_an_error_has_status_200_and_a_request_id(sim: Simulator) -> None:
    reply = await sim.call(SEND, {}, access_token="no")
    assert reply["errcode"] == 40001
    assert re.fullmatch(r"invalid credential.* rid: [0-9a-f]{8}(-[0-9a-f]{8}){2}", reply["errmsg"])


async def test_wrong_addresses_and_methods(sim: Simulator) -> None:
    assert (await sim.call("/cgi-bin/nothing", {}))["errcode"] == 40066
    assert (await sim.call("/sns/jscode2session", {}))["errcode"] == 43001
    assert (await sim.http.get(SEND)).json()["errcode"] == 43002
    assert (await sim.call("/cgi-bin/message/custom/business/send", {}))["errcode"] == 40101


@pytest.mark.parametrize("path", [SEND, CUSTOM, CHECK, PHONE, CHANNEL, LINK, SCHEME])
async def test_bad_bodies(sim: Simulator, path: str) -> None:
    token = (await sim.token())["access_token"]
    bodies = {b"": 44002, b"{": 47001, b"[]": 47001, b"\xff": 47001, b"[" * 10_000: 47001}
    for body, errcode in bodies.items():
        reply = await sim.http.post(path, params={"access_token": token}, content=body)
        assert (reply.status_code, reply.json()["errcode"]) == (200, errcode)
    for form in ({}, {"touser": 7}, {"touser": ["o"], "openid": {}, "open_id": None, "code": {}}):
        assert isinstance((await sim.call(path, form))["errcode"], int)


@pytest.mark.parametrize("path", [SEND, CUSTOM, CHECK, PHONE, CHANNEL, LINK, SCHEME])
async def test_the_token_comes_first(sim: Simulator, path: str) -> None:
    assert (await sim.http.post(path)).json()["errcode"] == 41001
    assert (await sim.call(path, None, access_token="no"))["errcode"] == 40001


# Login and phone


async def test_login_checks_account_then_code(sim: Simulator) -> None:
    good = {"appid": APPID, "secret": SECRET, "grant_type": "authorization_code", "js_code": "x"}
    for changes, errcode in [
        ({"appid": "wx1"}, 40013),
        ({"secret": "密"}, 40125),
        ({"grant_type": "other"}, 40002),
        ({}, 40029),
        ({"js_code": await sim.code()}, 0),
    ]:
        reply = await sim.http.get("/sns/jscode2session", params=good | changes)
        assert reply.json().get("errcode", 0) == errcode
    assert set(reply.json()) == {"openid", "session_key"}


async def test_a_hundred_logins_a_minute(noon: clock.Hands, simulate: Simulate) -> None:
    sim = await simulate(limits=Limits(login_per_user_minute=3))
    query = {"appid": APPID, "secret": SECRET, "grant_type": "authorization_code"}

    async def login(user: str = "王奶奶") -> int:
        code = await sim.code(user)
        reply = await sim.http.get("/sns/jscode2session", params={**query, "js_code": code})
        return int(reply.json().get("errcode", 0))

    assert [await login() for _ in range(4)] == [0, 0, 0, 45011]
    assert await login("李医生") == 0
    noon.move(timedelta(minutes=1))
    assert await login() == 0


async def test_the_open_platform_adds_a_unionid(simulate: Simulate) -> None:
    sim = await simulate(an_account(on_open_platform=True))
    query = {"appid": APPID, "secret": SECRET, "grant_type": "authorization_code"}
    reply = await sim.http.get("/sns/jscode2session", params={**query, "js_code": await sim.code()})
    assert len(reply.json()["unionid"]) == 28


async def test_a_session_key_proves_itself_until_the_next_login(sim: Simulator) -> None:
    async def log_in() -> dict[str, str]:
        query = {"appid": APPID, "secret": SECRET, "grant_type": "authorization_code"}
        query["js_code"] = await sim.code()
        return dict((await sim.http.get("/sns/jscode2session", params=query)).json())

    async def check(openid: str, key: str) -> int:
        signature = hmac.new(key.encode(), b"", hashlib.sha256).hexdigest()
        query = {"openid": openid, "signature": signature, "sig_method": "hmac_sha256"}
        query["access_token"] = (await sim.token())["access_token"]
        return int((await sim.http.get("/wxa/checksession", params=query)).json()["errcode"])

    first, second = await log_in(), await log_in()
    assert await check(second["openid"], second["session_key"]) == 0
    assert await check(first["openid"], first["session_key"]) == 87009
    assert await check("oNobody", second["session_key"]) == 40003


async def test_a_phone_keeps_its_number(sim: Simulator) -> None:
    numbers = []
    for user in ("王奶奶", "王奶奶", "李医生"):
        await sim.code(user)
        code = (await sim.act("phone", user=user))["code"]
        reply = await sim.call(PHONE, {"code": code})
        numbers.append(reply["phone_info"]["purePhoneNumber"])
        assert reply["phone_info"]["watermark"]["appid"] == APPID
        assert (await sim.call(PHONE, {"code": code}))["errcode"] == 40029
    assert numbers[0] == numbers[1] != numbers[2]


# Tokens


async def test_the_token_stays_until_five_minutes_before_its_end(
    noon: clock.Hands, sim: Simulator
) -> None:
    first = await sim.token()
    assert first["expires_in"] == 7200
    assert len(first["access_token"]) == 512
    noon.move(timedelta(seconds=6899))
    again = await sim.token()
    assert again == {"access_token": first["access_token"], "expires_in": 301}

    noon.move(timedelta(seconds=1))
    second = await sim.token()
    assert second["access_token"] != first["access_token"]
    for token in (first, second):  # both live for five minutes
        assert (await sim.call(SEND, {}, access_token=token["access_token"]))["errcode"] == 40003
    noon.move(timedelta(seconds=300))
    assert (await sim.call(SEND, {}, access_token=first["access_token"]))["errcode"] == 42001
    assert (await sim.call(SEND, {}, access_token=second["access_token"]))["errcode"] == 40003


async def test_force_refresh_kills_and_is_limited(noon: clock.Hands, simulate: Simulate) -> None:
    sim = await simulate(limits=Limits(force_refresh_per_day=2))
    first = (await sim.token())["access_token"]
    second = (await sim.token(force_refresh=True))["access_token"]
    assert (await sim.call(SEND, {}, access_token=first))["errcode"] == 40001
    assert (await sim.token(force_refresh=True))["access_token"] == second  # within 30 s
    noon.move(timedelta(seconds=30))
    third = (await sim.token(force_refresh=True))["access_token"]
    assert third != second
    noon.move(timedelta(seconds=30))
    assert (await sim.token(force_refresh=True))["access_token"] == third  # two a day
    noon.move(timedelta(days=1))
    assert (await sim.token(force_refresh=True))["access_token"] != third


async def test_token_requests_are_checked_and_counted(
    noon: clock.Hands, simulate: Simulate
) -> None:
    sim = await simulate(limits=Limits(token_per_minute=2, token_per_day=3))
    for wrong, errcode in [({"grant_type": "x"}, 40002), ({"appid": "x"}, 40013)]:
        assert (await sim.token(**wrong))["errcode"] == errcode
    assert (await sim.token(secret=None))["errcode"] == 40125
    assert [(await sim.token()).get("errcode") for _ in range(3)] == [None, None, 45011]
    noon.move(timedelta(minutes=1))
    assert [(await sim.token()).get("errcode") for _ in range(2)] == [None, 45009]


# Memory


async def test_a_restart_forgets_nothing_that_matters(simulate: Simulate, tmp_path: Path) -> None:
    path = tmp_path / "var" / "wechat.json"
    before = await simulate(state_path=path)
    openid = await before.agree(2)
    await before.call(SEND, a_message(openid))
    token = (await before.token())["access_token"]
    code = await before.code()

    after = await simulate(state_path=path)
    assert [row["data"] for row in await after.messages()] == [VALUES]
    errcodes = [
        (await after.call(SEND, a_message(openid), access_token=token))["errcode"] for _ in range(2)
    ]
    assert errcodes == [0, 43101]
    query = {"appid": APPID, "secret": SECRET, "grant_type": "authorization_code"}
    reply = await after.http.get("/sns/jscode2session", params={**query, "js_code": code})
    assert reply.json()["openid"] == openid
    assert [file.name for file in path.parent.iterdir()] == ["wechat.json"]


async def test_a_file_of_something_else_is_not_overwritten(
    simulate: Simulate, tmp_path: Path
) -> None:
    path = tmp_path / "notes.json"
    path.write_text("my notes")
    with pytest.raises(ValueError, match="no simulator state"):
        await simulate(state_path=path)
    assert path.read_text() == "my notes"


# The phone's side


async def test_index_and_health(sim: Simulator) -> None:
    assert (await sim.http.get("/_sim/health")).json() == {"status": "ok"}
    index = (await sim.http.get("/_sim/")).json()
    assert "POST /_sim/login" in index
    assert {"code2session", "subscribe_send", "stable_token"} <= set(index["calls"])


@pytest.mark.parametrize("what", ["login", "phone", "subscribe", "event", "faults"])
async def test_bad_input_is_explained(sim: Simulator, what: str) -> None:
    bodies = {
        b"": 400,
        b"{": 400,
        b"\xff\xfe": 400,
        b"[]": 422,
        b"{}": 422,
        b'{"user":7}': 422,
        b'{"user":""}': 422,
        b'{"user":"%s"}' % (b"x" * 65): 422,
        b'{"user":"a","surprise":1}': 422,
    }
    for body, status in bodies.items():
        reply = await sim.http.post(f"/_sim/{what}", content=body)
        assert (reply.status_code, list(reply.json())) == (status, ["error"])


async def test_bad_input_by_value(sim: Simulator) -> None:
    await sim.code()
    for what, form in [
        ("phone", {"user": "nobody"}),
        ("subscribe", {"user": "王奶奶", "template_id": "T-none", "result": "accept"}),
        ("subscribe", {"user": "王奶奶", "template_id": FOLLOW_UP, "result": "perhaps"}),
        ("faults", {"call": "none", "kind": "slow"}),
        ("faults", {"call": "phone", "kind": "tsunami"}),
        ("faults", {"call": "phone", "kind": "12345"}),
        ("faults", {"call": "phone", "kind": "slow", "times": -1}),
        ("faults", {"call": "phone", "kind": "slow", "times": 10**9}),
    ]:
        reply = await sim.http.post(f"/_sim/{what}", json=form)
        assert (reply.status_code, list(reply.json())) == (422, ["error"])
    half_a_pair = await sim.http.post("/_sim/login", content=b'{"user":"\\ud800 and more"}')
    assert half_a_pair.status_code == 400
    assert (await sim.http.get("/_sim/messages")).status_code == 422
    assert (await sim.http.get("/_sim/nothing")).status_code == 404
    assert (await sim.http.get("/_sim/login")).status_code == 405


async def test_faults_can_be_forgotten(sim: Simulator) -> None:
    assert (await sim.act("faults", call="stable_token", kind="-1", times=5))["waiting"] == 5
    assert (await sim.token())["errcode"] == -1
    assert (await sim.act("faults", call="stable_token", kind="-1", times=0))["waiting"] == 0
    assert "access_token" in await sim.token()


# A page in a browser is the phone


PAGE = "http://127.0.0.1:8000"
SAID = {"origin": PAGE, "access-control-request-method": "POST"}


def cors(reply: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in reply.headers.items() if name.startswith("access-")}


@pytest.mark.parametrize("what", ["login", "phone", "subscribe", "event"])
async def test_the_page_may_do_what_a_thumb_does(simulate: Simulate, what: str) -> None:
    sim = await simulate(origins=(PAGE,))
    asked = await sim.http.options(f"/_sim/{what}", headers=SAID)
    assert asked.status_code == 204
    assert cors(asked) == {
        "access-control-allow-origin": PAGE,
        "access-control-allow-methods": "POST",
        "access-control-allow-headers": "content-type",
        "access-control-max-age": "600",
    }
    assert asked.headers["vary"] == "origin"
    done = await sim.http.post(f"/_sim/{what}", json={}, headers={"origin": PAGE})
    assert cors(done) == {"access-control-allow-origin": PAGE}  # it may read the refusal


@pytest.mark.parametrize("path", ["/_sim/templates", "/_sim/messages?user=a", "/_sim/health"])
async def test_the_page_may_read_what_the_phone_shows(simulate: Simulate, path: str) -> None:
    sim = await simulate(origins=(PAGE,))
    reply = await sim.http.get(path, headers={"origin": PAGE})
    assert cors(reply) == {"access-control-allow-origin": PAGE}


@pytest.mark.parametrize(
    "origin",
    ["http://127.0.0.1:8001", "https://127.0.0.1:8000", "http://127.0.0.1", "null", PAGE + ".evil"],
)
async def test_no_other_page_may(simulate: Simulate, origin: str) -> None:
    sim = await simulate(origins=(PAGE,))
    asked = await sim.http.options("/_sim/login", headers=SAID | {"origin": origin})
    assert "access-control-allow-origin" not in asked.headers
    done = await sim.http.post("/_sim/login", json={"user": "a"}, headers={"origin": origin})
    assert cors(done) == {}


async def test_no_page_speaks_for_the_server(simulate: Simulate) -> None:
    """WeChat's own calls, and faults, are not for pages."""
    sim = await simulate(origins=(PAGE,))
    for path in (SEND, "/cgi-bin/stable_token", "/_sim/faults"):
        asked = await sim.http.options(path, headers=SAID)
        assert "access-control-allow-headers" not in asked.headers
    token = await sim.http.post("/cgi-bin/stable_token", json={}, headers={"origin": PAGE})
    assert cors(token) == {}
    alone = await simulate()
    assert cors(await alone.http.get("/_sim/templates", headers={"origin": PAGE})) == {}
