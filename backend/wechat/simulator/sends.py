"""The calls that reach a resident: subscribe and customer messages, 就医助手, links, media.

Order of checks for a subscribe message: token, openid, template, page, quota, values.
"""

import re
import secrets
from collections.abc import Mapping
from typing import Any

from sanic import Blueprint, HTTPResponse, Request

from backend.wechat import templates
from backend.wechat.simulator.account import Template
from backend.wechat.simulator.calls import is_risky
from backend.wechat.simulator.media import is_kept
from backend.wechat.simulator.refusals import Refused
from backend.wechat.simulator.simulation import Simulation, addressee, authorized, form, ok
from backend.wechat.simulator.state import User, now_s

PAGE = re.compile(r"[\w-]+(/[\w-]+)*(\?[^\s#]{0,1024})?")
QUERY_MOST = 1024
LINK_MOST_S = 30 * 86_400
CUSTOM_KINDS = ("text", "image", "link", "miniprogrampage")
VISITS_MOST = 100_000
VISIT_STATUS = range(1_501_001, 1_502_000)
VISIT_BUSINESS = 150
VISIT_NEEDS = ("pat_name", "pat_hospital_id", "department_name", "appointment_time")

sends = Blueprint("sends")


@sends.post("/cgi-bin/message/subscribe/send", name="subscribe_send")
async def subscribe_send(request: Request) -> HTTPResponse:
    sim, fields = authorized(request), form(request)
    user = addressee(sim, fields.get("touser"))
    template_id = fields.get("template_id")
    template = sim.account.templates.get(template_id) if isinstance(template_id, str) else None
    if template is None or not isinstance(template_id, str):
        raise Refused(40037)
    page = fields.get("page") or None
    _require_page(sim, page, 41030)
    if template_id in user.refused or user.quota.get(template_id, 0) < 1:
        raise Refused(43101)
    values = _values(template, fields.get("data"))
    if any(is_risky(value) for value in values.values()):
        raise Refused(45168)
    if not template.long_term:
        user.quota[template_id] -= 1
    message = {"template_id": template_id, "title": template.title, "page": page, "data": values}
    msgid = sim.state.deliver(user, {"kind": "subscribe", **message})
    row = {"TemplateId": template_id, "MsgID": str(msgid)}
    row |= {"ErrorCode": "0", "ErrorStatus": "success"}
    sim.pusher.push_event(user.openid, "subscribe_msg_sent_event", [row])
    return ok(msgid=msgid)


@sends.post("/cgi-bin/message/custom/send", name="custom_send")
async def custom_send(request: Request) -> HTTPResponse:
    sim, fields = authorized(request), form(request)
    user = addressee(sim, fields.get("touser"))
    kind = fields.get("msgtype")
    if kind not in CUSTOM_KINDS:
        raise Refused(40008)
    content = fields.get(kind)
    if not isinstance(content, dict):
        raise Refused(47001)
    if kind == "image" and not is_kept(request, content.get("media_id")):
        raise Refused(40007)
    _spend_session(user)
    sim.state.deliver(user, {"kind": "custom", "msgtype": kind, "content": content})
    return ok()


@sends.post("/cgi-bin/message/custom/business/send", name="custom_business_send")
async def custom_business_send(request: Request) -> HTTPResponse:
    """An address the page once gave by mistake; it wants parameters nobody has."""
    authorized(request)
    raise Refused(40101)


@sends.post("/cityservice/sendchannelmsg", name="channel_send")
async def channel_send(request: Request) -> HTTPResponse:
    sim, fields = authorized(request), form(request)
    if not sim.account.public_hospital:
        raise Refused(48001)
    user = addressee(sim, fields.get("open_id"))
    if fields.get("app_id") != sim.account.appid:
        raise Refused(40013)
    visit = _visit(fields)
    visits = sim.state.memory.visits
    key = "\0".join([user.openid, fields["order_id"], fields["msg_id"]])
    if key in visits or len(visits) >= VISITS_MOST:
        raise Refused(47003, "msg_id")
    visits.add(key)
    told = {"status": fields["status"], "order_id": fields["order_id"], "business_info": visit}
    sim.state.deliver(user, {"kind": "channel", **told})
    return ok()


@sends.post("/wxa/generate_urllink", name="url_link")
async def url_link(request: Request) -> HTTPResponse:
    sim, fields = authorized(request), form(request)
    _require_link(sim, fields, fields)
    return ok(url_link=f"https://wxaurl.cn/{secrets.token_urlsafe(8)}")


@sends.post("/wxa/generatescheme", name="scheme")
async def scheme(request: Request) -> HTTPResponse:
    sim, fields = authorized(request), form(request)
    target = fields.get("jump_wxa", {})
    if not isinstance(target, dict):
        raise Refused(47001)
    _require_link(sim, target, fields)
    return ok(openlink=f"weixin://dl/business/?t={secrets.token_urlsafe(8)}")


def _require_page(sim: Simulation, page: object, errcode: int) -> None:
    if page is None:
        return
    if not isinstance(page, str) or not PAGE.fullmatch(page):
        raise Refused(errcode)
    if sim.account.pages is not None and page.partition("?")[0] not in sim.account.pages:
        raise Refused(errcode)


def _values(template: Template, given: object) -> dict[str, str]:
    """The value of each of the template's fields. Raises Refused: 47003 names the first misfit."""
    if not isinstance(given, dict):
        raise Refused(47003, "data")
    values = {}
    for field in template.fields:
        item = given.get(field)
        value = item.get("value") if isinstance(item, dict) else None
        if not isinstance(value, str) or not templates.check(templates.kind_of(field), value):
            raise Refused(47003, f"data.{field}.value")
        values[field] = value
    return values


def _spend_session(user: User) -> None:
    """Raises Refused: 45015 no window open, 45047 all its messages sent."""
    if user.session is None or user.session.ends_at <= now_s():
        raise Refused(45015)
    if user.session.left < 1:
        raise Refused(45047)
    user.session.left -= 1


def _visit(fields: Mapping[str, Any]) -> dict[str, Any]:
    visit = fields.get("business_info")
    for name in ("order_id", "msg_id"):
        if not isinstance(fields.get(name), str) or not fields[name]:
            raise Refused(47003, name)
    if fields.get("status") not in VISIT_STATUS:
        raise Refused(47003, "status")
    if fields.get("business_id") != VISIT_BUSINESS:
        raise Refused(47003, "business_id")
    if not isinstance(visit, dict):
        raise Refused(47003, "business_info")
    for name in VISIT_NEEDS:
        if not isinstance(visit.get(name), str) or not visit[name]:
            raise Refused(47003, f"business_info.{name}")
    return visit


def _require_link(sim: Simulation, target: Mapping[str, Any], fields: Mapping[str, Any]) -> None:
    """`target` says where the link leads, `fields` how long it lasts."""
    _require_page(sim, target.get("path") or None, 40165)
    query = target.get("query", "")
    if not isinstance(query, str) or len(query) > QUERY_MOST:
        raise Refused(40212)
    if target.get("env_version", "release") not in ("release", "trial", "develop"):
        raise Refused(85402)
    if not 0 < _lasts_s(fields) <= LINK_MOST_S:
        raise Refused(85401)
    sim.quotas.spend_day("links", sim.limits.links_per_day)


def _lasts_s(fields: Mapping[str, Any]) -> int:
    """`expire_type` 0 gives an instant in Unix seconds, 1 a number of days."""
    if fields.get("expire_type", 0) == 1:
        days = fields.get("expire_interval")
        return days * 86_400 if isinstance(days, int) else 0
    at = fields.get("expire_time")
    return at - int(now_s()) if isinstance(at, int) else LINK_MOST_S
