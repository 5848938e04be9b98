"""用药计划 as they stand in the tables: whoever reads here has checked the right, and audits."""

from collections.abc import Sequence
from datetime import datetime, time
from uuid import UUID

import msgspec
from tortoise.expressions import Subquery
from tortoise.queryset import QuerySet

from backend import clock
from backend.reminders.dosage import Dosage, how
from backend.reminders.models import MedicationPlan, MedicationVersion
from backend.reminders.timetable import Timing
from backend.staff.models import Staff

ACTIVE, ENDED = "active", "ended"
DOCTOR, SELF = "doctor", "self"
KEPT_MOST = 60  # of one patient, not ended: as many as are listed
ENDED_SHOWN = 20
REASONS = {
    "finished": "疗程结束", "stopped": "医生让停", "replaced": "换了别的药",
    "unwell": "吃了不舒服", "mistake": "写错了",
}  # fmt: skip


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A plan as its version in force says. `over`: not ended, but its last day has passed.

    `doctor`: who wrote this version; empty where the resident or a carer did.
    """

    id: UUID
    patient_id: UUID
    status: str
    version: int
    dosage: Dosage
    written_by: str
    doctor: str
    created_at: datetime
    changed_at: datetime
    ended_at: datetime | None
    ended_for: str

    @property
    def over(self) -> bool:
        return self.status == ACTIVE and self.dosage.timing.to_on < clock.today()

    @property
    def words(self) -> str:
        return how(self.dosage)


async def of_patient(patient_id: UUID, *, ended: int = ENDED_SHOWN) -> list[Plan]:
    """Those in use first, the latest first; then the last that were ended."""
    rows = MedicationPlan.filter(patient_id=patient_id).order_by("-created_at", "-id")
    plans = await rows.filter(status=ACTIVE).limit(KEPT_MOST)
    if ended:
        over = MedicationPlan.filter(patient_id=patient_id, status=ENDED)
        plans += await over.order_by("-ended_at", "-id").limit(ended)
    return await told(plans)


async def told(plans: Sequence[MedicationPlan]) -> list[Plan]:
    """By the versions in force."""
    ids = [plan.id for plan in plans]
    versions = await MedicationVersion.filter(plan_id__in=ids, ended_at=None) if ids else []
    of = {row.plan_id: row for row in versions}
    names = await _names(versions)
    return [_plan(plan, of[plan.id], names) for plan in plans if plan.id in of]


async def each(plan: MedicationPlan, versions: Sequence[MedicationVersion]) -> list[Plan]:
    """The plan as each of these versions says."""
    names = await _names(versions)
    return [_plan(plan, row, names) for row in versions]


async def _names(versions: Sequence[MedicationVersion]) -> dict[UUID, str]:
    doctors = {row.writer_id for row in versions if row.written_by == DOCTOR}
    rows = await Staff.filter(id__in=list(doctors)) if doctors else []
    return {row.id: row.name for row in rows}


def _plan(plan: MedicationPlan, row: MedicationVersion, names: dict[UUID, str]) -> Plan:
    timing = Timing(
        from_on=row.from_on,
        to_on=row.to_on,
        times=tuple(time.fromisoformat(at) for at in row.times),
        when=tuple(row.meals),
        every_days=row.every_days,
        weekdays=tuple(row.weekdays),
    )
    return Plan(
        id=plan.id,
        patient_id=plan.patient_id,
        status=plan.status,
        version=row.number,
        dosage=Dosage(
            medicine=row.medicine,
            amount=row.amount,
            timing=timing,
            as_needed=row.as_needed,
            at_most=row.at_most,
            note=row.note,
        ),
        written_by=row.written_by,
        doctor=names.get(row.writer_id, ""),
        created_at=plan.created_at,
        changed_at=row.created_at,
        ended_at=plan.ended_at,
        ended_for=plan.ended_for,
    )


def of_doctors(since: datetime) -> QuerySet[MedicationPlan]:
    """Plans in which a doctor has written after `since`: a record of care."""
    written = MedicationVersion.filter(written_by=DOCTOR, created_at__gt=since)
    return MedicationPlan.filter(id__in=Subquery(written.values("plan_id")))


async def forget(patient_id: UUID, *, but: datetime | None = None) -> None:
    """In the transaction in which the patient is erased, or is kept and nobody cares for them any
    more: then all but what doctors have written after `but`."""
    mine = MedicationPlan.filter(patient_id=patient_id)
    if but is not None:
        mine = mine.exclude(id__in=Subquery(of_doctors(but).values("id")))
    await MedicationVersion.filter(plan_id__in=Subquery(mine.values("id"))).delete()
    await mine.delete()
