"""The pages about schedules: what they show, what they refuse, and who finds nothing."""

import re
from typing import Any

import pytest

from backend.booking.models import Schedule, ScheduleTemplate, Slot
from backend.booking.schedules import publish
from backend.settings import Settings
from tests.clinics import a_clinic, a_schedule
from tests.roster.conftest import MONDAY, PLAN, Ward, after, fill
from tests.statements import statements
from tests.web.conftest import Desk, Pages, text_of

FORM: dict[str, Any] = PLAN | {"reason": "工作需要"}


@pytest.fixture
async def ward(pages: Pages, settings: Settings) -> Ward:
    clinic = await a_clinic(settings)
    return Ward(settings, clinic, None, None)  # type: ignore[arg-type]


@pytest.fixture
async def desk(pages: Pages, ward: Ward) -> Desk:
    return await pages.desk("institution_admin", ward.clinic.organization)


async def test_the_week(desk: Desk, ward: Ward) -> None:
    slot, _ = await a_schedule(ward.settings, ward.clinic, capacity=3, slots=2, on=after(2))
    await ward.book(slot, places=2)
    seen = text_of(await desk.get("/schedules"))
    assert "青石镇卫生院 · 11月23日 周一起的一周" in seen
    assert "李建国" in seen
    assert "已约 2/6" in seen
    narrowed = (
        f"/schedules?on=&organization={ward.clinic.organization.id}&department=&practitioner="
    )
    assert "已约 2/6" in text_of(await desk.get(narrowed))
    assert (await desk.get("/schedules?on=2026-13-01")).status_code == 422
    assert "还没有放出的班次" in text_of(await desk.get(f"/schedules?on={after(7)}"))


async def test_strangers_find_nothing(pages: Pages, desk: Desk, ward: Ward) -> None:
    [slot] = await a_schedule(ward.settings, ward.clinic, on=after(2))
    template = await ward.template()
    other = await a_clinic(ward.settings, name="红岩镇卫生院")
    outsider = await pages.desk("institution_admin", other.organization)
    dept = ward.clinic.department.id
    for path in (
        f"/schedules?organization={ward.clinic.organization.id}", f"/schedules/{slot.schedule_id}",
        f"/schedules/of/{dept}", f"/schedules/new?department={dept}",
        f"/schedules/exceptions/new?department={dept}",
        f"/schedules/copy?department={dept}&on={MONDAY}",
        f"/schedules/templates?department={dept}", f"/schedules/templates/new?department={dept}",
        f"/schedules/templates/{template.id}",
    ):  # fmt: skip
        assert (await outsider.get(path)).status_code == 404, path
        assert (await desk.get(path)).status_code in (200, 303), path
    places = {"capacity": 5, "reason": "x"}
    answer = await outsider.post(f"/schedules/{slot.schedule_id}/places", places)
    assert answer.status_code == 404
    reader = await pages.desk("auditor")
    assert (await reader.get(f"/schedules/{slot.schedule_id}")).status_code == 200
    assert (await reader.get(f"/schedules/new?department={dept}")).status_code == 404


async def test_fewer_places_than_booked_shows_the_way_on(desk: Desk, ward: Ward) -> None:
    [slot] = await a_schedule(ward.settings, ward.clinic, capacity=3, on=after(2))
    await ward.book(slot, places=2)
    path = f"/schedules/{slot.schedule_id}"
    answer = await desk.post(path + "/places", {"capacity": 1, "reason": "少出诊"})
    assert answer.status_code == 409
    assert "已约 2 人，不能减到 1 个号" in text_of(answer)
    assert f"/staff/suspensions/new?schedules={slot.schedule_id}" in answer.text
    answer = await desk.post(path + "/places", {"capacity": 5, "reason": "加号"})
    assert answer.status_code == 303
    assert (await Slot.get(id=slot.id)).capacity == 5


async def test_a_schedule_is_added(desk: Desk, ward: Ward) -> None:
    path = f"/schedules/new?department={ward.clinic.department.id}"
    wrong = await desk.post(path, FORM | {"held_on": after(4), "ends": "07:00"})
    assert wrong.status_code == 422
    assert "结束时间要晚于开始时间" in wrong.text
    form = FORM | {"held_on": after(4), "practitioner_id": ward.clinic.practitioner.id}
    assert (await desk.post(path, form)).status_code == 303
    assert await Schedule.filter(held_on=after(4), template_id=None).count() == 1
    again = await desk.post(path, form)
    assert again.status_code == 409
    assert "时间重叠" in again.text


async def test_a_template_is_changed_after_a_look(desk: Desk, ward: Ward) -> None:
    row = await ward.template()
    await publish(ward.settings.consortium_id)
    booked = await Slot.filter(schedule__held_on=after(2)).first()
    assert booked is not None
    await ward.book(booked)
    form = FORM | {"weekday": 3, "practitioner_id": row.practitioner_id,
                   "effective_on": after(1), "capacity": 6}  # fmt: skip
    look = await desk.post(f"/schedules/templates/{row.id}", form)
    assert look.status_code == 200
    assert "收回并重放无人预约的班次 1 个：12月2日 周三" in text_of(look)
    assert "11月25日 周三 已约 1 人" in text_of(look)
    assert await ScheduleTemplate.all().count() == 1
    done = await desk.post(f"/schedules/templates/{row.id}", form | {"step": "do"})
    assert done.status_code == 303
    assert await ScheduleTemplate.filter(capacity=6, from_on=after(1)).count() == 1
    listed = text_of(await desk.get(f"/schedules/templates?department={row.department_id}"))
    assert "2026-11-24 至 不限" in listed


async def test_a_week_is_copied_after_a_look(desk: Desk, ward: Ward) -> None:
    await a_schedule(ward.settings, ward.clinic, on=after(2))
    path = f"/schedules/copy?department={ward.clinic.department.id}&on={MONDAY}"
    look = await desk.post(path, {"to": after(9)})
    assert "会复制 1 个班次" in text_of(look)
    assert (await desk.post(path, {"to": after(9), "step": "do"})).status_code == 422
    done = await desk.post(path, {"to": after(9), "step": "do", "reason": "沿用"})
    assert done.status_code == 303
    assert await Schedule.filter(held_on=after(9)).count() == 1
    assert "已有同样的班次" in text_of(await desk.post(path, {"to": after(9)}))


async def test_an_exception_comes_and_goes(desk: Desk, ward: Ward) -> None:
    await a_schedule(ward.settings, ward.clinic, on=after(2))
    path = f"/schedules/exceptions/new?department={ward.clinic.department.id}"
    form = {"action": "closed", "held_on": after(2), "reason": "外出学习"}
    assert (await desk.post(path, form)).status_code == 303
    seen = await desk.get("/schedules")
    assert "不出诊 外出学习" in text_of(seen)
    found = re.search(r"/schedules/exceptions/[0-9a-f-]{36}", seen.text)
    assert found is not None
    assert "外出学习" in (await desk.get(found[0])).text
    assert (await desk.post(found[0] + "/remove", {"reason": "不去了"})).status_code == 303
    assert "外出学习" not in (await desk.get("/schedules")).text


async def test_outreach_names_the_clash(pages: Pages, ward: Ward) -> None:
    hospital = await a_clinic(ward.settings, tier="county", name="稻溪县人民医院")
    await a_schedule(ward.settings, hospital, on=after(2))  # 09:00–09:30
    boss = await pages.desk("consortium_admin")
    form = {
        "practitioner_id": hospital.practitioner.id, "department_id": ward.clinic.department.id,
        "from_on": after(1), "to_on": after(30), "period": "am", "starts": "09:45",
        "ends": "11:15", "slot_minutes": 30, "capacity": 2, "reason": "帮扶", "weekdays": "3",
    }  # fmt: skip
    assert "稻溪县人民医院" not in (await boss.get("/schedules/outreach")).text.split("到哪里")[1]
    clash = await boss.post("/schedules/outreach", form)
    assert clash.status_code == 409
    assert "路上需要 30 分钟" in text_of(clash)
    later = form | {"starts": "10:00", "ends": "11:30"}
    assert (await boss.post("/schedules/outreach", later)).status_code == 303
    assert await ScheduleTemplate.filter(kind="outreach").count() == 1


async def test_as_many_queries_for_twelve_lines_as_for_two(desk: Desk, ward: Ward) -> None:
    counts = []
    for doctors in (2, 10):
        await fill(ward, doctors)
        with statements() as asked:
            answer = await desk.get("/schedules")
        counts.append(len(asked))
    assert answer.text.count('<th scope="row">') == 12
    assert counts[0] == counts[1]
