"""Routes with their types: one declaration serves the handler, its checks and the OpenAPI document.

Every request passes here: id, host, log-in, limits, form, answer, problem, figures. No middleware:
at this place it costs a fraction of that.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import msgspec
from sanic import HTTPResponse, Request, Sanic

from backend import errors, throttle
from backend.api import figures, problem, wire
from backend.api.cache import Cache
from backend.api.etags import JSON
from backend.api.hosts import Hosts, HostUnknown
from backend.api.reply import Reply
from backend.api.service import Service
from backend.identity.access import Actor
from backend.logs import new_request_id, request_id
from backend.protocol import take_larger
from backend.receipts import Answer, Receipt, Replayed

PREFIX = "/api/v1"
FORM_MOST = 64 * 1024  # of a form around its file
Handler = Callable[..., Awaitable[Any]]


class Nothing(msgspec.Struct, forbid_unknown_fields=True):
    """A form without fields: any query parameter is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """`path` has Sanic's parameters; `receipt`: POST needs `Idempotency-Key`."""

    method: str
    path: str
    handler: Handler
    query: type[Any]
    body: type[Any] | None
    answer: Any
    status: int
    problems: tuple[type[errors.Problem], ...]
    public: bool
    receipt: bool
    cached_s: float
    media: str
    upload_most: int


@dataclass(slots=True)
class Call:
    """One request on its way: who asks, with what, and where the service is."""

    request: Request
    service: Service
    actor: Actor
    query: Any
    claim: Receipt | None = None

    def receipt(self, render: Callable[[Any], Any], *, body: bytes | None = None) -> Receipt:
        """The request's claim to be done once. `render` makes the view of a verb's result.

        `body`: what the key is bound to, where a hash of the whole body would tell too much.
        """
        self.claim = Receipt.of(
            self.actor.account_id,
            self.request.headers.get("idempotency-key"),
            f"{self.request.method} {self.request.path}",
            self.request.body if body is None else body,
            lambda result: wire.encode(render(result)).decode(),
        )
        return self.claim

    async def limit(self, deed: str, most: int, *, fail_open: bool = False) -> None:
        """Raises Throttled: the account did `deed` more than `most` times this minute.

        Where nobody can count, it is refused, or (`fail_open`) let pass.
        """
        who = str(self.actor.account_id)
        await throttle.check(self.service.hub, deed, who, most=most, fail_open=fail_open)


routes: list[Route] = []


def route(
    method: str,
    path: str,
    *,
    answer: Any = None,
    query: type[Any] = Nothing,
    body: type[Any] | None = None,
    status: int = 200,
    problems: tuple[type[errors.Problem], ...] = (),
    public: bool = False,
    receipt: bool = False,
    cached_s: float = 0.0,
    media: str = JSON,
    upload_most: int = 0,
) -> Callable[[Handler], Handler]:
    """Declare a handler of `Call` (and the decoded `form`, and path parameters by name).

    `upload_most`: it takes a form with a file (`uploads.receive`), of so many bytes at most.
    """

    def declare(handler: Handler) -> Handler:
        routes.append(
            Route(
                method=method,
                path=path,
                handler=handler,
                query=query,
                body=body,
                answer=answer,
                status=status,
                problems=problems,
                public=public,
                receipt=receipt,
                cached_s=cached_s,
                media=media,
                upload_most=upload_most,
            )
        )
        return handler

    return declare


def mount(app: Sanic[Any, Any], service: Service) -> None:
    """Serve every declared route under /api/v1."""
    for found in routes:
        if found.upload_most:
            take_larger(app, found.method, PREFIX + found.path, found.upload_most + FORM_MOST)
        app.add_route(
            _serve(found, service),
            PREFIX + found.path,
            # RFC 9110: what can be got can be asked for its head.
            methods=["GET", "HEAD"] if found.method == "GET" else [found.method],
            name=found.handler.__name__ + "_" + found.method.lower(),
            # Unsaid, Sanic would parse each handler's source for it: a fifth of a second a start.
            error_format="json",
        )


def _serve(declared: Route, service: Service) -> Callable[..., Coroutine[Any, Any, HTTPResponse]]:
    hosts = Hosts(service.settings.allowed_hosts)
    observe = figures.observer(declared.method, PREFIX + declared.path)

    async def serve(request: Request, **parameters: Any) -> HTTPResponse:
        began = time.perf_counter()
        try:
            hosts.check(request)
            cache = _cache(declared, service)
            response = cache.get(request) if cache else None
            if response is None:
                request_id.set(new_request_id())
                answering = _answer(declared, service, request, parameters)
                response = await (cache.fill(request, answering) if cache else answering)
                response.headers["x-request-id"] = request_id.get()
        except asyncio.CancelledError:  # by the protocol: nobody is there any more, or it took long
            gone = request.conn_info is not None and request.conn_info.lost
            observe(499 if gone else 503, time.perf_counter() - began)
            raise
        except HostUnknown as unknown:
            request_id.set(new_request_id())
            response = problem.respond(unknown)
        except Exception as error:
            response = problem.respond(problem.to_problem(error))
        observe(response.status, time.perf_counter() - began)
        return response

    return serve


def _cache(declared: Route, service: Service) -> Cache | None:
    if not declared.cached_s:
        return None
    known = service.caches.get(declared.path)
    if known is None:
        known = service.caches[declared.path] = Cache(declared.cached_s)
    return known


async def _answer(
    declared: Route, service: Service, request: Request, parameters: dict[str, Any]
) -> HTTPResponse:
    actor = await _actor(declared, service, request)
    query = wire.read_query(request.query_string, declared.query)
    call = Call(request, service, actor, query)
    if declared.body is not None:
        content_type = request.headers.get("content-type", "")
        parameters["form"] = wire.read_body(content_type, request.body, declared.body)
    try:
        result = await _handled(declared, call, parameters)
    except Replayed as done_before:
        headers = {"cache-control": "no-store", "idempotent-replayed": "true"}
        return Reply(done_before.answer.body, done_before.answer.status, headers, JSON)
    if isinstance(result, HTTPResponse):
        return result
    if isinstance(result, Answer):
        headers = {"cache-control": "no-store"}
        return Reply(result.body, result.status, headers, JSON)
    headers = {"cache-control": "no-store"}
    body = b"" if result is None else wire.encode(result)
    return Reply(body, declared.status, headers, JSON if body else None)


async def _handled(declared: Route, call: Call, parameters: dict[str, Any]) -> Any:
    """What the handler returns. Raises Replayed instead of a refusal that a twin has caused."""
    try:
        return await declared.handler(call, **parameters)
    except Replayed:
        raise
    except Exception:
        # The same request may have been done meanwhile, or long ago: then its answer stands.
        if call.claim is not None and not call.claim.settled:
            await call.claim.check()
        raise


async def _actor(declared: Route, service: Service, request: Request) -> Actor:
    if declared.public:
        await throttle.check(
            service.hub,
            "read",
            client_ip(request, service.settings.trusted_proxies),
            most=service.settings.reads_per_minute,
            fail_open=True,
        )
        return Actor(service.settings.consortium_id, "anonymous")
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise errors.Unauthenticated
    return await service.sessions.verify(token)


def client_ip(request: Request, trusted_proxies: int) -> str:
    """The peer's address, or what the outermost trusted proxy says it saw."""
    if trusted_proxies:
        seen = request.headers.get("x-forwarded-for", "").split(",")
        if len(seen) >= trusted_proxies and seen[-trusted_proxies].strip():
            return seen[-trusted_proxies].strip()[:45]
    return request.ip or ""
