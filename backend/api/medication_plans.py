"""用药计划: what somebody takes, as a doctor wrote it or as it stands on the box."""

from uuid import UUID

from backend import errors
from backend.api.route import Call, route
from backend.api.views.medication_plans import (
    DosageView,
    MedicationChangeForm,
    MedicationEndForm,
    MedicationHistoryView,
    MedicationPlanForm,
    MedicationPlansView,
    MedicationPlanView,
)
from backend.receipts import Answer, KeyMissing, KeyReused
from backend.reminders import errors as refusals
from backend.reminders import medication_plans as plans

THEIRS = "/patients/<patient_id:uuid>/medication-plans"
ONE = "/medication-plans/<plan_id:uuid>"
REFUSED = (errors.NotFound, errors.Throttled, errors.Busy, KeyMissing, KeyReused)


@route("GET", THEIRS, answer=MedicationPlansView, problems=(errors.NotFound,))
async def list_medication_plans(call: Call, patient_id: UUID) -> MedicationPlansView:
    """Those in use first, the latest first; then the last twenty that were ended."""
    found = await plans.list_of(call.actor, patient_id)
    return MedicationPlansView([MedicationPlanView.of(plan) for plan in found])


@route(
    "POST",
    THEIRS,
    body=MedicationPlanForm,
    answer=MedicationPlanView,
    status=201,
    receipt=True,
    problems=(*REFUSED, refusals.TooManyPlans),
)
async def start_medication_plan(
    call: Call, patient_id: UUID, form: MedicationPlanForm
) -> Answer | None:
    """Write one down, from the box or the prescription. Nobody is reminded at the hour yet."""
    receipt = call.receipt(MedicationPlanView.of)
    await call.limit("medication", call.service.settings.bookings_per_minute)
    await plans.start(call.actor, patient_id, form.dosage(), receipt=receipt)
    return receipt.answer


@route("GET", ONE, answer=MedicationHistoryView, problems=(errors.NotFound,))
async def show_medication_plan(call: Call, plan_id: UUID) -> MedicationHistoryView:
    """One, and what it said before."""
    plan, before = await plans.show(call.actor, plan_id)
    return MedicationHistoryView(
        MedicationPlanView.of(plan), [DosageView.of(one) for one in before]
    )


@route(
    "POST",
    ONE + "/change",
    body=MedicationChangeForm,
    answer=MedicationPlanView,
    receipt=True,
    problems=(
        *REFUSED,
        refusals.PlanChanged,
        refusals.PlanEnded,
        refusals.WrittenByDoctor,
        refusals.ChangedTooOften,
    ),
)
async def change_medication_plan(
    call: Call, plan_id: UUID, form: MedicationChangeForm
) -> Answer | None:
    """Another version from now on; the earlier ones stay. 409 where somebody was quicker, with
    `version` and `current`."""
    receipt = call.receipt(MedicationPlanView.of)
    await call.limit("medication", call.service.settings.bookings_per_minute)
    await plans.change(
        call.actor, plan_id, form.dosage(), version=form.version, receipt=receipt
    )  # fmt: skip
    return receipt.answer


@route(
    "POST",
    ONE + "/end",
    body=MedicationEndForm,
    answer=MedicationPlanView,
    receipt=True,
    problems=(*REFUSED, refusals.PlanChanged, refusals.PlanEnded),
)
async def end_medication_plan(call: Call, plan_id: UUID, form: MedicationEndForm) -> Answer | None:
    """It is taken no more, whoever wrote it."""
    receipt = call.receipt(MedicationPlanView.of)
    await call.limit("medication", call.service.settings.bookings_per_minute)
    await plans.end(
        call.actor, plan_id, reason=form.reason, version=form.version, receipt=receipt
    )  # fmt: skip
    return receipt.answer
