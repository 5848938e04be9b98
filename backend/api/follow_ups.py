"""随访: when a doctor will look at somebody again."""

from uuid import UUID

from backend import errors
from backend.api.route import Call, route
from backend.api.views.follow_ups import FollowUpsView, FollowUpView
from backend.reminders import follow_ups


@route(
    "GET",
    "/patients/<patient_id:uuid>/follow-ups",
    answer=FollowUpsView,
    problems=(errors.NotFound,),
)
async def list_follow_ups(call: Call, patient_id: UUID) -> FollowUpsView:
    """What doctors have planned for the person, the next first. Nobody is reminded of it yet."""
    found = await follow_ups.coming(call.actor, patient_id)
    return FollowUpsView([FollowUpView.of(look) for look in found])
