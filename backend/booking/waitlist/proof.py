"""Who was passed, and why, and who got a returned place: read from the event rows, and judged anew.

The judge does not believe the verb: from the events of all entries it finds who stood in line at
that instant, and whoever stood before the winner must have been passed with a reason.
"""

import itertools
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from backend import db
from backend.booking.models import Slot
from backend.booking.waitlist.models import WaitlistChoice, WaitlistEntry, WaitlistEvent
from backend.booking.waitlist.policy import ACTIONS, STEPS, WAITING
from backend.errors import NotFound
from backend.identity.access import Actor, note_read
from backend.identity.documents import mask_name

ENTRIES_MOST = 2000
# Whoever joined or came back to the line so shortly before may not have been committed by then.
COMMIT = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Stood:
    """One in line. `reason` why they were passed; None: they got the place."""

    entry_id: UUID
    patient: str
    priority: int
    joined_at: datetime
    reason: str | None
    appointment_id: UUID | None


@dataclass(frozen=True, slots=True)
class Round:
    """One return of a place. `overlooked`: stood before the winner, and nothing says why not."""

    at: datetime
    line: tuple[Stood, ...]
    overlooked: tuple[UUID, ...]

    @property
    def fair(self) -> bool:
        ranks = [rank(one.priority, one.joined_at, one.entry_id) for one in self.line]
        return not self.overlooked and ranks == sorted(ranks)


def rank(priority: int, joined_at: datetime, entry_id: UUID) -> tuple[int, datetime, str]:
    """The order of the line: the higher priority, then who joined earlier, then the id."""
    return -priority, joined_at, str(entry_id)


async def prove(actor: Actor, slot_id: UUID) -> list[Round]:
    """Every return of a place of this slot that the line was asked about, the latest last.

    Raises:
        NotFound: no such slot, or the actor has no `waitlist.read` there.
    """
    slot = await Slot.get_or_none(id=slot_id, consortium_id=actor.consortium_id).select_related(
        "schedule"
    )
    if slot is None:
        raise NotFound
    actor.must("waitlist.read", slot.schedule.organization_id)
    entries = await _entries(slot)
    events = await _events(list(entries))
    rounds = [_judge(entries, events, told) for told in _rounds(events, slot_id)]
    async with db.transaction():
        named = {entries[one.entry_id].patient_id for found in rounds for one in found.line}
        await note_read(actor, "waitlist.proved", named)
    return rounds


async def _entries(slot: Slot) -> dict[UUID, WaitlistEntry]:
    """All that ever would have accepted the slot, in the order of the line."""
    schedule: Any = slot.schedule
    chosen = await WaitlistChoice.filter(department_id=schedule.department_id).filter(
        entry__from_on__lte=schedule.held_on,
        entry__to_on__gte=schedule.held_on,
    ).limit(ENTRIES_MOST).values_list("entry_id", "practitioner_id")  # fmt: skip
    ids = {
        entry_id
        for entry_id, practitioner_id in chosen
        if practitioner_id in (None, schedule.practitioner_id)
    }
    rows = await WaitlistEntry.filter(id__in=list(ids)).select_related("patient")
    fitting = [
        row
        for row in rows
        if row.kind in (None, schedule.kind) and schedule.period in row.periods.split(",")
    ]
    fitting.sort(key=lambda row: rank(row.priority, row.joined_at, row.id))
    return {row.id: row for row in fitting}


async def _events(entry_ids: list[UUID]) -> dict[UUID, list[WaitlistEvent]]:
    found: dict[UUID, list[WaitlistEvent]] = defaultdict(list)
    for event in await WaitlistEvent.filter(entry_id__in=entry_ids).order_by("at", "id"):
        found[event.entry_id].append(event)
    for entry_id, told in found.items():
        found[entry_id] = in_order(told)
    return found


def in_order(told: Iterable[WaitlistEvent]) -> list[WaitlistEvent]:
    """One entry's events as they followed. Of one instant's the first in ACTIONS that can follow
    goes first: an offer that nobody took ends before the next."""
    state: str | None = None
    found: list[WaitlistEvent] = []
    by_time = sorted(told, key=lambda event: (event.at, ACTIONS.index(event.action)))
    for _, at_once in itertools.groupby(by_time, key=lambda event: event.at):
        left = list(at_once)
        while left:
            event = next((one for one in left if (state, one.action) in STEPS), left[0])
            left.remove(event)
            state = STEPS.get((state, event.action), state)
            found.append(event)
    return found


def _rounds(events: dict[UUID, list[WaitlistEvent]], slot_id: UUID) -> list[list[WaitlistEvent]]:
    """Passes and offers of one return together: by instant and by the offer that came of it."""
    found: dict[tuple[datetime, UUID | None], list[WaitlistEvent]] = defaultdict(list)
    for told in events.values():
        for event in told:
            if event.slot_id == slot_id and event.action in ("pass", "offer"):
                found[event.at, event.appointment_id].append(event)
    rounds = sorted(found.items(), key=lambda item: item[0][0])
    return [sorted(told, key=lambda event: event.ahead or 0) for _, told in rounds]


def _judge(
    entries: dict[UUID, WaitlistEntry],
    events: dict[UUID, list[WaitlistEvent]],
    told: Sequence[WaitlistEvent],
) -> Round:
    at = told[0].at
    named = {event.entry_id for event in told}
    winner = next((event for event in told if event.action == "offer"), None)
    overlooked = []
    for entry in entries.values():
        if winner is not None and entry.id == winner.entry_id:
            break
        if entry.id not in named and stood(events[entry.id], at):
            overlooked.append(entry.id)
    line = tuple(_stood(entries[event.entry_id], event) for event in told)
    return Round(at, line, tuple(overlooked))


def _stood(entry: WaitlistEntry, event: WaitlistEvent) -> Stood:
    return Stood(
        entry.id,
        mask_name(entry.patient.name),
        entry.priority,
        entry.joined_at,
        event.reason if event.action == "pass" else None,
        event.appointment_id if event.action == "offer" else None,
    )


def stood(events: Sequence[WaitlistEvent], at: datetime) -> bool:
    """Whether an entry with these events waited at that instant, beyond doubt."""
    state: str | None = None
    since = at
    for event in events:
        if event.action == "pass":
            continue
        if event.at >= at - COMMIT and event.at <= at + COMMIT:
            return False  # changed at this very moment
        if event.at > at:
            break
        state, since = STEPS.get((state, event.action), state), event.at
    return state == WAITING and since < at - COMMIT
