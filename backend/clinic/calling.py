"""叫号: call the next one, call again, let in, pass over, finish, take back into the line."""

from typing import Any
from uuid import UUID

import structlog
from tortoise.expressions import F

from backend import clock, db
from backend.booking import policy as booking
from backend.booking.models import Appointment
from backend.clinic import line, live, policy, reach
from backend.clinic.errors import LineMoved, NobodyWaiting
from backend.clinic.models import QueueEntry
from backend.clinic.policy import CALLED, DONE, IN_ROOM, LEFT, SKIPPED, WAITING
from backend.errors import NotFound
from backend.hub import Hub
from backend.identity.access import Actor

log = structlog.get_logger()

# What a deed makes of the appointment; what is not here leaves it as it is.
STATUS = {
    "call": booking.CALLED,
    "skip": booking.CHECKED_IN,
    "return": booking.CHECKED_IN,
    "finish": booking.FULFILLED,
}
ALIVE = (booking.CHECKED_IN, booking.CALLED)


async def next(actor: Actor, hub: Hub, schedule_id: UUID, *, room: str) -> QueueEntry:
    """Call whoever is first in line, into `room`. Two who call at once get two different people.

    Raises:
        NotFound: not the actor's schedule. NobodyWaiting, Busy.
    """
    await reach.schedule(actor, "clinic.call", schedule_id)

    async def attempt() -> QueueEntry:
        async with db.transaction():
            first = (
                await QueueEntry.filter(schedule_id=schedule_id, state=WAITING)
                .order_by("turn", "number")
                # Past whom somebody else is calling at this very moment.
                .select_for_update(skip_locked=True)
                .first()
            )
            if first is None:
                raise NobodyWaiting
            now = clock.now()
            return await _do(actor, first, "call", room=room, called_at=now, calls=F("calls") + 1)

    entry = await db.retried(attempt)
    await live.moved(hub, schedule_id)
    log.info("line.called", appointment_id=str(entry.appointment_id))
    return entry


async def recall(actor: Actor, hub: Hub, entry_id: UUID) -> QueueEntry:
    """Call once more. Raises NotFound, LineMoved."""
    return await _deed(actor, hub, entry_id, "recall", calls=F("calls") + 1)


async def admit(actor: Actor, hub: Hub, entry_id: UUID) -> QueueEntry:
    """They have come in. Raises NotFound, LineMoved."""
    return await _deed(actor, hub, entry_id, "admit", seen_at=clock.now())


async def skip(actor: Actor, hub: Hub, entry_id: UUID) -> QueueEntry:
    """过号: called and not there. Raises NotFound, LineMoved."""
    return await _deed(actor, hub, entry_id, "skip")


async def finish(actor: Actor, hub: Hub, entry_id: UUID) -> QueueEntry:
    """The visit is over. Raises NotFound, LineMoved."""
    return await _deed(actor, hub, entry_id, "finish", ended_at=clock.now())


async def return_to_line(actor: Actor, hub: Hub, entry_id: UUID) -> QueueEntry:
    """Whoever was passed over is back: behind the slot in progress. Raises NotFound, LineMoved."""
    return await _deed(actor, hub, entry_id, "return", turn=clock.now(), late=True)


async def leave(actor: Actor, hub: Hub, entry_id: UUID) -> QueueEntry:
    """They went home without being seen. Raises NotFound, LineMoved."""
    return await _deed(actor, hub, entry_id, "leave", ended_at=clock.now())


async def _deed(actor: Actor, hub: Hub, entry_id: UUID, deed: str, **facts: Any) -> QueueEntry:
    entry = await QueueEntry.get_or_none(id=entry_id, consortium_id=actor.consortium_id)
    if entry is None:
        raise NotFound
    await _reach(actor, entry, deed)

    async def attempt() -> QueueEntry:
        async with db.transaction():
            return await _do(actor, entry, deed, **facts)

    done = await db.retried(attempt)
    await live.moved(hub, entry.schedule_id)
    log.info(f"line.{deed}", appointment_id=str(entry.appointment_id))
    return done


async def _reach(actor: Actor, entry: QueueEntry, deed: str) -> None:
    """The desk may take people back and let them go as well as the doctor."""
    if deed in ("return", "leave") and actor.may("clinic.desk"):
        try:
            await reach.schedule(actor, "clinic.desk", entry.schedule_id)
            return
        except NotFound:
            pass
    await reach.schedule(actor, "clinic.call", entry.schedule_id)


async def _do(actor: Actor, entry: QueueEntry, deed: str, **facts: Any) -> QueueEntry:
    """Inside a transaction: the row count of a guarded UPDATE decides."""
    before = await Appointment.get(id=entry.appointment_id)
    still = QueueEntry.filter(id=entry.id, state__in=policy.sources(deed))
    if not await still.update(state=_after(deed), **facts):
        now = await QueueEntry.get(id=entry.id)
        raise LineMoved(state=now.state)
    after = STATUS.get(deed, before.status)
    if after != before.status:
        await Appointment.filter(id=before.id, status__in=ALIVE).update(
            status=after, changed_at=clock.now()
        )
    await line.write_down(actor, before, deed, before.status, after)
    return await QueueEntry.get(id=entry.id)


def _after(deed: str) -> str:
    """Where a deed of a person leads: to one state, from wherever it may be done."""
    return {
        "call": CALLED,
        "recall": CALLED,
        "admit": IN_ROOM,
        "skip": SKIPPED,
        "finish": DONE,
        "return": WAITING,
        "leave": LEFT,
    }[deed]
