"""Draws on the staff pages."""

from datetime import timedelta

import pytest

from backend import clock
from backend.booking.models import Schedule
from backend.draw.models import Draw
from tests.clinics import a_clinic, a_schedule
from tests.web.conftest import Pages


async def test_a_draw_is_announced_and_ended(pages: Pages) -> None:
    clinic = await a_clinic(pages.settings, tier="county", name="县人民医院")
    on = clock.today() + timedelta(days=10)
    slot = (await a_schedule(pages.settings, clinic, on=on, kind="expert"))[0]
    desk = await pages.desk("institution_admin", clinic.organization)
    offered = (await desk.get("/draws/new")).text
    assert "县人民医院" in offered
    form = {"schedule": str(slot.schedule_id), "closes_on": on.isoformat(), "closes_time": "20:00"}
    late = await desk.post("/draws", form)
    assert late.status_code == 422
    assert "在放号时间之前截止" in late.text
    form["closes_on"] = (clock.today() + timedelta(days=1)).isoformat()
    assert (await desk.post("/draws", form)).status_code == 303
    draw = await Draw.get()
    shown = (await desk.get(f"/draws/{draw.id}")).text
    assert draw.seed_hash in shown
    assert str(slot.schedule_id) not in (await desk.get("/draws/new")).text
    assert "李建国" in (await desk.get("/draws")).text
    assert (await desk.post(f"/draws/{draw.id}/void", {"reason": "设错了"})).status_code == 303
    assert (await Schedule.get(id=slot.schedule_id)).release == "first"


@pytest.mark.parametrize("role", ["doctor", "auditor"])
async def test_others_see_none_of_it(pages: Pages, role: str) -> None:
    clinic = await a_clinic(pages.settings)
    desk = await pages.desk(role, clinic.organization)
    for path in ("/draws", "/draws/new"):
        assert (await desk.get(path)).status_code == 404


async def test_another_institutions_draw_is_unknown(pages: Pages) -> None:
    clinic, other = await a_clinic(pages.settings, tier="county"), await a_clinic(pages.settings)
    slot = (await a_schedule(pages.settings, clinic, on=clock.today() + timedelta(days=10)))[0]
    mine = await pages.desk("institution_admin", clinic.organization)
    theirs = await pages.desk("institution_admin", other.organization)
    tomorrow = (clock.today() + timedelta(days=1)).isoformat()
    form = {"schedule": str(slot.schedule_id), "closes_on": tomorrow, "closes_time": "20:00"}
    assert (await theirs.post("/draws", form)).status_code == 404
    assert (await mine.post("/draws", form)).status_code == 303
    draw = await Draw.get()
    assert (await theirs.get(f"/draws/{draw.id}")).status_code == 404
    assert (await theirs.post(f"/draws/{draw.id}/void", {"reason": "不行"})).status_code == 404
