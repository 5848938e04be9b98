"""用药计划 as it is written and read."""

from datetime import date, datetime, time
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from backend.api.views.fields import Form
from backend.reminders import timetable
from backend.reminders.dosage import (
    AMOUNT_MOST,
    AT_MOST_MOST,
    MEDICINE_MOST,
    NOT_YET,
    NOTE_MOST,
    Dosage,
)
from backend.reminders.medication_records import REASONS, Plan
from backend.reminders.timetable import A_DAY_MOST, EVERY_MOST, Timing

When = Literal["ACM", "PCM", "ACD", "PCD", "ACV", "PCV", "HS"]
Clock = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$(?!\n)")]
Weekday = Annotated[int, Meta(ge=1, le=7)]
Version = Annotated[int, Meta(ge=1, le=10_000)]
Reason = Literal["finished", "stopped", "replaced", "unwell", "mistake"]


class MedicationPlanForm(Form, kw_only=True):
    """What stands on the box or the prescription. `times` (08:00, in China) or `when` (FHIR: before
    AC and after PC breakfast M, lunch D, dinner V; HS bedtime); every n days or on weekdays (1 is
    Monday); 12 weeks at most. `as_needed`: no hours, but `at_most`."""

    medicine: Annotated[str, Meta(max_length=MEDICINE_MOST)]
    amount: Annotated[str, Meta(max_length=AMOUNT_MOST)]
    from_on: date
    to_on: date
    times: Annotated[tuple[Clock, ...], Meta(max_length=A_DAY_MOST)] = ()
    when: Annotated[tuple[When, ...], Meta(max_length=A_DAY_MOST)] = ()
    every_days: Annotated[int, Meta(ge=1, le=EVERY_MOST)] = 1
    weekdays: Annotated[tuple[Weekday, ...], Meta(max_length=7)] = ()
    as_needed: bool = False
    at_most: Annotated[str, Meta(max_length=AT_MOST_MOST)] = ""
    note: Annotated[str, Meta(max_length=NOTE_MOST)] = ""

    def dosage(self) -> Dosage:
        timing = Timing(
            from_on=self.from_on,
            to_on=self.to_on,
            times=tuple(time.fromisoformat(at) for at in self.times),
            when=self.when,
            every_days=self.every_days,
            weekdays=self.weekdays,
        )
        return Dosage(
            medicine=self.medicine,
            amount=self.amount,
            timing=timing,
            as_needed=self.as_needed,
            at_most=self.at_most,
            note=self.note,
        )


class MedicationChangeForm(MedicationPlanForm, kw_only=True):
    """`version`: the one that was read."""

    version: Version


class MedicationEndForm(Form):
    reason: Reason
    version: Version


class DosageView(msgspec.Struct, kw_only=True):
    """As in the form; `at`: since when the version holds. `words`: `1 片，每天 1 次，早饭后`.
    `doctor`: who wrote it; empty where the resident or a carer did."""

    version: int
    at: datetime
    medicine: str
    amount: str
    from_on: date
    to_on: date
    times: list[str]
    when: list[str]
    every_days: int
    weekdays: list[int]
    as_needed: bool
    at_most: str
    note: str
    words: str
    span: str
    doctor: str

    @classmethod
    def of(cls, plan: Plan) -> "DosageView":
        dosage, timing = plan.dosage, plan.dosage.timing
        return cls(
            version=plan.version,
            at=plan.changed_at,
            medicine=dosage.medicine,
            amount=dosage.amount,
            from_on=timing.from_on,
            to_on=timing.to_on,
            times=[at.isoformat("minutes") for at in timing.times],
            when=list(timing.when),
            every_days=timing.every_days,
            weekdays=list(timing.weekdays),
            as_needed=dosage.as_needed,
            at_most=dosage.at_most,
            note=dosage.note,
            words=plan.words,
            span=timetable.span(timing),
            doctor=plan.doctor,
        )


class MedicationPlanView(msgspec.Struct, kw_only=True):
    """`state` over: its last day has passed. `written_by` doctor: only a doctor changes it."""

    id: UUID
    patient_id: UUID
    state: Literal["active", "over", "ended"]
    written_by: Literal["doctor", "self"]
    dosage: DosageView
    created_at: datetime
    ended_at: datetime | None
    ended_for: str
    """In words."""

    @classmethod
    def of(cls, plan: Plan) -> "MedicationPlanView":
        state = "over" if plan.over else plan.status
        return cls(
            id=plan.id,
            patient_id=plan.patient_id,
            state=state,  # type: ignore[arg-type]
            written_by=plan.written_by,  # type: ignore[arg-type]
            dosage=DosageView.of(plan),
            created_at=plan.created_at,
            ended_at=plan.ended_at,
            ended_for=REASONS.get(plan.ended_for, ""),
        )


class MedicationPlansView(msgspec.Struct):
    """`reminders`: what is to be said wherever plans are shown."""

    items: list[MedicationPlanView]
    reminders: str = NOT_YET


class MedicationHistoryView(msgspec.Struct):
    """`before`: what the plan said earlier, the latest first."""

    plan: MedicationPlanView
    before: list[DosageView]
    reminders: str = NOT_YET
