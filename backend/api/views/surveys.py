"""评价就诊: the visits that may be answered for, the survey, and an answer."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from backend.api.views.fields import DoctorRef, Form, Ref
from backend.satisfaction.survey import COMMENT_MOST, ITEMS_MOST, Survey
from backend.satisfaction.surveys import Given, Visit

Letter = Literal["A", "B", "C", "D", "E", "na"]
ItemId = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{1,31}$(?!\n)")]


class OptionView(msgspec.Struct):
    letter: Letter
    label: str


class QuestionView(msgspec.Struct):
    """`options` in the order in which they are shown; `na` where it may not apply."""

    id: str
    dimension: str
    ask: str
    options: list[OptionView]


class CommentView(msgspec.Struct):
    """`most` in characters."""

    ask: str
    hint: str
    most: int


class SurveyView(msgspec.Struct):
    """`official`: the national form's own wording; `reviewed`: somebody has signed it."""

    id: str
    version: int
    title: str
    official: bool
    reviewed: bool
    answer_days: int
    questions: list[QuestionView]
    comment: CommentView

    @classmethod
    def of(cls, survey: Survey) -> "SurveyView":
        names = {one.id: one.name for one in survey.dimensions}
        scale = [OptionView(one.letter, one.label) for one in survey.scale]
        spared = [*scale, OptionView("na", survey.not_applicable)]
        comment = survey.comment
        return cls(
            survey.id,
            survey.version,
            survey.title,
            survey.official,
            bool(survey.reviewed_by),
            survey.answer_days,
            [
                QuestionView(
                    item.id,
                    names[item.dimension],
                    item.ask,
                    spared if item.may_not_apply else scale,
                )
                for item in survey.items
            ],
            CommentView(comment.ask, comment.hint, comment.most),
        )


class VisitView(msgspec.Struct):
    """`answered`: it was, by whoever of those who care for the patient."""

    appointment_id: UUID
    patient: Ref
    organization: str
    department: str
    practitioner: DoctorRef | None
    held_on: date
    starts_at: datetime
    answered: bool

    @classmethod
    def of(cls, visit: Visit) -> "VisitView":
        place, doctor = visit.place, None
        if place.practitioner_id is not None and place.practitioner is not None:
            doctor = DoctorRef(place.practitioner_id, place.practitioner, place.title or "")
        return cls(
            visit.appointment_id,
            Ref(visit.patient_id, visit.patient_name),
            place.organization,
            place.department,
            doctor,
            place.held_on,
            place.starts_at,
            visit.answered,
        )


class SurveysView(msgspec.Struct):
    survey: SurveyView
    visits: list[VisitView]


class ResponseForm(Form):
    """`answers`: one for each question, by its id. `anonymous`: nobody can tell whose it was."""

    appointment_id: UUID
    anonymous: bool
    answers: Annotated[dict[ItemId, Letter], Meta(min_length=1, max_length=2 * ITEMS_MOST)]
    comment: Annotated[str, Meta(max_length=COMMENT_MOST)] = ""


class ResponseView(msgspec.Struct):
    """That it was counted; what was answered is not told again."""

    appointment_id: UUID
    anonymous: bool

    @classmethod
    def of(cls, given: Given) -> "ResponseView":
        return cls(given.appointment_id, given.anonymous)
