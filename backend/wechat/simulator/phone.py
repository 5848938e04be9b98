"""The resident's side: what a thumb does on a phone. Not part of WeChat's interface."""

from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta
from sanic import Blueprint, HTTPResponse, Request

from backend.wechat.simulator.faults import KINDS, PLANNED_MOST, is_kind
from backend.wechat.simulator.simulation import Simulation, json, simulation
from backend.wechat.simulator.state import Session, User, now_s

SERVICE_S, SERVICE_MESSAGES = 48 * 3600, 5
"""Customer service may write five times in 48 h after a user's message,"""

GREETING_S, GREETING_MESSAGES = 60, 2
"""and twice in a minute after the user opened the conversation."""

QUOTA_MOST = 1000
UNAVAILABLE = "该小程序客服暂时无法提供服务，请稍后再试。"

INDEX = {
    "POST /_sim/login": "{user} → {code}; makes the user on first sight",
    "POST /_sim/phone": "{user} → {code} of the getPhoneNumber button",
    "POST /_sim/subscribe": (
        "{user, template_id, result: accept|reject|ban|filter, where?: popup|settings}"
        " → {result, left}"
    ),
    "GET /_sim/templates": "→ {templates: {id: {title, long_term}}}, what the popup shows",
    "GET /_sim/messages?user=": "→ {messages} that this phone received, oldest first",
    "POST /_sim/event": "{user, kind: message|enter, content?}: writes to customer service",
    "POST /_sim/faults": f"{{call, kind: {'|'.join(KINDS)}|<errcode>, times}}; times 0 forgets",
    "GET /_sim/health": '→ {"status": "ok"}',
}

phone = Blueprint("phone", url_prefix="/_sim")

UserName = Annotated[str, Meta(min_length=1, max_length=64)]
T = TypeVar("T")


class BadInput(Exception):
    """A `/_sim/` request that makes no sense: 400 no JSON, 422 the wrong JSON."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class Who(msgspec.Struct, forbid_unknown_fields=True):
    user: UserName


class Choice(msgspec.Struct, forbid_unknown_fields=True):
    user: UserName
    template_id: str
    result: Literal["accept", "reject", "ban", "filter"]
    where: Literal["popup", "settings"] = "popup"


class Event(msgspec.Struct, forbid_unknown_fields=True):
    user: UserName
    kind: Literal["message", "enter"]
    content: Annotated[str, Meta(max_length=2000)] = ""


class Fault(msgspec.Struct, forbid_unknown_fields=True):
    call: str
    kind: str
    times: Annotated[int, Meta(ge=0, le=PLANNED_MOST)] = 1


@phone.get("/")
async def index(request: Request) -> HTTPResponse:
    return json({"calls": request.app.ctx.call_names, **INDEX})


@phone.get("/health")
async def health(_request: Request) -> HTTPResponse:
    return json({"status": "ok"})


@phone.post("/login")
async def login(request: Request) -> HTTPResponse:
    sim, who = simulation(request), _form(request, Who)
    user = sim.state.enrol(who.user)
    if user is None:
        raise BadInput(422, "too many users")
    user.seen_at = now_s()
    return json({"code": sim.state.issue_code(user, "login")})


@phone.post("/phone")
async def allow_phone(request: Request) -> HTTPResponse:
    sim, who = simulation(request), _form(request, Who)
    return json({"code": sim.state.issue_code(_user(sim, who.user), "phone")})


@phone.post("/subscribe")
async def subscribe(request: Request) -> HTTPResponse:
    sim, choice = simulation(request), _form(request, Choice)
    user = _user(sim, choice.user)
    if choice.template_id not in sim.account.templates:
        raise BadInput(422, "unknown template_id")
    _decide(user, choice)
    sim.state.change()
    _tell(sim, user, choice)
    return json({"result": choice.result, "left": user.quota.get(choice.template_id, 0)})


@phone.options("/login", name="preflight_login")
@phone.options("/phone", name="preflight_phone")
@phone.options("/subscribe", name="preflight_subscribe")
@phone.options("/event", name="preflight_event")
async def preflight(_request: Request) -> HTTPResponse:
    """A browser asks before it sends JSON to another origin; the app says who may."""
    allowed = {
        "access-control-allow-methods": "POST",
        "access-control-allow-headers": "content-type",
        "access-control-max-age": "600",
    }
    return HTTPResponse(status=204, headers=allowed)


@phone.get("/templates")
async def templates(request: Request) -> HTTPResponse:
    known = simulation(request).account.templates
    return json(
        {
            "templates": {
                template_id: {"title": found.title, "long_term": found.long_term}
                for template_id, found in known.items()
            }
        }
    )


@phone.get("/messages")
async def messages(request: Request) -> HTTPResponse:
    user = _user(simulation(request), request.args.get("user") or "")
    return json({"messages": user.messages})


@phone.post("/event")
async def event(request: Request) -> HTTPResponse:
    sim, happened = simulation(request), _form(request, Event)
    user = _user(sim, happened.user)
    if happened.kind == "message":
        user.session = Session(now_s() + SERVICE_S, SERVICE_MESSAGES)
        _push_text(sim, user, happened.content)
    else:
        if user.session is None or user.session.ends_at <= now_s():
            user.session = Session(now_s() + GREETING_S, GREETING_MESSAGES)
        sim.pusher.push_event(user.openid, "user_enter_tempsession")
    sim.state.change()
    return json({"left": user.session.left})


@phone.post("/faults")
async def faults(request: Request) -> HTTPResponse:
    sim, fault = simulation(request), _form(request, Fault)
    if fault.call not in request.app.ctx.call_names:
        raise BadInput(422, "unknown call")
    if not is_kind(fault.kind):
        raise BadInput(422, "unknown kind")
    return json({"waiting": sim.faults.plan(fault.call, fault.kind, fault.times)})


def _decide(user: User, choice: Choice) -> None:
    """One accept is one message. A reject in the popup costs nothing that was accepted before.

    Turned off in the settings, nothing arrives until the next accept. A template that is banned,
    or filtered as a double, is not the user's choice and changes nothing.
    """
    template_id = choice.template_id
    if choice.result == "accept":
        user.quota[template_id] = min(QUOTA_MOST, user.quota.get(template_id, 0) + 1)
        user.refused = [other for other in user.refused if other != template_id]
    elif choice.result == "reject" and choice.where == "settings":
        user.refused = sorted({*user.refused, template_id})


def _tell(sim: Simulation, user: User, choice: Choice) -> None:
    """Push what the user did. Of the settings WeChat tells only the refusals."""
    row = {"TemplateId": choice.template_id, "SubscribeStatusString": choice.result}
    if choice.where == "popup" and choice.result in ("accept", "reject"):
        row["PopupScene"] = "0"
        sim.pusher.push_event(user.openid, "subscribe_msg_popup_event", [row])
    elif choice.where == "settings" and choice.result == "reject":
        sim.pusher.push_event(user.openid, "subscribe_msg_change_event", [row])


def _push_text(sim: Simulation, user: User, content: str) -> None:
    def apologize() -> None:
        sim.state.deliver(user, {"kind": "notice", "content": UNAVAILABLE})
        sim.state.save()

    sim.state.memory.last_message_id += 1
    sim.pusher.push_text(user.openid, content, sim.state.memory.last_message_id, apologize)


def _form(request: Request, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(request.body, type=kind)
    except msgspec.ValidationError as error:
        raise BadInput(422, str(error)) from None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise BadInput(400, "no JSON") from None


def _user(sim: Simulation, name: str) -> User:
    user = sim.state.user(name)
    if user is None:
        raise BadInput(422, "unknown user: log in first")
    return user


def explain(_request: Request, error: Any) -> HTTPResponse:
    """The handler for `BadInput`."""
    return json({"error": str(error)}, error.status)
