"""One serving process of ours: the app, and the jobs where nobody else runs them."""

import contextlib
import gc
import socket
import sys
from collections.abc import AsyncIterator

import structlog

from backend import lease
from backend.main import create_app
from backend.protocol import Limits
from backend.serving import App, serving, stop_signal
from backend.settings import Settings
from backend.worker import Timetable

log = structlog.get_logger()

SWITCH_S = 0.0005  # so that SQLite's threads need not wait 5 ms for Python's lock


async def serve(settings: Settings, sock: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT, with the jobs inside when this is the only process.

    Raises:
        lease.Taken: another process serves this database, and there is no Redis between them.
    """
    stop = stop_signal()
    async with lease.held(settings, lost=stop.set):
        app = create_app(settings)
        # One app in this process, so Sanic may cut the signals that nobody listens to out of its
        # own methods: they cost more than everything else it does.
        app.config.TOUCHUP = True
        async with serving(app, sock, limits_of(settings)):
            async with _jobs(app, settings):
                _settle_memory()
                log.info("server.ready", port=sock.getsockname()[1], jobs=lease.is_sole(settings))
                await stop.wait()
                log.info("server.stopping")


def _settle_memory() -> None:
    """What is loaded stays, so the collector need not walk over it again and again."""
    gc.collect()
    gc.freeze()
    sys.setswitchinterval(SWITCH_S)


def limits_of(settings: Settings) -> Limits:
    """Behind a proxy everybody comes from its address, so only the proxy can count addresses."""
    return Limits(per_address_most=0) if settings.trusted_proxies else Limits()


@contextlib.asynccontextmanager
async def _jobs(app: App, settings: Settings) -> AsyncIterator[None]:
    """The timetable at `app.ctx.timetable`; None where `jiamenkou worker` runs it."""
    hub = app.ctx.service.hub
    app.ctx.timetable = Timetable(settings, hub) if lease.is_sole(settings) else None
    if app.ctx.timetable is None:
        yield
        return
    async with app.ctx.timetable.running():
        yield
