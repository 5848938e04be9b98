"""Pages of appeals and amnesties: decide with a reason, spare days after seeing how many."""

import pytest

from backend.appeal import appeals
from backend.appeal.models import Appeal
from backend.booking.models import Amnesty, Appointment
from tests.booking.test_standing import missed
from tests.clinics import Clinic, a_clinic, a_desk
from tests.people import a_person, a_receipt
from tests.statements import statements
from tests.web.conftest import Pages, text_of


@pytest.fixture
async def hospital(pages: Pages) -> Clinic:
    return await a_clinic(pages.settings, tier="county", name="县人民医院")


async def an_appeal(pages: Pages, hospital: Clinic) -> Appeal:
    person = await a_person(pages.settings)
    row = await missed(pages.settings, hospital, person)
    made = await appeals.appeal(
        person.actor, a_desk(), row.id, reason="当天<b>封路</b>", receipt=a_receipt(person.actor)
    )
    return await Appeal.get(id=made.id)


async def test_an_appeal_is_decided_with_a_reason(pages: Pages, hospital: Clinic) -> None:
    made = await an_appeal(pages, hospital)
    desk = await pages.desk("institution_admin", hospital.organization)
    assert "王*兰" in text_of(await desk.get("/appeals"))
    assert "&lt;b&gt;封路" in (await desk.get(f"/appeals/{made.id}")).text
    at = f"/appeals/{made.id}"
    wrong = await desk.post(at, {"verdict": "granted", "decision": ""})
    assert wrong.status_code == 422
    done = await desk.post(at, {"verdict": "granted", "decision": "查实封路"})
    assert (done.status_code, done.headers["location"]) == (303, "/staff/appeals")
    assert (await Appointment.get(id=made.appointment_id)).status == "excused"
    again = await desk.post(at, {"verdict": "refused", "decision": "改主意"})
    assert (again.status_code, "已经有决定" in again.text) == (409, True)
    assert "查实封路" in (await desk.get(at)).text
    assert "已同意" in text_of(await desk.get("/appeals?state=decided"))


async def test_outsiders_find_nothing(pages: Pages, hospital: Clinic) -> None:
    made = await an_appeal(pages, hospital)
    other = await a_clinic(pages.settings)
    for desk in (
        await pages.desk("doctor", hospital.organization),
        await pages.desk("institution_admin", other.organization),
    ):
        assert (await desk.get(f"/appeals/{made.id}")).status_code == 404
        posted = {"verdict": "granted", "decision": "好的"}
        assert (await desk.post(f"/appeals/{made.id}", posted)).status_code == 404
    doctor = await pages.desk("doctor", hospital.organization)
    for path in ("/appeals", "/amnesties"):
        assert (await doctor.get(path)).status_code == 404
    assert (await Appeal.get()).state == "open"


async def test_the_worklist_asks_as_much_for_one_as_for_nine(
    pages: Pages, hospital: Clinic
) -> None:
    desk = await pages.desk("institution_admin", hospital.organization)
    await an_appeal(pages, hospital)
    await desk.get("/appeals")
    with statements() as one:
        await desk.get("/appeals")
    for _ in range(8):
        await an_appeal(pages, hospital)
    await desk.get("/appeals")
    with statements() as nine:
        await desk.get("/appeals")
    assert len(nine) == len(one)


async def test_days_are_tried_out_then_spared(pages: Pages, hospital: Clinic) -> None:
    row = await missed(pages.settings, hospital, await a_person(pages.settings))
    desk = await pages.desk("institution_admin", hospital.organization)
    form = {
        "organization": str(hospital.organization.id), "reason": "大雪封路",
        "from_on": str(row.held_on), "to_on": str(row.held_on),
    }  # fmt: skip
    tried = await desk.post("/amnesties/preview", form)
    assert "1 个预约、1 位就诊人" in text_of(tried)
    assert await Amnesty.all().count() == 0
    done = await desk.post("/amnesties", form)
    assert done.status_code == 303
    assert "大雪封路" in text_of(await desk.get("/amnesties"))
    assert (await Appointment.get(id=row.id)).status == "excused"
    early = await desk.post("/amnesties", form | {"to_on": "2020-01-01"})
    assert (early.status_code, "不能早于" in early.text) == (422, True)
    whole = await desk.post("/amnesties", form | {"organization": ""})
    assert whole.status_code == 404
