"""Whether this process lives, whether it can serve, its figures, and the API's own description."""

from typing import Any

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sanic import HTTPResponse, Request, Sanic

from backend import db
from backend.api import figures, openapi, wire
from backend.api.etags import JSON
from backend.api.guard import guarded
from backend.api.papers import pages
from backend.api.reply import Reply
from backend.api.route import PREFIX
from backend.api.service import Service
from backend.api.views.health import ReadyView
from backend.consortium.directory import directory
from backend.hub import LEADER

log = structlog.get_logger()
PAGE = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
OPENAPI = PREFIX + "/openapi.json"


def mount(app: Sanic[Any, Any], service: Service, *, pages_at: str = "") -> None:
    """Routes for people and machines that look after the service. `pages_at`: the mini-program's.

    Load balancers ask `/healthz` by address, so it takes any host.
    """
    app.add_route(
        _healthz, "/healthz", methods=("GET", "HEAD"), name="healthz", error_format="json"
    )
    for path, handler, name in (
        ("/readyz", _ready(service), "readyz"),
        ("/metrics", _metrics(service), "metrics"),
        (OPENAPI, _openapi, "openapi"),
        (PREFIX + "/docs", _docs, "docs"),
        ("/", _home(service, pages_at), "home"),
    ):
        door = guarded(service.settings.allowed_hosts, handler)
        app.add_route(door, path, methods=("GET", "HEAD"), name=name, error_format="json")


async def _healthz(_request: Request) -> HTTPResponse:
    return Reply(b'{"status":"ok"}', 200, {"cache-control": "no-store"}, JSON)


def _ready(service: Service) -> Any:
    async def readyz(_request: Request) -> HTTPResponse:
        """200 when bookings can be taken; 503 names what is missing."""
        database, hub = await _state(db.ping()), await _state(service.hub.ping())
        ready = database == hub == "ok"
        leader = await service.hub.get(LEADER) if hub == "ok" else None
        jobs = "running" if leader else "nobody runs them"
        view = ReadyView("ok" if ready else "not ready", database, hub, jobs)
        headers = {"cache-control": "no-store"}
        return Reply(wire.encode(view), 200 if ready else 503, headers, JSON)

    return readyz


async def _state(asked: Any) -> str:
    try:
        await asked
    except Exception as error:
        log.warning("dependency.unreachable", error=type(error).__name__)
        return "unreachable"
    return "ok"


def _metrics(service: Service) -> Any:
    async def metrics(_request: Request) -> HTTPResponse:
        figures.WAITING.set(service.desk.taking.waiting)
        return Reply(generate_latest(), 200, content_type=CONTENT_TYPE_LATEST)

    return metrics


async def _openapi(_request: Request) -> HTTPResponse:
    headers = {"cache-control": "public, max-age=60"}
    return Reply(wire.encode(openapi.document()), 200, headers, JSON)


async def _docs(_request: Request) -> HTTPResponse:
    page = pages.get_template("docs.html").render(document=openapi.document(), source=OPENAPI)
    return Reply(page, 200, dict(PAGE), "text/html; charset=utf-8")


def _home(service: Service, pages_at: str) -> Any:
    async def home(_request: Request) -> HTTPResponse:
        county = await directory(service.settings.consortium_id)
        page = pages.get_template("home.html").render(
            county=county, docs=PREFIX + "/docs", pages_at=pages_at
        )
        return Reply(page, 200, dict(PAGE), "text/html; charset=utf-8")

    return home
