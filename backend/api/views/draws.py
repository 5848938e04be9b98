"""Draws: announced, entered, drawn, and everything it takes to check one."""

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from backend.api.views.fields import DoctorRef, Form, Kind, Period, Ref
from backend.draw.draws import Lot
from backend.draw.entering import Ballot


class DrawQuery(Form):
    schedule: UUID | None = None
    organization: UUID | None = None


class EntryForm(Form):
    patient_id: UUID


class DrawView(msgspec.Struct):
    """`seed_hash`: SHA-256 of the seed, published before; `seed` and `places` with the result."""

    id: UUID
    state: Literal["announced", "drawing", "drawn", "void"]
    open: bool
    schedule_id: UUID
    organization: Ref
    department: Ref
    practitioner: DoctorRef | None
    held_on: date
    period: Period
    kind: Kind
    opens_at: datetime
    closes_at: datetime
    entries: int
    seed_hash: str
    seed: str | None
    places: int | None
    drawn_at: datetime | None

    @classmethod
    def of(cls, lot: Lot, *more: Any) -> Any:
        draw, schedule, doctor = lot.draw, lot.schedule, lot.doctor
        state: Any = draw.state
        period: Any = schedule.period
        kind: Any = schedule.kind
        return cls(
            draw.id,
            state,
            lot.is_open,
            schedule.id,
            Ref(schedule.organization_id, lot.organization),
            Ref(schedule.department_id, lot.department),
            DoctorRef(doctor.id, doctor.name, doctor.title) if doctor else None,
            schedule.held_on,
            period,
            kind,
            draw.opens_at,
            draw.closes_at,
            lot.entries,
            draw.seed_hash,
            draw.seed,
            draw.places,
            draw.drawn_at,
            *more,
        )


class DrawsView(msgspec.Struct):
    items: list[DrawView]


class ResultView(msgspec.Struct):
    """`reason`: the code of the refusal, where one in front got no place."""

    rank: int
    code: str
    outcome: Literal["waiting", "won", "lost"]
    reason: str


class OneDrawView(DrawView):
    """With the whole list once it is drawn. `jiamenkou verify-draw` recomputes it."""

    results: list[ResultView]

    @classmethod
    def of_one(cls, lot: Lot, rows: list[Any]) -> "OneDrawView":
        found: Any = cls.of(lot, [_result(row) for row in rows])
        return found  # type: ignore[no-any-return]


def _result(row: Any) -> ResultView:
    outcome: Any = row.outcome
    return ResultView(row.rank or 0, row.code, outcome, row.reason)


class EntryView(msgspec.Struct):
    """`code` is what the published list calls this entry. `reason`: as in the list."""

    id: UUID
    draw: DrawView
    patient: Ref
    code: str
    registered_at: datetime
    outcome: Literal["waiting", "won", "lost", "withdrawn"]
    rank: int | None
    reason: str
    appointment_id: UUID | None

    @classmethod
    def of(cls, ballot: Ballot) -> "EntryView":
        entry = ballot.entry
        outcome: Any = entry.outcome
        return cls(
            entry.id,
            DrawView.of(ballot.lot),
            Ref(entry.patient_id, ballot.patient_name),
            entry.code,
            entry.registered_at,
            outcome,
            entry.rank,
            entry.reason,
            entry.appointment_id,
        )


class EntriesView(msgspec.Struct):
    items: list[EntryView]
