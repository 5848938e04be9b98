"""评价就诊: which visits may be answered for now, and answering."""

from backend import errors
from backend.api.route import Call, route
from backend.api.views.surveys import (
    ResponseForm,
    ResponseView,
    SurveysView,
    SurveyView,
    VisitView,
)
from backend.receipts import Answer, KeyMissing, KeyReused
from backend.satisfaction import errors as refusals
from backend.satisfaction import survey, surveys


@route("GET", "/surveys", answer=SurveysView)
async def list_surveys(call: Call) -> SurveysView:
    """The survey, and the visits of late of everyone in the account's care, answered or not."""
    found = await surveys.answerable(call.actor, call.service.desk)
    return SurveysView(SurveyView.of(survey.outpatient()), [VisitView.of(visit) for visit in found])


@route(
    "POST",
    "/survey-responses",
    body=ResponseForm,
    answer=ResponseView,
    status=201,
    receipt=True,
    problems=(
        errors.NotFound,
        errors.Throttled,
        KeyMissing,
        KeyReused,
        refusals.NotAnswerable,
        refusals.AlreadyAnswered,
    ),
)
async def answer_survey(call: Call, form: ResponseForm) -> Answer | None:
    """Answer for a visit, once. The key of an anonymous answer is bound to the visit alone: a hash
    of eight answers can be guessed, and would stand beside the account."""
    bound = f"anonymous:{form.appointment_id}".encode() if form.anonymous else None
    receipt = call.receipt(ResponseView.of, body=bound)
    await call.limit("survey", call.service.settings.bookings_per_minute)
    given = surveys.Given(form.appointment_id, form.anonymous, form.answers, form.comment.strip())
    await surveys.answer(call.actor, given, receipt=receipt)
    return receipt.answer
