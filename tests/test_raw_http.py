"""Bytes on a socket that no HTTP library would send, and clients that take their time."""

import asyncio
import itertools
import re
import socket
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from sanic import HTTPResponse, Request, Sanic, empty
from sanic.response import text

from backend.protocol import HEADERS_MOST, Limits, read_head
from backend.serving import listen, serving

LIMITS = Limits(header_s=0.4, body_s=0.4, response_s=0.4, idle_s=0.4, per_address_most=0)
PATIENCE_S = 30.0  # a test's, far above every limit
LATE_S = 20.0  # how much later than its deadline a thing may come on a busy machine
NAMES = itertools.count()

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST / HTTP/1.1\r\nHost: localhost\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def sock() -> Iterator[socket.socket]:
    bound = listen("127.0.0.1", 0)
    yield bound
    bound.close()


def echo() -> Sanic[Any, Any]:
    app: Sanic[Any, Any] = Sanic(f"raw-{next(NAMES)}", configure_logging=False)
    app.config.update(MOTD=False, TOUCHUP=False, REQUEST_MAX_SIZE=4096)

    @app.get("/")
    async def hello(_request: Request) -> HTTPResponse:
        return text("hello")

    @app.get("/slow")
    async def slow(_request: Request) -> HTTPResponse:
        await asyncio.sleep(60)
        return empty()

    @app.post("/")
    async def echo(request: Request) -> HTTPResponse:
        return text(request.body.decode())

    return app


@pytest.fixture
async def server(sock: socket.socket) -> AsyncIterator[int]:
    """The port of an echoing server with short limits."""
    async with serving(echo(), sock, LIMITS, drain_s=0.5):
        yield sock.getsockname()[1]


async def exchange(port: int, *pieces: bytes) -> bytes:
    """Send the pieces one after the other; all that comes back until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        return await asyncio.wait_for(reader.read(), PATIENCE_S)
    finally:
        writer.close()


def statuses(answer: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]


REFUSED = {
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "no host, 1.0": b"GET / HTTP/1.0\r\n\r\n",
    "empty host": b"GET / HTTP/1.1\r\nHost:\r\n\r\n",
    "two hosts": GET + b"Host: evil.example\r\n\r\n",
    "two equal hosts": GET + b"host: localhost\r\n\r\n",
    "host with a path": b"GET / HTTP/1.1\r\nHost: x/public?\r\n\r\n",
    "host with an at": b"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n",
    "host list": b"GET / HTTP/1.1\r\nHost: a,b\r\n\r\n",
    "host with a bad port": b"GET / HTTP/1.1\r\nHost: a:b\r\n\r\n",
    "absolute form": b"GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "authority form": b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "asterisk": b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "two slashes": b"GET //evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "no slash": b"GET index HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "fragment": b"GET /#a HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "raw bytes in the target": b"GET /\xe7\x8e\x8b HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "space in the target": b"GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "tab in the request line": b"GET\t/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "two spaces": b"GET  / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "lower-case method": b"get / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "lower-case version": b"GET / http/1.1\r\nHost: localhost\r\n\r\n",
    "version 2": b"GET / HTTP/2.0\r\nHost: localhost\r\n\r\n",
    "version 0.9": b"GET / HTTP/0.9\r\nHost: localhost\r\n\r\n",
    "no version": b"GET /\r\nHost: localhost\r\n\r\n",
    "leading empty line": b"\r\n" + GET + b"\r\n",
    "space before the colon": GET + b"X-A : 1\r\n\r\n",
    "tab before the colon": GET + b"X-A\t: 1\r\n\r\n",
    "space before the name": GET + b" X-A: 1\r\n\r\n",
    "folded line": GET + b"X-A: 1\r\n 2\r\n\r\n",
    "no colon": GET + b"X-A\r\n\r\n",
    "no name": GET + b": 1\r\n\r\n",
    "bracket in a name": GET + b"X[A]: 1\r\n\r\n",
    "non-ASCII name": GET + "X-王: 1\r\n\r\n".encode(),
    "NUL in a value": GET + b"X-A: a\0b\r\n\r\n",
    "control in a value": GET + b"X-A: a\x0bb\r\n\r\n",
    "delete in a value": GET + b"X-A: a\x7fb\r\n\r\n",
    "bare CR": GET + b"X-A: 1\rX-B: 2\r\n\r\n",
    "bare LF": GET + b"X-A: 1\nX-B: 2\r\n\r\n",
    "NUL in a name": GET + b"X\0A: 1\r\n\r\n",
    "too many headers": GET + b"X: 1\r\n" * HEADERS_MOST + b"\r\n",
    "length and chunked": POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc",
    "two lengths": POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "two lengths in one": POST + b"Content-Length: 3, 3\r\n\r\nabc",
    "signed length": POST + b"Content-Length: +3\r\n\r\nabc",
    "negative length": POST + b"Content-Length: -3\r\n\r\nabc",
    "underscored length": POST + b"Content-Length: 1_0\r\n\r\nabcdefghij",
    "hexadecimal length": POST + b"Content-Length: 0x3\r\n\r\nabc",
    "full-width length": POST + "Content-Length: 3\r\n\r\nabc".replace("3", "\uff13").encode(),
    "empty length": POST + b"Content-Length:\r\n\r\n",
    "endless length": POST + b"Content-Length: 9999999999999999\r\n\r\n",
    "unknown coding": POST + b"Transfer-Encoding: gzip\r\n\r\nabc",
    "coding list": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "quoted coding": POST + b'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n',
    "chunked with 1.0": CHUNKED.replace(b"/1.1", b"/1.0") + b"0\r\n\r\n",
    "chunk size with 0x": CHUNKED + b"0x4\r\nabcd\r\n0\r\n\r\n",
    "chunk size signed": CHUNKED + b"+4\r\nabcd\r\n0\r\n\r\n",
    "chunk size underscored": CHUNKED + b"0_4\r\nabcd\r\n0\r\n\r\n",
    "chunk size spaced": CHUNKED + b" 4\r\nabcd\r\n0\r\n\r\n",
    "chunk size spaced after": CHUNKED + b"4 \r\nabcd\r\n0\r\n\r\n",
    "chunk size missing": CHUNKED + b"\r\nabcd\r\n0\r\n\r\n",
    "chunk size full-width": CHUNKED + "\uff14\r\nabcd\r\n0\r\n\r\n".encode(),
    "chunk size too long": CHUNKED + b"000000004\r\nabcd\r\n0\r\n\r\n",
    "chunk longer than said": CHUNKED + b"4\r\nabcdXX0\r\n\r\n",
    "wrong bytes after a chunk": CHUNKED + b"4\r\nabcdZZ0\r\n\r\n",
    "LF after a chunk": CHUNKED + b"4\r\nabcd\n0\r\n\r\n\r\n",
    "bare LF in an extension": CHUNKED + b"4;a\nb\r\nabcd\r\n0\r\n\r\n",
    "endless extension": CHUNKED + b"4;" + b"a" * 200 + b"\r\nabcd\r\n0\r\n\r\n",
    "trailer": CHUNKED + b"4\r\nabcd\r\n0\r\nX-A: 1\r\n\r\n",
}  # fmt: skip


@pytest.mark.parametrize("sent", REFUSED.values(), ids=REFUSED.keys())
async def test_what_could_be_read_in_two_ways_is_refused(server: int, sent: bytes) -> None:
    """Issue: refused with 400, and the connection is closed: nothing after it is a request."""
    answer = await exchange(server, sent + GET + b"\r\n")
    assert statuses(answer) == [400]
    assert b"connection: close" in answer.lower()


ACCEPTED = {
    "plain": GET + b"\r\n",
    "with a port": b"GET / HTTP/1.1\r\nHost: localhost:8000\r\n\r\n",
    "an IPv6 host": b"GET / HTTP/1.1\r\nHost: [::1]:8000\r\n\r\n",
    "a query": b"GET /?a=%E7%8E%8B&b=//c HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a value in UTF-8": GET + "X-A: 王奶奶\r\n\r\n".encode(),
    "an empty value": GET + b"X-A:\r\n\r\n",
    "a value with a tab": GET + b"X-A:\ta\tb \r\n\r\n",
    "a length": POST + b"Content-Length: 3\r\n\r\nabc",
    "a length with spaces": POST + b"content-length:  3 \r\n\r\nabc",
    "no body": POST + b"Content-Length: 0\r\n\r\n",
    "chunks": CHUNKED + b"4\r\nabcd\r\n1;x=y\r\ne\r\n0\r\n\r\n",
    "expecting": POST + b"Content-Length: 3\r\nExpect: 100-continue\r\n\r\nabc",
    "expecting, chunked": (
        POST + b"Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n1\r\na\r\n0\r\n\r\n"
    ),
}


@pytest.mark.parametrize("sent", ACCEPTED.values(), ids=ACCEPTED.keys())
async def test_what_is_sound_is_answered(server: int, sent: bytes) -> None:
    """Twice on one connection, so that nothing is left over from the first."""
    answer = await exchange(server, sent + sent)
    assert [status for status in statuses(answer) if status != 100] == [200, 200]


@pytest.mark.parametrize("sent", [ACCEPTED["chunks"], ACCEPTED["a length"]])
async def test_a_body_may_come_byte_by_byte(server: int, sent: bytes) -> None:
    answer = await exchange(server, *(sent[n : n + 1] for n in range(len(sent))))
    assert statuses(answer) == [200]


async def test_a_body_that_is_too_large_is_refused(server: int) -> None:
    assert statuses(await exchange(server, POST + b"Content-Length: 4097\r\n\r\n")) == [413]


async def test_a_head_that_is_too_large_is_refused(server: int) -> None:
    assert statuses(await exchange(server, GET + b"X-A: " + b"a" * 20_000)) == [413]


def test_a_hostile_head_costs_no_more_than_an_honest_one() -> None:
    began = time.process_time()
    for _ in range(100):
        assert read_head(GET + b"X-A: " + b"a \t" * 2500 + b"\0") is None
    assert time.process_time() - began < 1.0


async def drip(port: int, head: bytes, drop: bytes, every_s: float) -> tuple[float, bytes]:
    """Send `head`, then a drop now and then; how long until the server closes, and what it said."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    began = time.monotonic()
    writer.write(head)
    answer = asyncio.create_task(reader.read())
    try:
        while not answer.done() and time.monotonic() - began < PATIENCE_S:
            writer.write(drop)
            await asyncio.wait({answer}, timeout=every_s)
        return time.monotonic() - began, await asyncio.wait_for(answer, PATIENCE_S)
    finally:
        writer.close()


@pytest.mark.parametrize(
    ("head", "drop"),
    [
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ", b"a"),
        (POST + b"Content-Length: 4000\r\n\r\n", b"a"),
        (CHUNKED, b"1\r\na\r\n"),
        (POST + b"Upgrade: websocket\r\nContent-Length: 4000\r\n\r\n", b"a"),
    ],
    ids=["head", "body", "chunks", "disguised as a WebSocket"],
)
async def test_who_trickles_is_cut_at_the_deadline(server: int, head: bytes, drop: bytes) -> None:
    """Issue: the deadline counts from the first byte, whatever trickles in."""
    took_s, answer = await drip(server, head, drop, every_s=0.05)
    assert LIMITS.header_s * 0.9 <= took_s < LIMITS.header_s + LATE_S
    assert statuses(answer) == [408]


async def test_who_is_still_sending_can_read_the_refusal(server: int) -> None:
    """A reset in answer to unread bytes would destroy the answer before it is read."""
    refused = await asyncio.gather(*(shout(server) for _ in range(20)))
    assert [statuses(answer) for answer in refused] == [[400]] * 20


async def shout(port: int) -> bytes:
    """Send a request that is refused, go on sending, and only then read."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        for _ in range(20):
            writer.write(b"a" * 1000)
            await writer.drain()
            await asyncio.sleep(0.005)
        return await asyncio.wait_for(reader.read(), PATIENCE_S)
    finally:
        writer.close()


async def test_the_second_request_of_a_connection_has_its_deadline_too(server: int) -> None:
    took_s, answer = await drip(server, GET + b"\r\n", b"G", every_s=0.05)
    assert took_s < LIMITS.header_s + LATE_S
    assert statuses(answer) == [200, 408]


async def test_an_idle_connection_is_closed(server: int) -> None:
    began = time.monotonic()
    assert statuses(await exchange(server, GET + b"\r\n")) == [200]
    assert LIMITS.idle_s * 0.9 <= time.monotonic() - began < LIMITS.idle_s + LATE_S


async def test_a_handler_that_hangs_is_answered_for(server: int) -> None:
    slow = b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n"
    assert statuses(await exchange(server, slow)) == [503]


async def first_byte(port: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(GET + b"\r\n")
    try:
        return await asyncio.wait_for(reader.readexactly(1), PATIENCE_S)
    finally:
        writer.close()


async def test_too_many_connections_are_cut(sock: socket.socket) -> None:
    port = sock.getsockname()[1]
    async with serving(echo(), sock, Limits(connections_most=2), drain_s=0.1):
        kept = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        for reader, writer in kept:
            writer.write(GET + b"\r\n")
            assert await asyncio.wait_for(reader.readuntil(b"hello"), PATIENCE_S)
        with pytest.raises((ConnectionResetError, BrokenPipeError, asyncio.IncompleteReadError)):
            await first_byte(port)
        for _, writer in kept:
            writer.close()
