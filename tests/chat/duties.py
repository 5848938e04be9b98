"""A town on duty: a village clinic with its family doctor, the township above it, the county."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec

from backend import clock
from backend import db as database
from backend.bot.talk import Triage
from backend.chat import duty, handing_over
from backend.chat.duty_models import HandOver, OnCallDuty
from backend.chat.locking import lock
from backend.chat.models import Conversation
from backend.consortium import directory
from backend.consortium.models import Organization, Practitioner, PractitionerRole
from backend.hub import Hub
from backend.identity.access import Actor
from backend.identity.models import FamilyDoctorContract
from backend.settings import Settings
from tests.chat.talks import a_talk, say
from tests.clinics import Clinic, a_clinic
from tests.people import Person, a_person, a_staff, a_staff_account


def a_triage(priority: str = "III", **facts: Any) -> Triage:
    told: dict[str, Any] = {
        "priority": priority, "tier": "township", "departments": (), "red_flags": (),
        "intent": "symptom", "slots": {"symptom": "头痛"}, "summary": "头痛三天", "next_step": "",
        "safety_net": "", "evidence": (), "signed": False,
    }  # fmt: skip
    return Triage(**(told | facts))


@dataclass
class Town:
    """王 is the resident; 李建国 her family doctor in the village, 何 a colleague there; 赵 is of
    the township, 孙 of the county. Nobody is on call until a test says so."""

    settings: Settings
    hub: Hub
    village: Clinic
    township: Clinic
    county: Clinic
    doctor: Actor
    colleague: Actor
    zhao: Actor
    sun: Actor
    admin: Actor
    wang: Person

    async def waiting(self, priority: str = "III", who: Person | None = None) -> UUID:
        """A conversation that the bot has just handed over."""
        person = who or self.wang
        talk = await a_talk(person.actor, person.patient_id)
        await say(person.actor, self.hub, talk, "头痛三天")
        await self.hand_over(talk, priority)
        return talk

    async def hand_over(self, talk: UUID, priority: str = "III", reason: str = "asked") -> None:
        async with database.transaction():
            row = await lock(talk)
            actor = Actor.system(self.settings.consortium_id)
            await handing_over.hand_over(actor, row, reason, a_triage(priority))

    async def on_call(self, clinic: Clinic, hours: int = 24) -> None:
        now = clock.now()
        await OnCallDuty.create(
            id=uuid4(), consortium_id=self.settings.consortium_id,
            organization=clinic.organization, practitioner=clinic.practitioner,
            from_at=now - timedelta(hours=1), to_at=now + timedelta(hours=hours), created_at=now,
        )  # fmt: skip
        duty.forget()


async def row_of(talk: UUID) -> Conversation:
    return await Conversation.get(id=talk)


async def stretch_of(talk: UUID) -> HandOver:
    return await HandOver.filter(conversation_id=talk).order_by("-handed_at", "-id").first()  # type: ignore[return-value]


async def a_doctor(settings: Settings, clinic: Clinic, who: Practitioner | None = None) -> Actor:
    """With an account, so that duty finds them."""
    practitioner = who or clinic.practitioner
    row = await a_staff_account(
        settings, "doctor", clinic.organization, practitioner=practitioner, name=practitioner.name
    )
    actor = a_staff(settings, "doctor", clinic.organization)
    return msgspec.structs.replace(actor, id=row.id, practitioner_id=practitioner.id)


async def another(settings: Settings, clinic: Clinic, name: str) -> Practitioner:
    made = await Practitioner.create(
        id=uuid4(), consortium_id=settings.consortium_id, code=uuid4().hex, name=name
    )
    await PractitionerRole.create(
        id=uuid4(), consortium_id=settings.consortium_id, practitioner=made,
        department=clinic.department,
    )  # fmt: skip
    return made


async def a_town(settings: Settings, hub: Hub) -> Town:
    county = await a_clinic(settings, tier="county", name="县人民医院")
    township = await a_clinic(settings)
    village = await a_clinic(settings, tier="village", name="柳溪村卫生室")
    await Organization.filter(id=village.organization.id).update(parent=township.organization)
    await Organization.filter(id=township.organization.id).update(parent=county.organization)
    for clinic, name in ((township, "赵强"), (county, "孙敏")):
        clinic.practitioner.name = name
        await clinic.practitioner.save()
    he = await another(settings, village, "何静")
    town = Town(
        settings, hub, village, township, county,
        doctor=await a_doctor(settings, village),
        colleague=await a_doctor(settings, village, he),
        zhao=await a_doctor(settings, township),
        sun=await a_doctor(settings, county),
        admin=a_staff(settings, "institution_admin", village.organization, township.organization),
        wang=await a_person(settings),
    )  # fmt: skip
    await contract(town, town.wang)
    directory.forget()
    duty.forget()
    return town


async def contract(town: Town, who: Person) -> None:
    await FamilyDoctorContract.create(
        id=uuid4(), consortium_id=town.settings.consortium_id, patient_id=who.patient_id,
        practitioner=town.village.practitioner, organization=town.village.organization,
        from_on=date(2026, 1, 1), created_at=clock.now(),
    )  # fmt: skip
