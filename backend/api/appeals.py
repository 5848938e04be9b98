"""约号记录 and 申诉: what counts against a patient, and asking that it be taken back."""

from uuid import UUID

from backend import errors
from backend.api.route import Call, route
from backend.api.views.appeals import AppealForm, AppealsView, AppealView, StandingView
from backend.appeal import appeals, records
from backend.appeal import errors as refusals
from backend.receipts import Answer, KeyMissing, KeyReused


@route(
    "GET",
    "/patients/<patient_id:uuid>/standing",
    answer=StandingView,
    problems=(errors.NotFound,),
)
async def show_standing(call: Call, patient_id: UUID) -> StandingView:
    """The rule in words, what counts against the person now, and what follows from it."""
    return StandingView.of(await records.record(call.actor, call.service.desk, patient_id))


@route("GET", "/appeals", answer=AppealsView)
async def list_appeals(call: Call) -> AppealsView:
    """Of everyone in the account's care, the latest first; 100 at most."""
    found = await appeals.mine(call.actor, call.service.desk)
    return AppealsView([AppealView.of(case) for case in found])


@route(
    "POST",
    "/appointments/<appointment_id:uuid>/appeal",
    body=AppealForm,
    answer=AppealView,
    status=201,
    receipt=True,
    problems=(
        errors.NotFound,
        KeyMissing,
        KeyReused,
        refusals.NothingToAppeal,
        refusals.AppealTooLate,
        refusals.AlreadyAppealed,
    ),
)
async def appeal(call: Call, appointment_id: UUID, form: AppealForm) -> Answer | None:
    """Appeal against a no-show or a late cancellation, once, within 30 days."""
    receipt = call.receipt(AppealView.of)
    await call.limit("appeal", call.service.settings.bookings_per_minute)
    await appeals.appeal(
        call.actor, call.service.desk, appointment_id, reason=form.reason.strip(), receipt=receipt
    )
    return receipt.answer
