"""摇号: draws that anybody may look at and check, and one's own entries."""

from uuid import UUID

from backend import errors
from backend.api.route import Call, route
from backend.api.views.draws import (
    DrawQuery,
    DrawsView,
    DrawView,
    EntriesView,
    EntryForm,
    EntryView,
    OneDrawView,
)
from backend.booking import errors as refusals
from backend.draw import draws, entering
from backend.draw import errors as found
from backend.receipts import Answer, KeyMissing, KeyReused

ONE = "/draws/<draw_id:uuid>"


@route(
    "GET", "/draws", query=DrawQuery, answer=DrawsView, public=True, cached_s=5.0,
)  # fmt: skip
async def list_draws(call: Call) -> DrawsView:
    """Of days to come, the next to close first."""
    wanted: DrawQuery = call.query
    lots = await draws.list_of(
        call.actor, schedule_id=wanted.schedule, organization_id=wanted.organization
    )
    return DrawsView([DrawView.of(lot) for lot in lots])


@route(
    "GET", ONE, answer=OneDrawView, public=True, cached_s=5.0, problems=(errors.NotFound,)
)  # fmt: skip
async def show_draw(call: Call, draw_id: UUID) -> OneDrawView:
    """One draw; once it is drawn, with seed and whole list, so that anybody can check it."""
    lot = await draws.show(call.actor, draw_id)
    return OneDrawView.of_one(lot, await draws.results(draw_id))


@route(
    "POST",
    ONE + "/entries",
    body=EntryForm,
    answer=EntryView,
    status=201,
    receipt=True,
    problems=(
        errors.NotFound, KeyMissing, KeyReused, errors.Throttled, found.DrawClosed,
        found.EnteredAlready, found.DrawFull, refusals.Restricted,
    ),
)  # fmt: skip
async def enter(call: Call, draw_id: UUID, form: EntryForm) -> Answer | None:
    """Take part for somebody in one's care: one entry an identity, whoever registers it."""
    receipt = call.receipt(EntryView.of)
    await call.limit("booking", call.service.settings.bookings_per_minute)
    await entering.enter(call.actor, call.service.vault, draw_id, form.patient_id, receipt=receipt)
    return receipt.answer


@route(
    "DELETE",
    ONE + "/entries/<patient_id:uuid>",
    status=204,
    problems=(errors.NotFound, found.DrawClosed, found.NotEntered),
)
async def withdraw(call: Call, draw_id: UUID, patient_id: UUID) -> None:
    """Take an entry back while registration is open."""
    await entering.withdraw(call.actor, draw_id, patient_id)


@route("GET", "/me/draws", answer=EntriesView)
async def my_entries(call: Call) -> EntriesView:
    """The entries of everybody in the account's care, the latest first."""
    return EntriesView([EntryView.of(ballot) for ballot in await entering.mine(call.actor)])
