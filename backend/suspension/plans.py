"""Which place is meant for whom: the rules of `policy` over what is free and who has what."""

from collections.abc import Sequence
from uuid import UUID

from backend.booking.models import Appointment, Schedule
from backend.booking.policy import PENDING
from backend.suspension import places, policy
from backend.suspension.policy import Option, Stopped

OWN_HOLDS = ("self", "waitlist")  # a hold that is no visit yet: it ends, and nothing is owed for it


def is_owed(row: Appointment) -> bool:
    """Whether another place is owed for an appointment that is stopped.

    An offer after an earlier suspension is a visit that was stopped twice.
    """
    return row.status != PENDING or row.origin not in OWN_HOLDS


async def plan(
    rows: Sequence[Appointment],
    schedules: Sequence[Schedule],
    *,
    but: frozenset[UUID] = frozenset(),
) -> dict[UUID, list[Option]]:
    """By appointment, what it can be offered; `rows` in the order in which places are shared out.

    `schedules`: those of one institution that are stopped; `but`: others stopped with them. A
    constant number of queries.
    """
    owed = [row for row in rows if is_owed(row)]
    if not owed:
        return {}
    county = owed[0].consortium_id
    known = await places.spots_of(county, (row.slot_id for row in owed))
    visits = [Stopped(row.id, row.patient_id, known[row.slot_id]) for row in owed]
    free = await places.free_instead_of(county, schedules)
    options = [option for option in free if option.spot.schedule_id not in but]
    engaged = await places.engagements_of(county, rows)
    return policy.share_out(visits, options, engaged)
