"""Places come back: from a cancellation, a move, a hold whose time has passed, an offer not taken.

A returned place goes to a referral first, then to the waiting list, then to the public, and never
straight to the public (`waitlist/offering.py`). Whoever frees a place does it by `give_back`.
"""

from collections.abc import Collection, Iterable
from uuid import UUID

from tortoise.expressions import Q

from backend import clock, db
from backend.booking import lapsing
from backend.booking.lapsing import CHUNK
from backend.booking.models import Appointment
from backend.booking.policy import PENDING
from backend.booking.waitlist import offering

CHUNKS_MOST = 100


async def expire(consortium_id: UUID) -> list[UUID]:
    """End every hold that has passed its time; returns the slots that got places back."""

    async def attempt() -> list[UUID]:
        async with db.transaction():
            return await end_dead(Q(consortium_id=consortium_id))

    freed: list[UUID] = []
    for _ in range(CHUNKS_MOST):
        ended = await db.retried(attempt)  # it may lose a race with somebody who moves
        freed += ended
        if len(ended) < CHUNK:
            break
    return freed


async def settle(slot_ids: Collection[UUID]) -> None:
    """End the dead holds of these slots now, in a transaction of its own."""
    dead = Q(slot_id__in=list(slot_ids), status=PENDING, held_until__lte=clock.now())
    if not await Appointment.filter(dead).exists():
        return

    async def attempt() -> None:
        async with db.transaction():
            await end_dead(Q(slot_id__in=list(slot_ids)))

    await db.retried(attempt)


async def end_dead(where: Q) -> list[UUID]:
    """End dead holds among `where`, inside the caller's transaction; returns their slots.

    Their places go to whoever is next in line.
    """
    ended = await lapsing.lapse(where)
    await offering.offer(ended)
    return ended


async def give_back(slot_ids: Iterable[UUID]) -> None:
    """Return one place to each slot named, and offer it to whoever is next in line.

    Everybody who frees a place must use this, in the very transaction that frees it: then nobody
    from the public can come in between. Whoever adds places (capacity raised, a schedule opened
    again, a pool that flows back) uses `waitlist.offering.offer` in the same way. May lose a race
    (IntegrityError, deadlock): the caller's transaction runs under `db.retried`.
    """
    freed = list(slot_ids)
    await lapsing.count_back(freed)
    await offering.offer(freed)
