"""注销账号: said first, then done at once; what others or the law need stays, and is nobody's."""

import asyncio
import contextvars
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from backend import clock, notices
from backend import db as database
from backend.audit import AuditEvent
from backend.booking import appointments
from backend.booking.models import Appointment, Restriction
from backend.booking.waitlist.models import WaitlistEntry
from backend.draw.models import DrawEntry
from backend.errors import NotFound, Unauthenticated
from backend.identity import accounts, invitations, sessions
from backend.identity.access import Actor
from backend.identity.care import Care
from backend.identity.errors import HasAppointments
from backend.identity.models import Account, Carer, CarerInvitation, Patient, Session
from backend.privacy import erasing
from backend.privacy.erasing import NOBODY, consequences, erase
from backend.receipts import IdempotencyKey
from backend.reminders.models import Subscription
from backend.settings import Settings
from backend.wechat.events import WechatEvent
from tests.api.conftest import Server, keyed
from tests.api.conftest import server as server
from tests.api.world import dump
from tests.clinics import a_clinic, a_desk, a_slot
from tests.draw.test_draws import announced
from tests.people import (
    a_carer,
    a_person,
    a_receipt,
    an_account,
    an_id_number,
    log_in,
    register,
    vault_of,
)
from tests.satisfaction.visits import a_visit
from tests.serving import until
from tests.waits import join, state_of

NAME, NUMBER, PHONE, OPENID = "欧阳翠花", an_id_number(), "13912345678", "openid-canary"
REASON = "老毛病金丝雀"


@pytest.fixture(autouse=True)
def _noon(noon: clock.Hands) -> None:
    """Every test here happens at the stopped noon."""


async def somebody(settings: Settings) -> tuple[Actor, UUID]:
    _, actor = await log_in(settings, OPENID)
    await accounts.set_phone(actor, vault_of(settings), PHONE)
    me = await register(actor, settings, name=NAME, id_number=NUMBER, phone=PHONE)
    return actor, me.patient_id


async def book(actor: Actor, settings: Settings, patient_id: UUID) -> UUID:
    slot = await a_slot(settings, capacity=9)
    ticket = await appointments.book(
        actor, a_desk(), slot_id=slot.id, patient_id=patient_id, confirm=True,
        receipt=a_receipt(actor),
    )  # fmt: skip
    return ticket.id


async def let_in(actor: Actor, settings: Settings, patient_id: UUID, scope: str) -> Actor:
    other = await an_account(settings)
    code, _ = await invitations.invite(
        actor, patient_id, scope=scope, expires_at=None, receipt=a_receipt(actor)
    )
    await invitations.accept(other, code, relation="child", most=5, receipt=a_receipt(other))
    return other


async def test_nothing_of_the_person_is_left(db: None, settings: Settings) -> None:
    actor, patient_id = await somebody(settings)
    booked = await book(actor, settings, patient_id)
    receipt = a_receipt(actor)
    await appointments.cancel(actor, a_desk(), booked, reason=REASON, receipt=receipt)
    await notices.leave(settings.consortium_id, [actor.account_id], "carer_refused")
    await invitations.invite(
        actor, patient_id, scope="view", expires_at=None, receipt=a_receipt(actor)
    )
    index = (await Account.get(id=actor.account_id)).openid_index
    await WechatEvent.create(
        id=uuid4(), consortium_id=settings.consortium_id, dedupe_key="1", openid_index=index,
        event="x", details=[], happened_at=clock.now(), received_at=clock.now(),
    )  # fmt: skip
    await Subscription.create(
        id=uuid4(), consortium_id=settings.consortium_id, account_id=actor.account_id,
        template_id="T", answer="accept", answered_at=clock.now(),
    )  # fmt: skip
    sealed = (await Patient.get(id=patient_id)).id_sealed
    traces = [NAME, index, sealed, vault_of(settings).index("patient.id", "resident_id", NUMBER)]
    before = str(await dump())
    assert all(trace in before for trace in [*traces, REASON])
    await erase(actor)
    after = await dump()
    assert not [trace for trace in traces if trace in str(after)]
    assert REASON not in str(after.pop("appointment"))
    patient = await Patient.get(id=patient_id)
    assert (patient.name, patient.phone_sealed, patient.sex) == (NOBODY, None, "unknown")
    for model in (CarerInvitation, IdempotencyKey, WechatEvent, Subscription, notices.Notice):
        assert not await model.exists(), model
    assert not await Session.filter(revoked_at=None).exists()
    assert not await Session.exclude(device="").exists()
    assert (await Account.get(id=actor.account_id)).erased_at == clock.now()


async def test_nobody_waits_for_whom_nobody_cares(db: None, settings: Settings) -> None:
    """Also of those who are kept by law; who has other carers stays in line and in the draw."""
    fair = await announced(settings)
    erased, seen, shared = [await a_person(settings) for _ in range(3)]
    await a_visit(settings, seen)
    await a_carer(settings, shared.patient_id, "book")
    waits = []
    for who in (erased, seen, shared):
        waits.append(await join(who, fair.clinic))
        await fair.enter(who)
        await erase(who.actor)
    assert [await state_of(wait) for wait in waits] == ["left", "left", "waiting"]
    entries = {row.patient_id: row.outcome for row in await DrawEntry.all()}
    assert [entries[who.patient_id] for who in (erased, seen, shared)] == [
        "withdrawn", "withdrawn", "waiting",
    ]  # fmt: skip
    left = await AuditEvent.filter(action="waitlist.left")
    assert {row.patient_id for row in left} == {erased.patient_id, seen.patient_id}


BLOCKED = "SELECT pid FROM pg_locks WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid))"


async def test_an_offer_and_an_erasure_never_wait_for_each_other(
    postgres_only: None, db: None, settings: Settings
) -> None:
    """An offer has the entry in line, and then refers to the patient."""
    who = await a_person(settings)
    wait = await join(who, await a_clinic(settings))
    async with database.transaction():
        await WaitlistEntry.filter(id=wait.id).update(changed_at=clock.now())
        erased = asyncio.create_task(erase(who.actor), context=contextvars.Context())

        async def is_blocked() -> bool:
            return bool(await database.fetch(BLOCKED))

        await until(is_blocked)
        await database.fetch("SELECT id FROM patient WHERE id = $1 FOR KEY SHARE", who.patient_id)
    await erased
    assert await state_of(wait) == "left"


async def test_whoever_comes_again_is_new_and_may_register_anew(
    db: None, settings: Settings
) -> None:
    token_before, actor = await log_in(settings, OPENID)
    await register(actor, settings, name=NAME, id_number=NUMBER)
    await erase(actor)
    with pytest.raises(Unauthenticated):
        await sessions.Sessions(Care()).verify(token_before)
    _, again = await log_in(settings, OPENID)
    assert again.account_id != actor.account_id
    assert (await register(again, settings, name=NAME, id_number=NUMBER)).state == "active"


async def test_appointments_that_nobody_else_could_look_after_come_first(
    db: None, settings: Settings
) -> None:
    actor, patient_id = await somebody(settings)
    booked = await book(actor, settings, patient_id)
    (person,) = await consequences(actor)
    assert (person.name, person.fate, list(person.appointments)) == ("欧**花", "erased", [booked])
    assert await AuditEvent.filter(patient_id=patient_id, action="patient.listed").count() == 1
    before = await dump()
    with pytest.raises(HasAppointments) as refused:
        await erase(actor)
    assert refused.value.extra == {"appointment_ids": [booked]}
    assert await dump() == before
    await appointments.cancel(actor, a_desk(), booked, reason="", receipt=a_receipt(actor))
    await erase(actor)


@pytest.mark.parametrize("scope", ["view", "book"])
async def test_whom_others_care_for_stays_with_them(
    db: None, settings: Settings, scope: str
) -> None:
    actor, patient_id = await somebody(settings)
    other = await let_in(actor, settings, patient_id, scope)
    booked = await book(actor, settings, patient_id)
    (person,) = await consequences(actor)
    assert person.fate == "shared"
    if scope == "view":
        assert list(person.appointments) == [booked]
        with pytest.raises(HasAppointments):
            await erase(actor)
        return
    assert not person.appointments
    await erase(actor)
    assert (await Patient.get(id=patient_id)).name == NAME
    assert (await Appointment.get(id=booked)).status == "booked"
    assert await Carer.filter(account_id=other.account_id, state="active").exists()


@pytest.mark.parametrize("why", ["seen", "barred"])
async def test_what_law_or_rule_keeps_stays_and_a_rule_ends(
    db: None, settings: Settings, noon: clock.Hands, why: str
) -> None:
    actor, patient_id = await somebody(settings)
    booked = await book(actor, settings, patient_id)
    if why == "seen":
        await Appointment.filter(id=booked).update(status="fulfilled")
    else:
        await appointments.cancel(actor, a_desk(), booked, reason="", receipt=a_receipt(actor))
        await Restriction.create(
            id=uuid4(), consortium_id=settings.consortium_id, patient_id=patient_id,
            kind="expert", cause="no_shows", policy_version="x", from_at=clock.now(),
            until_at=clock.now() + timedelta(days=90),
        )  # fmt: skip
    assert [person.fate for person in await consequences(actor)] == ["kept"]
    await erase(actor)
    assert (await Patient.get(id=patient_id)).name == NAME
    assert await erasing.sweep(settings.consortium_id) == 0
    noon.move(timedelta(days=91))
    assert await erasing.sweep(settings.consortium_id) == (0 if why == "seen" else 1)
    assert (await Patient.get(id=patient_id)).name == (NAME if why == "seen" else NOBODY)
    assert await erasing.sweep(settings.consortium_id) == 0


async def barred_until_noon(settings: Settings, patient_id: UUID) -> None:
    await Restriction.create(
        id=uuid4(), consortium_id=settings.consortium_id, patient_id=patient_id, kind="expert",
        cause="no_shows", policy_version="x", from_at=clock.now() - timedelta(days=90),
        until_at=clock.now() + timedelta(minutes=1),
    )  # fmt: skip


async def test_whom_the_law_keeps_hides_nobody_from_the_sweep(
    db: None, settings: Settings, noon: clock.Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many are kept for ever, they take up no room in a portion."""
    monkeypatch.setattr(erasing, "SWEEP_MOST", 1)
    people = [await a_person(settings) for _ in range(4)]
    *kept, barred = sorted(people, key=lambda person: person.patient_id)
    for person in kept:
        await Appointment.filter(id=await book(person.actor, settings, person.patient_id)).update(
            status="fulfilled"
        )
    await barred_until_noon(settings, barred.patient_id)
    for person in people:
        await erase(person.actor)
    noon.move(timedelta(minutes=2))
    assert await erasing.sweep(settings.consortium_id) == 1
    assert (await Patient.get(id=barred.patient_id)).name == NOBODY
    assert await erasing.sweep(settings.consortium_id) == 0


async def test_who_only_asks_keeps_nobody_from_the_sweep(
    db: None, settings: Settings, noon: clock.Hands
) -> None:
    """There is nobody left to consent; erased, they may register anew."""
    actor, patient_id = await somebody(settings)
    await barred_until_noon(settings, patient_id)
    await erase(actor)
    _, again = await log_in(settings, OPENID)
    assert (await register(again, settings, name=NAME, id_number=NUMBER)).state == "requested"
    noon.move(timedelta(minutes=2))
    assert await erasing.sweep(settings.consortium_id) == 1
    assert (await register(again, settings, name=NAME, id_number=NUMBER)).state == "active"


async def test_nobody_is_let_in_to_a_person_who_is_being_erased(
    db: None, settings: Settings
) -> None:
    """Whoever came first: either they are still there, for those let in, or nobody has them."""
    for _ in range(5):
        person = await a_person(settings)
        codes = [
            (await invitations.invite(
                person.actor, person.patient_id, scope="view", expires_at=None,
                receipt=a_receipt(person.actor),
            ))[0]
            for _ in range(4)
        ]  # fmt: skip
        others = [await an_account(settings) for _ in codes]
        await asyncio.gather(
            *(
                invitations.accept(other, code, relation="child", most=5, receipt=a_receipt(other))
                for other, code in zip(others, codes, strict=True)
            ),
            erase(person.actor),
            return_exceptions=True,
        )
        gone = (await Patient.get(id=person.patient_id)).name == NOBODY
        assert gone != await Carer.filter(patient_id=person.patient_id, state="active").exists()


async def test_who_only_left_a_list_is_not_swept(db: None, settings: Settings) -> None:
    """They may come back to it: the account is still there."""
    from backend.booking import leaving

    actor, patient_id = await somebody(settings)
    await leaving.leave(actor, patient_id)
    assert await erasing.sweep(settings.consortium_id) == 0
    assert (await Patient.get(id=patient_id)).name == NAME


async def test_two_carers_who_end_at_once_do_not_strand_an_appointment(
    db: None, settings: Settings
) -> None:
    actor, patient_id = await somebody(settings)
    other = await let_in(actor, settings, patient_id, "manage")
    await book(actor, settings, patient_id)
    outcomes = await asyncio.gather(erase(actor), erase(other), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == [
        "HasAppointments", "NoneType",
    ]  # fmt: skip
    assert await Carer.filter(patient_id=patient_id, state="active").count() == 1


async def test_what_comes_a_moment_too_late_makes_nothing(db: None, settings: Settings) -> None:
    """A token may be believed for a second after its end elsewhere."""
    actor, _ = await somebody(settings)
    host, theirs = await an_account(settings), an_id_number(order=35)
    row = await register(host, settings, name="赵强", id_number=theirs)
    code, _ = await invitations.invite(
        host, row.patient_id, scope="book", expires_at=None, receipt=a_receipt(host)
    )
    await erase(actor)
    for late in (
        register(actor, settings, name=NAME, id_number=NUMBER),
        invitations.accept(actor, code, relation="child", most=5, receipt=a_receipt(actor)),
        erase(actor),
    ):
        with pytest.raises(Unauthenticated):
            await late
    assert not await Carer.filter(account_id=actor.account_id).exclude(state="revoked").exists()


async def test_log_ins_beside_an_erasure_never_open_an_erased_account(
    db: None, settings: Settings
) -> None:
    actor, _ = await somebody(settings)
    await asyncio.gather(
        erase(actor), *(log_in(settings, OPENID) for _ in range(20)), return_exceptions=True
    )
    erased = await Session.filter(account_id=actor.account_id, revoked_at=None)
    assert not erased


async def test_nobody_elses_is_touched(db: None, settings: Settings) -> None:
    actor, _ = await somebody(settings)
    stranger = await an_account(settings)
    theirs = await register(stranger, settings, name="赵强", id_number=an_id_number(order=35))
    await erase(actor)
    assert (await Patient.get(id=theirs.patient_id)).name == "赵强"
    assert await Carer.filter(account_id=stranger.account_id, state="active").exists()
    with pytest.raises(NotFound):
        await erase(Actor.system(settings.consortium_id))


async def test_over_http(server: Server) -> None:
    who = await server.log_in("wang")
    patient = {"name": NAME, "id_number": NUMBER, "relation": "self", "agreed": True}
    await server.http.post("/api/v1/patients", json=patient, headers=keyed(who))
    await server.log_in("zhao")

    async def ask(user: str) -> Any:
        code = (await server.phone.post("/_sim/login", json={"user": user})).json()["code"]
        return await server.http.post("/api/v1/me/deletion", json={"code": code}, headers=who)

    told = (await server.http.get("/api/v1/me/deletion", headers=who)).json()
    assert told["possible"]
    assert told["people"][0]["fate"] == "erased"
    assert (await ask("zhao")).status_code == 403
    assert (await ask("wang")).status_code == 204
    assert (await server.http.get("/api/v1/me", headers=who)).status_code == 401
