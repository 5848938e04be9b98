"""Who read a record: the patient and whoever manages for them may know; nobody else."""

import ast
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

import backend
from backend import clock
from backend.appeal.appeals import DECIDED
from backend.audit import AuditEvent
from backend.booking import leaving
from backend.booking.granting import DONE
from backend.booking.waitlist.diary import DONE as WAITED
from backend.chat.taking import AUDITED
from backend.clinic.policy import STATES
from backend.errors import NotFound
from backend.identity import invitations, patients
from backend.identity.access import Actor
from backend.ids import new_id
from backend.privacy.accesses import ACTIONS, Access, list_of
from backend.settings import Settings
from tests.people import Person, a_person, a_receipt, an_account, register

pytestmark = pytest.mark.usefixtures("db")


async def seen(person: Person, *, everyone: bool = False, most: int = 50) -> list[Access]:
    return await list_of(person.actor, person.patient_id, everyone=everyone, after=None, most=most)


async def let_in(settings: Settings, person: Person, scope: str) -> Actor:
    actor = await an_account(settings)
    code, _ = await invitations.invite(
        person.actor, person.patient_id, scope=scope, expires_at=None,
        receipt=a_receipt(person.actor),
    )  # fmt: skip
    await invitations.accept(actor, code, relation="child", most=5, receipt=a_receipt(actor))
    return actor


async def test_what_others_read_is_told_with_who_they_are(
    settings: Settings, noon: clock.Hands
) -> None:
    person, stranger = await a_person(settings), await a_person(settings)
    child = await let_in(settings, person, "view")
    noon.move(timedelta(minutes=1))
    await patients.show(child, person.patient_id)
    await patients.show(person.actor, person.patient_id)
    await patients.show(stranger.actor, stranger.patient_id)
    first, *_ = told = await seen(person)
    assert (first.who, first.relation, first.action, first.words) == (
        "carer", "child", "patient.shown", "看了就诊人资料",
    )  # fmt: skip
    assert {access.who for access in told} == {"carer"}
    assert {access.who for access in await seen(person, everyone=True)} == {"me", "carer"}
    noon.move(timedelta(minutes=1))
    await leaving.leave(child, person.patient_id)
    assert {access.who for access in await seen(person)} == {"former"}


async def test_who_only_asks_is_told_as_such(settings: Settings) -> None:
    owner, asking = await an_account(settings), await an_account(settings)
    row = await register(owner, settings)
    await register(asking, settings, relation="child")
    (access,) = await seen(Person(owner, row.patient_id))
    assert (access.who, access.action) == ("asking", "patient.requested")


async def test_who_opens_an_invitation_is_told_as_invited(settings: Settings) -> None:
    person, guest = await a_person(settings), await an_account(settings)
    code, _ = await invitations.invite(
        person.actor, person.patient_id, scope="view", expires_at=None,
        receipt=a_receipt(person.actor),
    )  # fmt: skip
    await invitations.open_code(guest, code)
    (access,) = await seen(person)
    assert (access.who, access.words) == ("invited", "打开了代办邀请")
    await invitations.accept(guest, code, relation="child", most=5, receipt=a_receipt(guest))
    assert {access.who for access in await seen(person)} == {"carer"}


async def test_staff_operators_and_jobs_are_told_too(settings: Settings) -> None:
    person = await a_person(settings)
    for kind in ("staff", "operator", "system"):
        await AuditEvent.create(
            id=new_id(), consortium_id=settings.consortium_id, at=clock.now(), actor_kind=kind,
            action="patient.shown", patient_id=person.patient_id,
        )  # fmt: skip
    assert {access.who for access in await seen(person)} == {"staff", "operator", "system"}


async def test_looking_is_written_down_as_well(settings: Settings) -> None:
    person = await a_person(settings)
    await seen(person)
    assert [access.action for access in await seen(person, everyone=True)] == [
        "record.accesses_listed"
    ]


async def test_only_who_manages_may_know(settings: Settings) -> None:
    person, stranger = await a_person(settings), await an_account(settings)
    for actor in (stranger, await let_in(settings, person, "book")):
        with pytest.raises(NotFound):
            await list_of(actor, person.patient_id, everyone=True, after=None, most=9)


async def test_pages_hold_each_row_once(settings: Settings, noon: clock.Hands) -> None:
    person = await a_person(settings)
    child = await let_in(settings, person, "view")
    for _ in range(6):
        await patients.show(child, person.patient_id)
    found: list[Access] = []
    after = None
    while page := await list_of(
        person.actor, person.patient_id, everyone=False, after=after, most=3
    ):
        found += page
        after = (page[-1].at, page[-1].id)
    assert len(found) == len({access.id for access in found}) == 7


def actions() -> Iterator[str]:
    """Every action that the source names where it leaves an audit row about patients."""
    for path in sorted(Path(backend.__file__).parent.rglob("*.py")):
        source = path.read_text("utf-8")
        if "record(" not in source and "note_read(" not in source:
            continue  # to parse all of us takes a second
        for call in ast.walk(ast.parse(source)):
            if not isinstance(call, ast.Call):
                continue
            name = getattr(call.func, "attr", None) or getattr(call.func, "id", "")
            about = name == "note_read" or any(word.arg == "patient_ids" for word in call.keywords)
            if name in ("record", "note_read") and about and len(call.args) > 1:
                if isinstance(call.args[1], ast.Constant):
                    yield str(call.args[1].value)


def test_every_action_has_words() -> None:
    by_name = {f"appointment.{done}" for done in DONE.values()} | set(WAITED.values())
    composed = by_name | {"patient.registered", "patient.requested"}
    composed |= {f"line.{deed}" for state in STATES.values() for deed in state.exits}
    composed |= {"line.check_in", "line.no_show", "line.walk_in"}
    composed |= set(DECIDED.values()) | set(AUDITED.values())
    assert set(actions()) | composed == set(ACTIONS)
