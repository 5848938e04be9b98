"""约号记录: a patient's standing as they read it: the rule, what counts, what can be appealed."""

from datetime import datetime
from uuid import UUID

import msgspec

from backend import clock, db
from backend.appeal.models import Appeal
from backend.appeal.policy import appeal_until
from backend.booking import standing, wording
from backend.booking.desk import Desk
from backend.booking.models import Restriction
from backend.booking.places import Place
from backend.booking.policies import policies
from backend.booking.policy import BARRED_KIND, BARRED_TIER, Policy
from backend.booking.standing import Deed
from backend.identity.access import Actor, care_of, note_read

SHOWN_MOST = 50


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that counts. `appeal_until`: None where no appeal is possible (any more). UTC."""

    deed: Deed
    place: Place
    appeal_until: datetime | None
    appeal_id: UUID | None
    appeal_state: str | None


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for the county's experts, where alone anything follows from it."""

    rules: str
    rule_lines: list[str]
    policy: Policy
    lines: list[Line]
    restriction: Restriction | None

    def count(self, cause: str) -> int:
        return sum(line.deed.cause == cause for line in self.lines)


async def record(actor: Actor, desk: Desk, patient_id: UUID) -> Record:
    """Raises NotFound: not the actor's to see."""
    await care_of(actor, patient_id, "view")
    async with db.transaction():
        await note_read(actor, "standing.shown", {patient_id})
    table = await policies(actor.consortium_id)
    policy = table.pick(actor.consortium_id, BARRED_TIER, BARRED_KIND, clock.today())
    counted = standing.counting(await standing.deeds(actor.consortium_id, patient_id), policy)
    return Record(
        rules=wording.rules(policy),
        rule_lines=wording.standing_rules(policy),
        policy=policy,
        lines=await _lines(desk, counted[:SHOWN_MOST]),
        restriction=await standing.restriction_of(patient_id, BARRED_KIND),
    )


async def _lines(desk: Desk, counted: list[Deed]) -> list[Line]:
    made = await Appeal.filter(appointment_id__in=[deed.appointment_id for deed in counted])
    appeals = {row.appointment_id: row for row in made}
    places = await desk.places.each(deed.slot_id for deed in counted)
    return [
        _line(deed, place, appeals.get(deed.appointment_id))
        for deed, place in zip(counted, places, strict=True)
    ]


def _line(deed: Deed, place: Place, made: Appeal | None) -> Line:
    until = appeal_until(deed.at)
    possible = made is None and deed.cause == "no_shows" and clock.now() <= until
    return Line(
        deed=deed,
        place=place,
        appeal_until=until if possible else None,
        appeal_id=made.id if made else None,
        appeal_state=made.state if made else None,
    )
