"""The service as it really runs: our strict protocol on a port, on the database of the suite."""

import dataclasses
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import uuid4

import httpx
import pytest

from backend import clock
from backend.api.service import Service
from backend.settings import Settings
from backend.wechat.simulator import Account, create_simulator
from tests.serving import Shared, plain_http
from tests.serving import serving as simulating

Headers = dict[str, str]


@dataclass
class Server:
    """`http` speaks to it; `service` is what its handlers hold; `phone` is WeChat's simulator."""

    http: httpx.AsyncClient
    phone: httpx.AsyncClient
    port: int
    settings: Settings
    service: Service

    async def log_in(self, user: str = "wang-nainai") -> Headers:
        """Through WeChat, as a phone does; the headers that carry the token."""
        code = (await self.phone.post("/_sim/login", json={"user": user})).json()["code"]
        answer = await self.http.post("/api/v1/login/wechat", json={"code": code})
        assert answer.status_code == 200, answer.text
        return {"authorization": f"Bearer {answer.json()['token']}"}


def keyed(who: Headers, key: str | None = None) -> Headers:
    return who | {"idempotency-key": key or uuid4().hex}


@pytest.fixture
async def server(settings: Settings, noon: clock.Hands, shared: Shared) -> AsyncIterator[Server]:
    """Running at the stopped noon."""
    account = Account(
        appid=settings.wechat_appid, secret=settings.wechat_secret.reveal(), templates={}
    )
    async with simulating(create_simulator(account)) as wechat:
        wired = dataclasses.replace(settings, wechat_base_url=wechat)
        async with shared.wired(wired) as http, plain_http(base_url=wechat) as phone:
            yield Server(http, phone, shared.port, wired, shared.app.ctx.service)


@pytest.fixture
async def who(server: Server) -> Headers:
    return await server.log_in()
