"""Servers, Redis and PostgreSQL end amid conversations: nothing that was acknowledged is
lost or doubled, and every reader gets 1, 2, 3 … once and in order.

Writers send the same again until somebody answers, as phones do; readers come back with the number
that they have got to, over the socket or, without one, by asking.
"""

import asyncio
import contextlib
import dataclasses
import os
import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from backend import db as database
from backend.chat import conversations
from backend.chat.models import Conversation, Message
from backend.hub import InProcessHub
from backend.migrate import migrate
from backend.settings import Secret, Settings
from tests import engines, test_crash
from tests.chat.talks import a_talk
from tests.conftest import make_settings
from tests.people import log_in
from tests.ports import free_port
from tests.serving import plain_http
from tests.test_crash import Server

CLIENTS = 4
ANSWER_S = 5.0
RETRY_S = 0.05
PAUSE_S = 0.3  # between two messages of a phone: fewer than 60 a minute are let in
HEARS_S = 1.0  # without news, then a phone asks
GIVE_UP_S = 90.0
SEED = 11


@dataclass
class Phone:
    """One resident in one conversation. `acked`: client id → number; `got`: what was told."""

    token: str
    talk: UUID
    acked: dict[str, int] = field(default_factory=dict)
    acked_at: list[float] = field(default_factory=list)
    got: list[int] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def hears(self, items: list[dict[str, Any]]) -> None:
        for item in items:
            if item["seq"] != len(self.got) + 1:
                self.faults.append(f"{item['seq']} after {len(self.got)}")
            self.got.append(item["seq"])


async def some_phones(settings: Settings) -> list[Phone]:
    """With the doctors' queue, where the bot adds little."""
    found = []
    for number in range(CLIENTS):
        token, actor = await log_in(settings, f"openid-{number}")
        talk = await a_talk(actor)
        await conversations.ask_for_a_doctor(actor, InProcessHub(), talk)
        found.append(Phone(token, talk))
    return found


async def writes(phone: Phone, urls: list[str], stop: asyncio.Event, dice: random.Random) -> None:
    path = f"/api/v1/conversations/{phone.talk}/messages"
    headers = {"authorization": f"Bearer {phone.token}"}
    async with plain_http(timeout=ANSWER_S, headers=headers) as http:
        while not stop.is_set():
            form = {"client_id": uuid4().hex, "text": f"第{len(phone.acked)}句"}
            answer = await insists(http, urls, dice, path, form)
            assert answer.status_code in (200, 201), answer.text
            phone.acked[form["client_id"]] = answer.json()["seq"]
            phone.acked_at.append(time.monotonic())
            await asyncio.sleep(PAUSE_S + dice.random())


async def insists(
    http: httpx.AsyncClient, urls: list[str], dice: random.Random, path: str, form: Any
) -> httpx.Response:
    deadline = time.monotonic() + GIVE_UP_S
    while True:
        with contextlib.suppress(httpx.TransportError):
            answer = await http.post(dice.choice(urls) + path, json=form)
            if answer.status_code < 500 and answer.status_code != 429:
                return answer
            assert answer.status_code in (429, 503), answer.text
        assert time.monotonic() < deadline, "nobody answered"
        await asyncio.sleep(RETRY_S * (1 + dice.random()))


async def reads(phone: Phone, urls: list[str], stop: asyncio.Event, dice: random.Random) -> None:
    """Until told to stop; the last look comes after that, so that nothing is left out."""
    headers = {"authorization": f"Bearer {phone.token}"}
    async with plain_http(timeout=ANSWER_S, headers=headers) as http:
        while not stop.is_set():
            url = dice.choice(urls)
            with contextlib.suppress(
                httpx.HTTPError, WebSocketException, OSError, TimeoutError, KeyError
            ):
                await listens(phone, http, url)
            with contextlib.suppress(httpx.HTTPError, KeyError):
                await asks(phone, http, dice.choice(urls))
            await asyncio.sleep(RETRY_S)


async def listens(phone: Phone, http: httpx.AsyncClient, url: str) -> None:
    made = await http.post(
        f"{url}/api/v1/conversations/tickets", json={"conversation_id": str(phone.talk)}
    )
    address = f"{url.replace('http', 'ws')}/api/v1/conversations/live"
    query = f"?ticket={made.json()['ticket']}&after={len(phone.got)}"
    async with connect(address + query, proxy=None, open_timeout=ANSWER_S) as opened:
        while True:
            async with asyncio.timeout(HEARS_S):
                frame = msgspec.json.decode(await opened.recv())
            if frame["is"] == "messages":
                phone.hears(frame["items"])


async def asks(phone: Phone, http: httpx.AsyncClient, url: str) -> None:
    path = f"{url}/api/v1/conversations/{phone.talk}/messages"
    answer = await http.get(path, params={"after": len(phone.got), "limit": 100})
    if answer.status_code == 200:
        phone.hears(answer.json()["items"])


@contextlib.asynccontextmanager
async def talking(phones: list[Phone], urls: list[str]) -> AsyncIterator[Callable[[], Any]]:
    """Everybody writes and reads inside the block. Yields what waits for news after now."""
    stop_writing, stop_reading = asyncio.Event(), asyncio.Event()
    dice = random.Random(SEED)
    writing = [asyncio.create_task(writes(one, urls, stop_writing, dice)) for one in phones]
    reading = [asyncio.create_task(reads(one, urls, stop_reading, dice)) for one in phones]

    async def goes_on() -> float:
        """Until everybody was answered again; seconds."""
        began = time.monotonic()
        while not all(one.acked_at and one.acked_at[-1] > began for one in phones):
            for task in (*writing, *reading):
                if task.done():
                    task.result()
            assert time.monotonic() - began < GIVE_UP_S, "no answer in time"
            await asyncio.sleep(RETRY_S)
        return time.monotonic() - began

    try:
        await goes_on()
        yield goes_on
        stop_writing.set()
        await asyncio.gather(*writing)
        deadline = time.monotonic() + GIVE_UP_S
        while not all(one.got and one.got[-1] >= max(one.acked.values()) for one in phones):
            assert time.monotonic() < deadline, "not everything was told in time"
            await asyncio.sleep(RETRY_S)
        stop_reading.set()
        await asyncio.gather(*reading)
    finally:
        for task in (*writing, *reading):
            task.cancel()
        await asyncio.wait([*writing, *reading])


async def check(settings: Settings, phones: list[Phone]) -> dict[str, int]:
    """What was acknowledged against what is stored and what was told. All but one must be 0."""
    await database.connect(settings)
    try:
        wrong = {"lost": 0, "doubled": 0, "gaps": 0, "told wrong": 0}
        for phone in phones:
            rows = await Message.filter(conversation_id=phone.talk).order_by("seq")
            stored = {row.client_id: row.seq for row in rows}
            wrong["lost"] += sum(stored.get(one) != seq for one, seq in phone.acked.items())
            mine = [row for row in rows if row.author_kind == "resident"]
            wrong["doubled"] += len(mine) - len(phone.acked)
            wrong["gaps"] += [row.seq for row in rows] != list(range(1, len(rows) + 1))
            last = (await Conversation.get(id=phone.talk)).last_seq
            wrong["gaps"] += last != len(rows)
            wrong["told wrong"] += len(phone.faults) + (phone.got != list(range(1, last + 1)))
    finally:
        await database.disconnect()
    return wrong | {"acknowledged": sum(len(one.acked) for one in phones)}


class Redis:
    """One of our own, to be killed and started again at the same place, empty."""

    def __init__(self, binary: str, folder: Path) -> None:
        port = free_port()
        self.url = f"redis://127.0.0.1:{port}/0"
        self._command = [binary, "--port", str(port), "--save", "", "--dir", str(folder)]
        self._running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._running = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + ANSWER_S
        while not engines._pongs(self.url):
            assert time.monotonic() < deadline, "Redis does not start"

    def kill(self) -> None:
        if self._running is not None:
            self._running.kill()
            self._running.wait()


@contextlib.contextmanager
def own_redis(folder: Path) -> Iterator[Redis]:
    binary = next((path for name in engines.REDIS_BINARIES if (path := shutil.which(name))), None)
    if binary is None:
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail("needs redis-server")
        pytest.skip("没有安装 redis-server")
    redis = Redis(binary, folder)
    redis.start()
    try:
        yield redis
    finally:
        redis.kill()


@contextlib.contextmanager
def own_postgres() -> Iterator[tuple[str, Path]]:
    """One to be stopped as one likes, and its folder: at the top, where whoever runs it gets in."""
    folder = Path(tempfile.mkdtemp(prefix="jiamenkou-test-"))
    try:
        with engines._own_postgres(folder) as url:
            yield url, folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def end_all(servers: list[Server]) -> None:
    for server in servers:
        await server.kill()


async def test_a_killed_server_loses_and_doubles_no_message(
    db: None, settings: Settings, engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On PostgreSQL: one of two servers, and Redis before."""
    monkeypatch.setattr(test_crash, "READY_S", GIVE_UP_S)
    phones = await some_phones(settings)
    await database.disconnect()
    with contextlib.ExitStack() as stack:
        wired, redis = settings, None
        if engine == "postgres":
            redis = stack.enter_context(own_redis(tmp_path))
            wired = dataclasses.replace(settings, redis_url=Secret(redis.url))
        servers = [Server(wired, tmp_path) for _ in range(2 if redis else 1)]
        try:
            await asyncio.gather(*(server.start() for server in servers))
            async with talking(phones, [server.url for server in servers]) as goes_on:
                if redis is not None:
                    redis.kill()
                    await goes_on()  # without it
                    redis.start()
                    await goes_on()
                await servers[0].kill()
                await servers[0].start()
                await goes_on()
        finally:
            await end_all(servers)
    found = await check(settings, phones)
    assert found.pop("acknowledged") > CLIENTS
    assert set(found.values()) == {0}, found


@dataclass(frozen=True)
class Breakable:
    """A PostgreSQL, with its folder, and a Redis that may be stopped as one likes."""

    url: str
    data: Path
    redis: Redis


@pytest.fixture
def breakable(postgres_only: None, tmp_path: Path) -> Iterator[Breakable]:
    """Not in the test itself, in whose event loop nobody can wait for PostgreSQL to start."""
    with own_postgres() as (url, data), own_redis(tmp_path) as redis:
        yield Breakable(url, data, redis)


@pytest.mark.soak
async def test_conversations_outlive_everything_that_can_end(
    breakable: Breakable, tmp_path: Path
) -> None:
    """Ten rounds: Redis killed and started empty, PostgreSQL stopped at once and started, one of
    two servers killed."""
    from benchmarks.soak import note

    redis = breakable.redis
    settings = make_settings(breakable.url, redis_url=Secret(redis.url))
    await migrate(settings)
    await database.connect(settings)
    phones = await some_phones(settings)
    await database.disconnect()
    servers = [Server(settings, tmp_path, anew=True) for _ in range(2)]
    took: dict[str, list[float]] = {"redis": [], "postgres": [], "server": []}
    try:
        await asyncio.gather(*(server.start() for server in servers))
        async with talking(phones, [server.url for server in servers]) as goes_on:
            for number in range(10):
                redis.kill()
                took["redis"].append(await goes_on())
                redis.start()
                await asyncio.to_thread(restart_postgres, breakable.data)
                took["postgres"].append(await goes_on())
                await servers[number % 2].kill()
                took["server"].append(await goes_on())
                await servers[number % 2].start()
    finally:
        await end_all(servers)
    found = await check(settings, phones)
    longest = {f"{what} max s": max(times) for what, times in took.items()}
    note("postgres", "chat", {"rounds": 10, **found, **longest})
    assert found.pop("acknowledged") > 10 * CLIENTS
    assert set(found.values()) == {0}, found


def restart_postgres(folder: Path) -> None:
    """Stopped at once, as when the power goes, with the options that it was started with."""
    become = engines._unprivileged(folder)
    binaries = engines._postgres_binaries()
    engines._must(
        *become, f"{binaries}/pg_ctl", "restart", "-D", str(folder / "data"), "-m", "immediate",
        "-l", str(folder / "restarted.log"),
    )  # fmt: skip
