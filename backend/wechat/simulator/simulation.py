"""What every handler of the simulator needs, and how it reads a request."""

from dataclasses import dataclass
from typing import Any, cast

import msgspec
from sanic import HTTPResponse, Request
from sanic.response import raw

from backend.wechat.simulator import tokens
from backend.wechat.simulator.account import Account, Limits
from backend.wechat.simulator.faults import Faults
from backend.wechat.simulator.pushes import Pusher
from backend.wechat.simulator.quotas import Quotas
from backend.wechat.simulator.refusals import Refused
from backend.wechat.simulator.state import State, User


@dataclass(frozen=True, slots=True)
class Simulation:
    """One per app, at `app.ctx.simulation`."""

    account: Account
    limits: Limits
    state: State
    quotas: Quotas
    faults: Faults
    pusher: Pusher


def simulation(request: Request) -> Simulation:
    return cast(Simulation, request.app.ctx.simulation)


def json(value: object, status: int = 200) -> HTTPResponse:
    return raw(msgspec.json.encode(value), status=status, content_type="application/json")


def ok(**members: object) -> HTTPResponse:
    return json({"errcode": 0, "errmsg": "ok", **members})


def authorized(request: Request) -> Simulation:
    """The simulation, once the access token is good. Always the first check."""
    sim = simulation(request)
    tokens.require(sim.state, request.args.get("access_token"))
    return sim


def form(request: Request) -> dict[str, Any]:
    """The JSON object in the body. Raises Refused: 44002 none, 47001 no JSON object."""
    if not request.body:
        raise Refused(44002)
    try:
        return msgspec.json.decode(request.body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise Refused(47001) from None


def addressee(sim: Simulation, openid: object) -> User:
    """Raises Refused: 40003."""
    user = sim.state.user_of(openid)
    if user is None:
        raise Refused(40003)
    return user
