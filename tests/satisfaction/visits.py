"""Somebody who was at the doctor's, and what they think of it."""

from datetime import date
from typing import Any
from uuid import UUID

from backend.booking.models import Appointment
from backend.satisfaction import surveys
from backend.satisfaction.models import SurveyResponse
from backend.satisfaction.surveys import Given
from backend.settings import Settings
from tests.booking.test_standing import missed
from tests.clinics import Clinic, a_clinic
from tests.people import Person, a_person, a_receipt

BEST = {
    "registration": "E", "nurse_talk": "na", "doctor_listens": "E", "doctor_explains": "D",
    "cleanliness": "C", "signs": "D", "staff_response": "E", "privacy": "A",
}  # fmt: skip
SCORES = {
    "registration": 5, "nurse_talk": None, "doctor_listens": 5, "doctor_explains": 4,
    "cleanliness": 3, "signs": 4, "staff_response": 5, "privacy": 1,
}  # fmt: skip


async def a_visit(
    settings: Settings, person: Person | None = None, clinic: Clinic | None = None, **facts: Any
) -> tuple[Person, Appointment]:
    """Yesterday, over."""
    person = person or await a_person(settings)
    clinic = clinic or await a_clinic(settings)
    return person, await missed(settings, clinic, person, **{"status": "fulfilled"} | facts)


async def kept(
    settings: Settings, organization_id: UUID, week_on: date, times: int = 1, **facts: Any
) -> None:
    """Answers as the table has them, anonymous unless `facts` say more."""
    for _ in range(times):
        await SurveyResponse.create(
            consortium_id=settings.consortium_id, organization_id=organization_id,
            survey="outpatient", survey_version=1, week_on=week_on, **{"answers": SCORES} | facts,
        )  # fmt: skip


async def answer(person: Person, appointment_id: UUID, **facts: Any) -> None:
    told: dict[str, Any] = {"anonymous": True, "answers": BEST} | facts
    await surveys.answer(
        person.actor, Given(appointment_id, **told), receipt=a_receipt(person.actor)
    )
