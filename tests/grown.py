"""A county whose every list grows on demand: whatever a page shows, more of it.

Straight into the tables, as quickly as that goes. What a page shows of is what hangs on the ids in
`Grown.ids`; everything else stands beside it.
"""

import itertools
import secrets
from dataclasses import dataclass, field
from datetime import time, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec

from backend import clock, periods
from backend.appeal.models import Appeal
from backend.booking.models import (
    Amnesty,
    Appointment,
    AppointmentEvent,
    Fee,
    PoolRule,
    Restriction,
    Schedule,
    ScheduleException,
    ScheduleTemplate,
    Slot,
)
from backend.booking.waitlist.models import WaitlistChoice, WaitlistEntry, WaitlistEvent
from backend.chat.duty_models import HandOver
from backend.clinic.models import QueueEntry
from backend.consortium import directory
from backend.consortium.models import (
    Announcement,
    Department,
    Practitioner,
    PractitionerRole,
)
from backend.draw.models import Draw, DrawEntry
from backend.identity.access import Actor, note_read
from backend.identity.models import (
    Carer,
    CarerInvitation,
    Consent,
    FamilyDoctorContract,
    Patient,
    Session,
)
from backend.ids import new_id
from backend.notices import Notice
from backend.reminders.medication_records import Plan
from backend.replay.comparing import compare
from backend.replay.models import Simulation
from backend.replay.simulate import Variant
from backend.settings import Settings
from backend.staff.models import StaffRole
from backend.suspension.models import SuspendedSchedule, Suspension, SuspensionCase
from tests.chat import rows as chat_rows
from tests.clinics import Clinic, a_clinic
from tests.people import Person, a_person, a_staff_account, an_id_number, vault_of
from tests.reminders.plans import a_follow_up, a_plan
from tests.satisfaction.visits import kept

NOON = time(12)
MINUTES = 5  # of a slot
STATES = ("waiting", "called", "in_room", "done", "skipped", "left")


@dataclass
class Grown:
    """`ids`: what pages are asked about, by what it is. `owner`: a resident who has everything."""

    settings: Settings
    clinic: Clinic
    owner: Person = field(init=False)
    looks: UUID = field(default_factory=uuid4)
    """Staff who look: what is one's own is theirs."""
    ids: dict[str, UUID] = field(default_factory=dict)
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    @property
    def county(self) -> UUID:
        return self.settings.consortium_id

    @property
    def here(self) -> dict[str, Any]:
        return {
            "consortium_id": self.county,
            "organization_id": self.clinic.organization.id,
            "department_id": self.clinic.department.id,
        }

    async def grow(self, times: int) -> None:
        """So many more of everything."""
        for _ in range(times):
            number = next(self.numbers)
            await self._places(number)
            await self._plans(number)
            patient = await self._patient_of_today(number)
            await self._others(number, patient)
            await self._owners(number)
            await self.simulation()
        directory.forget()

    # --- where, and by whom ---

    async def _places(self, number: int) -> None:
        township = await a_clinic(self.settings, name=f"第{number}卫生院")
        await PractitionerRole.create(
            id=uuid4(), consortium_id=self.county, practitioner=self.clinic.practitioner,
            department=township.department, kind="outreach", from_on=clock.today(),
        )  # fmt: skip
        first, _ = periods.mondays(periods.months_over(clock.today())[0])
        at = clock.at(first, time(12))  # so that figures are of it
        await HandOver.create(
            id=uuid4(), consortium_id=self.county, conversation_id=self.ids["conversation"],
            home=township.organization, reason="asked", priority="III", policy_version="x",
            handed_at=at, due_at=at, level="team", ended_at=at,
        )  # fmt: skip
        said = {"mixed": True, "comment": f"第{number}句话"}
        await kept(self.settings, self.clinic.organization.id, first, 5, **said)
        room = await Department.create(
            id=uuid4(), consortium_id=self.county, organization=self.clinic.organization,
            code=f"K{number}", name=f"科室{number}", keywords=f"词{number}", specialty_code="02",
        )  # fmt: skip
        doctor = await self.doctor(f"医生{number}", self.clinic.department)
        await chat_rows.duty(self.clinic.organization, doctor, number)
        await PractitionerRole.create(
            id=uuid4(), consortium_id=self.county, practitioner=doctor, department=room
        )
        await Fee.create(
            id=uuid4(), consortium_id=self.county, organization=self.clinic.organization,
            kind="general", title=f"职称{number}", amount_fen=1000, item="诊察费",
        )  # fmt: skip
        await a_staff_account(
            self.settings, "institution_admin", self.clinic.organization, name=f"管理{number}"
        )
        for organization in (township.organization, self.clinic.organization):
            await StaffRole.create(
                id=uuid4(), consortium_id=self.county, staff_id=self.ids["staff"], role="doctor"
                if organization is township.organization else f"old-{number}",
                organization=organization, granted_at=clock.now(),
                ended_at=None if organization is township.organization else clock.now(),
            )  # fmt: skip
        await Announcement.create(
            id=uuid4(), consortium_id=self.county, code=f"A{number}", title=f"公告{number}",
            text="…", from_on=clock.today(), to_on=clock.today(),
        )  # fmt: skip

    async def simulation(self) -> Simulation:
        """One that is over."""
        variant, now = Variant(), clock.now()
        return await Simulation.create(
            id=uuid4(), consortium_id=self.county, staff_id=self.looks, from_on=clock.today(),
            to_on=clock.today(), variant=msgspec.to_builtins(variant), state="done",
            result=msgspec.to_builtins(compare([], [], variant, seed=1)), started_at=now,
            beat_at=now, ended_at=now,
        )  # fmt: skip

    async def doctor(self, name: str, room: Department) -> Practitioner:
        row = await Practitioner.create(
            id=uuid4(), consortium_id=self.county, code=uuid4().hex, name=name, title="主治医师"
        )
        await PractitionerRole.create(
            id=uuid4(), consortium_id=self.county, practitioner=row, department=room
        )
        return row

    # --- what is planned ---

    async def _plans(self, number: int) -> None:
        doctor = await self.doctor(f"排班{number}", self.clinic.department)
        await ScheduleTemplate.create(
            id=uuid4(), code=f"T{number}", practitioner=doctor, weekday=number % 7 + 1,
            period="am", kind="general", starts="08:00", ends="11:00", slot_minutes=30, capacity=2,
            **self.here,
        )  # fmt: skip
        await ScheduleException.create(
            id=uuid4(), code=f"E{number}", practitioner=doctor, held_on=clock.today(),
            period="am", action="closed", reason="会议", **self.here,
        )  # fmt: skip
        await PoolRule.create(
            id=uuid4(), consortium_id=self.county, organization=self.clinic.organization,
            kind="general", pool="referral", share=10, opens_days=3, created_at=clock.now(),
            effective_from=clock.today() + timedelta(days=number),
        )  # fmt: skip
        await Amnesty.create(
            id=uuid4(), consortium_id=self.county, organization=self.clinic.organization,
            from_on=clock.today(), to_on=clock.today(), reason=f"大雪{number}",
            created_at=clock.now(),
        )  # fmt: skip
        for days in (0, 1, 9):
            await self.schedule(doctor, days=days)
        await self.schedule(doctor, days=1, pool="family_doctor")
        drawn = await self.schedule(doctor, days=9, release="draw")
        await self.draw(UUID(str(drawn.schedule_id)))

    async def schedule(
        self, doctor: Practitioner, *, days: int, pool: str = "public", **facts: Any
    ) -> Slot:
        """The only slot of a schedule from noon on."""
        on = clock.today() + timedelta(days=days)
        first = clock.at(on, NOON)
        row = await Schedule.create(
            id=uuid4(), practitioner=doctor, held_on=on, period="pm", kind="general",
            starts_at=first, ends_at=first + timedelta(hours=3), **self.here, **facts,
        )  # fmt: skip
        return await self.slot(row.id, 0, pool=pool)

    async def slot(self, schedule_id: UUID, number: int, **facts: Any) -> Slot:
        schedule = await Schedule.get(id=schedule_id)
        starts = schedule.starts_at + timedelta(minutes=MINUTES * number)
        told: dict[str, Any] = {"capacity": 20} | facts
        row = Slot(
            id=uuid4(), consortium_id=self.county, schedule_id=schedule_id, starts_at=starts,
            ends_at=starts + timedelta(minutes=MINUTES), **told,
        )  # fmt: skip
        await row.save(force_create=True)
        return row

    async def draw(self, schedule_id: UUID) -> Draw:
        return await Draw.create(
            id=uuid4(), consortium_id=self.county, schedule_id=schedule_id, state="announced",
            opens_at=clock.now(), closes_at=clock.now() + timedelta(days=1), seed_hash="0" * 64,
            seed_sealed="t1:x", created_at=clock.now(),
        )  # fmt: skip

    # --- who comes today, and what became of it ---

    async def appointment(self, slot: Slot, patient_id: UUID, **facts: Any) -> Appointment:
        now = clock.now()
        schedule = await Schedule.get(id=slot.schedule_id)
        told: dict[str, Any] = {"status": "booked", "day_place": 1, "department_place": 1,
                                "account_id": self.owner.actor.account_id} | facts  # fmt: skip
        if told["status"] in ("booked", "pending", "arrived", "fulfilled", "no_show"):
            await Slot.filter(id=slot.id).update(booked=slot.booked + 1)
            slot.booked += 1
        return await Appointment.create(
            id=new_id(), schedule_id=schedule.id, slot_id=slot.id, patient_id=patient_id,
            held_on=schedule.held_on, starts_at=slot.starts_at, policy_version="county-1",
            fee_fen=1200, created_at=now, changed_at=now, **self.here, **told,
        )  # fmt: skip

    async def person(self, name: str) -> Person:
        who = await a_person(self.settings, name)
        sealed = vault_of(self.settings).seal(an_id_number(), bound_to="patient.id")
        await Patient.filter(id=who.patient_id).update(id_sealed=sealed)
        return who

    async def event(self, row: Appointment) -> AppointmentEvent:
        return await AppointmentEvent.create(
            id=new_id(), consortium_id=self.county, appointment=row, at=clock.now(),
            actor_kind="resident", action="book", to_status="booked", to_slot_id=row.slot_id,
        )  # fmt: skip

    async def _patient_of_today(self, number: int) -> UUID:
        """Expected, and in the line of the schedule; and somebody who did not come."""
        for pool in ("public", "family_doctor"):
            slot = await self.slot(self.ids["schedule"], number, pool=pool)
            who = await self.person(f"患者{number}")
            row = await self.appointment(slot, who.patient_id, account_id=who.actor.account_id)
            if pool == "public":
                continue
            state = STATES[number % len(STATES)]
            await QueueEntry.create(
                id=uuid4(), consortium_id=self.county, schedule_id=slot.schedule_id,
                appointment=row, number=number + 1, turn=slot.starts_at, state=state,
                checked_in_at=clock.now(), called_at=clock.now() if state != "waiting" else None,
            )  # fmt: skip
        missed = await self.appointment(slot, who.patient_id, status="excused", reason="")
        await self.appeal(missed, who.patient_id, who.actor)
        await FamilyDoctorContract.create(
            id=uuid4(), consortium_id=self.county, patient_id=who.patient_id, package="基础包",
            practitioner=self.clinic.practitioner, organization=self.clinic.organization,
            from_on=clock.today(), created_at=clock.now(),
        )  # fmt: skip
        return who.patient_id

    async def appeal(self, row: Appointment, patient_id: UUID, actor: Actor) -> Appeal:
        return await Appeal.create(
            id=uuid4(), consortium_id=self.county, appointment=row, patient_id=patient_id,
            account_id=actor.account_id, reason="路上堵车", state="open", created_at=clock.now(),
            due_at=clock.now() + timedelta(days=3),
        )  # fmt: skip

    async def _others(self, number: int, patient_id: UUID) -> None:
        """Who waits, draws, or lost a place."""
        await DrawEntry.create(
            id=uuid4(), draw_id=self.ids["draw"], patient_id=patient_id, code=f"C{number}",
            account_id=uuid4(), registered_at=clock.now(),
        )  # fmt: skip
        entry = await self.wait(patient_id, uuid4())
        slot = await Slot.get(id=self.ids["slot"])
        for seconds, action, facts in (
            (0, "join", {}), (1, "pass", {"slot_id": slot.id, "reason": "other"})
        ):  # fmt: skip
            await WaitlistEvent.create(
                id=new_id(), consortium_id=self.county, entry=entry, actor_kind="system",
                at=clock.now() - timedelta(minutes=5, seconds=-seconds), action=action, **facts,
            )  # fmt: skip
        await self._stopped(patient_id)

    async def wait(self, patient_id: UUID, account_id: UUID, **facts: Any) -> WaitlistEntry:
        key = new_id()
        told: dict[str, Any] = {"state": "waiting"} | facts
        entry = await WaitlistEntry.create(
            id=key, consortium_id=self.county, patient_id=patient_id, account_id=account_id,
            group_id=key, from_on=clock.today(), to_on=clock.today() + timedelta(days=7),
            joined_at=clock.now() - timedelta(minutes=5), changed_at=clock.now(), **told,
        )  # fmt: skip
        await WaitlistChoice.create(
            id=uuid4(), entry=entry, department_id=self.clinic.department.id,
            practitioner_id=self.clinic.practitioner.id,
        )  # fmt: skip
        return entry

    async def _stopped(self, patient_id: UUID) -> None:
        """A suspension beside the one that is looked at, and a case of that one."""
        other = await self.suspension()
        slot = await self.schedule(self.clinic.practitioner, days=2, status="stopped")
        free = await self.schedule(self.clinic.practitioner, days=3)
        for suspension_id in (other.id, self.ids["suspension"]):
            await SuspendedSchedule.create(
                id=uuid4(), suspension_id=suspension_id, schedule_id=slot.schedule_id
            )
            row = await self.appointment(
                slot, patient_id, status="cancelled", cancelled_by="provider"
            )
            offer = None
            if suspension_id != other.id:
                offer = await self.appointment(
                    free, patient_id, status="pending", origin="suspension",
                    held_until=clock.now() + timedelta(hours=2),
                )  # fmt: skip
            await SuspensionCase.create(
                id=uuid4(), consortium_id=self.county, suspension_id=suspension_id,
                appointment=row, patient_id=patient_id, offer_id=offer and offer.id,
                outcome="offered" if offer else "none", created_at=clock.now(),
                changed_at=clock.now(),
            )  # fmt: skip

    async def suspension(self) -> Suspension:
        return await Suspension.create(
            id=uuid4(), consortium_id=self.county, organization=self.clinic.organization,
            state="active", reason="停电", created_at=clock.now(),
        )  # fmt: skip

    # --- what one resident has ---

    async def _owners(self, number: int) -> None:
        actor, own, now = self.owner.actor, self.owner.patient_id, clock.now()
        account_id = actor.account_id
        child = await self.person(f"孩子{number}")
        await Carer.create(
            id=uuid4(), consortium_id=self.county, patient_id=child.patient_id,
            account_id=account_id, relation="parent", scope="manage", state="active",
            created_at=now,
        )  # fmt: skip
        await Carer.create(
            id=uuid4(), consortium_id=self.county, patient_id=own, relation="child", scope="book",
            account_id=child.actor.account_id, state="active", created_at=now,
        )  # fmt: skip
        await CarerInvitation.create(
            id=uuid4(), consortium_id=self.county, patient_id=own, invited_by=account_id,
            code_hash=secrets.token_hex(32), scope="book", created_at=now,
            expires_at=now + timedelta(days=1),
        )  # fmt: skip
        await self.plan(number)
        await a_follow_up(self.owner)
        here = self.clinic.organization
        gone = await a_staff_account(self.settings, "doctor", here, disabled_at=now)
        await a_follow_up(child, gone.id)
        await Session.create(
            id=uuid4(), consortium_id=self.county, account_id=account_id, created_at=now,
            token_hash=secrets.token_hex(32), device=f"手机{number}", last_seen_at=now,
            expires_at=now + timedelta(days=30),
        )  # fmt: skip
        await Consent.create(
            id=uuid4(), consortium_id=self.county, account_id=account_id, purpose="terms",
            text_version="1", granted=True, at=now,
        )  # fmt: skip
        for patient_id in (own, child.patient_id):
            await self._wishes(number, patient_id)
        await self.conversation(child.patient_id)
        # After the picture.
        await chat_rows.message(self.ids["conversation"], number + 1, by=account_id)
        await chat_rows.canned(self.clinic.organization)

    async def conversation(self, patient_id: UUID) -> UUID:
        return await chat_rows.conversation(
            self.clinic.organization, self.owner.actor.account_id, patient_id
        )

    async def plan(self, number: int) -> Plan:
        """用药计划 that the owner wrote."""
        return await a_plan(self.owner, medicine=f"药{number}")

    async def _wishes(self, number: int, patient_id: UUID) -> None:
        actor, now = self.owner.actor, clock.now()
        slot = await self.schedule(self.clinic.practitioner, days=number + 3)
        row = await self.appointment(slot, patient_id)
        past = await self.schedule(self.clinic.practitioner, days=-number)
        missed = await self.appointment(past, patient_id, status="no_show")
        await self.appeal(missed, patient_id, actor)
        seen = await self.schedule(self.clinic.practitioner, days=-number)
        await self.appointment(
            seen, patient_id, status="fulfilled", day_place=2, department_place=2
        )
        event = await self.event(row)
        await self.wait(patient_id, actor.account_id)
        free = await self.schedule(self.clinic.practitioner, days=number + 3)
        held = now + timedelta(hours=2)
        offer = await self.appointment(
            free, patient_id, status="pending", held_until=held, origin="waitlist",
            day_place=2, department_place=2,
        )  # fmt: skip
        await self.wait(patient_id, actor.account_id, state="offered", appointment_id=offer.id)
        drawn = await self.schedule(self.clinic.practitioner, days=number + 9, release="draw")
        draw = await self.draw(UUID(str(drawn.schedule_id)))
        await DrawEntry.create(
            id=uuid4(), draw=draw, patient_id=patient_id, code="MINE", registered_at=now,
            account_id=actor.account_id,
        )  # fmt: skip
        await Restriction.create(
            id=uuid4(), consortium_id=self.county, patient_id=patient_id, kind="general",
            cause="no_shows", policy_version="county-1", from_at=now - timedelta(days=9),
            until_at=now - timedelta(days=8),
        )  # fmt: skip
        await Notice.create(
            id=uuid4(), consortium_id=self.county, account_id=actor.account_id, kind="booked",
            patient_id=patient_id, subject_id=row.id, event_id=event.id, at=now,
        )  # fmt: skip
        await note_read(Actor.operator(self.county), "patient.read", {patient_id})


async def a_grown(settings: Settings) -> Grown:
    """One of everything that pages are asked about."""
    clinic = await a_clinic(settings, tier="county", name="县人民医院")
    await Department.filter(id=clinic.department.id).update(specialty_code="02")
    town = Grown(settings, clinic)
    town.owner = owner = await town.person("王桂兰")
    slot = await town.schedule(clinic.practitioner, days=0)
    later = await town.schedule(clinic.practitioner, days=8)
    drawn = await town.schedule(clinic.practitioner, days=9, release="draw")
    draw = await town.draw(UUID(str(drawn.schedule_id)))
    stop = await town.suspension()
    mine = await town.appointment(slot, owner.patient_id)
    entry = await QueueEntry.create(
        id=uuid4(), consortium_id=town.county, schedule_id=slot.schedule_id, appointment=mine,
        number=1, turn=slot.starts_at, state="waiting", checked_in_at=clock.now(),
    )  # fmt: skip
    missed = await town.appointment(later, owner.patient_id, status="excused")
    appeal = await town.appeal(missed, owner.patient_id, owner.actor)
    wait = await town.wait(owner.patient_id, owner.actor.account_id)
    notice = await Notice.create(
        id=uuid4(), consortium_id=town.county, account_id=owner.actor.account_id, kind="booked",
        patient_id=owner.patient_id, subject_id=mine.id, event_id=(await town.event(mine)).id,
        at=clock.now(),
    )  # fmt: skip
    staff = await a_staff_account(settings, "doctor", clinic.organization)
    template = await ScheduleTemplate.create(
        id=uuid4(), code="T0", practitioner=clinic.practitioner, weekday=1, period="am",
        kind="general", starts="08:00", ends="11:00", slot_minutes=30, capacity=2, **town.here,
    )  # fmt: skip
    exception = await ScheduleException.create(
        id=uuid4(), code="E0", practitioner=clinic.practitioner, held_on=clock.today(),
        period="am", action="closed", reason="会议", **town.here,
    )  # fmt: skip
    rule = await PoolRule.create(
        id=uuid4(), consortium_id=town.county, organization=clinic.organization, kind="general",
        pool="onsite", share=10, opens_days=0, created_at=clock.now(), returns_days=0,
        returns_time="16:00", effective_from=clock.today() + timedelta(days=1),
    )  # fmt: skip
    contract = await FamilyDoctorContract.create(
        id=uuid4(), consortium_id=town.county, patient_id=owner.patient_id,
        practitioner=clinic.practitioner, organization=clinic.organization,
        from_on=clock.today(), created_at=clock.now(),
    )  # fmt: skip
    town.ids |= {
        "organization": clinic.organization.id,
        "department": clinic.department.id,
        "practitioner": clinic.practitioner.id,
        "schedule": UUID(str(slot.schedule_id)),
        "drawn_schedule": UUID(str(drawn.schedule_id)),
        "slot": slot.id,
        "draw": draw.id,
        "suspension": stop.id,
        "appointment": mine.id,
        "entry": entry.id,
        "appeal": appeal.id,
        "wait": wait.id,
        "message": notice.id,
        "simulation": (await town.simulation()).id,
        "conversation": (talk := await town.conversation(owner.patient_id)),
        "attachment": await chat_rows.picture(settings, owner.actor, talk),
        "plan": (await town.plan(0)).id,
        "canned": (await chat_rows.canned(clinic.organization)).id,
        "staff": staff.id,
        "template": template.id,
        "exception": exception.id,
        "rule": rule.id,
        "contract": contract.id,
        "patient": owner.patient_id,
    }
    return town
