"""预约: book, hold, confirm, cancel, move; lists, the calendar entry and the printable slip."""

from uuid import UUID

from sanic import HTTPResponse

from backend import errors
from backend.api import paging, papers
from backend.api.links import actor_of, make_links
from backend.api.route import Call, route
from backend.api.views.appointments import (
    AppointmentQuery,
    AppointmentsView,
    AppointmentView,
    BookForm,
    CancelForm,
    FamilyForm,
    FamilyView,
    KeyQuery,
    LinksView,
    MoveForm,
)
from backend.booking import appointments, diary
from backend.booking import errors as refusals
from backend.booking.tickets import Ticket
from backend.receipts import Answer, KeyMissing, KeyReused
from backend.satisfaction import surveys
from backend.suspension import cases

ONE = "/appointments/<appointment_id:uuid>"
KEYED = (errors.NotFound, KeyMissing, KeyReused, errors.Throttled, errors.Busy)
BOOKING = (
    *KEYED,
    refusals.NotYetOpen,
    refusals.ByDraw,
    refusals.BookingClosed,
    refusals.SlotFull,
    refusals.AlreadyBooked,
    refusals.TooManyThatDay,
    refusals.TooManyInDepartment,
    refusals.Restricted,
)


@route(
    "POST",
    "/appointments",
    body=BookForm,
    answer=AppointmentView,
    status=201,
    receipt=True,
    problems=BOOKING,
)
async def book(call: Call, form: BookForm) -> Answer | None:
    """Book a place, or hold it (`confirm` false). Paying online is not part of this service."""
    receipt = call.receipt(AppointmentView.of)
    await call.limit("booking", call.service.settings.bookings_per_minute)
    await appointments.book(
        call.actor,
        call.service.desk,
        slot_id=form.slot_id,
        patient_id=form.patient_id,
        confirm=form.confirm,
        receipt=receipt,
    )
    return receipt.answer


@route(
    "POST",
    "/appointments/family",
    body=FamilyForm,
    answer=FamilyView,
    status=201,
    receipt=True,
    problems=BOOKING,
)
async def book_family(call: Call, form: FamilyForm) -> Answer | None:
    """Book for several people at once: all of them or none. A refusal carries `index`."""
    receipt = call.receipt(_family)
    await call.limit("booking", call.service.settings.bookings_per_minute)
    await appointments.book_family(
        call.actor,
        call.service.desk,
        [(wanted.slot_id, wanted.patient_id) for wanted in form.bookings],
        confirm=form.confirm,
        receipt=receipt,
    )
    return receipt.answer


def _family(tickets: list[Ticket]) -> FamilyView:
    return FamilyView([AppointmentView.of(ticket) for ticket in tickets])


@route(
    "GET",
    "/appointments",
    query=AppointmentQuery,
    answer=AppointmentsView,
    problems=(errors.NotFound,),
)
async def list_appointments(call: Call) -> AppointmentsView:
    """Of everyone in the account's care, the latest first; `upcoming`: the next first."""
    wanted: AppointmentQuery = call.query
    found = await diary.list_of(
        call.actor,
        call.service.desk,
        status=wanted.status,
        patient_id=wanted.patient,
        after=paging.decode(wanted.cursor, tuple[paging.Instant, UUID]),
        most=wanted.limit,
    )
    following = paging.following(
        found, wanted.limit, lambda ticket: (ticket.place.starts_at, ticket.id)
    )
    return AppointmentsView([AppointmentView.of(ticket) for ticket in found], following)


@route("GET", ONE, answer=AppointmentView, problems=(errors.NotFound,))
async def show_appointment(call: Call, appointment_id: UUID) -> AppointmentView:
    """One appointment, with what cancelling would mean now."""
    ticket = await diary.show(call.actor, call.service.desk, appointment_id)
    replacement = await cases.opened(call.actor, ticket)
    return AppointmentView.of(ticket, replacement, await surveys.state_of(call.actor, ticket))


@route(
    "POST",
    ONE + "/confirm",
    answer=AppointmentView,
    receipt=True,
    problems=(*KEYED, refusals.HoldExpired, refusals.NotPossibleNow),
)
async def confirm(call: Call, appointment_id: UUID) -> Answer | None:
    """Turn a hold into a booking, in time."""
    receipt = call.receipt(AppointmentView.of)
    await appointments.confirm(call.actor, call.service.desk, appointment_id, receipt=receipt)
    return receipt.answer


@route(
    "POST",
    ONE + "/cancel",
    body=CancelForm,
    answer=AppointmentView,
    receipt=True,
    problems=(*KEYED, refusals.NotPossibleNow),
)
async def cancel(call: Call, appointment_id: UUID, form: CancelForm) -> Answer | None:
    """Give the place back. `cancelling` of the appointment says beforehand what follows."""
    receipt = call.receipt(AppointmentView.of)
    await appointments.cancel(
        call.actor, call.service.desk, appointment_id, reason=form.reason, receipt=receipt
    )
    return receipt.answer


@route(
    "POST",
    ONE + "/reschedule",
    body=MoveForm,
    answer=AppointmentView,
    receipt=True,
    problems=(
        *BOOKING,
        refusals.NotPossibleNow,
        refusals.SameSlot,
        refusals.TooLateToMove,
        refusals.TooManyMoves,
    ),
)
async def reschedule(call: Call, appointment_id: UUID, form: MoveForm) -> Answer | None:
    """Move to another slot: the new place is taken before the old one is freed."""
    receipt = call.receipt(AppointmentView.of)
    await call.limit("booking", call.service.settings.bookings_per_minute)
    await appointments.reschedule(
        call.actor, call.service.desk, appointment_id, slot_id=form.slot_id, receipt=receipt
    )
    return receipt.answer


@route("GET", ONE + "/links", answer=LinksView, problems=(errors.NotFound,))
async def links(call: Call, appointment_id: UUID) -> LinksView:
    """Addresses of slip and calendar entry that open without a log-in for ten minutes."""
    await diary.show(call.actor, call.service.desk, appointment_id)
    return make_links(call, appointment_id)


@route(
    "GET",
    ONE + "/slip",
    query=KeyQuery,
    public=True,
    media="text/html",
    problems=(errors.NotFound, errors.Unauthenticated),
)
async def slip(call: Call, appointment_id: UUID) -> HTTPResponse:
    """The slip (预约单) as a page to print. With a log-in or with a key from `links`."""
    actor = await actor_of(call, appointment_id)
    ticket = await diary.show(actor, call.service.desk, appointment_id)
    return papers.slip(ticket)


@route(
    "GET",
    "/appointments/<appointment_id:([0-9a-f-]{36})\\.ics>",
    query=KeyQuery,
    public=True,
    media="text/calendar",
    problems=(errors.NotFound, errors.Unauthenticated),
)
async def calendar_entry(call: Call, appointment_id: str) -> HTTPResponse:
    """The appointment as a calendar entry (RFC 5545). With a log-in or with a key from `links`."""
    try:
        found = UUID(appointment_id.removesuffix(".ics"))
    except ValueError:
        raise errors.NotFound from None
    actor = await actor_of(call, found)
    ticket = await diary.show(actor, call.service.desk, found)
    return papers.calendar_entry(ticket, await diary.changes_of(ticket))
