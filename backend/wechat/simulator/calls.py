"""The calls about who somebody is and what somebody wrote, in WeChat's order of checks."""

import base64
import hashlib
import hmac
import secrets
from typing import Any

from sanic import Blueprint, HTTPResponse, Request

from backend.wechat.simulator import tokens
from backend.wechat.simulator.refusals import Refused
from backend.wechat.simulator.simulation import (
    Simulation,
    addressee,
    authorized,
    form,
    json,
    ok,
    simulation,
)
from backend.wechat.simulator.state import Code, now_s

TEXT_MOST = 2500
SEEN_S = 7200
"""msgSecCheck takes only users who were in the mini-program within 2 h."""

RISKY = (
    "特3456书yuuo莞6543李zxcz蒜7782法fgnv级",
    "完2347全dfji试3726测asad感3847知qwez到",
)
"""WeChat's own samples of text to refuse."""

REVIEW = "请人工复核这段文字"
"""Invented here: a text that WeChat is not sure about."""

LABEL_RISKY, LABEL_REVIEW, LABEL_FINE = 20001, 21000, 100

calls = Blueprint("calls")


@calls.get("/sns/jscode2session", name="code2session")
async def code2session(request: Request) -> HTTPResponse:
    sim, query = simulation(request), request.args
    _require_account(sim, query.get("appid"), query.get("secret"))
    if query.get("grant_type") != "authorization_code":
        raise Refused(40002)
    code = _spend(sim, query.get("js_code"), "login", used=40163)
    user = sim.state.memory.users[code.user]
    user.session_key = base64.b64encode(secrets.token_bytes(16)).decode()
    reply = {"openid": user.openid, "session_key": user.session_key}
    if sim.account.on_open_platform:
        reply["unionid"] = "o6" + hashlib.sha256(user.name.encode()).hexdigest()[:26]
    return json(reply)


@calls.get("/wxa/checksession", name="check_session")
async def check_session(request: Request) -> HTTPResponse:
    sim = authorized(request)
    user = addressee(sim, request.args.get("openid"))
    expected = hmac.new(user.session_key.encode(), b"", hashlib.sha256).hexdigest()
    given = request.args.get("signature") or ""
    if request.args.get("sig_method") != "hmac_sha256" or not user.session_key:
        raise Refused(87009)
    if not hmac.compare_digest(given.encode(), expected.encode()):
        raise Refused(87009)
    return ok()


@calls.post("/cgi-bin/stable_token", name="stable_token")
async def stable_token(request: Request) -> HTTPResponse:
    sim, fields = simulation(request), form(request)
    if fields.get("grant_type") != "client_credential":
        raise Refused(40002)
    _require_account(sim, fields.get("appid"), fields.get("secret"))
    sim.quotas.spend_minute("token", sim.limits.token_per_minute)
    sim.quotas.spend_day("token", sim.limits.token_per_day)
    force = fields.get("force_refresh", False) is True
    token, left_s = tokens.issue(sim.state, sim.limits, force=force)
    return json({"access_token": token, "expires_in": left_s})


@calls.post("/wxa/business/getuserphonenumber", name="phone")
async def phone(request: Request) -> HTTPResponse:
    sim, fields = authorized(request), form(request)
    code = _spend(sim, fields.get("code"), "phone", used=40029)
    number = sim.state.memory.users[code.user].phone
    watermark = {"timestamp": int(now_s()), "appid": sim.account.appid}
    return ok(
        phone_info={
            "phoneNumber": number,
            "purePhoneNumber": number,
            "countryCode": "86",
            "watermark": watermark,
        }
    )


@calls.post("/wxa/msg_sec_check", name="msg_sec_check")
async def msg_sec_check(request: Request) -> HTTPResponse:
    sim, fields = authorized(request), form(request)
    user = addressee(sim, fields.get("openid"))
    if user.seen_at <= now_s() - SEEN_S:
        raise Refused(61010)
    if fields.get("version") != 2:
        raise Refused(47001)
    if fields.get("scene") not in (1, 2, 3, 4):
        raise Refused(40129)
    sim.quotas.spend_minute("text", sim.limits.text_per_minute)
    sim.quotas.spend_day("text", sim.limits.text_per_day)
    verdict = _judge(fields.get("content"))
    detail = [{"strategy": "content_model", "errcode": 0, **verdict, "prob": 90}]
    return ok(result=verdict, detail=detail, trace_id=secrets.token_hex(8))


def is_risky(text: str) -> bool:
    return any(sample in text for sample in RISKY)


def _judge(content: object) -> dict[str, Any]:
    if not content:
        raise Refused(44002)
    if not isinstance(content, str) or len(content) > TEXT_MOST:
        raise Refused(47001)
    if is_risky(content):
        return {"suggest": "risky", "label": LABEL_RISKY}
    if REVIEW in content:
        return {"suggest": "review", "label": LABEL_REVIEW}
    return {"suggest": "pass", "label": LABEL_FINE}


def _require_account(sim: Simulation, appid: object, secret: object) -> None:
    if appid != sim.account.appid:
        raise Refused(40013)
    expected = "".join(sim.account.secret).encode()  # plain also when it is a Secret
    if not isinstance(secret, str) or not hmac.compare_digest(secret.encode(), expected):
        raise Refused(40125)


def _spend(sim: Simulation, text: object, purpose: str, *, used: int) -> Code:
    """Use up a code. Raises Refused: 40029 unknown or too old, `used` if spent, 45011."""
    code = sim.state.find_code(text, purpose)
    if code is None:
        raise Refused(40029)
    sim.quotas.spend_minute(f"{purpose}:{code.user}", sim.limits.login_per_user_minute)
    if code.used:
        raise Refused(used)
    code.used = True
    sim.state.change()
    return code
