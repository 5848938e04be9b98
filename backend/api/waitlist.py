"""候补: wait for a place; what is offered is an appointment to confirm or to cancel."""

from uuid import UUID

from backend import errors
from backend.api import paging
from backend.api.directory import degrees
from backend.api.route import Call, route
from backend.api.views.waitlist import WaitForm, WaitQuery, WaitsView, WaitView
from backend.booking.waitlist import entries, joining, leaving
from backend.booking.waitlist import errors as refusals
from backend.booking.waitlist.choices import Nearby
from backend.receipts import Answer, KeyMissing, KeyReused

ONE = "/waitlist/<entry_id:uuid>"


@route(
    "POST",
    "/waitlist",
    body=WaitForm,
    answer=WaitsView,
    status=201,
    receipt=True,
    problems=(
        errors.NotFound,
        KeyMissing,
        KeyReused,
        errors.Throttled,
        errors.Busy,
        refusals.NothingToWaitFor,
        refusals.DaysOutOfRange,
        refusals.StillFree,
        refusals.WaitsAlready,
        refusals.TooManyWaits,
    ),
)
async def join(call: Call, form: WaitForm) -> Answer | None:
    """Wait for a place, alone or as a family: all of them or none."""
    receipt = call.receipt(WaitsView.of)
    await call.limit("booking", call.service.settings.bookings_per_minute)
    wish = joining.Wish(
        department_id=form.department_id,
        practitioner_id=form.practitioner_id,
        nearby=_nearby(form),
        from_on=form.from_on,
        to_on=form.to_on,
        periods=tuple(dict.fromkeys(form.periods)),
        kind=form.kind,
    )
    await joining.join(call.actor, wish, form.patient_ids, receipt=receipt)
    return receipt.answer


def _nearby(form: WaitForm) -> Nearby | None:
    if form.nearby is None:
        return None
    tiers = tuple(form.nearby.tiers) if form.nearby.tiers else None
    near = degrees(form.nearby.near)
    return Nearby(within_km=form.nearby.within_km, tiers=tiers, near=near)


@route("GET", "/waitlist", query=WaitQuery, answer=WaitsView)
async def list_waits(call: Call) -> WaitsView:
    """Of everyone in the account's care, who joined latest first."""
    wanted: WaitQuery = call.query
    found = await entries.list_of(
        call.actor,
        call.service.desk,
        living=wanted.living,
        after=paging.decode(wanted.cursor, tuple[paging.Instant, UUID]),
        most=wanted.limit,
    )
    following = paging.following(found, wanted.limit, lambda wait: (wait.joined_at, wait.id))
    return WaitsView.of(found, following)


@route("GET", ONE, answer=WaitView, problems=(errors.NotFound,))
async def show_wait(call: Call, entry_id: UUID) -> WaitView:
    """One entry: how many stand before it, or what is offered right now."""
    return WaitView.of(await entries.show(call.actor, call.service.desk, entry_id))


@route("DELETE", ONE, status=204, problems=(errors.NotFound, errors.Busy, refusals.WaitOver))
async def leave(call: Call, entry_id: UUID) -> None:
    """Leave the line, at any time. An offer goes to the next in line."""
    await leaving.leave(call.actor, call.service.desk, entry_id)
