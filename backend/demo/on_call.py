"""The demo's doctors are on call from its start on, so that urgent chats find somebody at night."""

from datetime import timedelta

from backend import clock
from backend.chat import staffing
from backend.consortium.models import Organization, Practitioner
from backend.demo.staff import PEOPLE
from backend.identity.access import Actor
from backend.settings import Settings

SPAN = timedelta(days=7)


async def load(settings: Settings) -> None:
    """A week for each doctor of the demo, where nobody is on call there yet."""
    actor, now = Actor.operator(settings.consortium_id), clock.now()
    for person in (one for one in PEOPLE if one.role == "doctor"):
        place = await Organization.get(
            consortium_id=settings.consortium_id, code=person.organization
        )
        doctor = await Practitioner.get(consortium_id=settings.consortium_id, code=person.doctor)
        if not await staffing.on_call(actor, place.id):
            await staffing.put_on_call(actor, place.id, doctor.id, now, now + SPAN)
