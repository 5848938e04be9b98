"""A patient's standing: what counts against them, and the restriction that follows from it.

Nothing counts that the institution caused (停诊), that was excused on appeal, or that falls on a
day under an amnesty: it is counted anew each time, so an excuse takes effect at once.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
from tortoise.expressions import Q

from backend import clock
from backend.booking.errors import Restricted
from backend.booking.models import Amnesty, Appointment, Restriction
from backend.booking.policies import Policies
from backend.booking.policy import (
    BARRED_KIND,
    NO_SHOW,
    Bar,
    Policy,
    bars_for_cancellations,
    bars_for_no_shows,
)

# A bar lasts four times 366 days at most, and is graded by the year before it.
LOOK_BACK = timedelta(days=5 * 366)
DEEDS_MOST = 500  # of one patient
BY_PATIENT = Q(cancelled_by="patient")
MISSED = Q(status=NO_SHOW) | Q(BY_PATIENT, late_cancel=True)
GIVEN_UP = Q(BY_PATIENT, counted_cancel=True)
CAUSES = ("cancellations", "no_shows")


class Deed(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that counts. `kind`: no_show, late_cancel, cancellation. `at` in UTC."""

    appointment_id: UUID
    slot_id: UUID
    kind: str
    at: datetime

    @property
    def cause(self) -> str:
        """Which rule counts it."""
        return "cancellations" if self.kind == "cancellation" else "no_shows"


async def restriction_of(patient_id: UUID, kind: str) -> Restriction | None:
    """The restriction that bars the patient from `kind` now, the longest."""
    return (
        await Restriction.filter(
            patient_id=patient_id, kind=kind, until_at__gt=clock.now(), lifted_at=None
        )
        .order_by("-until_at")
        .first()
    )


async def check(patient_id: UUID, kind: str) -> None:
    """Raises Restricted."""
    found = await restriction_of(patient_id, kind)
    if found is not None:
        raise Restricted(until=found.until_at, cause=found.cause, patient_id=patient_id)


async def review(consortium_id: UUID, patient_id: UUID, policy: Policy) -> None:
    """Write down a restriction where the rules ask for one; in the transaction of the last deed."""
    counted = await deeds(consortium_id, patient_id)
    for cause in CAUSES:
        following = bars_of(policy, cause, counted)
        if following:
            await _restrict(consortium_id, patient_id, policy, cause, following[-1].until_at)


async def reconsider(consortium_id: UUID, patient_id: UUID, table: Policies) -> int:
    """Lift what no longer follows from what counts, in the transaction of the excuse.

    Each restriction is judged by the policy that made it; a shorter one may remain. Whoever calls
    holds the patient's lock, so two excuses at once see each other, and has read the policies
    before the transaction. Returns how many were lifted.
    """
    active = await Restriction.filter(
        patient_id=patient_id, lifted_at=None, until_at__gt=clock.now()
    ).order_by("id")
    if not active:
        return 0
    counted = await deeds(consortium_id, patient_id)
    lifted = 0
    for row in active:
        policy = table.version(row.policy_version, "county")
        following = bars_of(policy, row.cause, counted)
        until = following[-1].until_at if following else None
        if until is not None and until >= row.until_at:
            continue
        lifted += await Restriction.filter(id=row.id, lifted_at=None).update(lifted_at=clock.now())
        await _restrict(consortium_id, patient_id, policy, row.cause, until)
    return lifted


def bars_of(policy: Policy, cause: str, counted: Iterable[Deed]) -> list[Bar]:
    """The bars that follow from what counts, oldest first."""
    rule = bars_for_no_shows if cause == "no_shows" else bars_for_cancellations
    return rule(policy, [deed.at for deed in counted if deed.cause == cause])


async def _restrict(
    consortium_id: UUID, patient_id: UUID, policy: Policy, cause: str, until: datetime | None
) -> None:
    if until is None or until <= clock.now():
        return
    same = Restriction.filter(patient_id=patient_id, kind=BARRED_KIND, cause=cause)
    known = Q(until_at__gte=until, lifted_at=None)
    # The very same one, lifted: somebody took it back, and nothing new was done since.
    if await same.filter(known | Q(until_at=until, lifted_at__not_isnull=True)).exists():
        return
    await Restriction.create(
        id=uuid4(),
        consortium_id=consortium_id,
        patient_id=patient_id,
        kind=BARRED_KIND,
        cause=cause,
        policy_version=policy.version,
        from_at=clock.now(),
        until_at=until,
    )


async def deeds(consortium_id: UUID, patient_id: UUID) -> list[Deed]:
    """Everything that counts or counted within `LOOK_BACK`, the latest first."""
    found: Sequence[Any] = (
        await Appointment.filter(
            MISSED | GIVEN_UP, patient_id=patient_id, changed_at__gt=clock.now() - LOOK_BACK
        )
        .order_by("-changed_at")
        .limit(DEEDS_MOST)
    )
    spared = await _amnesties(consortium_id, [row.held_on for row in found])
    return [
        Deed(appointment_id=row.id, slot_id=row.slot_id, kind=_kind(row), at=row.changed_at)
        for row in found
        if not any(_covers(one, row) for one in spared)
    ]


def _kind(row: Appointment) -> str:
    if row.status == NO_SHOW:
        return "no_show"
    return "late_cancel" if row.late_cancel else "cancellation"


async def _amnesties(consortium_id: UUID, days: Sequence[date]) -> list[Amnesty]:
    if not days:
        return []
    return await Amnesty.filter(
        consortium_id=consortium_id, from_on__lte=max(days), to_on__gte=min(days)
    )


def _covers(amnesty: Amnesty, row: Appointment) -> bool:
    return (
        amnesty.organization_id in (None, row.organization_id)
        and amnesty.from_on <= row.held_on <= amnesty.to_on
    )


def counting(counted: Iterable[Deed], policy: Policy) -> list[Deed]:
    """Those that count today: within the policy's days."""
    now = clock.now()
    days = {"cancellations": policy.cancellation_days, "no_shows": policy.no_show_days}
    return [deed for deed in counted if deed.at > now - timedelta(days=days[deed.cause])]
