"""Joins everything: one process's web application."""

import asyncio
from itertools import count
from typing import Any

import structlog
from sanic import Sanic

from backend import db, hub, miniprogram
from backend.api import mount_api, mount_chat, mount_health, mount_live, mount_wechat
from backend.api.problem import ProblemHandler
from backend.api.service import Service
from backend.api.wire import BODY_MOST
from backend.booking.desk import Desk
from backend.chat.pictures import Studio
from backend.chat.reception import Reception
from backend.chat.rulebook import Rulebook
from backend.crypto import Vault
from backend.identity.sessions import Sessions
from backend.replay.running import Runner
from backend.settings import Settings
from backend.web import mount as mount_pages
from backend.wechat.client import WeChat

log = structlog.get_logger()

RULES_EVERY_S = 10.0

_numbers = count(1)


def create_app(settings: Settings) -> Sanic[Any, Any]:
    """The application, wired; it connects when it starts and cleans up before it stops."""
    app: Sanic[Any, Any] = Sanic(
        f"jiamenkou-{next(_numbers)}",
        configure_logging=False,
        error_handler=ProblemHandler(settings.allowed_hosts),
    )
    app.config.update(
        MOTD=False,
        AUTO_EXTEND=False,
        TOUCHUP=False,
        ACCESS_LOG=False,
        REQUEST_MAX_SIZE=BODY_MOST,
    )
    service = wire(settings)
    app.ctx.service = service
    mount_api(app, service)
    mount_live(app, service)
    mount_chat(app, service)
    mount_health(app, service, pages_at=miniprogram.PATH if miniprogram.is_built() else "")
    mount_wechat(app, service)
    mount_pages(app, service)
    miniprogram.mount(app, settings)
    app.register_listener(start, "before_server_start")
    app.register_listener(_keep_rules_fresh, "after_server_start")
    app.register_listener(stop, "before_server_stop")
    return app


def wire(settings: Settings) -> Service:
    """What the handlers of one process work with."""
    opened = hub.open_hub(settings)
    desk = Desk(queue_most=settings.booking_queue)
    return Service(
        settings=settings,
        hub=opened,
        vault=Vault(settings.keys, settings.index_key_bytes),
        wechat=WeChat(
            base_url=settings.wechat_base_url,
            appid=settings.wechat_appid,
            secret=settings.wechat_secret,
            hub=opened,
        ),
        sessions=Sessions(desk.care),
        desk=desk,
        reception=Reception(opened, desk, Rulebook(unsigned_allowed=settings.bot_unsigned)),
        replays=Runner(),
        studio=Studio(),
    )


async def start(app: Sanic[Any, Any]) -> None:
    await db.connect(app.ctx.service.settings, answer_s=db.PROMPT_S)


async def _keep_rules_fresh(app: Sanic[Any, Any]) -> None:
    """The bot's rules are files: who changes them need not restart anything."""
    rulebook: Rulebook = app.ctx.service.reception.rulebook

    async def look() -> None:
        while True:
            await asyncio.sleep(RULES_EVERY_S)
            if rulebook.is_ready:
                await rulebook.reload()

    app.ctx.fresh_rules = asyncio.create_task(look())


async def stop(app: Sanic[Any, Any]) -> None:
    service: Service = app.ctx.service
    await service.replays.close()
    await service.desk.taking.close()
    await service.sessions.close()
    await service.wechat.close()
    await service.hub.close()
    await db.disconnect()
