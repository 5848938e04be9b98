"""What plain handlers, declared without `route`, share: a request id, a known host, problems."""

from collections.abc import Callable, Coroutine
from typing import Any

from sanic import HTTPResponse, Request

from backend.api import problem
from backend.api.hosts import Hosts
from backend.logs import new_request_id, request_id

Handler = Callable[..., Coroutine[Any, Any, HTTPResponse]]


def guarded(allowed_hosts: tuple[str, ...], handler: Handler) -> Handler:
    """The handler, behind the allow-list of hosts."""
    hosts = Hosts(allowed_hosts)

    async def guard(request: Request, **parameters: Any) -> HTTPResponse:
        request_id.set(new_request_id())
        try:
            hosts.check(request)
            return await handler(request, **parameters)
        except Exception as error:
            return problem.respond(problem.to_problem(error))

    return guard
