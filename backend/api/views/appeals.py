"""A patient's standing, and appeals against what counts in it."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from backend.api.views.fields import Form, Ref
from backend.appeal.appeals import Case
from backend.appeal.records import Line, Record

State = Literal["open", "granted", "refused"]


class CountedView(msgspec.Struct, kw_only=True):
    """One thing that counts. `appeal_until`: null where it can't be appealed (any more)."""

    appointment_id: UUID
    kind: Literal["no_show", "late_cancel", "cancellation"]
    at: datetime
    starts_at: datetime
    organization: str
    department: str
    appeal_until: datetime | None
    appeal_state: State | None

    @classmethod
    def of(cls, line: Line) -> "CountedView":
        kind: Any = line.deed.kind
        state: Any = line.appeal_state
        return cls(
            appointment_id=line.deed.appointment_id,
            kind=kind,
            at=line.deed.at,
            starts_at=line.place.starts_at,
            organization=line.place.organization,
            department=line.place.department,
            appeal_until=line.appeal_until,
            appeal_state=state,
        )


class RestrictionView(msgspec.Struct):
    """Bars experts of the county hospital only. `from_on` in China."""

    cause: Literal["no_shows", "cancellations"]
    from_at: datetime
    until: datetime


class StandingView(msgspec.Struct, kw_only=True):
    """The rule first, then what counts; `barred_until` bars the county's expert places only."""

    rules: str
    rule_lines: list[str]
    cancellations: int
    cancellations_most: int
    no_shows: int
    no_shows_most: int
    barred_until: datetime | None
    restriction: RestrictionView | None
    counted: list[CountedView]

    @classmethod
    def of(cls, record: Record) -> "StandingView":
        barred: Any = record.restriction
        return cls(
            rules=record.rules,
            rule_lines=record.rule_lines,
            cancellations=record.count("cancellations"),
            cancellations_most=record.policy.cancellations_most,
            no_shows=record.count("no_shows"),
            no_shows_most=record.policy.no_shows_most,
            barred_until=barred.until_at if barred else None,
            restriction=RestrictionView(barred.cause, barred.from_at, barred.until_at)
            if barred
            else None,
            counted=[CountedView.of(line) for line in record.lines],
        )


class AppealForm(Form):
    reason: Annotated[str, Meta(min_length=2, max_length=300, pattern=r"\S")]


class AppealView(msgspec.Struct, kw_only=True):
    """`due_at`: until when it is decided; `decision`: the reason, once decided."""

    id: UUID
    appointment_id: UUID
    patient: Ref
    organization: str
    department: str
    held_on: date
    starts_at: datetime
    reason: str
    state: State
    created_at: datetime
    due_at: datetime
    decided_at: datetime | None
    decision: str

    @classmethod
    def of(cls, case: Case) -> "AppealView":
        state: Any = case.state
        return cls(
            id=case.id,
            appointment_id=case.appointment_id,
            patient=Ref(case.patient_id, case.patient_name),
            organization=case.place.organization,
            department=case.place.department,
            held_on=case.place.held_on,
            starts_at=case.place.starts_at,
            reason=case.reason,
            state=state,
            created_at=case.created_at,
            due_at=case.due_at,
            decided_at=case.decided_at,
            decision=case.decision,
        )


class AppealsView(msgspec.Struct):
    items: list[AppealView]
