"""HTTP/1.1 for the clients of tests, to what runs here.

httpcore, h11 and anyio took a millisecond and a half for each of some ten thousand requests, most
of what a request in a test cost; this takes a twentieth of that.
"""

import asyncio
import contextlib
import select
from collections.abc import AsyncIterator, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any

import httpx

MOST = 100  # connections, as httpx has it
HEAD_MOST = 256 * 1024
CHUNK = 64 * 1024
BODILESS = (204, 304)


@dataclass(slots=True)
class Wire:
    """A connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @property
    def is_usable(self) -> bool:
        """Nothing has come since the last answer, nor an end."""
        if self.reader._buffer or self.reader.at_eof() or self.writer.is_closing():
            return False
        poll = select.poll()
        poll.register(self.writer.get_extra_info("socket").fileno(), select.POLLIN)
        return not poll.poll(0)


class Body(httpx.AsyncByteStream):
    """What an answer holds; the connection goes back when all of it was read, else it is closed."""

    def __init__(self, transport: "Plain", wire: Wire, origin: tuple[str, int], wait: float | None):
        self._transport, self._wire, self._origin, self._wait = transport, wire, origin, wait
        self.length: int | None = 0  # None: in chunks; -1: up to the end of the connection
        self.keeps = True
        self._is_read = self._is_closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with explained():
            if self.length is None:
                while size := int(await self._read(self._wire.reader.readuntil(b"\r\n")), 16):
                    yield (await self._read(self._wire.reader.readexactly(size + 2)))[:-2]
                await self._read(self._wire.reader.readuntil(b"\r\n"))
            elif self.length < 0:
                while part := await self._read(self._wire.reader.read(CHUNK)):
                    yield part
            elif self.length:
                yield await self._read(self._wire.reader.readexactly(self.length))
        self._is_read = True

    async def _read(self, read: Coroutine[Any, Any, bytes]) -> bytes:
        async with asyncio.timeout(self._wait):
            return await read

    async def aclose(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._transport.take_back(
                self._wire, self._origin, whole=self.keeps and (self._is_read or self.length == 0)
            )


class Plain(httpx.AsyncBaseTransport):
    def __init__(self) -> None:
        self._idle: dict[tuple[str, int], list[Wire]] = {}
        self._room = asyncio.Semaphore(MOST)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        waits = request.extensions.get("timeout", {})
        origin = (request.url.host, request.url.port or 80)
        await self._room.acquire()
        try:
            wire = await self._connected(origin, waits.get("connect"))
        except BaseException:
            self._room.release()
            raise
        try:
            with explained():
                wire.writer.writelines(await written(request))
                async with asyncio.timeout(waits.get("read")):
                    head = await wire.reader.readuntil(b"\r\n\r\n")
            body = Body(self, wire, origin, waits.get("read"))
            return answer(request, head, body)
        except BaseException:
            self.take_back(wire, origin, whole=False)
            raise

    async def _connected(self, origin: tuple[str, int], wait: float | None) -> Wire:
        idle = self._idle.setdefault(origin, [])
        while idle:
            wire = idle.pop()
            if wire.is_usable:
                return wire
            wire.writer.close()
        try:
            async with asyncio.timeout(wait):
                return Wire(*await asyncio.open_connection(*origin, limit=HEAD_MOST))
        except TimeoutError as error:
            raise httpx.ConnectTimeout(str(error)) from error
        except OSError as error:
            raise httpx.ConnectError(str(error)) from error

    def take_back(self, wire: Wire, origin: tuple[str, int], *, whole: bool) -> None:
        self._room.release()
        if whole and not wire.writer.is_closing():
            self._idle[origin].append(wire)
        else:
            wire.writer.close()

    async def aclose(self) -> None:
        for idle in self._idle.values():
            while idle:
                idle.pop().writer.close()


async def written(request: httpx.Request) -> list[bytes]:
    headers = request.headers.raw
    lines = [b"%s %s HTTP/1.1\r\n" % (request.method.encode(), request.url.raw_path)]
    lines += [b"%s: %s\r\n" % header for header in headers]
    parts = [part async for part in request.stream]
    if "transfer-encoding" in request.headers:
        parts = [b"%x\r\n%s\r\n" % (len(part), part) for part in parts if part] + [b"0\r\n\r\n"]
    return [*lines, b"\r\n", *parts]


def answer(request: httpx.Request, head: bytes, body: Body) -> httpx.Response:
    first, *lines = head[:-4].split(b"\r\n")
    _, status, _ = first.split(b" ", 2)
    headers = [(name, value.strip()) for name, _, value in (line.partition(b":") for line in lines)]
    response = httpx.Response(int(status), headers=headers, stream=body)
    told = response.headers
    body.keeps = "close" not in told.get("connection", "").lower()
    if request.method == "HEAD" or response.status_code in BODILESS:
        body.length = 0
    elif "chunked" in told.get("transfer-encoding", ""):
        body.length = None
    else:
        body.length = int(told.get("content-length", -1))
    return response


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """What goes wrong, in httpx's words."""
    try:
        yield
    except TimeoutError as error:
        raise httpx.ReadTimeout(str(error)) from error
    except asyncio.IncompleteReadError as error:
        raise httpx.RemoteProtocolError("the connection ended amid an answer") from error
    except OSError as error:
        raise httpx.ReadError(str(error)) from error
