"""用药计划: begun by a doctor, or from the box by whoever cares; changed by versions; ended.

Reminding at the hour is not built yet; `timetable.occurrences` of the version in force says when.
"""

from uuid import UUID

import structlog
from tortoise.queryset import QuerySet

from backend import audit, clock, db, notices
from backend.errors import Malformed, NotFound
from backend.identity import contracts
from backend.identity.access import Actor, care_of, carers_of, lock_patients, note_read
from backend.ids import new_id
from backend.receipts import Receipt
from backend.reminders.dosage import Dosage, check
from backend.reminders.errors import (
    ChangedTooOften,
    PlanChanged,
    PlanEnded,
    TooManyPlans,
    WrittenBefore,
    WrittenByDoctor,
)
from backend.reminders.medication_records import (
    ACTIVE,
    DOCTOR,
    ENDED,
    KEPT_MOST,
    REASONS,
    SELF,
    Plan,
    each,
    of_patient,
    told,
)
from backend.reminders.models import MedicationPlan, MedicationVersion

log = structlog.get_logger()

RIGHT = "plan.edit"
PLANS_MOST = 30  # of one patient, that are not over
VERSIONS_MOST = 50


# --- look -----------------------------------------------------------------------------------------


async def list_of(actor: Actor, patient_id: UUID) -> list[Plan]:
    """Those in use first, the latest first; then the last that were ended. Leaves an audit row.

    Raises NotFound: not the actor's to see.
    """
    await _must_reach(actor, patient_id, "view")
    found = await of_patient(patient_id)
    async with db.transaction():
        await note_read(actor, "medication.listed", {patient_id})
    return found


async def show(actor: Actor, plan_id: UUID) -> tuple[Plan, list[Plan]]:
    """One, and what it said before, the latest first. Leaves an audit row. Raises NotFound."""
    row = await _find(actor, plan_id, "view")
    versions = MedicationVersion.filter(plan_id=plan_id).order_by("-number")
    now, *before = await each(row, await versions.limit(VERSIONS_MOST))
    async with db.transaction():
        await note_read(actor, "medication.shown", {row.patient_id})
    return now, before


async def _find(actor: Actor, plan_id: UUID, scope: str) -> MedicationPlan:
    row = await MedicationPlan.get_or_none(id=plan_id, consortium_id=actor.consortium_id)
    if row is None:
        raise NotFound
    await _must_reach(actor, row.patient_id, scope)
    return row


async def _must_reach(actor: Actor, patient_id: UUID, scope: str) -> None:
    """Raises NotFound: no carer with that scope, and not the patient's own family doctor."""
    if actor.kind == "staff":
        await contracts.resident(actor, patient_id, RIGHT)
    else:
        await care_of(actor, patient_id, scope)


async def _hold(actor: Actor, patient_id: UUID) -> None:
    """Lock the patient, and judge once more: whoever is erased meanwhile is written nothing.

    Raises NotFound.
    """
    await lock_patients([patient_id])
    await _must_reach(actor, patient_id, "book")


# --- change ---------------------------------------------------------------------------------------


async def start(
    actor: Actor,
    patient_id: UUID,
    dosage: Dosage,
    *,
    receipt: Receipt | None = None,
    plan_id: UUID | None = None,
) -> Plan:
    """Begin one, from what stands on the box or the prescription. Done once by its receipt, or by
    the `plan_id` of a staff page.

    Raises:
        NotFound: not the actor's to act for. Malformed, TooManyPlans, WrittenBefore.
    """
    await _must_reach(actor, patient_id, "book")
    async with db.transaction():
        if receipt is not None:
            await receipt.check()
        await _hold(actor, patient_id)
        plan = await begin(actor, patient_id, plan_id or new_id(), dosage)
        if receipt is not None:
            await receipt.keep(201, plan)
    log.info("medication.started", plan_id=str(plan.id))
    return plan


async def begin(actor: Actor, patient_id: UUID, plan_id: UUID, dosage: Dosage) -> Plan:
    """In the caller's transaction, which has locked the patient and checked the right to act.

    The same `plan_id` again is the same plan, as it was begun: nothing happens twice.

    Raises as `start`; WrittenBefore: it was begun with another dosage.
    """
    dosage = check(dosage, clock.today())
    row = await MedicationPlan.get_or_none(id=plan_id)
    if row is not None:
        return await _begun(row, patient_id, dosage)
    living = MedicationVersion.filter(
        plan__patient_id=patient_id, plan__status=ACTIVE, ended_at=None, to_on__gte=clock.today()
    )
    kept = MedicationPlan.filter(patient_id=patient_id, status=ACTIVE)
    if await living.count() >= PLANS_MOST or await kept.count() >= KEPT_MOST:
        raise TooManyPlans(most=PLANS_MOST)
    row = await MedicationPlan.create(
        id=plan_id,
        consortium_id=actor.consortium_id,
        patient_id=patient_id,
        status=ACTIVE,
        version=1,
        created_at=clock.now(),
    )
    await audit.record(actor, "medication.started", entity_id=plan_id, patient_ids=[patient_id])
    await _tell(actor, patient_id, "plan_written")
    return await _write(actor, row, dosage)


async def _begun(row: MedicationPlan, patient_id: UUID, dosage: Dosage) -> Plan:
    if row.patient_id != patient_id:
        raise NotFound
    (plan,) = await each(row, await MedicationVersion.filter(plan_id=row.id, number=1))
    if plan.dosage != dosage:
        raise WrittenBefore(field="id")
    return plan


async def _write(actor: Actor, plan: MedicationPlan, dosage: Dosage) -> Plan:
    timing = dosage.timing
    version = await MedicationVersion.create(
        id=new_id(),
        plan_id=plan.id,
        number=plan.version,
        medicine=dosage.medicine,
        amount=dosage.amount,
        times=[at.isoformat("minutes") for at in timing.times],
        meals=list(timing.when),
        every_days=timing.every_days,
        weekdays=list(timing.weekdays),
        from_on=timing.from_on,
        to_on=timing.to_on,
        as_needed=dosage.as_needed,
        at_most=dosage.at_most,
        note=dosage.note,
        written_by=DOCTOR if actor.kind == "staff" else SELF,
        writer_id=actor.id,
        created_at=clock.now(),
    )
    return (await each(plan, [version]))[0]


async def change(
    actor: Actor,
    plan_id: UUID,
    dosage: Dosage,
    *,
    version: int,
    receipt: Receipt | None = None,
) -> Plan:
    """Another version from now on. `version`: the one that the actor has seen.

    Raises:
        NotFound: not the actor's to act for. WrittenByDoctor: and the actor is none.
        Malformed, PlanChanged, PlanEnded, ChangedTooOften.
    """
    row = await _find(actor, plan_id, "book")
    async with db.transaction():
        if receipt is not None:
            await receipt.check()
        await _hold(actor, row.patient_id)
        plan = await rewrite(actor, row.patient_id, plan_id, dosage, version=version)
        if receipt is not None:
            await receipt.keep(200, plan)
    log.info("medication.changed", plan_id=str(plan_id), version=plan.version)
    return plan


async def rewrite(
    actor: Actor, patient_id: UUID, plan_id: UUID, dosage: Dosage, *, version: int
) -> Plan:
    """In the caller's transaction, which has locked the patient and checked the right to act.

    Raises as `change`; NotFound: the plan is another patient's.
    """
    dosage = check(dosage, clock.today())
    mine = MedicationPlan.filter(id=plan_id, patient_id=patient_id)
    # Guarded: of two who have seen the same version, one goes on.
    if not await mine.filter(status=ACTIVE, version=version).update(version=version + 1):
        raise await _why_not(mine)
    if version >= VERSIONS_MOST:
        raise ChangedTooOften(most=VERSIONS_MOST)
    row, now = await MedicationPlan.get(id=plan_id), clock.now()
    before = MedicationVersion.filter(plan_id=plan_id, number=version)
    if actor.kind != "staff" and await before.filter(written_by=DOCTOR).exists():
        raise WrittenByDoctor
    await before.update(ended_at=now)
    await _tell(actor, patient_id, "plan_written")
    await audit.record(
        actor,
        "medication.changed",
        entity_id=plan_id,
        patient_ids=[patient_id],
        version=row.version,
    )
    return await _write(actor, row, dosage)


async def _why_not(mine: QuerySet[MedicationPlan]) -> PlanChanged | PlanEnded | NotFound:
    row = await mine.first()
    if row is None:
        return NotFound()
    if row.status == ENDED:
        return PlanEnded()
    current = (await told([row]))[0]
    now = {"medicine": current.dosage.medicine, "how": current.words}
    return PlanChanged(version=row.version, current=now)


async def end(
    actor: Actor,
    plan_id: UUID,
    *,
    reason: str,
    version: int,
    receipt: Receipt | None = None,
) -> Plan:
    """Nobody takes it any more, whoever wrote it. `reason`: a key of REASONS.

    Raises:
        NotFound: not the actor's to act for. Malformed, PlanChanged, PlanEnded.
    """
    row = await _find(actor, plan_id, "book")
    async with db.transaction():
        if receipt is not None:
            await receipt.check()
        await _hold(actor, row.patient_id)
        plan = await finish(actor, row.patient_id, plan_id, reason=reason, version=version)
        if receipt is not None:
            await receipt.keep(200, plan)
    log.info("medication.ended", plan_id=str(plan_id))
    return plan


async def finish(
    actor: Actor, patient_id: UUID, plan_id: UUID, *, reason: str, version: int
) -> Plan:
    """In the caller's transaction, which has locked the patient and checked the right to act."""
    if reason not in REASONS:
        raise Malformed("请选停用的原因。", field="reason")
    mine = MedicationPlan.filter(id=plan_id, patient_id=patient_id)
    done = await mine.filter(status=ACTIVE, version=version).update(
        status=ENDED, ended_at=clock.now(), ended_for=reason, ended_by=actor.id
    )
    if not done:
        raise await _why_not(mine)
    await _tell(actor, patient_id, "plan_stopped")
    await audit.record(
        actor, "medication.ended", entity_id=plan_id, patient_ids=[patient_id], reason=reason
    )
    return (await told([await MedicationPlan.get(id=plan_id)]))[0]


async def _tell(actor: Actor, patient_id: UUID, kind: str) -> None:
    """Everybody who cares hears of what a doctor has done."""
    if actor.kind == "staff":
        whom = await carers_of(patient_id)
        await notices.leave(actor.consortium_id, whom, kind, patient_id=patient_id)
