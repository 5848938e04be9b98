"""Where an answer stands in the table says when it came, so each night all are written anew.

The anonymous answers of one institution and week go out and come back in one transaction, under
new random keys and in the order of those. What a transaction leaves on a row, and the row's place,
is then the same for all of them, and no neighbour of the mark that was made with it.
"""

from datetime import date, timedelta
from uuid import UUID, uuid4

from tortoise.expressions import Q

from backend import clock, db, periods
from backend.satisfaction.models import SurveyResponse

MIXED = timedelta(weeks=3)  # the open week, the one before, and one more
MOST = 5000  # answers of one institution and week
BATCH = 500


async def mix(consortium_id: UUID) -> int:
    """Write anew what came of late, and what was never. Returns how many answers; may run as often
    as it likes."""
    since = periods.week_of(clock.today()) - MIXED
    found = SurveyResponse.filter(
        Q(week_on__gt=since) | Q(mixed=False), consortium_id=consortium_id, appointment_id=None
    )
    groups = found.distinct().order_by("week_on", "organization_id")
    mixed = 0
    for organization_id, week_on in await groups.values_list("organization_id", "week_on"):
        mixed += await _mix(organization_id, week_on)
    return mixed


async def _mix(organization_id: UUID, week_on: date) -> int:
    async with db.transaction():
        rows = (
            await SurveyResponse.filter(
                organization_id=organization_id, week_on=week_on, appointment_id=None
            )
            .order_by("mixed", "id")
            .limit(MOST)
            .select_for_update()
        )
        await SurveyResponse.filter(id__in=[row.id for row in rows]).delete()
        anew = [_anew(row) for row in rows]
        await SurveyResponse.bulk_create(sorted(anew, key=lambda row: row.id), batch_size=BATCH)
    return len(rows)


def _anew(row: SurveyResponse) -> SurveyResponse:
    return SurveyResponse(
        id=uuid4(),
        consortium_id=row.consortium_id,
        organization_id=row.organization_id,
        survey=row.survey,
        survey_version=row.survey_version,
        week_on=row.week_on,
        answers=row.answers,
        comment=row.comment,
        mixed=True,
    )
