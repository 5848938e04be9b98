"""用药计划 for tests."""

from datetime import timedelta
from typing import Any

from backend import clock
from backend.identity.access import Actor
from backend.reminders import medication_plans
from backend.reminders.dosage import Dosage
from backend.reminders.medication_records import Plan
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
