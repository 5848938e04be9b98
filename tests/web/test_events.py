"""Events as they come: what is new, a ping, an end with the log-in, and no hold on a stop."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sanic import Sanic

from backend import clock
from backend.protocol import Limits
from backend.serving import listen, serving
from backend.settings import Settings
from backend.staff.models import StaffRole, StaffSession
from backend.web import events, page
from backend.web.events import Event
from backend.web.view import View
from tests.serving import Shared, plain_http, sharing
from tests.serving import until as until_true
from tests.web.conftest import Desk, Pages

PATIENCE_S = 60.0

shown: list[Event] = []
looks: list[str] = []


async def _live(view: View) -> None:
    async def look(last: str) -> Event | None:
        looks.append(last)
        return next((one for one in shown if one.id > last), None)

    passing = {b"writes": Event("", "写", "typing"), b"ours": None}
    return await events.stream(view, look, channels=["test"], passing=passing)


@pytest.fixture(autouse=True)
def _declared(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that only this file knows."""
    shown[:] = [Event("1", "<p>一</p>\n<p>行</p>")]
    known: list[page.Declared] = []
    monkeypatch.setattr(page, "pages", known)
    page.page("GET", "/live", right="schedule.read", passive=True)(_live)
    monkeypatch.setattr(events, "PING_S", 0.1)
    monkeypatch.setattr(events, "GAP_S", 0.01)


@pytest.fixture
async def shared(_declared: None, settings: Settings) -> AsyncIterator[Shared]:
    async with sharing(settings) as shared:
        yield shared


async def lines(desk: Desk, **headers: str) -> AsyncIterator[str]:
    said = {name.replace("_", "-"): value for name, value in headers.items()}
    said["cookie"] = desk.cookie
    async with desk.http.stream("GET", "/staff/live", headers=said) as got:
        assert got.status_code == 200
        assert got.headers["content-type"].startswith("text/event-stream")
        assert got.headers["x-accel-buffering"] == "no"
        async for line in got.aiter_lines():
            yield line


async def until(found: AsyncIterator[str], wanted: str) -> list[str]:
    seen = []
    async with asyncio.timeout(PATIENCE_S):
        async for line in found:
            seen.append(line)
            if line == wanted:
                return seen
    raise AssertionError(seen)


async def test_what_is_new_comes_at_once_and_then_a_ping(pages: Pages) -> None:
    desk = await pages.desk("auditor")
    stream = lines(desk)
    seen = await until(stream, "data: <p>行</p>")
    assert seen[0] == "retry: 3000"
    assert "id: 1" in seen
    shown.append(Event("2", "二", "queue"))
    assert "event: queue" in await until(stream, "data: 二")
    await until(stream, ": ping")
    await stream.aclose()  # type: ignore[attr-defined]


async def test_news_of_the_hub_wakes_it(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without news nothing is looked at for a minute."""
    monkeypatch.setattr(events, "PING_S", 60.0)
    monkeypatch.setattr(events, "LOOK_S", 60.0)
    stream = lines(await pages.desk("auditor"))
    await until(stream, "data: <p>行</p>")
    shown.append(Event("2", "二"))
    await pages.service.hub.publish("test", b"moved")
    await until(stream, "data: 二")
    await stream.aclose()  # type: ignore[attr-defined]


async def test_what_passes_is_told_without_a_look(
    pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often: and what is lost meanwhile is found with the next ping."""
    monkeypatch.setattr(events, "PING_S", 60.0)
    stream = lines(await pages.desk("auditor"))
    await until(stream, "data: <p>行</p>")
    looks.clear()
    for _ in range(3):
        await pages.service.hub.publish("test", b"ours")
        await pages.service.hub.publish("test", b"writes")
        seen = await until(stream, "data: 写")
        assert "event: typing" in seen
        assert not [line for line in seen if line.startswith("id:")]
    assert looks == []
    monkeypatch.setattr(events, "PING_S", 0.1)
    shown.append(Event("2", "二"))
    await pages.service.hub.publish("test", b"writes")
    await until(stream, "data: 二")
    await stream.aclose()  # type: ignore[attr-defined]


async def test_who_comes_back_gets_what_was_missed(pages: Pages) -> None:
    shown.append(Event("2", "二"))
    stream = lines(await pages.desk("auditor"), last_event_id="1")
    seen = await until(stream, "data: 二")
    assert "id: 1" not in seen
    await stream.aclose()  # type: ignore[attr-defined]


async def test_it_ends_with_the_log_in_and_is_no_sign_of_life(
    pages: Pages, noon: clock.Hands
) -> None:
    desk = await pages.desk("auditor")
    before = await StaffSession.get()
    stream = lines(desk)
    await until(stream, "id: 1")
    await until(stream, ": ping")
    after = await StaffSession.get()
    assert after.last_seen_at == before.last_seen_at
    await StaffSession.all().update(ended_at=clock.now())
    async with asyncio.timeout(PATIENCE_S):
        assert [line async for line in stream][-1] in ("", ": ping")


async def test_whoever_is_no_longer_logged_in_is_shown_nothing_more(
    pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even what is new before the next ping."""
    monkeypatch.setattr(events, "PING_S", 60.0)
    desk = await pages.desk("auditor")
    stream = lines(desk)
    await until(stream, "data: <p>行</p>")
    await StaffSession.all().update(ended_at=clock.now())
    shown.append(Event("2", "二"))
    await pages.service.hub.publish("test", b"moved")
    async with asyncio.timeout(PATIENCE_S / 2):
        assert "二" not in "".join([line async for line in stream])


async def test_it_ends_with_a_role(pages: Pages) -> None:
    """Whoever has fewer rights now comes back, and is judged by those."""
    desk = await pages.desk("auditor")
    stream = lines(desk)
    await until(stream, "id: 1")
    await StaffRole.all().update(ended_at=clock.now())
    async with asyncio.timeout(PATIENCE_S):
        async for line in stream:
            assert line in ("", "event: message", ": ping") or line.startswith("data: ")
    assert (await desk.get("/live")).status_code == 404


async def test_an_outsider_gets_an_ordinary_refusal(pages: Pages) -> None:
    desk = await pages.desk()
    answer = await desk.get("/live")
    assert answer.status_code == 303


async def test_too_many_are_refused(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "STREAMS_MOST", 1)
    desk = await pages.desk("auditor")
    stream = lines(desk)
    await until(stream, "id: 1")
    assert (await desk.get("/live")).status_code == 503
    await stream.aclose()  # type: ignore[attr-defined]

    async def is_free() -> bool:
        async with desk.http.stream("GET", "/staff/live", headers={"cookie": desk.cookie}) as got:
            return got.status_code == 200

    await until_true(is_free)


async def test_a_stop_does_not_wait_for_readers(pages: Pages) -> None:
    """A minute to drain, and it is over at once: a browser comes back by itself."""
    desk = await pages.desk("auditor")
    sock = listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{sock.getsockname()[1]}"
    app: Sanic[Any, Any] = Sanic(f"stop-{uuid4().hex}", configure_logging=False)
    app.config.update(TOUCHUP=False, ACCESS_LOG=False)
    page.mount(app, pages.service)
    async with asyncio.timeout(PATIENCE_S), plain_http(base_url=url) as http:
        async with serving(app, sock, Limits(), drain_s=60.0):
            reader = Desk(http, pages.service, desk.token)
            stream = lines(reader)
            await until(stream, "id: 1")
        with contextlib.suppress(httpx.RemoteProtocolError):
            async for _ in stream:
                pass
