"""What can be booked, with free places. Open to everybody, without a log-in."""

from datetime import date
from uuid import UUID

from backend import errors
from backend.api import paging
from backend.api.directory import degrees
from backend.api.route import Call, route
from backend.api.views.schedules import (
    OneScheduleView,
    ScheduleQuery,
    SchedulesView,
    SlotQuery,
    SlotsView,
    SlotView,
)
from backend.booking import availability
from backend.booking.wanted import Search

FRESH_S = 1.0


@route(
    "GET",
    "/schedules",
    query=ScheduleQuery,
    answer=SchedulesView,
    public=True,
    cached_s=FRESH_S,
)
async def list_schedules(call: Call) -> SchedulesView:
    """From today on, by day and time, each with its 余号, fee and rules."""
    wanted: ScheduleQuery = call.query
    if wanted.within_km is not None and wanted.near is None:
        raise errors.Malformed("要按距离找，请先给出位置。", field="near")
    search = Search(
        organization_id=wanted.organization,
        department_id=wanted.department,
        practitioner_id=wanted.practitioner,
        from_on=wanted.from_on,
        to_on=wanted.to_on,
        kind=wanted.kind,
        tier=wanted.tier,
        near=degrees(wanted.near),
        within_km=wanted.within_km,
        q=wanted.q,
        free_only=wanted.free,
    )
    after = paging.decode(wanted.cursor, tuple[date, paging.Instant, UUID])
    offers, last = await availability.search(
        call.actor.consortium_id, search, after=after, most=wanted.limit
    )
    following = paging.encode(last) if last else None
    return SchedulesView.of(offers, following)


@route(
    "GET",
    "/schedules/<schedule_id:uuid>",
    answer=OneScheduleView,
    public=True,
    cached_s=FRESH_S,
    problems=(errors.NotFound,),
)
async def show_schedule(call: Call, schedule_id: UUID) -> OneScheduleView:
    """One schedule that is not over yet, with its fee and rules."""
    offer = await availability.show(call.actor.consortium_id, schedule_id)
    return OneScheduleView.of_one(offer)


@route(
    "GET",
    "/slots",
    query=SlotQuery,
    answer=SlotsView,
    public=True,
    cached_s=FRESH_S,
    problems=(errors.NotFound,),
)
async def list_slots(call: Call) -> SlotsView:
    """The times of one schedule, each with its 余号."""
    found = await availability.slots_of(call.actor.consortium_id, call.query.schedule)
    return SlotsView([SlotView.of(slot) for slot in found])
