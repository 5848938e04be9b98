"""Joining the waiting list, alone or as a family that wants to come together."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

import structlog

from backend import clock, db
from backend.booking import availability
from backend.booking.policies import policies
from backend.booking.policy import Policy
from backend.booking.waitlist import choices, diary, entries
from backend.booking.waitlist.choices import Choice, Nearby
from backend.booking.waitlist.entries import Wait
from backend.booking.waitlist.errors import (
    DaysOutOfRange,
    NothingToWaitFor,
    StillFree,
    TooManyWaits,
    WaitsAlready,
)
from backend.booking.waitlist.models import WaitlistChoice, WaitlistEntry
from backend.booking.waitlist.policy import LIVING, WAITING, do_overlap
from backend.consortium.directory import Directory, directory
from backend.identity.access import Actor, care_of, lock_patients
from backend.ids import new_id
from backend.receipts import Receipt

log = structlog.get_logger()

NEIGHBOURS_MOST = 200  # living waits of one patient that are compared


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is waited for. Dates in Asia/Shanghai, inclusive; no `kind` (号别) means any."""

    department_id: UUID | None = None
    practitioner_id: UUID | None = None
    nearby: Nearby | None = None
    from_on: date
    to_on: date
    periods: tuple[str, ...] = ("am", "pm", "night")
    kind: str | None = None


async def join(
    actor: Actor, wish: Wish, patient_ids: Sequence[UUID], *, receipt: Receipt
) -> list[Wait]:
    """Put patients at the end of the line: all of them or none. Several want to come together.

    Raises:
        NotFound: somebody is not the actor's to book for.
        NothingToWaitFor, DaysOutOfRange, StillFree, WaitsAlready, TooManyWaits.
    """
    people = list(dict.fromkeys(patient_ids))
    for patient_id in people:
        await care_of(actor, patient_id, "book")
    county = await directory(actor.consortium_id)
    accepted = choices.expand(
        county,
        department_id=wish.department_id,
        practitioner_id=wish.practitioner_id,
        nearby=wish.nearby,
    )
    policy = await _policy(county, actor.consortium_id, accepted[0], wish)
    _check_days(policy, wish)
    await _check_full(actor.consortium_id, accepted, wish, len(people))

    async def attempt() -> list[Wait]:
        async with db.transaction():
            await receipt.check()
            await lock_patients(people)
            for index, patient_id in enumerate(people):
                await care_of(actor, patient_id, "book")
                await _check_room(patient_id, index, accepted, wish, policy)
            rows = await _store(actor, people, accepted, wish)
            waits = await entries.waits_of(actor, rows, county)
            await receipt.keep(201, waits)
            return waits

    waits = await db.retried(attempt)
    log.info("waitlist.joined", entry_ids=[str(wait.id) for wait in waits])
    return waits


async def _policy(county: Directory, consortium_id: UUID, first: Choice, wish: Wish) -> Policy:
    """The one of what was asked for. No waiting list there: there is nothing to wait for."""
    organization_id = county.departments[first.department_id].organization_id
    org = county.organizations[organization_id]
    table = await policies(consortium_id)
    policy = table.pick(org.id, org.tier, wish.kind or "general", clock.today())
    if not policy.waitlist_per_patient:
        raise NothingToWaitFor
    return policy


def _check_days(policy: Policy, wish: Wish) -> None:
    today = clock.today()
    last = today + timedelta(days=policy.horizon_days + policy.waitlist_ahead_days)
    if not today <= wish.from_on <= wish.to_on <= last:
        raise DaysOutOfRange(from_on=today, to_on=last, field="to_on")


async def _check_full(
    consortium_id: UUID, accepted: Sequence[Choice], wish: Wish, people: int
) -> None:
    found = await availability.free_among(
        consortium_id,
        [choice.key for choice in accepted],
        from_on=wish.from_on,
        to_on=wish.to_on,
        periods=wish.periods,
        kind=wish.kind,
        least=people,
    )
    if found is not None:
        raise StillFree(schedule_id=found)


async def _check_room(
    patient_id: UUID, index: int, accepted: Sequence[Choice], wish: Wish, policy: Policy
) -> None:
    """Under the patient's lock: two who join at once see each other."""
    rows = (
        await WaitlistEntry.filter(patient_id=patient_id, state__in=LIVING)
        .prefetch_related("choices")
        .limit(NEIGHBOURS_MOST)
    )
    for row in rows:
        apart = row.to_on < wish.from_on or wish.to_on < row.from_on
        if apart or (row.kind and wish.kind and row.kind != wish.kind):
            continue
        theirs = [(one.department_id, one.practitioner_id) for one in row.choices]
        if any(do_overlap(choice.key, other) for choice in accepted for other in theirs):
            raise WaitsAlready(entry_id=row.id, index=index)
    if len(rows) >= policy.waitlist_per_patient:
        raise TooManyWaits(most=policy.waitlist_per_patient, index=index)


async def _store(
    actor: Actor, people: Sequence[UUID], accepted: Sequence[Choice], wish: Wish
) -> list[WaitlistEntry]:
    now, group_id, rows = clock.now(), new_id(), []
    for patient_id in people:
        row = await WaitlistEntry.create(
            id=group_id if len(people) == 1 else new_id(),
            consortium_id=actor.consortium_id,
            patient_id=patient_id,
            account_id=actor.account_id,
            group_id=group_id,
            group_size=len(people),
            from_on=wish.from_on,
            to_on=wish.to_on,
            periods=",".join(wish.periods),
            kind=wish.kind,
            state=WAITING,
            joined_at=now,
            changed_at=now,
        )
        await WaitlistChoice.bulk_create(
            WaitlistChoice(
                id=choice_id,
                entry_id=row.id,
                department_id=choice.department_id,
                practitioner_id=choice.practitioner_id,
            )
            # Sorted, so that they keep the order in which they were chosen.
            for choice_id, choice in zip(sorted(new_id() for _ in accepted), accepted, strict=True)
        )
        await diary.write_down(actor, row, "join")
        rows.append(row)
    return rows


async def enlist(actor: Actor, wish: Wish, people: Sequence[tuple[UUID, UUID]]) -> None:
    """Put (patient, account) in line in this order, each alone, inside the caller's transaction.

    For those who lost a draw of just this: what is returned is theirs before it is anybody's. So
    nobody can hand a drawn place on by giving it back. No limits, as they can't choose; who waits
    for the same already stands in line twice, and gets one place.
    """
    if not people or wish.department_id is None:
        return
    now = clock.now()
    rows = [
        WaitlistEntry(
            id=(entry_id := new_id()),
            consortium_id=actor.consortium_id,
            patient_id=patient_id,
            account_id=account_id,
            group_id=entry_id,
            from_on=wish.from_on,
            to_on=wish.to_on,
            periods=",".join(wish.periods),
            kind=wish.kind,
            state=WAITING,
            joined_at=now + timedelta(microseconds=turn),
            changed_at=now,
        )
        for turn, (patient_id, account_id) in enumerate(people)
    ]
    await WaitlistEntry.bulk_create(rows)
    await WaitlistChoice.bulk_create(
        WaitlistChoice(
            id=new_id(),
            entry_id=row.id,
            department_id=wish.department_id,
            practitioner_id=wish.practitioner_id,
        )
        for row in rows
    )
    for row in rows:
        await diary.write_down(actor, row, "join")
