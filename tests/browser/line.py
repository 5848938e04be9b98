"""The network between a phone and the service: cut, slow, and whole again."""

import asyncio
import contextlib
import threading
from collections.abc import Coroutine, Iterator
from typing import Any, Self

CHUNK = 65_536
PATIENCE_S = 10.0


class Line:
    """Carries bytes from a port of its own to the service's; neither end knows of it."""

    def __init__(self, host: str, port: int, service_port: int) -> None:
        self._host, self._port, self._service_port = host, port, service_port
        self._loop = asyncio.new_event_loop()
        self._ends: set[asyncio.StreamWriter] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._listener: asyncio.Server | None = None

    @classmethod
    @contextlib.contextmanager
    def open(cls, host: str, port: int, service_port: int) -> Iterator[Self]:
        line = cls(host, port, service_port)
        thread = threading.Thread(target=line._loop.run_forever, daemon=True)
        thread.start()
        try:
            line.mend()
            yield line
        finally:
            line._do(line._end())
            line._loop.call_soon_threadsafe(line._loop.stop)
            thread.join(PATIENCE_S)

    def cut(self) -> None:
        """Connections break, and new ones are refused."""
        self._do(self._cut())

    def hold(self) -> None:
        """What is asked arrives; no answer does."""
        self._loop.call_soon_threadsafe(self._flowing.clear)

    def mend(self) -> None:
        """All is well, on the same port."""
        self._do(self._mend())

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_S)

    async def _cut(self) -> None:
        if self._listener is not None:
            self._listener.close()
        self._listener = None
        for end in tuple(self._ends):
            end.transport.abort()

    async def _end(self) -> None:
        await self._cut()
        under_way = asyncio.all_tasks() - {asyncio.current_task()}
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    async def _mend(self) -> None:
        self._flowing.set()
        if self._listener is None:
            self._listener = await asyncio.start_server(self._carry, self._host, self._port)

    async def _carry(self, asks: asyncio.StreamReader, phone: asyncio.StreamWriter) -> None:
        self._ends.add(phone)
        with contextlib.suppress(OSError):
            answers, service = await asyncio.open_connection(self._host, self._service_port)
            self._ends.add(service)
            await asyncio.gather(self._pass(asks, service), self._pass(answers, phone, slow=True))
            self._ends.discard(service)
        self._ends.discard(phone)
        phone.close()

    async def _pass(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, slow: bool = False
    ) -> None:
        with contextlib.suppress(OSError):
            while chunk := await source.read(CHUNK):
                if slow:
                    await self._flowing.wait()
                sink.write(chunk)
                await sink.drain()
        sink.close()
