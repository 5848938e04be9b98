"""A patient's standing: what counts against them, and the restriction that follows from it."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from tortoise.expressions import Q

from backend import clock
from backend.booking.errors import Restricted
from backend.booking.models import Appointment, Restriction
from backend.booking.policy import BARRED_KIND, NO_SHOW, Policy, barred_until

LOOK_BACK = timedelta(days=400)


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
        raise Restricted(until=found.until_at, cause=found.cause)


async def review(consortium_id: UUID, patient_id: UUID, policy: Policy) -> None:
    """Write down a restriction where the rules ask for one; in the transaction of the last deed."""
    cancellations = barred_until(
        await _when(patient_id, Q(cancelled_by="patient", counted_cancel=True)),
        # "More than n" bars, so n are free.
        most=policy.cancellations_most + 1 if policy.cancellations_most else 0,
        within=policy.cancellation_days,
        bar=policy.cancellation_bar_days,
    )
    no_shows = barred_until(
        await _when(patient_id, Q(status=NO_SHOW) | Q(late_cancel=True)),
        most=policy.no_shows_most,
        within=policy.no_show_days,
        bar=policy.no_show_bar_days,
    )
    for cause, until in (("cancellations", cancellations), ("no_shows", no_shows)):
        await _restrict(consortium_id, patient_id, policy, cause, until)


async def _when(patient_id: UUID, which: Q) -> list[datetime]:
    since = clock.now() - LOOK_BACK
    found: Any = await Appointment.filter(
        which, patient_id=patient_id, changed_at__gt=since
    ).values_list("changed_at", flat=True)
    return list(found)


async def _restrict(
    consortium_id: UUID, patient_id: UUID, policy: Policy, cause: str, until: datetime | None
) -> None:
    if until is None or until <= clock.now():
        return
    same = Restriction.filter(patient_id=patient_id, kind=BARRED_KIND, cause=cause)
    if await same.filter(until_at__gte=until).exists():
        return  # known already, or lifted by somebody
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


async def counted(patient_id: UUID, policy: Policy) -> tuple[int, int]:
    """What counts now: (cancellations, no-shows) within the policy's days."""
    now = clock.now()
    cancelled = await _when(patient_id, Q(cancelled_by="patient", counted_cancel=True))
    missed = await _when(patient_id, Q(status=NO_SHOW) | Q(late_cancel=True))
    return (
        sum(at > now - timedelta(days=policy.cancellation_days) for at in cancelled),
        sum(at > now - timedelta(days=policy.no_show_days) for at in missed),
    )
