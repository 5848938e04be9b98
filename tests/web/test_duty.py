"""值班 on the staff pages: what stands in the forms is what the lists then say."""

from datetime import timedelta

import pytest

from backend import clock
from backend.chat import staffing
from backend.chat.duty_models import DutyLeave, DutyNumbers, OnCallDuty, WorkingHours
from backend.chat.duty_policy import BUILT_IN
from backend.chat.working_time import Hours
from tests.chat.duties import Town, a_town
from tests.clinics import a_clinic
from tests.web.conftest import Desk, Pages, text_of
from tests.web.test_chats import desk_of, hidden


@pytest.fixture
async def town(pages: Pages) -> Town:
    return await a_town(pages.settings, pages.service.hub)


@pytest.fixture
async def admin(pages: Pages, town: Town) -> Desk:
    return await desk_of(pages, town, "institution_admin")


async def test_who_is_on_call_stands_in_the_days_of_the_list(town: Town, admin: Desk) -> None:
    place, zhao = town.township.organization.id, town.township.practitioner.id
    today = clock.today()
    list_ = f"/duty?organization={place}"
    assert text_of(await admin.get(list_)).count("没人值班") == 7
    night = {
        "organization": place, "doctor": zhao, "from_on": today, "from_time": "17:30",
        "to_on": today + timedelta(days=1), "to_time": "08:00",
    }  # fmt: skip
    wrong = await admin.post("/duty/on-call", night | {"to_on": today, "to_time": "17:00"})
    assert (wrong.status_code, "结束要晚于开始" in wrong.text) == (422, True)
    assert 'value="17:00"' in wrong.text
    made = await admin.post("/duty/on-call", night)
    assert made.headers["location"] == f"/staff{list_}"
    seen = text_of(await admin.get(list_))
    assert (seen.count("赵强 11-23 17:30 到 11-24 08:00"), seen.count("没人值班")) == (2, 5)
    assert (await admin.post("/duty/on-call", night)).status_code == 409
    shift = await OnCallDuty.get()
    assert (await admin.post(f"/duty/on-call/{shift.id}/withdraw")).status_code == 303
    later = text_of(await admin.get(f"{list_}&on={today + timedelta(days=7)}"))
    assert "11月30日 周一" in later
    assert "没人值班" in later
    # A village has no list, as nobody is on call there.
    assert (
        "值班表" not in (await admin.get(f"/duty?organization={town.village.organization.id}")).text
    )


async def test_a_doctor_keeps_their_own_hours_and_leave(pages: Pages, town: Town) -> None:
    place = town.village.organization.id
    desk = await desk_of(pages, town)
    me = town.village.practitioner.id
    asked = await desk.get(f"/duty/hours?organization={place}&practitioner={me}&more=true")
    assert 'name="from_1_0" value="08:00"' in asked.text
    assert 'name="to_7_2"' in asked.text
    whose = {"organization": str(place), "practitioner": str(me)}
    half = await desk.post("/duty/hours", whose | {"from_1_0": "08:00", "to_1_0": ""})
    assert (half.status_code, "下班要晚于上班" in half.text) == (422, True)
    assert 'name="from_1_0" value="08:00"' in half.text
    night = whose | {"from_1_0": "20:00", "to_1_0": "00:00", "from_6_1": "09:00", "to_6_1": "11:30"}
    night |= {"seen": ""}
    assert (await desk.post("/duty/hours", night)).status_code == 303
    kept = await staffing.hours_of(town.doctor, place, me)
    assert (kept.week, kept.own) == ((Hours(1, 1200, 1440), Hours(6, 540, 690)), True)
    shown = await desk.get(f"/duty/hours?organization={place}&practitioner={me}")
    assert 'name="to_1_0" value="00:00"' in shown.text
    # Whoever has an older page is told, sees what there is now, and may save all the same.
    late = night | {"from_1_0": "07:00", "to_1_0": "half"}
    wrong = await desk.post("/duty/hours", late)
    assert (wrong.status_code, hidden(wrong, "seen")) == (422, "")
    late |= {"to_1_0": "12:00"}
    refused = await desk.post("/duty/hours", late)
    assert (refused.status_code, 'value="07:00"' in refused.text) == (409, True)
    assert "刚被别人改过" in text_of(refused)
    assert "20:00–24:00" in text_of(refused)
    again = late | {"seen": hidden(refused, "seen")}
    assert (await desk.post("/duty/hours", again)).status_code == 303
    assert (await desk.post("/duty/hours/usual", whose)).status_code == 409
    seen = (await staffing.hours_of(town.doctor, place, me)).version
    assert (await desk.post("/duty/hours/usual", whose | {"seen": seen})).status_code == 303
    assert await WorkingHours.all().count() == 0

    colleague = town.colleague.practitioner_id
    leave = {
        "organization": place, "absent": me, "leave_from": clock.today(),
        "leave_to": clock.today() + timedelta(days=1), "substitute": colleague,
    }  # fmt: skip
    wrong = await desk.post("/duty/leave", leave | {"substitute": me})
    assert "不能自己代替自己" in wrong.text
    assert (await desk.post("/duty/leave", leave)).status_code == 303
    assert "李建国 11月23日 周一 到 11月24日 周二 替班：何静" in text_of(await desk.get("/duty"))
    row = await DutyLeave.get()
    other = leave | {"absent": colleague, "substitute": ""}
    assert (await desk.post("/duty/leave", other)).status_code == 404
    assert (await desk.post("/duty/hours", whose | {"practitioner": ""})).status_code == 404
    assert (
        await desk.get(f"/duty/hours?organization={place}&practitioner={colleague}")
    ).status_code == 404
    assert (await desk.post(f"/duty/leave/{row.id}/withdraw")).status_code == 303
    assert "没有人休假" in (await desk.get("/duty")).text


async def test_the_numbers_are_the_whole_consortiums(pages: Pages, town: Town, admin: Desk) -> None:
    county = await pages.desk("consortium_admin")
    asked = await county.get("/duty/numbers")
    form = {"version": hidden(asked, "version"), "night_from": "22:00", "night_to": "06:00"}
    for one, rule in BUILT_IN.rules.items():
        form |= {
            f"first_min_{one}": str(rule.first_min or ""), f"step_min_{one}": str(rule.step_min),
            f"silent_min_{one}": str(rule.silent_min), f"pauses_{one}": rule.pauses,
        }  # fmt: skip
    assert (await county.post("/duty/numbers", form)).status_code == 422  # no reason
    form |= {"reason": "例会决定"}
    slow = await county.post("/duty/numbers", form | {"first_min_II": "11"})
    assert (slow.status_code, 'id="first_min_II-fault"' in slow.text) == (422, True)
    assert (await county.post("/duty/numbers", form | {"first_min_III": "20"})).status_code == 303
    row = await DutyNumbers.get()
    assert (row.numbers["rules"]["III"]["first_min"], row.reason) == (20, "例会决定")
    assert "duty@1" in (await county.get("/duty/numbers")).text
    older = await county.post("/duty/numbers", form | {"first_min_III": "25"})
    assert (older.status_code, 'value="25"' in older.text) == (409, True)
    assert "III 级 20 分钟答复" in text_of(older)
    assert hidden(older, "version") == "duty@1"
    for desk in (admin, await desk_of(pages, town)):
        assert (await desk.get("/duty/numbers")).status_code == 404
        assert (await desk.post("/duty/numbers", form)).status_code == 404


async def test_others_see_no_lists(pages: Pages, town: Town, admin: Desk) -> None:
    place, zhao = town.township.organization.id, town.township.practitioner.id
    shift = await staffing.put_on_call(
        town.admin, place, zhao, clock.now(), clock.now() + timedelta(hours=8)
    )
    doctor = await desk_of(pages, town)
    assert (await doctor.post(f"/duty/on-call/{shift}/withdraw")).status_code == 404
    other = (await a_clinic(pages.settings, name="别镇卫生院")).organization
    elsewhere = await pages.desk("institution_admin", other)
    for path in (f"/duty?organization={place}", f"/duty/hours?organization={place}"):
        assert (await elsewhere.get(path)).status_code == 404
    assert (await (await pages.desk("auditor")).get("/duty")).status_code == 404
