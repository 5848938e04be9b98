"""Pages of pools: rules with their preview, the report, contracts, and a place for a resident."""

from datetime import date
from uuid import uuid4

import pytest

from backend.booking import pool_rules
from backend.booking.models import Appointment, PoolRule
from backend.booking.pools import FAMILY_DOCTOR, PUBLIC, REFERRAL
from backend.identity.models import FamilyDoctorContract
from tests.booking.test_flow import a_split
from tests.clinics import Clinic, a_clinic
from tests.people import a_person, an_account, an_id_number, register
from tests.statements import statements
from tests.web.conftest import Desk, Pages, text_of

RULE = {
    "pool": "onsite", "share": "10", "opens_days": "0", "opens_time": "07:00", "returns_days": "0",
    "returns_time": "16:00", "returns_to": "public", "effective_from": "2026-11-24",
    "capacity": "5", "slots": "6",
}  # fmt: skip


@pytest.fixture
async def hospital(pages: Pages) -> Clinic:
    pool_rules.forget()
    return await a_clinic(pages.settings, tier="county", name="县人民医院")


async def test_a_rule_is_tried_out_then_saved_then_ended(pages: Pages, hospital: Clinic) -> None:
    desk = await pages.desk("institution_admin", hospital.organization)
    assert "还没有另定的规则" in (await desk.get("/pools")).text
    rule = RULE | {"organization": str(hospital.organization.id), "kind": "expert"}
    tried = await desk.post("/pools/preview", rule)
    assert tried.status_code == 200
    told = text_of(tried)
    assert "公开号 18 " in told
    assert "现场号 3 " in told
    assert 'value="10"' in tried.text  # what was typed is still there
    assert await PoolRule.all().count() == 0
    saved = await desk.post("/pools", rule)
    assert (saved.status_code, saved.headers["location"]) == (303, "/staff/pools")
    listed = await desk.get("/pools")
    assert "县人民医院 · 专家号" in text_of(listed)
    row = await PoolRule.get()
    assert (await desk.get(f"/pools/{row.id}/end")).status_code == 200
    early = await desk.post(f"/pools/{row.id}/end", {"ended_on": "2026-11-22"})
    assert (early.status_code, "停用日期不能早于今天" in early.text) == (422, True)
    await desk.post(f"/pools/{row.id}/end", {"ended_on": "2026-12-31"})
    assert (await PoolRule.get()).ended_on == date(2026, 12, 31)


async def test_what_makes_no_sense_stands_beside_its_field(pages: Pages, hospital: Clinic) -> None:
    desk = await pages.desk("institution_admin", hospital.organization)
    rule = RULE | {"organization": str(hospital.organization.id), "returns_days": "2"}
    for path in ("/pools", "/pools/preview"):
        answer = await desk.post(path, rule)
        assert answer.status_code == 422
        assert 'id="returns_days-fault">现场号当天才能回流' in answer.text
    nowhere = await desk.post("/pools", RULE)  # the whole county is not theirs
    assert nowhere.status_code == 404
    assert await PoolRule.all().count() == 0


async def test_others_see_none_of_it(pages: Pages, hospital: Clinic) -> None:
    other = await a_clinic(pages.settings, name="外乡卫生院")
    county = await pages.desk("consortium_admin")
    await county.post("/pools", RULE | {"organization": str(hospital.organization.id)})
    row = await PoolRule.get()
    admin = await pages.desk("institution_admin", other.organization)
    doctor = await pages.desk("doctor", hospital.organization)
    assert "县人民医院" not in (await admin.get("/pools")).text
    for desk in (admin, doctor):
        assert (await desk.get(f"/pools/{row.id}/end")).status_code == 404
        ended = await desk.post(f"/pools/{row.id}/end", {"ended_on": "2026-12-31"})
        assert ended.status_code == 404
        theirs = f"/reports/pools?organization={hospital.organization.id}"
        assert (await desk.get(theirs)).status_code == 404
    for path in ("/pools", "/pools/new", "/reports/pools"):
        assert (await doctor.get(path)).status_code == 404
    assert (await admin.get("/contracts")).status_code == 200
    assert (await (await pages.desk("auditor")).get("/contracts")).status_code == 404
    assert (await PoolRule.get()).ended_on is None


async def test_the_report_shows_both_halves(pages: Pages, hospital: Clinic) -> None:
    await a_split(pages.settings, hospital, {PUBLIC: 6, REFERRAL: 2}, slots=2)
    desk = await pages.desk("auditor")
    answer = await desk.get("/reports/pools?from_on=2026-11-23&to_on=2026-11-29")
    told = text_of(answer)
    assert "转诊号：使用率 0.0% 0 ÷ 4" in told
    assert "公开号：使用率 0.0% 0 ÷ 12" in told
    empty = await desk.get("/reports/pools?organization=&from_on=2026-01-01&to_on=2026-01-02")
    assert "这段时间没有班次" in empty.text
    assert (await desk.get("/reports/pools?from_on=2025-01-01&to_on=2026-01-02")).status_code == 422


async def a_doctor(pages: Pages, clinic: Clinic) -> Desk:
    return await pages.desk("doctor", clinic.organization, practitioner=clinic.practitioner)


async def test_from_the_contract_to_the_place(pages: Pages, hospital: Clinic) -> None:
    slots = await a_split(pages.settings, hospital, {PUBLIC: 1, FAMILY_DOCTOR: 2})
    township = await a_clinic(pages.settings)
    number = an_id_number()
    carer = await register(await an_account(pages.settings), pages.settings, id_number=number)
    desk = await a_doctor(pages, township)
    form = {
        "organization": str(township.organization.id), "doctor": str(township.practitioner.id),
        "name": "王桂兰", "id_number": number, "from_on": "2026-11-23", "package": "基础包",
    }  # fmt: skip
    wrong = await desk.post("/contracts", form | {"name": "王桂芬"})
    assert (wrong.status_code, "没有找到这位居民" in wrong.text) == (404, True)
    assert (await desk.post("/contracts", form)).status_code == 303
    listed = await desk.get("/contracts")
    assert "王*兰" in listed.text
    assert number not in listed.text
    book = f"/contracts/{carer.patient_id}/book"
    assert "县人民医院 全科医疗科（2）" in text_of(await desk.get(book))
    at = f"{book}?department={hospital.department.id}"
    assert "09:00（余 2）" in text_of(await desk.get(at))
    slot = {"slot": str(slots[FAMILY_DOCTOR][0].id)}
    for _ in range(2):  # a second click is no fault
        done = await desk.post(at, slot)
        assert (done.status_code, done.headers["location"]) == (303, "/staff/contracts")
    assert await Appointment.filter(origin="doctor").count() == 1
    colleague = await a_doctor(pages, await a_clinic(pages.settings, name="外乡卫生院"))
    assert (await colleague.get(book)).status_code == 404
    assert (await colleague.post(at, slot)).status_code == 404
    contract = await FamilyDoctorContract.get()
    assert (await colleague.post(f"/contracts/{contract.id}/end")).status_code == 404
    assert (await desk.post(f"/contracts/{contract.id}/end")).status_code == 303
    assert (await desk.get(book)).status_code == 404


async def test_a_full_place_is_said_on_the_page(pages: Pages, hospital: Clinic) -> None:
    slots = await a_split(pages.settings, hospital, {PUBLIC: 1, FAMILY_DOCTOR: 1})
    township = await a_clinic(pages.settings)
    desk = await a_doctor(pages, township)
    booked = []
    for order in (12, 14):
        carer = await register(
            await an_account(pages.settings), pages.settings, id_number=an_id_number(order=order)
        )
        await FamilyDoctorContract.create(
            id=uuid4(), consortium_id=pages.settings.consortium_id, patient_id=carer.patient_id,
            practitioner=township.practitioner, organization=township.organization,
            from_on=date(2026, 1, 1), created_at="2026-01-01T00:00:00Z",
        )  # fmt: skip
        at = f"/contracts/{carer.patient_id}/book?department={hospital.department.id}"
        booked.append(await desk.post(at, {"slot": str(slots[FAMILY_DOCTOR][0].id)}))
    assert [one.status_code for one in booked] == [303, 409]
    assert "刚刚约满了" in booked[1].text


async def test_the_pages_cost_no_more_for_many(pages: Pages, hospital: Clinic) -> None:
    township = await a_clinic(pages.settings)
    desk = await a_doctor(pages, township)
    county = await pages.desk("consortium_admin")

    async def one_more(number: int) -> None:
        await a_split(pages.settings, hospital, {PUBLIC: 1, FAMILY_DOCTOR: 1})
        who = await a_person(pages.settings)
        await FamilyDoctorContract.create(
            id=uuid4(), consortium_id=pages.settings.consortium_id, patient_id=who.patient_id,
            practitioner=township.practitioner, organization=township.organization,
            from_on=date(2026, 1, 1), created_at="2026-01-01T00:00:00Z",
        )  # fmt: skip
        await county.post("/pools", RULE | {"share": str(number)})

    async def asked() -> int:
        who = (await FamilyDoctorContract.all().first()).patient_id  # type: ignore[union-attr]
        with statements() as asked:
            for path in (
                "/contracts",
                f"/contracts/{who}/book?department={hospital.department.id}",
            ):
                assert (await desk.get(path)).status_code == 200
            for path in ("/pools", "/reports/pools"):
                assert (await county.get(path)).status_code == 200
        return len(asked)

    await one_more(1)
    await asked()
    few = await asked()
    for number in range(2, 7):
        await one_more(number)
    await asked()
    assert await asked() == few
