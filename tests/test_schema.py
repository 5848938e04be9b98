"""What the database itself must enforce, asked of the database itself, on both engines.

Tortoise rebuilds a table to change it and can lose an index that a migration wrote by hand.
"""

import importlib
import inspect
import re
from typing import Any
from uuid import uuid4

import pytest
from tortoise import Tortoise
from tortoise.exceptions import IntegrityError
from tortoise.fields.relational import ForeignKeyFieldInstance
from tortoise.migrations.autodetector import MigrationAutodetector
from tortoise.models import Model

from backend import audit, clock
from backend import db as database
from backend.booking import appointments
from backend.booking.models import Appointment, AppointmentEvent, PoolReturn, Slot
from backend.booking.tickets import Ticket
from backend.booking.waitlist.models import WaitlistEntry, WaitlistEvent
from backend.consortium.models import PractitionerRole
from backend.identity import consents
from backend.identity.access import Actor
from backend.identity.models import Account, Carer, Consent, Patient
from backend.settings import Settings
from tests.clinics import a_clinic, a_desk, a_schedule, a_slot
from tests.people import Person, a_person, a_receipt

Index = tuple[tuple[str, ...], bool, str]  # columns, unique, condition

LIVING = "status not in cancelled, excused"
BY_HAND: dict[str, set[Index]] = {
    "appointment": {
        (("patient_id", "schedule_id"), True, LIVING),
        (("patient_id", "held_on", "day_place"), True, LIVING),
        (("patient_id", "department_id", "held_on", "department_place"), True, LIVING),
        (("slot_id", "held_until"), False, "status = pending"),
        (("schedule_id",), False, ""),
    },
    "carer": {(("account_id",), True, "is_default")},
    "practitioner_role": {
        (("practitioner_id", "department_id", "kind"), True, "from_on is null"),
    },
    "family_doctor_contract": {(("patient_id",), True, "ended_at is null")},
    "staff_role": {
        (
            ("staff_id", "role", "organization_id"),
            True,
            "ended_at is null and organization_id is not null",
        ),
        (("staff_id", "role"), True, "ended_at is null and organization_id is null"),
    },
}
APPEND_ONLY: list[type[Model]] = [
    audit.AuditEvent, AppointmentEvent, Consent, PoolReturn, WaitlistEvent
]  # fmt: skip

CHANGES: dict[type[Model], str] = {Consent: "granted = NOT granted", PoolReturn: "places = 0"}


def models() -> list[type[Model]]:
    return list(Tortoise.apps["jiamenkou"].values())


async def indexes(table: str) -> set[Index]:
    return await (_on_sqlite(table) if database.is_sqlite() else _on_postgres(table))


async def _on_sqlite(table: str) -> set[Index]:
    found = set()
    for index in await database.fetch(f"PRAGMA index_list({table})"):
        columns = await database.fetch(f"PRAGMA index_info({index['name']})")
        (row,) = await database.fetch(
            "SELECT sql FROM sqlite_master WHERE name = $1", index["name"]
        )
        _, _, condition = (row["sql"] or "").partition(" WHERE ")
        names = tuple(column["name"] for column in columns)
        found.add((names, bool(index["unique"]), _plain(condition)))
    return found


async def _on_postgres(table: str) -> set[Index]:
    rows = await database.fetch(
        """
        SELECT i.indisunique AS is_unique, pg_get_expr(i.indpred, i.indrelid) AS condition,
          ARRAY(SELECT a.attname::text FROM unnest(i.indkey) WITH ORDINALITY k (number, place)
            JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
            ORDER BY k.place) AS names
        FROM pg_index i WHERE i.indrelid = to_regclass($1) AND i.indisvalid
        """,
        f'"{table}"',
    )
    return {(tuple(row["names"]), row["is_unique"], _plain(row["condition"] or "")) for row in rows}


def _plain(condition: str) -> str:
    """Both dialects' ways to write the same condition, made one."""
    text = re.sub(r"::(character varying|text)(\(\d+\))?(\[\])?", "", condition)
    text = re.sub(r"<> ALL|NOT IN", "not in", text)
    text = text.replace("ARRAY[", "").replace("]", "")
    return re.sub(r"[()'\"]", "", text).strip().lower()


async def foreign_keys(table: str) -> set[tuple[str, str, str]]:
    """(column, table it refers to, what happens on delete)."""
    if database.is_sqlite():
        rows = await database.fetch(f"PRAGMA foreign_key_list({table})")
        return {(row["from"], row["table"], row["on_delete"]) for row in rows}
    rows = await database.fetch(
        """
        SELECT a.attname::text AS name, c.confrelid::regclass::text AS other,
          c.confdeltype::text AS deed
        FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid
          AND a.attnum = c.conkey[1]
        WHERE c.contype = 'f' AND c.conrelid = to_regclass($1)
        """,
        f'"{table}"',
    )
    deeds = {"r": "RESTRICT", "a": "NO ACTION", "c": "CASCADE"}
    return {(row["name"], row["other"].strip('"'), deeds[row["deed"]]) for row in rows}


async def nullable(table: str) -> dict[str, bool]:
    if database.is_sqlite():
        rows = await database.fetch(f"PRAGMA table_info({table})")
        return {row["name"]: not row["notnull"] for row in rows}
    rows = await database.fetch(
        "SELECT column_name::text AS name, is_nullable = 'YES' AS may FROM"
        " information_schema.columns WHERE table_schema = 'public' AND table_name = $1",
        table,
    )
    return {row["name"]: row["may"] for row in rows}


@pytest.mark.parametrize("name", database.MODELS)
def test_no_model_says_what_tortoise_is_kept_from_reading(name: str) -> None:
    assert "#:" not in inspect.getsource(importlib.import_module(name))


async def test_models_and_migrations_say_the_same(db: None, settings: Settings) -> None:
    apps = database.tortoise_config(settings)["apps"]
    found = await MigrationAutodetector(Tortoise.apps, apps).changes()
    assert [writer.operations for writer in found] == []


async def test_every_key_and_index_that_a_model_declares_is_there(db: None) -> None:
    missing = []
    for model in models():
        there = {(columns, unique) for columns, unique, where in await indexes(_table(model))
                 if not where}  # fmt: skip
        for columns in model._meta.unique_together:
            wanted = (tuple(columns), True)
            missing += [] if wanted in there else [(_table(model), wanted)]
        for index in model._meta.indexes:
            wanted = (tuple(getattr(index, "fields", index)), False)
            missing += [] if wanted in there else [(_table(model), wanted)]
        for name, field in model._meta.fields_map.items():
            if getattr(field, "unique", False) and not field.pk:
                wanted = ((field.source_field or name,), True)
                missing += [] if wanted in there else [(_table(model), wanted)]
    assert missing == []


def _table(model: type[Model]) -> str:
    return str(model._meta.db_table)


async def test_the_keys_written_by_hand_are_there(db: None) -> None:
    for table, wanted in BY_HAND.items():
        assert wanted <= await indexes(table), table


async def test_nothing_cascades(db: None) -> None:
    """Every reference that a model declares is in the database, and deletes are refused."""
    total = 0
    for model in models():
        wanted = {
            (str(field.source_field), _table(field.related_model), "RESTRICT")
            for field in model._meta.fields_map.values()
            if isinstance(field, ForeignKeyFieldInstance)
        }
        assert await foreign_keys(_table(model)) == wanted, _table(model)
        total += len(wanted)
    assert total >= 15
    if database.is_sqlite():
        on = await database.on_writer(lambda raw: raw.execute("PRAGMA foreign_keys").fetchone())
        assert tuple(on) == (1,)


async def test_a_column_may_be_empty_only_where_its_model_says_so(db: None) -> None:
    for model in models():
        there = await nullable(_table(model))
        said = {
            str(field.source_field or name): field.null
            for name, field in model._meta.fields_map.items()
            if name in model._meta.db_fields
        }
        assert there == said, _table(model)


# --- and by trying --------------------------------------------------------------------------------


async def a_booking(settings: Settings, slot: Slot, person: Person) -> Ticket:
    return await appointments.book(
        person.actor, a_desk(), slot_id=slot.id, patient_id=person.patient_id, confirm=True,
        receipt=a_receipt(person.actor),
    )  # fmt: skip


async def copied(ticket: Ticket, **changes: Any) -> None:
    """Insert an appointment like `ticket`, past every check of ours."""
    row = await Appointment.get(id=ticket.id)
    facts = {name: getattr(row, name) for name in Appointment._meta.db_fields}
    await Appointment.create(**(facts | {"id": uuid4()} | changes))


@pytest.fixture
async def ticket(db: None, settings: Settings, noon: clock.Hands) -> Ticket:
    return await a_booking(settings, await a_slot(settings, capacity=3), await a_person(settings))


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"day_place": 2, "department_place": 2},
        {"schedule_id": uuid4(), "department_place": 2},
        {"schedule_id": uuid4(), "day_place": 2},
    ],
    ids=["one per schedule", "numbers of a day", "numbers of a department"],
)
@pytest.mark.parametrize("status", ["pending", "booked", "checked_in", "no_show", "fulfilled"])
async def test_a_living_appointment_keeps_its_keys(
    ticket: Ticket, elsewhere: dict[str, Any], status: str
) -> None:
    with pytest.raises(IntegrityError):
        await copied(ticket, status=status, **elsewhere)
    for dead in ("cancelled", "excused"):
        await copied(ticket, status=dead, **elsewhere)


async def test_a_slot_never_counts_below_zero_or_above_its_places(
    db: None, settings: Settings
) -> None:
    slot = await a_slot(settings, capacity=2)
    for wrong in ({"booked": -1}, {"booked": 3}, {"capacity": -1}):
        with pytest.raises(IntegrityError):
            await Slot.filter(id=slot.id).update(**wrong)
    await Slot.filter(id=slot.id).update(booked=2)
    with pytest.raises(IntegrityError):
        await Slot.filter(id=slot.id).update(capacity=1)
    facts = {name: getattr(slot, name) for name in Slot._meta.db_fields}
    with pytest.raises(IntegrityError):
        await Slot.create(**(facts | {"id": uuid4(), "pool": "onsite", "booked": 3, "capacity": 2}))
    assert (await Slot.get(id=slot.id)).booked == 2


async def a_wait(actor: Actor, ticket: Ticket) -> None:
    """Somebody on the waiting list."""
    county, now, entry_id = actor.consortium_id, clock.now(), uuid4()
    entry = await WaitlistEntry.create(
        id=entry_id, consortium_id=county, patient_id=ticket.patient_id, account_id=actor.id,
        group_id=entry_id, from_on=clock.today(), to_on=clock.today(), state="waiting",
        joined_at=now, changed_at=now,
    )  # fmt: skip
    await WaitlistEvent.create(
        id=uuid4(), consortium_id=county, entry=entry, at=now, actor_kind=actor.kind, action="join"
    )


async def a_return(actor: Actor, ticket: Ticket) -> None:
    """A place that flowed into another pool."""
    place = ticket.place
    await PoolReturn.create(
        id=uuid4(), consortium_id=actor.consortium_id, schedule_id=place.schedule_id,
        from_slot_id=place.slot_id, to_slot_id=uuid4(), places=1, in_time=True, at=clock.now(),
    )  # fmt: skip


@pytest.mark.parametrize("model", APPEND_ONLY, ids=[_table(model) for model in APPEND_ONLY])
async def test_what_was_written_down_can_be_neither_changed_nor_removed(
    ticket: Ticket, settings: Settings, model: type[Model]
) -> None:
    actor = Actor(settings.consortium_id, "resident", uuid4())
    await consents.write(actor, ticket.patient_id, "identity", granted=True)
    await a_wait(actor, ticket)
    await a_return(actor, ticket)
    before = await model.all().count()
    assert before
    column = CHANGES.get(model, "action = 'nothing'")
    for statement in (f"UPDATE {_table(model)} SET {column}", f"DELETE FROM {_table(model)}"):
        with pytest.raises(Exception, match="append-only"):
            async with database.transaction():
                await database.fetch(statement)
    with pytest.raises(Exception, match="append-only"):
        await model.all().delete()
    assert await model.all().count() == before


async def test_whoever_is_referred_to_can_not_be_deleted(ticket: Ticket) -> None:
    row = await Appointment.get(id=ticket.id)
    for rows in (
        Patient.filter(id=row.patient_id),
        Slot.filter(id=row.slot_id),
        Account.filter(id=row.account_id),
        Appointment.filter(id=row.id),
    ):
        with pytest.raises(IntegrityError):
            await rows.delete()


async def test_an_appointment_needs_a_slot_and_a_patient_that_exist(ticket: Ticket) -> None:
    for nobody in ({"slot_id": uuid4()}, {"patient_id": uuid4()}):
        with pytest.raises(IntegrityError):
            await copied(ticket, status="cancelled", **nobody)


async def test_an_account_has_one_default_patient(db: None, settings: Settings) -> None:
    person, other = await a_person(settings), await a_person(settings)
    with pytest.raises(IntegrityError):
        await Carer.create(
            id=uuid4(), consortium_id=settings.consortium_id, patient_id=other.patient_id,
            account_id=person.actor.account_id, relation="child", scope="book", state="active",
            is_default=True, created_at=clock.now(),
        )  # fmt: skip


async def test_a_doctor_has_a_role_without_dates_once(db: None, settings: Settings) -> None:
    """NULL is no value, so the declared key alone would let it in twice."""
    clinic = await a_clinic(settings)
    await a_schedule(settings, clinic)
    with pytest.raises(IntegrityError):
        await PractitionerRole.create(
            id=uuid4(), consortium_id=settings.consortium_id, practitioner=clinic.practitioner,
            department=clinic.department,
        )  # fmt: skip
