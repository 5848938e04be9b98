"""随访: begun by a doctor for a patient, due on a day, done or missed, and then due again.

Whoever began a plan has it in their list, and so has the patient's family doctor of today: a doctor
who leaves takes nobody out of sight.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import structlog
from tortoise.expressions import Q, Subquery
from tortoise.queryset import QuerySet

from backend import audit, clock, db, notices
from backend.errors import Malformed, NotFound
from backend.identity import contracts
from backend.identity.access import Actor, care_of, carers_of, lock_patients, note_read
from backend.identity.contracts import Resident
from backend.identity.documents import mask_name
from backend.identity.models import FamilyDoctorContract, Patient
from backend.ids import new_id
from backend.reminders import policy
from backend.reminders.errors import FollowUpOver, TooManyPlans, WrittenBefore
from backend.reminders.models import FollowUp, FollowUpPlan

log = structlog.get_logger()

RIGHT = "plan.edit"
ACTIVE, ENDED = "active", "ended"
PLANS_MOST = 10  # of one patient, at a time
AHEAD = timedelta(days=14)  # what the list shows before it is due
AWAY_MOST = timedelta(days=400)
ABOUT_MOST, NOTE_MOST = 60, 200
EVERY_MOST = 400
NOT_YET = "到期提醒还没有开通，请记下日子。"
Cursor = tuple[date, UUID]


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A plan as the doctor wants it. `rule`: the version of what proposed it, or empty."""

    about: str
    due_on: date
    every_days: int
    rule: str = ""


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """One follow-up that is planned, with whom and what for. `every_days`: what the plan says.
    `resident`: has a contract with whoever looks at the list."""

    id: UUID
    plan_id: UUID
    patient_id: UUID
    patient_name: str
    about: str
    rule: str
    every_days: int
    number: int
    due_on: date
    resident: bool = False

    @property
    def days_late(self) -> int:
        return max(0, (clock.today() - self.due_on).days)


def check(wanted: Wanted) -> Wanted:
    """Raises Malformed."""
    about = " ".join(wanted.about.split())
    if not 1 <= len(about) <= ABOUT_MOST:
        raise Malformed(f"请写随访什么，{ABOUT_MOST} 个字以内。", field="about")
    if not 1 <= wanted.every_days <= EVERY_MOST:
        raise Malformed(f"间隔 1 到 {EVERY_MOST} 天。", field="every_days")
    _check_day(wanted.due_on, "due_on")
    return msgspec.structs.replace(wanted, about=about)


def _check_day(on: date, field: str) -> None:
    today = clock.today()
    if not today <= on <= today + AWAY_MOST:
        raise Malformed("随访的日子从今天起，一年左右以内。", field=field)


# --- begin ----------------------------------------------------------------------------------------


async def begin(actor: Actor, patient_id: UUID, plan_id: UUID, wanted: Wanted) -> Look:
    """In the caller's transaction, which has locked the patient and checked the right to act.

    The same `plan_id` again is the same plan.

    Raises Malformed, TooManyPlans, NotFound; WrittenBefore: it was begun with other words.
    """
    wanted = check(wanted)
    before = await FollowUpPlan.get_or_none(id=plan_id)
    if before is not None:
        return await _first_of(before, patient_id, wanted)
    mine = FollowUpPlan.filter(patient_id=patient_id, status=ACTIVE)
    if await mine.count() >= PLANS_MOST:
        raise TooManyPlans(most=PLANS_MOST)
    plan = await FollowUpPlan.create(
        id=plan_id,
        consortium_id=actor.consortium_id,
        patient_id=patient_id,
        staff_id=actor.id,
        about=wanted.about,
        rule=wanted.rule,
        every_days=wanted.every_days,
        status=ACTIVE,
        created_at=clock.now(),
    )
    row = await _plan_one(plan, 1, wanted.due_on)
    await audit.record(actor, "follow_up.started", entity_id=plan_id, patient_ids=[patient_id])
    whom = await carers_of(patient_id)
    await notices.leave(actor.consortium_id, whom, "plan_follow_up", patient_id=patient_id)
    return look_of(row, plan, await Patient.get(id=patient_id))


async def start(actor: Actor, patient_id: UUID, wanted: Wanted, *, plan_id: UUID) -> Look:
    """For the actor's own contracted resident. Raises as `begin`."""
    await contracts.resident(actor, patient_id, RIGHT)
    async with db.transaction():
        await lock_patients([patient_id])
        await contracts.resident(actor, patient_id, RIGHT)
        look = await begin(actor, patient_id, plan_id, wanted)
    log.info("follow_up.started", plan_id=str(plan_id))
    return look


async def _first_of(plan: FollowUpPlan, patient_id: UUID, wanted: Wanted) -> Look:
    if plan.patient_id != patient_id:
        raise NotFound
    row = await FollowUp.get(plan_id=plan.id, number=1)
    begun = Wanted(about=plan.about, due_on=row.due_on, every_days=plan.every_days, rule=plan.rule)
    if begun != wanted:
        raise WrittenBefore(field="id")
    return look_of(row, plan, await Patient.get(id=patient_id))


async def _plan_one(plan: FollowUpPlan, number: int, due_on: date) -> FollowUp:
    return await FollowUp.create(
        id=new_id(),
        consortium_id=plan.consortium_id,
        plan_id=plan.id,
        patient_id=plan.patient_id,
        staff_id=plan.staff_id,
        number=number,
        due_on=due_on,
        state=policy.PLANNED,
        created_at=clock.now(),
    )


def look_of(row: FollowUp, plan: FollowUpPlan, patient: Patient) -> Look:
    return Look(
        id=row.id,
        plan_id=plan.id,
        patient_id=patient.id,
        patient_name=patient.name,
        about=plan.about,
        rule=plan.rule,
        every_days=plan.every_days,
        number=row.number,
        due_on=row.due_on,
    )


# --- look -----------------------------------------------------------------------------------------


async def due_list(actor: Actor, *, after: Cursor | None, most: int) -> list[Look]:
    """谁的随访到期了: due in two weeks or overdue, the longest overdue first. Leaves audit rows.

    Raises NotFound: not of those who follow up.
    """
    actor.must(RIGHT)
    rows = FollowUp.filter(
        _mine(actor),
        consortium_id=actor.consortium_id,
        state=policy.PLANNED,
        due_on__lte=clock.today() + AHEAD,
    )
    if after is not None:
        on, last = after
        rows = rows.filter(Q(due_on__gt=on) | Q(due_on=on, id__gt=last))
    found = await rows.order_by("due_on", "id").limit(most).select_related("plan", "patient")
    async with db.transaction():
        await note_read(actor, "follow_up.listed", {row.patient_id for row in found})
    residents = await _residents(actor, {row.patient_id for row in found})
    return [
        msgspec.structs.replace(
            look_of(row, row.plan, row.patient),
            patient_name=mask_name(row.patient.name),
            resident=row.patient_id in residents,
        )
        for row in found
    ]


async def _residents(actor: Actor, patient_ids: set[UUID]) -> set[UUID]:
    if actor.practitioner_id is None:
        return set()
    held = _held(actor).filter(patient_id__in=list(patient_ids))
    return {row.patient_id for row in await held.limit(len(patient_ids) or 1)}


def _mine(actor: Actor) -> Q:
    """Begun by the actor, or of their own residents."""
    begun = Q(staff_id=actor.id)
    if actor.practitioner_id is None:
        return begun
    return begun | Q(patient_id__in=Subquery(_held(actor).values("patient_id")))


def _held(actor: Actor) -> QuerySet[FamilyDoctorContract]:
    return FamilyDoctorContract.filter(
        contracts.in_force(),
        consortium_id=actor.consortium_id,
        practitioner_id=actor.practitioner_id,
    )


async def coming(actor: Actor, patient_id: UUID) -> list[Look]:
    """For whoever cares, the next first; leaves an audit row. Raises NotFound."""
    await care_of(actor, patient_id, "view")
    async with db.transaction():
        await note_read(actor, "follow_up.shown", {patient_id})
    return await of_patient(patient_id)


async def of_resident(actor: Actor, patient_id: UUID) -> tuple[Resident, list[Look]]:
    """For the family doctor: who it is, masked, and what is planned; leaves an audit row.

    Raises NotFound: no contract of the actor's holds.
    """
    resident = await contracts.resident(actor, patient_id, RIGHT)
    async with db.transaction():
        await note_read(actor, "follow_up.shown", {patient_id})
    return resident, await of_patient(patient_id)


async def of_patient(patient_id: UUID) -> list[Look]:
    """What is planned, the next first; whoever calls has checked the right, and audits."""
    rows = FollowUp.filter(patient_id=patient_id, state=policy.PLANNED).order_by("due_on", "id")
    found: Sequence[Any] = await rows.limit(PLANS_MOST).select_related("plan", "patient")
    return [look_of(row, row.plan, row.patient) for row in found]


# --- close ----------------------------------------------------------------------------------------


async def close(
    actor: Actor, follow_up_id: UUID, *, deed: str, note: str = "", next_on: date | None = None
) -> None:
    """Done (`do`), missed (`miss`), or no longer wanted (`cancel`). With `next_on` the plan goes
    on, else it ends.

    Raises:
        NotFound: not begun by the actor, and not their resident. Malformed, FollowUpOver.
    """
    note = " ".join(note.split())
    _check_close(deed, note, next_on)
    patient_id = (await _find(actor, follow_up_id)).patient_id
    async with db.transaction():
        await lock_patients([patient_id])
        row = await _find(actor, follow_up_id)
        state = policy.after(policy.PLANNED, deed)
        still = FollowUp.filter(id=follow_up_id, state=policy.PLANNED)
        done = await still.update(state=state, note=note, closed_at=clock.now(), closed_by=actor.id)
        if not done:
            raise FollowUpOver(state=(await FollowUp.get(id=follow_up_id)).state)
        if next_on is not None:
            await _plan_one(row.plan, row.number + 1, next_on)
        else:
            await FollowUpPlan.filter(id=row.plan_id).update(
                status=ENDED, ended_at=clock.now(), ended_by=actor.id
            )
        await audit.record(
            actor, "follow_up.closed", entity_id=follow_up_id, patient_ids=[row.patient_id],
            state=state,
        )  # fmt: skip
    log.info("follow_up.closed", follow_up_id=str(follow_up_id), state=state)


def _check_close(deed: str, note: str, next_on: date | None) -> None:
    if policy.after(policy.PLANNED, deed) is None:
        raise Malformed("请选随访的结果。", field="deed")
    if len(note) > NOTE_MOST:
        raise Malformed(f"记录最多 {NOTE_MOST} 个字。", field="note")
    if deed in ("do", "miss") and not note:
        raise Malformed("请简单记一下，比如血压多少、为什么没随访上。", field="note")
    if deed == "cancel" and next_on is not None:
        raise Malformed("不再随访的，不用写下一次。", field="next_on")
    if next_on is not None:
        _check_day(next_on, "next_on")


async def _find(actor: Actor, follow_up_id: UUID) -> FollowUp:
    actor.must(RIGHT)
    row = await FollowUp.get_or_none(
        _mine(actor), id=follow_up_id, consortium_id=actor.consortium_id
    ).select_related("plan")
    if row is None:
        raise NotFound
    return row


# --- end of a record ------------------------------------------------------------------------------


def recorded(since: datetime) -> QuerySet[FollowUp]:
    """What doctors have found, or missed, after `since`: a record of care."""
    return FollowUp.filter(state__in=(policy.DONE, policy.MISSED), closed_at__gt=since)


async def forget(patient_id: UUID, *, but: datetime | None = None) -> None:
    """In the transaction in which the patient is erased, or is kept and nobody cares for them any
    more: then all but what doctors have recorded after `but`. No plan goes on."""
    looks, plans = (
        FollowUp.filter(patient_id=patient_id),
        FollowUpPlan.filter(patient_id=patient_id),
    )
    if but is not None:
        looks = looks.exclude(id__in=Subquery(recorded(but).values("id")))
    await looks.delete()
    left = FollowUp.filter(patient_id=patient_id).values("plan_id")
    await plans.exclude(id__in=Subquery(left)).delete()
    await plans.filter(status=ACTIVE).update(status=ENDED, ended_at=clock.now())
