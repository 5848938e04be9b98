"""Where WeChat pushes to: `/wechat/push`. Without its two keys in the settings there is no door."""

from typing import Any

from sanic import HTTPResponse, Request, Sanic

from backend.api.guard import guarded
from backend.api.reply import Reply
from backend.api.service import Service
from backend.identity.accounts import openid_index
from backend.reminders import subscriptions
from backend.wechat.push import SUCCESS, PushGate

PATH = "/wechat/push"


def mount(app: Sanic[Any, Any], service: Service) -> None:
    """Answer WeChat's proof of the address (GET) and its pushes (POST)."""
    settings = service.settings
    if not settings.wechat_push_token.reveal():
        return
    gate = PushGate(
        token=settings.wechat_push_token.reveal(),
        aes_key=settings.wechat_push_aes_key.reveal(),
        appid=settings.wechat_appid,
    )

    async def push(request: Request) -> HTTPResponse:
        query = {name: request.args.get(name) for name in request.args}
        if request.method == "GET":
            return Reply(gate.echo(query), content_type="text/plain")
        found = gate.open(query, request.body)
        who = openid_index(service.vault, found.sender)
        await subscriptions.hear(settings.consortium_id, found, who)
        return Reply(SUCCESS, content_type="text/plain")

    app.add_route(
        guarded(settings.allowed_hosts, push), PATH, methods=["GET", "POST"], name="wechat_push"
    )
