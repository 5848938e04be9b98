"""The simulator's pages: start, watch, cancel, read; for the whole county's administrators only."""

import asyncio
import time
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest

from backend import clock
from backend.replay import running
from tests.booking.test_standing import missed
from tests.clinics import a_clinic
from tests.people import a_person
from tests.web.conftest import Desk, Pages, text_of

WAIT_S, LOOK_S = 10.0, 0.02


def a_form(**changed: str) -> dict[str, str]:
    yesterday = str(clock.today() - timedelta(days=1))
    return {"from_on": yesterday, "to_on": yesterday, "share": "100", "draw_min": "60"} | changed


async def over(desk: Desk, path: str) -> httpx.Response:
    """What htmx gets once it is over."""
    ends = time.monotonic() + WAIT_S
    while "every 1s" in (part := await desk.get(f"{path}/progress", hx_request="true")).text:
        assert time.monotonic() < ends
        await asyncio.sleep(LOOK_S)
    return part


async def test_a_period_is_replayed_and_taken_along(pages: Pages) -> None:
    hospital = await a_clinic(pages.settings, tier="county")
    await missed(pages.settings, hospital, await a_person(pages.settings))
    desk = await pages.desk("consortium_admin")
    assert "这样算的限度" in text_of(await desk.get("/simulator"))
    begun = await desk.post("/simulator", a_form())
    assert begun.status_code == 303
    path = begun.headers["location"].removeprefix("/staff")
    part = await over(desk, path)
    assert "<html" not in part.text
    shown = await desk.get(path)
    for answer in (part, shown):
        told = text_of(answer)
        assert "0.0% 的要号结果和实际不一样" in told
        assert "没有签约" in told
        assert 'role="img"' in answer.text
    assert "给签约居民留 100%" in text_of(shown)
    table = await desk.get(f"{path}/figures.csv")
    assert table.headers["content-type"].startswith("text/csv")
    assert "全部,现在,1,1,100.0" in table.text
    listed = await desk.get("/simulator")
    assert ("算好了" in listed.text, f"/staff{path}" in listed.text) == (True, True)
    again = await desk.get(f"/simulator?like={path.rpartition('/')[2]}")
    assert 'value="100"' in again.text
    wrong = await desk.post("/simulator", a_form(to_on="2020-01-01"))
    assert (wrong.status_code, "不能早于" in wrong.text) == (422, True)


async def test_one_under_way_is_shown_and_can_be_cancelled(
    pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "compare", lambda *_, watch, **__: _endless(watch))
    monkeypatch.setattr(running, "BEAT_S", LOOK_S)
    desk, other = await pages.desk("consortium_admin"), await pages.desk("consortium_admin")
    path = (await desk.post("/simulator", a_form())).headers["location"].removeprefix("/staff")
    shown = await desk.get(path)
    assert ("正在算" in shown.text, "取消模拟" in shown.text) == (True, True)
    second = await desk.post("/simulator", a_form())
    assert (second.status_code, "上一次模拟还在算" in second.text) == (409, True)
    assert "取消模拟" not in (await other.get(path)).text
    assert (await other.post(f"{path}/cancel")).status_code == 404
    assert (await other.get(f"{path}/figures.csv")).status_code == 404
    assert (await desk.post(f"{path}/cancel")).status_code == 303
    assert "改一改，再算一次" in (await over(desk, path)).text


def _endless(watch: running.Watch) -> None:
    while True:
        watch.look(time.monotonic() + WAIT_S)


async def test_institutions_do_not_find_it(pages: Pages) -> None:
    hospital = await a_clinic(pages.settings)
    admin = await pages.desk("consortium_admin")
    path = (await admin.post("/simulator", a_form())).headers["location"].removeprefix("/staff")
    desk = await pages.desk("institution_admin", hospital.organization)
    for address in ("/simulator", path, f"{path}/progress", f"{path}/figures.csv"):
        assert (await desk.get(address)).status_code == 404
    assert (await desk.post("/simulator", a_form())).status_code == 404
    assert (await desk.post(f"{path}/cancel")).status_code == 404
    assert (await admin.get(f"/simulator/{uuid4()}")).status_code == 404
