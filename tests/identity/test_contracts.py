"""Family doctors' contracts: who signs, ends and lists them, and what the resident is told."""

import asyncio
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from backend import clock
from backend.audit import AuditEvent
from backend.errors import Malformed, NotFound
from backend.identity import contracts
from backend.identity.access import Actor
from backend.identity.contracts import NewContract
from backend.identity.documents import IdentityNumberWrong
from backend.identity.errors import AlreadyContracted, DoctorElsewhere
from backend.identity.models import FamilyDoctorContract
from backend.settings import Settings
from tests.clinics import Clinic, a_clinic
from tests.people import a_staff, an_account, an_id_number, register, vault_of

NUMBER = an_id_number()
TODAY = date(2026, 11, 23)


@dataclass
class Township:
    settings: Settings
    clinic: Clinic
    resident: Actor
    patient_id: UUID

    @property
    def admin(self) -> Actor:
        return a_staff(self.settings, "institution_admin", self.clinic.organization)

    @property
    def doctor(self) -> Actor:
        return self.a_doctor(self.clinic.practitioner.id)

    def a_doctor(self, practitioner_id: UUID) -> Actor:
        actor = a_staff(self.settings, "doctor", self.clinic.organization)
        return msgspec.structs.replace(actor, practitioner_id=practitioner_id)

    def terms(self, **changes: Any) -> NewContract:
        base: dict[str, Any] = {
            "organization_id": self.clinic.organization.id,
            "practitioner_id": self.clinic.practitioner.id, "name": "王桂兰", "id_number": NUMBER,
            "package": "基础包", "from_on": TODAY, "to_on": TODAY + timedelta(days=365),
        }  # fmt: skip
        return NewContract(**(base | changes))

    async def sign(self, actor: Actor, **changes: Any) -> FamilyDoctorContract:
        return await contracts.sign(actor, vault_of(self.settings), self.terms(**changes))


@pytest.fixture
async def township(db: None, settings: Settings, noon: clock.Hands) -> Township:
    resident = await an_account(settings)
    carer = await register(resident, settings, id_number=NUMBER)
    return Township(settings, await a_clinic(settings), resident, carer.patient_id)


async def test_a_doctor_signs_at_the_desk_and_finds_the_resident_on_their_list(
    township: Township,
) -> None:
    signed = await township.sign(township.doctor)
    listed, following = await contracts.residents_of(
        township.doctor, township.clinic.practitioner.id
    )
    assert following is None
    (one,) = listed
    assert (one.contract_id, one.patient_id, one.name) == (signed.id, township.patient_id, "王*兰")
    for action in ("contract.signed", "contract.listed"):
        assert await AuditEvent.filter(action=action, patient_id=township.patient_id).count() == 1
    told = await contracts.family_doctor_of(township.resident, township.patient_id)
    assert told is not None
    assert (told.name, told.organization) == ("李建国", "青石镇卫生院")


async def test_an_administrator_signs_for_every_doctor_there(township: Township) -> None:
    await township.sign(township.admin)
    listed, _ = await contracts.residents_of(township.admin, township.clinic.practitioner.id)
    assert len(listed) == 1


async def test_one_contract_at_a_time_also_for_twenty_desks(township: Township) -> None:
    results = await asyncio.gather(
        *(township.sign(township.admin) for _ in range(20)), return_exceptions=True
    )
    assert sum(isinstance(one, AlreadyContracted) for one in results) == 19
    assert await FamilyDoctorContract.filter(ended_at=None).count() == 1


async def test_ended_or_over_it_makes_room_for_the_next(
    township: Township, noon: clock.Hands
) -> None:
    first = await township.sign(township.admin)
    await contracts.end(township.doctor, first.id)
    with pytest.raises(NotFound):
        await contracts.end(township.doctor, first.id)
    assert await contracts.family_doctor_of(township.resident, township.patient_id) is None
    await township.sign(township.admin, to_on=TODAY)
    noon.move(timedelta(days=1))
    with pytest.raises(NotFound):
        await contracts.resident(township.doctor, township.patient_id, "priority.book")
    await township.sign(township.admin, to_on=None)
    assert (await contracts.resident(township.doctor, township.patient_id, "priority.book")).name


async def test_it_holds_from_its_first_day_on(township: Township) -> None:
    await township.sign(township.admin, from_on=TODAY + timedelta(days=1))
    assert await contracts.family_doctor_of(township.resident, township.patient_id) is None


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"name": "王桂芬"}, NotFound),
        ({"id_number": an_id_number(order=14)}, NotFound),
        ({"id_number": NUMBER[:-1] + ("1" if NUMBER[-1] != "1" else "2")}, IdentityNumberWrong),
        ({"to_on": TODAY - timedelta(days=1)}, Malformed),
        ({"practitioner_id": uuid4()}, DoctorElsewhere),
    ],
)
async def test_what_can_not_be_signed(
    township: Township, changes: dict[str, Any], refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        await township.sign(township.admin, **changes)
    assert await FamilyDoctorContract.all().count() == 0


async def test_whoever_works_elsewhere_or_is_another_doctor_gets_404(township: Township) -> None:
    signed = await township.sign(township.admin)
    leader = township.clinic.practitioner.id
    elsewhere = await a_clinic(township.settings, name="外乡卫生院")
    foreign = a_staff(township.settings, "institution_admin", elsewhere.organization)
    colleague = township.a_doctor(elsewhere.practitioner.id)
    auditor = a_staff(township.settings, "auditor")
    for outsider in (foreign, colleague, auditor):
        with pytest.raises(NotFound):
            await township.sign(outsider)
        with pytest.raises(NotFound):
            await contracts.end(outsider, signed.id)
        with pytest.raises(NotFound):
            await contracts.resident(outsider, township.patient_id, "priority.book")
    for outsider in (colleague, auditor):
        with pytest.raises(NotFound):
            await contracts.residents_of(outsider, leader)
    assert await contracts.residents_of(foreign, leader) == ([], None)
    assert await FamilyDoctorContract.filter(ended_at=None).count() == 1


async def test_a_resident_is_shown_with_an_audit_row(township: Township) -> None:
    await township.sign(township.admin)
    shown = await contracts.show(township.doctor, township.patient_id, "priority.book")
    assert shown.package == "基础包"
    row = await AuditEvent.get(action="contract.read")
    assert row.patient_id == township.patient_id
