"""Staff in front of the pages, over HTTP, on the database of the suite."""

import re
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from backend import clock
from backend.api.service import Service
from backend.consortium.models import Organization
from backend.identity.sessions import token_hash
from backend.settings import Settings
from backend.staff.models import StaffSession
from backend.web.session import COOKIE, csrf
from tests.people import a_staff_account
from tests.serving import Shared


@dataclass
class Desk:
    """One person's browser, as far as it matters: a cookie, and the same headers as Chromium."""

    http: httpx.AsyncClient
    service: Service
    token: str = ""
    kept: dict[str, str] = field(default_factory=dict)

    @property
    def cookie(self) -> str:
        both = {COOKIE: self.token} | self.kept if self.token else self.kept
        return "; ".join(f"{name}={value}" for name, value in both.items())

    @property
    def csrf(self) -> str:
        return csrf(self.service.vault, self.token)

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self._ask("GET", path, headers, None)

    async def post(self, path: str, form: Any = None, **headers: str) -> httpx.Response:
        """With the token and the headers that a form of ours has. `_` in names is `-`."""
        filled = {"csrf": self.csrf} | (form or {})
        ours = {"origin": str(self.http.base_url).rstrip("/"), "sec-fetch-site": "same-origin"}
        return await self._ask("POST", path, ours | headers, filled)

    async def _ask(
        self, method: str, path: str, headers: dict[str, str], form: Any
    ) -> httpx.Response:
        said = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookie:
            said["cookie"] = self.cookie
        answer = await self.http.request(method, "/staff" + path, headers=said, data=form)
        for line in answer.headers.get_list("set-cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            if name == COOKIE:
                self.token = value
            elif value:
                self.kept[name] = value
            else:
                self.kept.pop(name, None)
        return answer


@dataclass
class Pages:
    """The running service. `desk(role, *institutions)`: a browser that is logged in."""

    http: httpx.AsyncClient
    service: Service
    settings: Settings

    async def desk(self, role: str = "", *organizations: Organization, **facts: Any) -> Desk:
        """Without a role, somebody who is not logged in."""
        if not role:
            return Desk(self.http, self.service)
        staff = await a_staff_account(self.settings, role, *organizations, **facts)
        token = secrets.token_urlsafe(32)
        now = clock.now()
        await StaffSession.create(
            id=uuid4(), consortium_id=self.settings.consortium_id, staff_id=staff.id,
            token_hash=token_hash(token), device="Chrome · Windows", created_at=now,
            last_seen_at=now, passed_at=now, expires_at=now + timedelta(hours=8),
        )  # fmt: skip
        return Desk(self.http, self.service, token)


@pytest.fixture
async def pages(settings: Settings, noon: clock.Hands, shared: Shared) -> AsyncIterator[Pages]:
    """Running at the stopped noon."""
    async with shared.wired(settings) as http:
        yield Pages(http, shared.app.ctx.service, settings)


def text_of(answer: httpx.Response) -> str:
    """What one reads on a page, without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))
