"""A WeChat on a port of its own, and small servers that misbehave."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from sanic import Request

from backend.hub import Hub
from backend.settings import Secret
from backend.wechat.client import WeChat
from backend.wechat.simulator import Account, Limits, Template, create_simulator
from tests.serving import plain_http, serving, until

__all__ = ["serving", "until"]

APPID, SECRET = "wx0000000000000001", "3c9f0e4d1b7a48e29f60c1d2b3a4e5f6"
FOLLOW_UP, VISIT = "T-follow-up", "T-visit-long-term"
TEMPLATES = {
    FOLLOW_UP: Template(fields=("thing1", "time2")),
    VISIT: Template(fields=("name1",), long_term=True),
}
SEND = "/cgi-bin/message/subscribe/send"
VALUES = {"thing1": "高血压随访", "time2": "2026年11月24日 09:00"}


def an_account(**changes: Any) -> Account:
    return Account(**{"appid": APPID, "secret": SECRET, "templates": TEMPLATES} | changes)


def a_message(openid: str, **changes: Any) -> dict[str, Any]:
    values = {name: {"value": value} for name, value in VALUES.items()}
    return {"touser": openid, "template_id": FOLLOW_UP, "data": values} | changes


@dataclass
class Simulator:
    """The phone's side and the raw calls."""

    url: str
    http: httpx.AsyncClient
    seen: list[str]

    async def act(self, what: str, **form: Any) -> dict[str, Any]:
        reply = await self.http.post(f"/_sim/{what}", json=form)
        assert reply.status_code == 200, reply.text
        return dict(reply.json())

    async def code(self, user: str = "王奶奶") -> str:
        return str((await self.act("login", user=user))["code"])

    async def openid(self, user: str = "王奶奶") -> str:
        query = {"appid": APPID, "secret": SECRET, "grant_type": "authorization_code"}
        query["js_code"] = await self.code(user)
        return str((await self.http.get("/sns/jscode2session", params=query)).json()["openid"])

    async def agree(self, times: int = 1, template_id: str = FOLLOW_UP) -> str:
        """王奶奶 accepts `times`; returns her openid."""
        openid = await self.openid()
        for _ in range(times):
            form = {"user": "王奶奶", "template_id": template_id, "result": "accept"}
            await self.act("subscribe", **form)
        return openid

    async def messages(self, user: str = "王奶奶") -> list[dict[str, Any]]:
        reply = await self.http.get("/_sim/messages", params={"user": user})
        return list(reply.json()["messages"])

    async def token(self, **more: Any) -> dict[str, Any]:
        form = {"grant_type": "client_credential", "appid": APPID, "secret": SECRET, **more}
        reply = await self.http.post("/cgi-bin/stable_token", json=form)
        assert reply.status_code == 200
        return dict(reply.json())

    async def call(self, path: str, form: Any = None, **query: Any) -> dict[str, Any]:
        """A POST with a good token unless `access_token` says otherwise."""
        if "access_token" not in query:
            query["access_token"] = (await self.token())["access_token"]
        reply = await self.http.post(path, params=query, json=form)
        assert reply.status_code == 200, reply.text
        return dict(reply.json())

    async def was_told(self, *contents: str) -> bool:
        return [row.get("content") for row in await self.messages()] == list(contents)

    def count(self, path: str) -> int:
        return self.seen.count(path)


@pytest.fixture
async def simulate() -> AsyncIterator[Callable[..., Awaitable[Simulator]]]:
    """Start a simulator for `account`; may be called more than once."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(account: Account | None = None, **options: Any) -> Simulator:
            seen: list[str] = []
            options.setdefault("limits", Limits(slow_s=20))
            app = create_simulator(account or an_account(), **options)

            async def note(request: Request) -> None:
                seen.append(request.path)

            app.register_middleware(note, "request", priority=9)
            url = await stack.enter_async_context(serving(app))
            http = plain_http(base_url=url)
            return Simulator(url, await stack.enter_async_context(http), seen)

        yield start


@pytest.fixture
async def sim(simulate: Callable[..., Awaitable[Simulator]]) -> Simulator:
    return await simulate()


@pytest.fixture
async def connect(hub: Hub) -> AsyncIterator[Callable[..., WeChat]]:
    """A production client for a base URL; each stands for one worker."""
    async with contextlib.AsyncExitStack() as stack:
        opened: list[WeChat] = []

        def client(base_url: str, **changes: Any) -> WeChat:
            options = {"appid": APPID, "secret": Secret(SECRET), "hub": hub} | changes
            opened.append(WeChat(base_url=base_url, **options))
            stack.push_async_callback(opened[-1].close)
            return opened[-1]

        yield client


@pytest.fixture
async def wechat(sim: Simulator, connect: Callable[..., WeChat]) -> WeChat:
    return connect(sim.url)


@pytest.fixture
async def babble() -> AsyncIterator[Callable[[bytes], Awaitable[str]]]:
    """A server that answers everything with the same bytes and hangs up."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(answer: bytes) -> str:
            async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                with contextlib.suppress(OSError):
                    await reader.readuntil(b"\r\n\r\n")
                    writer.write(answer)
                    await writer.drain()
                writer.close()

            server = await asyncio.start_server(speak, "127.0.0.1", 0)
            stack.callback(server.close)
            return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

        yield start
