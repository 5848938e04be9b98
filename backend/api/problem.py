"""Whatever goes wrong becomes an RFC 9457 document in Chinese with a stable code."""

import asyncio
from typing import Any

import asyncpg
import msgspec
import structlog
from redis.exceptions import RedisError
from sanic import HTTPResponse, Request
from sanic.exceptions import MethodNotAllowed, NotFound, RequestCancelled, SanicException
from sanic.handlers import ErrorHandler

from backend import errors
from backend.api import wire
from backend.api.hosts import Hosts, HostUnknown
from backend.api.reply import Reply
from backend.logs import new_request_id, request_id

log = structlog.get_logger()

MEDIA = "application/problem+json"
KIND = "https://jiamenkou.example/problems/"  # an identifier, see docs/problems.md

METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")

# What the database or the hub raise when they can't be reached or answer too late.
UNREACHABLE = (
    OSError,
    asyncio.TimeoutError,
    asyncio.CancelledError,  # the process is ending
    RedisError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.TooManyConnectionsError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.QueryCanceledError,
    asyncpg.LockNotAvailableError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.IdleInTransactionSessionTimeoutError,
)


class BadRequest(errors.Problem):
    status = 400
    code = "bad-request"
    title = "请求有误"
    detail = "请求的格式不对，请重试。"


class MethodWrong(errors.Problem):
    status = 405
    code = "method-not-allowed"
    title = "不支持这样访问"
    detail = "这个地址不支持这种访问方式。"


class TimedOut(errors.Problem):
    status = 408
    code = "request-timeout"
    title = "网络太慢"
    detail = "网络太慢，没有收到完整的请求，请重试。"


class Internal(errors.Problem):
    """A bug. Wakes someone."""

    status = 500
    code = "internal"
    title = "系统出错了"
    detail = "系统出了点问题，我们已经记录下来，请稍后再试。"


BY_STATUS: dict[int, type[errors.Problem]] = {
    400: BadRequest, 404: errors.NotFound, 405: MethodWrong, 408: TimedOut, 413: wire.TooLarge,
    417: BadRequest, 503: errors.Busy,
}  # fmt: skip


class ProblemDocument(msgspec.Struct, kw_only=True, omit_defaults=True):
    """RFC 9457. Extension members depend on the code: see docs/problems.md."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    field: str | None = None


def to_problem(error: BaseException) -> errors.Problem:
    """The problem that an exception is for clients. An unexpected one is logged, once, here."""
    if isinstance(error, errors.Problem):
        return error
    if isinstance(error, UNREACHABLE) or isinstance(error.__cause__, UNREACHABLE):
        log.warning("dependency.unreachable", error=type(error).__name__)
        return errors.Busy()
    if isinstance(error, SanicException) and error.status_code in BY_STATUS:
        return BY_STATUS[error.status_code]()
    log.error("request.failed", exc_info=error)
    return Internal()


def respond(problem: errors.Problem) -> HTTPResponse:
    """The document as a response."""
    extra = {name: value for name, value in problem.extra.items() if value is not None}
    headers = {"cache-control": "no-store", "x-request-id": request_id.get()}
    if "retry_after_s" in extra:
        headers["retry-after"] = str(extra["retry_after_s"])
    if problem.status == 401:
        headers["www-authenticate"] = "Bearer"
    document: dict[str, Any] = {
        "type": KIND + problem.code,
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
        "request_id": request_id.get(),
    }
    return Reply(wire.encode(extra | document), problem.status, headers, MEDIA)


class ProblemHandler(ErrorHandler):
    """For what happens outside our handlers: no route, a broken request, a time-out."""

    def __init__(self, allowed_hosts: tuple[str, ...]) -> None:
        super().__init__()
        self._hosts = Hosts(allowed_hosts)

    def default(self, request: Request, exception: Exception) -> HTTPResponse:
        request_id.set(new_request_id())
        if isinstance(exception, RequestCancelled):  # the client hung up: nobody reads this
            return Reply(status=499)
        if isinstance(exception, MethodNotAllowed):
            response = respond(MethodWrong())
            response.headers["allow"] = ", ".join(_methods(request))
            return response
        if isinstance(exception, NotFound):
            try:
                self._hosts.check(request)
            except HostUnknown as unknown:
                return respond(unknown)
        return respond(to_problem(exception))


def _methods(request: Request) -> list[str]:
    """What the path answers to; Sanic does not say for a method that it never heard of."""
    found = []
    for method in METHODS:
        try:
            request.app.router.get(request.path, method, None)
        except (SanicException, LookupError):
            continue
        found.append(method)
    return found
