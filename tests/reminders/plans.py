"""用药计划 and 随访 for tests."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from backend import clock
from backend.identity.access import Actor
from backend.reminders import medication_plans
from backend.reminders.dosage import Dosage
from backend.reminders.medication_records import Plan
from backend.reminders.models import FollowUp, FollowUpPlan
from backend.reminders.timetable import Timing
from tests.people import Person, a_receipt


def a_dosage(medicine: str = "苯磺酸氨氯地平片", **facts: Any) -> Dosage:
    """From today, four weeks, after breakfast; `facts` of the dosage or of its timing."""
    today = clock.today()
    timing = {"from_on": today, "to_on": today + timedelta(days=27), "when": ("PCM",)}
    timing |= {name: facts.pop(name) for name in list(facts) if name in Timing.__struct_fields__}
    told = {"medicine": medicine, "amount": "1 片", "timing": Timing(**timing)} | facts  # type: ignore[arg-type]
    return Dosage(**told)  # type: ignore[arg-type]


async def a_plan(who: Person, by: Actor | None = None, **facts: Any) -> Plan:
    actor = by or who.actor
    return await medication_plans.start(
        actor, who.patient_id, a_dosage(**facts), receipt=a_receipt(who.actor)
    )


async def a_follow_up(who: Person, by: UUID | None = None) -> None:
    """Due today, of a doctor whom nobody knows unless `by` says; straight into the tables."""
    plan = await FollowUpPlan.create(
        id=uuid4(), consortium_id=who.actor.consortium_id, patient_id=who.patient_id,
        about="高血压", staff_id=by or uuid4(), every_days=90, status="active",
        created_at=clock.now(),
    )  # fmt: skip
    await FollowUp.create(
        id=uuid4(), consortium_id=plan.consortium_id, plan=plan, patient_id=plan.patient_id,
        staff_id=plan.staff_id, number=1, due_on=clock.today(), state="planned",
        created_at=clock.now(),
    )  # fmt: skip
