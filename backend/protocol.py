"""HTTP/1.1, stricter than Sanic's: deadlines for whole requests, and one way to read each.

Sanic's own timeouts start again with every byte, so a byte a second keeps a connection for ever;
and its parser accepts what a proxy in front may read differently. Both end here, before routing.
"""

# mypy: disable-error-code="no-untyped-call"
import ipaddress
import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from time import monotonic
from typing import Any, ClassVar, NamedTuple

import structlog
from sanic.exceptions import (
    BadRequest,
    ExpectationFailed,
    PayloadTooLarge,
    RequestTimeout,
    SanicException,
    ServiceUnavailable,
)
from sanic.http import Http, Stage
from sanic.server.protocols.websocket_protocol import WebSocketProtocol

log = structlog.get_logger()

CHUNKED_BODY: Any = "chunked"  # what Sanic puts in `request_body` for it
LENGTH_BODY: Any = True  # and for a body whose length is said
CHUNK_LINE_MOST = 64  # bytes of a chunk's size and extensions
ANSWER_S = 5.0  # to send the refusal after a deadline; then the connection is cut
LINGER_S = 1.0  # to read on after the last answer: a reset would destroy it on its way
HEADERS_MOST = 64
SOCKET_MESSAGE_MOST = 1024  # bytes of one message of a WebSocket; ours need none at all
SOCKET_PING_S = 20.0
SOCKET_CLOSE_S = 2.0  # for the other side to say goodbye as well

# RFC 9112: a token, origin-form, a version; then `name:value` without control characters.
# Possessive, so that a hostile head costs no more than an honest one.
HEAD = re.compile(
    rb"[A-Z]{3,16} /(?!/)[!\"$-~]*+ HTTP/1\.[01]"
    rb"(?:\r\n[!#$%%&'*+.^_`|~0-9A-Za-z-]++:[\t -~\x80-\xff]*+){0,%d}+" % HEADERS_MOST
)
HOST = re.compile(r"(?:[0-9A-Za-z._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
LENGTH = re.compile(r"[0-9]{1,15}")
SINGLE = ("host", "content-length", "transfer-encoding")
CHUNK = re.compile(rb"\r\n[0-9A-Fa-f]{1,8}(?:;[\t -~]*+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Seconds, and connections of one process. `per_address_most` spares loopback; 0: no limit."""

    header_s: float = 10.0
    body_s: float = 20.0
    response_s: float = 4.5
    silence_s: float = 45.0  # of an answer without end, since it said something
    idle_s: float = 75.0
    connections_most: int = 10_000
    per_address_most: int = 200


class Head(NamedTuple):
    """A request's head. Header names are lower-case, values without the space around them."""

    method: str
    url: str
    version: str
    headers: list[tuple[str, str]]
    by_name: dict[str, str]
    """Of a header that stands there twice, the last."""

    @property
    def keep_alive(self) -> bool:
        wanted = self.by_name.get("connection")
        return self.version == "1.1" if wanted is None else wanted.lower() == "keep-alive"


def read_head(raw: bytes) -> Head | None:
    """A request's head, without its empty line. None: it can be read in more ways than one."""
    if HEAD.fullmatch(raw) is None:
        return None
    first, *lines = raw.decode(errors="surrogateescape").split("\r\n")
    method, url, protocol = first.split(" ")
    parts = [line.partition(":") for line in lines]
    headers = [(name.lower(), value.strip("\t ")) for name, _, value in parts]
    head = Head(method, url, protocol[5:], headers, dict(headers))
    return head if _is_sound(head) else None


def _is_sound(head: Head) -> bool:
    """Whether who shall answer, and where the body ends, is said exactly once."""
    host = head.by_name.get("host")
    if host is None or not _is_host(host):
        return False
    length, coding = head.by_name.get("content-length"), head.by_name.get("transfer-encoding")
    if length is not None and (coding is not None or LENGTH.fullmatch(length) is None):
        return False
    if coding is not None and (coding.lower() != "chunked" or head.version != "1.1"):
        return False
    if len(head.by_name) == len(head.headers):  # nothing stands twice
        return True
    names = Counter(name for name, _ in head.headers)
    return all(names[name] <= 1 for name in SINGLE)


@lru_cache(maxsize=1000)
def _is_host(value: str) -> bool:
    return HOST.fullmatch(value) is not None


class StrictHttp(Http):
    """One connection's requests, read once: what is checked here is what Sanic is given."""

    __slots__ = ("began", "endless")

    def __init__(self, protocol: "StrictProtocol") -> None:
        super().__init__(protocol)
        self.init_for_request()
        self.began = monotonic()
        self.endless = False
        """Set by a handler that sends events as they come."""

    async def http1_request_header(self) -> None:
        """Wait for a whole head and make a request of it.

        Raises:
            BadRequest, PayloadTooLarge, ExpectationFailed.
        """
        self.began = monotonic()
        buffer = self.recv_buffer
        end, seen = buffer.find(b"\r\n\r\n"), 0
        while end < 0 and len(buffer) < self.HEADER_MAX_SIZE:
            seen = max(0, len(buffer) - 3)
            await self._receive_more()
            end = buffer.find(b"\r\n\r\n", seen)
        if not 0 <= end < self.HEADER_MAX_SIZE:
            raise PayloadTooLarge("Request header exceeds the size limit")
        raw = bytes(buffer[:end])
        head = read_head(raw)
        if head is None:
            raise BadRequest("Bad Request")
        self._begin(head, raw)
        # Of a chunked body one line break stays: each chunk begins with the end of the one before.
        del buffer[: end + (2 if self.request_body == CHUNKED_BODY else 4)]
        self._take_body(buffer)
        self.began = monotonic()

    def _begin(self, head: Head, raw: bytes) -> None:
        """What Sanic keeps of a head, as its own `http1_request_header` leaves it."""
        protocol: Any = self.protocol
        headers = head.by_name
        self.url = head.url
        self.keep_alive = head.keep_alive
        self.endless = False
        self.head_only = head.method == "HEAD"
        self.upgrade_websocket = headers.get("upgrade", "").lower() == "websocket"
        request = protocol.request_class(
            url_bytes=head.url.encode("ascii"),
            headers=head.headers,
            head=raw,
            version=head.version,
            method=head.method,
            transport=protocol.transport,
            app=protocol.app,
        )
        protocol.request_class._current.set(request)
        self.request_bytes_left = self.request_bytes = int(headers.get("content-length", 0))
        if "transfer-encoding" in headers:
            self.request_body = CHUNKED_BODY
        elif "content-length" in headers:
            self.request_body = LENGTH_BODY
        expected = headers.get("expect", "").lower()
        if self.request_body and expected:
            if expected != "100-continue":
                raise ExpectationFailed("Unknown Expect")
            self.expecting_continue = True
        self.request, request.stream = request, self
        most: int = protocol.request_max_size
        if self.request_bytes > most or self.request_body == CHUNKED_BODY:
            most = _larger(protocol.app, head.method, request.path) or most
        self.request_max_size = most
        protocol.state["requests_count"] += 1

    def _take_body(self, buffer: bytearray) -> None:
        """A body that has come with its head need not be waited for piece by piece."""
        request: Any = self.request
        size: int = request.stream.request_bytes
        if self.request_body != LENGTH_BODY or self.expecting_continue:
            return
        if size <= len(buffer) and size <= request.stream.request_max_size:
            request.body = bytes(buffer[:size])
            del buffer[:size]
            self.request_body, self.request_bytes_left = None, 0

    async def read(self) -> bytes | None:
        """Some bytes of the body. Raises BadRequest: a chunk whose frame is not exact."""
        if self.request_body == CHUNKED_BODY and not self.request_bytes_left:
            await self._next_chunk()
        piece: bytes | None = await super().read()
        return piece

    async def _next_chunk(self) -> None:
        if self.expecting_continue:
            self.expecting_continue = False
            await self._send(b"HTTP/1.1 100 Continue\r\n\r\n")
        buffer = self.recv_buffer
        while (end := buffer.find(b"\r\n", 2)) < 0:
            if len(buffer) > CHUNK_LINE_MOST:
                break
            await self._receive_more()
        if end > CHUNK_LINE_MOST or CHUNK.fullmatch(buffer, 0, max(end, 0)) is None:
            self.keep_alive = False
            raise BadRequest("Bad chunked encoding")


class StrictProtocol(WebSocketProtocol):
    """Deadlines and caps. `limited(limits)` makes the class that a server uses."""

    HTTP_CLASS = StrictHttp
    limits: ClassVar[Limits] = Limits()
    by_address: ClassVar[Counter[bytes]] = Counter()
    lingers = False

    def __init__(self, **wiring: Any) -> None:
        ours = {
            "websocket_timeout": SOCKET_CLOSE_S,
            "websocket_max_size": SOCKET_MESSAGE_MOST,
            "websocket_ping_interval": SOCKET_PING_S,
            "websocket_ping_timeout": SOCKET_PING_S,
        }
        super().__init__(**(wiring | ours))  # Sanic would say its own defaults
        self._http: StrictHttp | None = None  # made when its task begins, which is a moment later

    def connection_made(self, transport: Any) -> None:
        """Cut at once when there are too many, before anything is allocated for it."""
        address = _address(transport)
        most = self.limits.per_address_most
        if len(self.connections) >= self.limits.connections_most or (
            address and most and self.by_address[address] >= most
        ):
            transport.abort()
            log.warning("connection.refused", open=len(self.connections))
            return
        if address:
            self.by_address[address] += 1
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.conn_info is None:  # refused
            return
        address = _address(self.transport)
        super().connection_lost(exc)
        if address:
            self.by_address[address] -= 1
            if not self.by_address[address]:
                del self.by_address[address]

    def data_received(self, data: bytes) -> None:
        if not self.lingers:
            super().data_received(data)

    def close(self, timeout: float | None = None) -> None:
        """Say that no more is coming, and let whoever still sends read the answer first."""
        transport = self.transport
        if transport is None or transport.is_closing() or self.lingers:
            return
        if (
            self.websocket is not None or self._http is not None or not transport.can_write_eof()
        ):  # nothing was said just now
            super().close(timeout)
            return
        self.lingers = True
        self.recv_buffer.clear()
        transport.resume_reading()
        transport.write_eof()
        self.loop.call_later(LINGER_S, super().close)

    def close_if_idle(self) -> bool:
        """At a stop. Who was let in and not yet looked at may have sent a request already.

        An answer without end has nothing to finish: its reader comes back by itself.
        """
        if self._http is not None and self._http.endless and self.transport is not None:
            self.transport.close()
            return True
        return self.http is not None and bool(super().close_if_idle())

    def check_timeouts(self) -> None:
        """Comes back exactly when the next deadline can have passed."""
        http = self._http
        if self._task is None or http is None or self.websocket is not None:
            return  # a WebSocket has its pings
        left, late = self._time_left(http)
        if left > 0:
            # A request may begin meanwhile, so never sleep longer than its shortest deadline.
            delay = min(left, self.limits.header_s, self.limits.response_s)
            self._callback_check_timeouts = self.loop.call_later(delay, self.check_timeouts)
            return
        http.exception = late
        http.request_body = None  # or Sanic goes on reading it after the answer
        self._task.cancel()
        if self.transport is not None:
            self.loop.call_later(ANSWER_S, self.transport.abort)

    def _time_left(self, http: StrictHttp) -> tuple[float, SanicException | None]:
        """Seconds until the deadline of what the connection does now, and what to answer then."""
        now, limits = monotonic(), self.limits
        if http.stage is Stage.REQUEST:
            return http.began + limits.header_s - now, RequestTimeout("Request Timeout")
        if http.request_body:
            return http.began + limits.body_s - now, RequestTimeout("Request Timeout")
        if http.stage is Stage.IDLE:
            return self._time + limits.idle_s - now, None
        if http.endless:
            return self._time + limits.silence_s - now, ServiceUnavailable("Response Timeout")
        return self._time + limits.response_s - now, ServiceUnavailable("Response Timeout")


def take_larger(app: Any, method: str, path: str, most: int) -> None:
    """Let a route have bodies of more bytes than the others. `path` has Sanic's parameters."""
    if not hasattr(app.ctx, "bodies"):
        app.ctx.bodies = []
    pattern = re.compile("[^/]+".join(map(re.escape, re.split(r"<\w+(?::\w+)?>", path))))
    app.ctx.bodies.append((method, pattern, most))


def _larger(app: Any, method: str, path: str) -> int:
    """What the route may have; 0: no more than any other."""
    for known, pattern, most in getattr(app.ctx, "bodies", ()):
        if known == method and pattern.fullmatch(path):
            return int(most)
    return 0


def limited(limits: Limits) -> type[StrictProtocol]:
    """The protocol with these limits and a count of addresses of its own."""
    return type("LimitedProtocol", (StrictProtocol,), {"limits": limits, "by_address": Counter()})


def _address(transport: Any) -> bytes:
    """Who connects: an IPv4 address, an IPv6 network of 64 bits; empty for this very host."""
    peer = transport.get_extra_info("peername") if transport else None
    if not isinstance(peer, tuple):
        return b""
    address = ipaddress.ip_address(peer[0].partition("%")[0])
    return b"" if address.is_loopback else address.packed[:8]
