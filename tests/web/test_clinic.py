"""The day at the clinic on the staff pages: from the list to the slip, and who may see what."""

from typing import Any
from uuid import uuid4

import pytest

from backend.booking.models import Appointment
from backend.clinic import codes
from backend.clinic.models import QueueEntry
from backend.identity.models import Patient
from backend.identity.patients import ID_COLUMN
from tests.clinic.day import Day, a_day, an_onsite_slot
from tests.clinics import a_clinic
from tests.people import an_id_number, vault_of
from tests.web.conftest import Desk, Pages, text_of
from tests.web.conftest import pages as pages


async def of(day: Day, desk: Desk, what: str = "") -> str:
    answer = await desk.get(f"/clinic/{day.schedule_id}{what}")
    assert answer.status_code == 200, answer.text
    return text_of(answer)


async def sent(day: Day, desk: Desk, what: str, form: Any = None) -> str:
    """Where the deed led, with what was said there."""
    answer = await desk.post(f"/clinic/{day.schedule_id}/{what}", form)
    assert answer.status_code == 303, text_of(answer)
    return text_of(await desk.get(answer.headers["location"].removeprefix("/staff")))


async def entry_of(row: Appointment) -> QueueEntry:
    return await QueueEntry.get(appointment_id=row.id)


async def test_a_day_from_check_in_to_the_end(pages: Pages) -> None:
    day = await a_day(pages.settings)
    desk = await pages.desk("institution_admin", day.clinic.organization)
    (_, one), (_, two) = await day.booked(name="王桂兰"), await day.booked(name="李大牛")
    assert "普通号 2 0 0" in text_of(await desk.get("/clinic"))
    assert "已签到，1 号" in await sent(day, desk, f"arrive/{one.id}")
    number = codes.number_of(vault_of(pages.settings), two.id)
    assert "已签到，2 号" in await sent(day, desk, "code", {"code": number})
    assert "已叫 1 号" in await sent(day, desk, "next", {"room": "3 诊室"})
    here = await of(day, desk)
    assert "1 号 王桂兰 已叫号 3 诊室" in here
    assert "2 号 李大牛" in here
    first = (await entry_of(one)).id
    assert "叫了 2 次" in await sent(day, desk, f"{first}/recall", {"room": "3 诊室"})
    assert "过号（1）" in await sent(day, desk, f"{first}/skip")
    assert "已叫 2 号" in await sent(day, desk, "next")
    assert "候诊（1）" in await sent(day, desk, f"{first}/return")
    second = (await entry_of(two)).id
    assert "就诊中" in await sent(day, desk, f"{second}/admit")
    assert "已结束 1 位" in await sent(day, desk, f"{second}/finish")
    assert (await Appointment.get(id=two.id)).status == "fulfilled"
    listed = text_of(await desk.get("/clinic/list"))
    assert "王桂兰" in listed
    assert "已完成" in listed


async def test_refusals_come_back_to_the_line(pages: Pages) -> None:
    day = await a_day(pages.settings)
    desk = await pages.desk("institution_admin", day.clinic.organization)
    nobody = await desk.post(f"/clinic/{day.schedule_id}/next", {"room": "3 诊室"})
    assert nobody.status_code == 409
    assert "没有签到候诊的患者" in nobody.text
    assert 'value="3 诊室"' in nobody.text, "nothing typed is lost"
    wrong = await desk.post(f"/clinic/{day.schedule_id}/code", {"code": "00000000"})
    assert (wrong.status_code, "没有这个号码的预约" in wrong.text) == (409, True)
    entry = await day.waiting(pages.service.hub)
    moved = await desk.post(f"/clinic/{day.schedule_id}/{entry.id}/finish")
    assert (moved.status_code, "刚刚变了" in moved.text) == (409, True)
    assert (await desk.post(f"/clinic/{day.schedule_id}/{entry.id}/dance")).status_code == 404


async def test_a_walk_in_gets_a_number_on_paper(pages: Pages) -> None:
    day = await a_day(pages.settings)
    await an_onsite_slot(day)
    desk = await pages.desk("institution_admin", day.clinic.organization)
    form = {"name": "孙大圣", "id_number": an_id_number(order=77), "id_kind": "resident_id"}
    refused = await desk.post(f"/clinic/{day.schedule_id}/walk-in", form)
    assert refused.status_code == 422
    assert 'value="孙大圣"' in refused.text
    slip = await sent(day, desk, "walk-in", form | {"agreed": "true"})
    assert "1 号 姓名 孙*圣" in slip
    full = await desk.post(
        f"/clinic/{day.schedule_id}/walk-in",
        form | {"agreed": "true", "id_number": an_id_number(order=79)},
    )
    assert (full.status_code, "现场号已经用完" in full.text) == (409, True)


async def test_the_screen_and_the_code(pages: Pages) -> None:
    day = await a_day(pages.settings)
    desk = await pages.desk("institution_admin", day.clinic.organization)
    await day.waiting(pages.service.hub, name="王桂兰")
    screen = await of(day, desk, "/screen")
    assert "王*兰" in screen
    assert "王桂兰" not in screen
    code = await desk.get(f"/clinic/{day.schedule_id}/code")
    assert "data:image/svg+xml" in code.text
    part = await desk.get(f"/clinic/{day.schedule_id}/code", hx_request="true")
    assert "<html" not in part.text
    text = part.text.partition('class="key">')[2].partition("<")[0]
    assert codes.read_place(vault_of(pages.settings), text) == day.schedule_id


async def test_somebody_is_found_by_name_or_the_last_four(pages: Pages) -> None:
    day = await a_day(pages.settings)
    desk = await pages.desk("institution_admin", day.clinic.organization)
    vault = vault_of(pages.settings)
    for name, number in (("王桂兰", "330000195001010212"), ("李大牛", "33000019500101043X")):
        person, _ = await day.booked(name=name)
        sealed = vault.seal(number, bound_to=ID_COLUMN)
        await Patient.filter(id=person.patient_id).update(id_sealed=sealed)
    for said, found, other in (
        ("桂", "王桂兰", "李大牛"), ("0212", "王桂兰", "李大牛"), ("043x", "李大牛", "王桂兰"),
    ):  # fmt: skip
        here = await of(day, desk, f"?q={said}")
        assert (found in here, other in here) == (True, False), said
    assert "没有找到这个人" in await of(day, desk, "?q=9999")


PARTS = ("", "/screen", "/code", "/walk-in", "/live", "/screen/live", f"/slip/{uuid4()}")
DEEDS = ("next", "code", "walk-in", f"arrive/{uuid4()}", f"{uuid4()}/finish")


@pytest.mark.parametrize("who", ["outside", "colleague", "auditor"])
async def test_others_find_nothing(pages: Pages, who: str) -> None:
    day, elsewhere = await a_day(pages.settings), await a_clinic(pages.settings)
    await day.waiting(pages.service.hub, name="王桂兰")
    desk = {
        "outside": await pages.desk("institution_admin", elsewhere.organization),
        "colleague": await pages.desk(
            "doctor", day.clinic.organization, practitioner_id=elsewhere.practitioner.id
        ),
        "auditor": await pages.desk("auditor"),
    }[who]
    for part in PARTS:
        answer = await desk.get(f"/clinic/{day.schedule_id}{part}")
        assert (answer.status_code, "王桂兰" in answer.text) == (404, False), part
    form = {
        "code": "12345678", "name": "孙大圣", "id_number": an_id_number(), "agreed": "true",
    }  # fmt: skip
    for deed in DEEDS:
        mine = form if deed == "walk-in" else {"code": "12345678"} if deed == "code" else {}
        answer = await desk.post(f"/clinic/{day.schedule_id}/{deed}", mine)
        assert answer.status_code == 404, deed


async def test_a_doctor_calls_and_has_no_desk(pages: Pages) -> None:
    day = await a_day(pages.settings)
    doctor = await pages.desk(
        "doctor", day.clinic.organization, practitioner_id=day.clinic.practitioner.id
    )
    await day.waiting(pages.service.hub)
    here = await of(day, doctor)
    assert "叫下一位" in here
    assert "现场挂号" not in here
    assert "已叫 1 号" in await sent(day, doctor, "next")
    assert (await doctor.get(f"/clinic/{day.schedule_id}/walk-in")).status_code == 404


async def test_the_line_is_pushed_when_it_moves(pages: Pages) -> None:
    day = await a_day(pages.settings)
    desk = await pages.desk("institution_admin", day.clinic.organization)
    cookie = {"cookie": desk.cookie}
    url = f"/staff/clinic/{day.schedule_id}/live"
    async with pages.http.stream("GET", url, headers=cookie, timeout=20) as stream:
        lines = stream.aiter_lines()
        first = [line async for line in _event(lines)]
        assert "预约的人都签到了" in "".join(first)
        await day.waiting(pages.service.hub, name="王桂兰")
        assert "王桂兰" in "".join([line async for line in _event(lines)])


async def _event(lines: Any) -> Any:
    """The lines of one event."""
    said = False
    async for line in lines:
        if line.startswith("data:"):
            said = True
            yield line
        elif said:
            return
