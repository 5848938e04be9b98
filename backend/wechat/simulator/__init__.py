"""A faithful local WeChat: the server calls this product uses, as an app of its own.

The production client talks to it unchanged; only the base URL differs. It checks in WeChat's
order, answers business errors with HTTP 200 and a ` rid: `, counts quotas, retires tokens with
their overlap and pushes signed, encrypted events. Run it with one worker: its memory is a
process's, and a file's when `state_path` is given.

The phone's side is under `/_sim/`, listed by `GET /_sim/`:

- `POST /_sim/login {user}` → `{code}`: what `wx.login` gives; makes the user on first sight.
- `POST /_sim/phone {user}` → `{code}`: the getPhoneNumber button.
- `POST /_sim/subscribe {user, template_id, result, where?}` → `{result, left}`: the answer in the
  popup of requestSubscribeMessage, or (`where: settings`) a switch turned in the settings.
- `GET /_sim/templates` → `{templates}`: id → title and kind, which the popup shows.
- `GET /_sim/messages?user=` → `{messages}`: what this phone received.
- `POST /_sim/event {user, kind, content?}`: a message to customer service, or opening it.
- `POST /_sim/faults {call, kind, times}`: the next `times` of a call go wrong.
- `GET /_sim/health` → `{"status": "ok"}`.

A page in a browser may be such a phone if its origin is among `origins`: only `/_sim/` answers it.
"""

import itertools
from pathlib import Path
from typing import Any

from sanic import HTTPResponse, Request, Sanic
from sanic.exceptions import MethodNotAllowed, NotFound
from sanic.response import BaseHTTPResponse

from backend.wechat.simulator.account import Account, Callback, Limits, Template
from backend.wechat.simulator.calls import calls
from backend.wechat.simulator.faults import Faults, cut_in_half
from backend.wechat.simulator.media import media
from backend.wechat.simulator.phone import BadInput, explain, phone
from backend.wechat.simulator.pushes import Pusher
from backend.wechat.simulator.quotas import Quotas
from backend.wechat.simulator.refusals import Refused
from backend.wechat.simulator.sends import sends
from backend.wechat.simulator.simulation import Simulation, json, simulation
from backend.wechat.simulator.state import State

__all__ = ["Account", "Callback", "Limits", "Template", "create_simulator"]

NAME = "jiamenkou-wechat-simulator"
BODY_MOST = 4 * 1024 * 1024
"""Bytes: an image of 2 MB and its envelope."""

_numbers = itertools.count(1)  # Sanic wants a name for each app of a process


def create_simulator(
    account: Account,
    *,
    limits: Limits | None = None,
    state_path: Path | None = None,
    origins: tuple[str, ...] = (),
) -> Sanic[Any, Any]:
    """WeChat, for one account.

    Raises:
        ValueError: `state_path` holds something else, or the callback's key is malformed.
    """
    number, limits = next(_numbers), limits or Limits()
    name = NAME if number == 1 else f"{NAME}-{number}"
    app: Sanic[Any, Any] = Sanic(name, configure_logging=False)
    app.config.update(
        AUTO_EXTEND=False,
        MOTD=False,
        ACCESS_LOG=False,
        TOUCHUP=False,  # it rewrites Sanic's own methods, once a process
        FALLBACK_ERROR_FORMAT="json",
        REQUEST_MAX_SIZE=BODY_MOST,
    )
    app.ctx.media = {}
    app.ctx.origins = frozenset(origins)
    app.ctx.simulation = Simulation(
        account=account,
        limits=limits,
        state=State(account.appid, state_path),
        quotas=Quotas(),
        faults=Faults(limits.slow_s),
        pusher=Pusher(account.callback, appid=account.appid, original_id=account.original_id),
    )
    _wire(app)
    return app


def _wire(app: Sanic[Any, Any]) -> None:
    for blueprint in (calls, sends, media, phone):
        app.blueprint(blueprint)
    app.ctx.call_names = sorted(
        route.name.rpartition(".")[2]
        for route in app.router.routes
        if not route.path.startswith("_sim")
    )
    app.register_middleware(_strike, "request")
    app.register_middleware(_finish, "response")
    app.exception(Refused)(_refuse)
    app.exception(BadInput)(explain)
    app.exception(NotFound, MethodNotAllowed)(_lost)
    app.after_server_stop(_close)


async def _strike(request: Request) -> HTTPResponse | None:
    """Let a planned fault happen before the work."""
    call = request.route.name.rpartition(".")[2] if request.route else ""
    if call not in request.app.ctx.call_names:
        return None
    faults = simulation(request).faults
    kind = faults.take(call)
    request.ctx.half = kind == "half"
    return await faults.strike(request, kind) if kind else None


async def _finish(request: Request, response: BaseHTTPResponse) -> None:
    origin = request.headers.get("origin", "")
    if request.path.startswith("/_sim/") and origin in request.app.ctx.origins:
        response.headers["access-control-allow-origin"] = origin
        response.headers["vary"] = "origin"
    simulation(request).state.save()
    if getattr(request.ctx, "half", False):
        cut_in_half(request, response)


async def _refuse(_request: Request, error: Refused) -> HTTPResponse:
    return json(error.reply())


async def _lost(request: Request, error: Exception) -> HTTPResponse:
    """WeChat answers wrong addresses and methods with HTTP 200 as well."""
    if request.path.startswith("/_sim"):
        return json({"error": str(error)}, getattr(error, "status_code", 404))
    if isinstance(error, NotFound):
        return json(Refused(40066).reply())
    return json(Refused(43001 if request.method == "POST" else 43002).reply())


async def _close(app: Sanic[Any, Any]) -> None:
    await app.ctx.simulation.pusher.close()
    app.ctx.simulation.state.save()
