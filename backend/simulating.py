"""`jiamenkou simulator`: a local WeChat as a process, for the account that the settings name."""

import socket
from pathlib import Path

import structlog

from backend.protocol import Limits
from backend.reminders.subscriptions import TITLES
from backend.serving import serving, stop_signal
from backend.settings import Settings
from backend.wechat.simulator import Account, Callback, Template, create_simulator

log = structlog.get_logger()

DRAIN_S = 2.0
FIELDS = ("thing1", "thing2", "time3")  # of every template here: who, where, when


async def run(
    settings: Settings,
    sock: socket.socket,
    *,
    state: Path | None,
    callback: str | None,
    origins: tuple[str, ...] = (),
) -> None:
    """Be WeChat until SIGTERM or SIGINT.

    `callback`: the URL that gets the pushes. `origins`: whose pages in a browser may be phones.

    Raises:
        ValueError: `state` holds something else, or the push key in the settings is malformed.
    """
    pushes = callback and Callback(
        url=callback,
        token=settings.wechat_push_token.reveal(),
        aes_key=settings.wechat_push_aes_key.reveal(),
    )
    account = Account(
        appid=settings.wechat_appid,
        secret=settings.wechat_secret.reveal(),
        templates={
            template_id: Template(fields=FIELDS, title=TITLES[purpose])
            for purpose, template_id in settings.templates.items()
        },
        callback=pushes or None,
    )
    app = create_simulator(account, state_path=state, origins=origins)
    stop = stop_signal()
    async with serving(app, sock, Limits(), drain_s=DRAIN_S):
        log.info("simulator.ready", port=sock.getsockname()[1])
        await stop.wait()
