"""On the day: check in, show one's code, see one's place in the line."""

from datetime import timedelta
from uuid import UUID

import segno
from sanic import HTTPResponse

from backend import clock, errors
from backend.api import etags, wire
from backend.api.route import Call, route
from backend.api.views.clinic import (
    CheckinCodeView,
    CheckinForm,
    CheckinView,
    QueueView,
    TicketForm,
    TicketView,
)
from backend.clinic import checkin, codes, queue, tickets
from backend.clinic import errors as refusals
from backend.receipts import Answer, KeyMissing, KeyReused

ONE = "/appointments/<appointment_id:uuid>"
SCANS_PER_MINUTE = 20
TICKETS_PER_MINUTE = 30
PIXELS, BORDER = 6, 3  # of a module of the QR code, and modules of white around it


@route(
    "POST",
    ONE + "/checkin",
    body=CheckinForm,
    answer=CheckinView,
    receipt=True,
    problems=(
        errors.NotFound,
        errors.Throttled,
        errors.Busy,
        KeyMissing,
        KeyReused,
        refusals.CodeRefused,
        refusals.CheckinNotOpen,
        refusals.CheckinClosed,
        refusals.AlreadyCheckedIn,
    ),
)
async def check_in(call: Call, appointment_id: UUID, form: CheckinForm) -> Answer | None:
    """Check in (签到) with the code on the clinic's screen."""
    receipt = call.receipt(CheckinView.of)
    await call.limit("checkin", SCANS_PER_MINUTE)
    service = call.service
    await checkin.by_qr(
        call.actor,
        service.desk,
        service.hub,
        service.vault,
        appointment_id,
        code=form.code,
        receipt=receipt,
    )
    return receipt.answer


@route("GET", ONE + "/checkin-code", answer=CheckinCodeView, problems=(errors.NotFound,))
async def checkin_code(call: Call, appointment_id: UUID) -> CheckinCodeView:
    """The resident's own code, to be read or said aloud at the desk. Good for five minutes."""
    service = call.service
    code, number = await checkin.code_of(call.actor, service.desk, service.vault, appointment_id)
    image = segno.make(code, error="m").png_data_uri(scale=PIXELS, border=BORDER)
    return CheckinCodeView(code, number, image, clock.now() + timedelta(seconds=codes.MINE_S))


@route("GET", ONE + "/queue", answer=QueueView, problems=(errors.NotFound,))
async def show_place(call: Call, appointment_id: UUID) -> HTTPResponse:
    """One's place in the line (候诊). `If-None-Match` with its `ETag` costs nothing but a 304."""
    spot = await queue.place_of(call.actor, call.service.desk, appointment_id)
    return etags.answer(call.request, wire.encode(QueueView.of(spot)))


@route(
    "POST",
    "/queue/tickets",
    body=TicketForm,
    answer=TicketView,
    status=201,
    problems=(errors.NotFound, errors.Throttled, errors.Busy),
)
async def issue_ticket(call: Call, form: TicketForm) -> TicketView:
    """A ticket for the WebSocket of one's place: good once, for a minute."""
    await call.limit("ticket", TICKETS_PER_MINUTE)
    service = call.service
    ticket, expires_at = await tickets.issue(
        call.actor, service.desk, service.hub, form.appointment_id
    )
    return TicketView(ticket, expires_at)
