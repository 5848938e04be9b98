"""Which schedules a staff member has to do with: a doctor's own, an institution's."""

from functools import reduce
from operator import or_
from uuid import UUID

from tortoise.expressions import Q

from backend import clock
from backend.booking.models import Schedule
from backend.consortium.models import PractitionerRole
from backend.errors import NotFound
from backend.identity.access import Actor

DOCTOR = "doctor"  # the one role whose rights hold for one's own schedules only


async def of(actor: Actor, right: str) -> Q:
    """A condition on schedules.

    A doctor's right holds for the schedules in their name, at whichever institution (专家下沉), and
    for those in nobody's name of the departments where they work.

    Raises:
        NotFound: the actor has no such right anywhere.
    """
    actor.must(right)
    if actor.kind in ("system", "operator"):
        return Q(consortium_id=actor.consortium_id)
    ways: list[Q] = []
    for grant in actor.grants:
        if right not in grant.rights:
            continue
        if grant.role == DOCTOR:
            ways += await _own(actor)
        elif grant.organization_ids is None:
            ways.append(Q(consortium_id=actor.consortium_id))
        else:
            ways.append(Q(organization_id__in=list(grant.organization_ids)))
    if not ways:
        raise NotFound
    return Q(consortium_id=actor.consortium_id) & reduce(or_, ways)


async def _own(actor: Actor) -> list[Q]:
    if actor.practitioner_id is None:
        return []
    today = clock.today()
    departments = await PractitionerRole.filter(
        Q(from_on=None) | Q(from_on__lte=today),
        Q(to_on=None) | Q(to_on__gte=today),
        practitioner_id=actor.practitioner_id,
    ).values_list("department_id", flat=True)
    mine = [Q(practitioner_id=actor.practitioner_id)]
    if departments:
        mine.append(Q(practitioner_id=None, department_id__in=list(departments)))
    return mine


async def schedule(actor: Actor, right: str, schedule_id: UUID) -> Schedule:
    """Raises NotFound: no such schedule, or not the actor's to deal with."""
    found = await Schedule.filter(await of(actor, right), id=schedule_id).first()
    if found is None:
        raise NotFound
    return found
