"""Registering people: one person is one row, sealed, masked, consented to, and within limits."""

import asyncio
from datetime import date, time, timedelta
from typing import Any
from uuid import uuid4

import pytest

from backend import clock
from backend import db as database
from backend.audit import AuditEvent
from backend.booking import appointments, leaving
from backend.errors import NotFound
from backend.identity import accounts, patients, terms
from backend.identity.documents import IdentityNumberWrong
from backend.identity.errors import (
    AlreadyAdded,
    ConsentMissing,
    GuardianNeeded,
    HasAppointments,
    IdentityMismatch,
    SelfAlreadyAdded,
    TooManyPatients,
)
from backend.identity.models import Account, Carer, Consent, Patient
from backend.identity.patients import Change
from backend.receipts import KeyReused, Replayed
from backend.settings import Settings
from tests.api.world import dump
from tests.clinics import a_desk, a_slot
from tests.people import a_person, a_receipt, an_account, an_id_number, register, vault_of

RIVALS = 24
NUMBER, PHONE = an_id_number(birth="19480308", order=27), "13900007777"


@pytest.fixture(autouse=True)
def _noon(noon: clock.Hands) -> None:
    """Every test here happens at the stopped noon of 2026-11-23."""


def number_of(order: int, birth: str = "19700101") -> str:
    return an_id_number(birth=birth, order=order)


async def test_the_first_person_is_the_default_one_and_managed(
    db: None, settings: Settings
) -> None:
    actor = await an_account(settings)
    row = await register(actor, settings)
    assert (row.state, row.scope, row.is_default, row.relation) == (
        "active",
        "manage",
        True,
        "self",
    )
    other = await register(actor, settings, id_number=number_of(2), relation="spouse", name="李四")
    assert not other.is_default
    assert [carer.patient_id for carer in await patients.list_mine(actor)] == [
        row.patient_id, other.patient_id,
    ]  # fmt: skip


async def test_number_and_phone_lie_sealed_and_are_found_again(
    db: None, settings: Settings
) -> None:
    vault = vault_of(settings)
    row = await register(await an_account(settings), settings, id_number=NUMBER, phone=PHONE)
    stored = str(await dump())
    assert NUMBER not in stored
    assert PHONE not in stored
    assert NUMBER[6:14] not in row.patient.id_index
    patient = await Patient.get(id_index=vault.index("patient.id", "resident_id", NUMBER))
    assert patient.id == row.patient_id
    assert vault.open(patient.id_sealed, bound_to="patient.id") == NUMBER
    assert (await Patient.get(phone_index=vault.index("patient.phone", PHONE))).id == patient.id


async def test_a_sealed_number_can_not_be_moved_to_another_column(
    db: None, settings: Settings
) -> None:
    row = await register(await an_account(settings), settings, id_number=NUMBER, phone=PHONE)
    vault = vault_of(settings)
    for column in ("patient.phone", "account.phone", "account.openid"):
        with pytest.raises(ValueError, match="sealed"):
            vault.open(row.patient.id_sealed, bound_to=column)


async def test_the_same_number_is_sealed_differently_each_time(
    db: None, settings: Settings
) -> None:
    vault = vault_of(settings)
    assert vault.seal(NUMBER, bound_to="x") != vault.seal(NUMBER, bound_to="x")


async def test_birth_and_sex_come_from_the_number_and_not_from_the_form(
    db: None, settings: Settings
) -> None:
    row = await register(
        await an_account(settings), settings, id_number=NUMBER, birth_on=date(2000, 1, 1),
        sex="female",
    )  # fmt: skip
    assert (row.patient.birth_on, row.patient.sex) == (date(1948, 3, 8), "male")


async def test_a_passport_needs_its_birth_date(db: None, settings: Settings) -> None:
    actor = await an_account(settings)
    facts: dict[str, Any] = {"id_kind": "passport", "id_number": "e1234567", "name": "Ann Lee"}
    for wrong in (None, date(1800, 1, 1), clock.today() + timedelta(days=1)):
        with pytest.raises(IdentityNumberWrong) as refused:
            await register(actor, settings, birth_on=wrong, **facts)
        assert refused.value.extra["field"] == "birth_on"
    row = await register(actor, settings, birth_on=date(1990, 5, 6), sex="female", **facts)
    assert (row.patient.birth_on, row.patient.sex) == (date(1990, 5, 6), "female")


async def test_the_same_number_of_another_kind_is_another_person(
    db: None, settings: Settings
) -> None:
    first, second = await an_account(settings), await an_account(settings)
    born = {"birth_on": date(1990, 5, 6), "id_number": "12345678", "name": "陈家豪"}
    one = await register(first, settings, id_kind="passport", **born)
    two = await register(second, settings, id_kind="taiwan_permit", **born)
    assert one.patient_id != two.patient_id
    assert two.state == "active"


async def test_nobody_is_registered_without_consent(db: None, settings: Settings) -> None:
    before = await dump(but=frozenset({"account"}))
    with pytest.raises(ConsentMissing):
        await register(await an_account(settings), settings, agreed=False)
    assert await dump(but=frozenset({"account"})) == before


async def test_consent_is_written_down_with_the_version_of_its_text(
    db: None, settings: Settings
) -> None:
    actor = await an_account(settings)
    row = await register(actor, settings)
    given = await Consent.get(patient_id=row.patient_id)
    assert (given.purpose, given.granted, given.text_version, given.account_id) == (
        "identity", True, terms.VERSION, actor.id,
    )  # fmt: skip


async def test_two_accounts_and_one_person_are_one_row(db: None, settings: Settings) -> None:
    """The second sees nothing until one who manages consents: tests/identity/test_carers.py."""
    mother, daughter = await an_account(settings), await an_account(settings)
    one = await register(mother, settings)
    two = await register(daughter, settings, relation="child")
    assert one.patient_id == two.patient_id
    assert (two.state, two.is_default, await Patient.all().count()) == ("requested", False, 1)
    with pytest.raises(NotFound):
        await patients.show(daughter, one.patient_id)


async def test_a_known_number_with_another_name_is_refused(db: None, settings: Settings) -> None:
    await register(await an_account(settings), settings)
    with pytest.raises(IdentityMismatch):
        await register(await an_account(settings), settings, name="王桂花")
    assert await Carer.all().count() == 1


async def test_one_person_registered_everywhere_at_once_is_one_row(
    db: None, settings: Settings
) -> None:
    actors = [await an_account(settings) for _ in range(RIVALS)]
    rows = await asyncio.gather(*(register(actor, settings) for actor in actors))
    assert len({row.patient_id for row in rows}) == await Patient.all().count() == 1
    assert sorted(row.state for row in rows) == ["active"] + ["requested"] * (RIVALS - 1)


async def test_one_account_adds_a_person_once_however_often_it_taps(
    db: None, settings: Settings
) -> None:
    actor = await an_account(settings)
    results = await asyncio.gather(
        *(register(actor, settings, relation="other") for _ in range(RIVALS)),
        return_exceptions=True,
    )
    assert sum(isinstance(result, Carer) for result in results) == 1
    assert all(isinstance(result, Carer | AlreadyAdded) for result in results), results
    assert await Carer.all().count() == await Patient.all().count() == 1


async def test_there_is_one_self_under_a_race(db: None, settings: Settings) -> None:
    actor = await an_account(settings)
    results = await asyncio.gather(
        *(register(actor, settings, id_number=number_of(n), most=50) for n in range(RIVALS)),
        return_exceptions=True,
    )
    assert sum(isinstance(result, Carer) for result in results) == 1
    assert sum(isinstance(result, SelfAlreadyAdded) for result in results) == RIVALS - 1
    assert await Patient.all().count() == 1


async def test_the_number_of_patients_is_limited_under_a_race(db: None, settings: Settings) -> None:
    actor = await an_account(settings)
    results = await asyncio.gather(
        *(register(actor, settings, id_number=number_of(n), relation="other")
          for n in range(RIVALS)),
        return_exceptions=True,
    )  # fmt: skip
    assert sum(isinstance(result, Carer) for result in results) == 5
    assert sum(isinstance(result, TooManyPatients) for result in results) == RIVALS - 5
    assert await Patient.all().count() == 5
    assert await Carer.filter(is_default=True).count() == 1


async def test_whoever_is_taken_off_the_list_makes_room(db: None, settings: Settings) -> None:
    actor = await an_account(settings)
    rows = [
        await register(actor, settings, id_number=number_of(n), relation="other") for n in range(5)
    ]
    await leaving.leave(actor, rows[0].patient_id)
    await register(actor, settings, id_number=number_of(9), relation="other")
    assert await Carer.filter(state="active").count() == 5


async def test_the_same_key_registers_once(db: None, settings: Settings) -> None:
    actor = await an_account(settings)
    receipt = a_receipt(actor, key="same-key", body=b"a")
    await register(actor, settings, receipt=receipt)
    for body, outcome in ((b"a", Replayed), (b"b", KeyReused)):
        with pytest.raises(outcome):
            await a_receipt(actor, key="same-key", body=body).check()


# --- minors ---------------------------------------------------------------------------------------


async def grown_up(settings: Settings) -> Any:
    actor = await an_account(settings)
    await register(actor, settings, id_number=number_of(4))
    return actor


async def test_a_child_is_added_by_a_guardian_who_is_known_themself(
    db: None, settings: Settings
) -> None:
    child = {"id_number": an_id_number(birth="20200229", order=31), "name": "王小宝"}
    unknown = await an_account(settings)
    with pytest.raises(GuardianNeeded):
        await register(unknown, settings, relation="parent", **child)
    mother = await grown_up(settings)
    for relation in ("child", "spouse", "grandchild"):
        with pytest.raises(GuardianNeeded):
            await register(mother, settings, relation=relation, **child)
    row = await register(mother, settings, relation="parent", **child)
    purposes = await Consent.filter(patient_id=row.patient_id).values_list("purpose", flat=True)
    assert sorted(purposes) == ["guardian", "identity"]
    with pytest.raises(GuardianNeeded):
        await patients.change(mother, vault_of(settings), row.patient_id, Change(relation="spouse"))


async def test_a_child_can_not_be_another_childs_guardian(db: None, settings: Settings) -> None:
    sister = await an_account(settings)
    with pytest.raises(GuardianNeeded):
        await register(sister, settings, id_number=number_of(8, "20100101"), relation="self")


@pytest.mark.parametrize(
    ("wall", "adult"),
    [((date(2026, 11, 23), time(23, 59)), False), ((date(2026, 11, 24), time(0, 0)), True)],
)
async def test_eighteen_begins_at_midnight_in_china(
    db: None, settings: Settings, noon: clock.Hands, wall: tuple[date, time], adult: bool
) -> None:
    """Born 2008-11-24. At 00:00 in China it is still 16:00 of the day before in UTC."""
    noon.set(clock.at(*wall))
    number = an_id_number(birth="20081124", order=40)
    if adult:
        assert (await register(await an_account(settings), settings, id_number=number)).state
    else:
        with pytest.raises(GuardianNeeded):
            await register(await an_account(settings), settings, id_number=number)


async def test_born_on_29_february_one_is_eighteen_on_1_march(
    db: None, settings: Settings, noon: clock.Hands
) -> None:
    number = an_id_number(birth="20080229", order=40)
    noon.set(clock.at(date(2026, 2, 28), time(23, 59)))
    with pytest.raises(GuardianNeeded):
        await register(await an_account(settings), settings, id_number=number)
    noon.set(clock.at(date(2026, 3, 1), time(0, 0)))
    assert (await register(await an_account(settings), settings, id_number=number)).state


# --- reading and changing -------------------------------------------------------------------------


async def test_whoever_has_no_right_finds_nobody(db: None, settings: Settings) -> None:
    person, outsider = await a_person(settings), await an_account(settings)
    for patient_id in (person.patient_id, uuid4()):
        with pytest.raises(NotFound):
            await patients.show(outsider, patient_id)
        with pytest.raises(NotFound):
            await patients.change(outsider, vault_of(settings), patient_id, Change(phone=PHONE))
        with pytest.raises(NotFound):
            await leaving.leave(outsider, patient_id)
    assert await patients.list_mine(outsider) == []


async def test_the_phone_is_changed_by_those_who_manage_and_can_be_taken_away(
    db: None, settings: Settings
) -> None:
    person, helper = await a_person(settings), await an_account(settings)
    vault = vault_of(settings)
    await Carer.create(
        id=uuid4(), consortium_id=settings.consortium_id, patient_id=person.patient_id,
        account_id=helper.account_id, relation="child", scope="book", state="active",
        created_at=clock.now(),
    )  # fmt: skip
    with pytest.raises(NotFound):
        await patients.change(helper, vault, person.patient_id, Change(phone=PHONE))
    row = await patients.change(person.actor, vault, person.patient_id, Change(phone=PHONE))
    assert patients.masked_phone(vault, row.patient) == "139****7777"
    row = await patients.change(person.actor, vault, person.patient_id, Change(phone=None))
    assert (row.patient.phone_sealed, row.patient.phone_index) == (None, None)


async def test_one_default_stays_one_under_a_race(db: None, settings: Settings) -> None:
    actor = await an_account(settings)
    rows = [
        await register(actor, settings, id_number=number_of(n), relation="other") for n in range(4)
    ]
    await asyncio.gather(
        *(
            patients.change(
                actor, vault_of(settings), rows[n % 4].patient_id, Change(is_default=True)
            )
            for n in range(RIVALS)
        )
    )
    assert await Carer.filter(account_id=actor.account_id, is_default=True).count() == 1


async def test_every_change_and_every_read_leaves_its_row(db: None, settings: Settings) -> None:
    actor, vault = await an_account(settings), vault_of(settings)
    row = await register(actor, settings)
    await patients.list_mine(actor)
    await patients.show(actor, row.patient_id)
    await patients.change(actor, vault, row.patient_id, Change(phone=PHONE))
    await leaving.leave(actor, row.patient_id)
    written = await AuditEvent.filter(patient_id=row.patient_id, actor_id=actor.id).values_list(
        "action", flat=True
    )
    assert sorted(written) == [
        "carer.revoked", "patient.changed", "patient.listed", "patient.registered", "patient.shown",
    ]  # fmt: skip
    assert PHONE not in str(await AuditEvent.all().values())


# --- leaving --------------------------------------------------------------------------------------


async def test_nobody_leaves_an_appointment_behind(db: None, settings: Settings) -> None:
    person, slot = await a_person(settings), await a_slot(settings)
    ticket = await appointments.book(
        person.actor, a_desk(), slot_id=slot.id, patient_id=person.patient_id, confirm=True,
        receipt=a_receipt(person.actor),
    )  # fmt: skip
    with pytest.raises(HasAppointments) as refused:
        await leaving.leave(person.actor, person.patient_id)
    assert refused.value.extra["appointment_ids"] == [ticket.id]
    await appointments.cancel(
        person.actor, a_desk(), ticket.id, reason="", receipt=a_receipt(person.actor)
    )
    await leaving.leave(person.actor, person.patient_id)
    assert await patients.list_mine(person.actor) == []


async def test_a_dead_hold_holds_nobody(db: None, settings: Settings, noon: clock.Hands) -> None:
    person, slot = await a_person(settings), await a_slot(settings)
    await appointments.book(
        person.actor, a_desk(), slot_id=slot.id, patient_id=person.patient_id, confirm=False,
        receipt=a_receipt(person.actor),
    )  # fmt: skip
    with pytest.raises(HasAppointments):
        await leaving.leave(person.actor, person.patient_id)
    noon.move(timedelta(minutes=11))
    await leaving.leave(person.actor, person.patient_id)


async def test_of_two_who_leave_at_once_one_stays_with_the_appointment(
    db: None, settings: Settings
) -> None:
    for _ in range(5):
        person, helper = await a_person(settings), await an_account(settings)
        await Carer.create(
            id=uuid4(), consortium_id=settings.consortium_id, patient_id=person.patient_id,
            account_id=helper.account_id, relation="child", scope="book", state="active",
            created_at=clock.now(),
        )  # fmt: skip
        slot = await a_slot(settings)
        await appointments.book(
            person.actor, a_desk(), slot_id=slot.id, patient_id=person.patient_id, confirm=True,
            receipt=a_receipt(person.actor),
        )  # fmt: skip
        results = await asyncio.gather(
            *(
                leaving.leave((person.actor, helper)[n % 2], person.patient_id)
                for n in range(RIVALS)
            ),
            return_exceptions=True,
        )
        assert sum(result is None for result in results) == 1
        assert await Carer.filter(patient_id=person.patient_id, state="active").count() == 1


async def test_who_took_themself_off_the_list_can_come_back(db: None, settings: Settings) -> None:
    """Nobody else cares for them, so there is nobody who could consent."""
    actor = await an_account(settings)
    row = await register(actor, settings)
    await leaving.leave(actor, row.patient_id)
    again = await register(actor, settings)
    assert (again.state, again.scope, again.patient_id) == ("active", "manage", row.patient_id)


# --- the account's own phone ----------------------------------------------------------------------


async def test_the_accounts_phone_is_sealed_and_shown_masked(db: None, settings: Settings) -> None:
    actor, vault = await an_account(settings), vault_of(settings)
    account = await accounts.set_phone(actor, vault, PHONE)
    assert accounts.masked_phone(vault, account) == "139****7777"
    assert PHONE not in str(await database.fetch("SELECT * FROM account"))
    assert (await Account.get(phone_index=vault.index("account.phone", PHONE))).id == actor.id
