"""评价就诊: which visits may be answered for, and answering, once for each.

An anonymous answer shares nothing with the visit: no key, no time but the week, and from the night
on no place in the table (`mixing`). What its receipt and its audit row say is that the visit was
answered for. Why so, and what stays possible: ADR 0037.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID, uuid4

import msgspec
import structlog
from tortoise.exceptions import IntegrityError

from backend import audit, clock, db, periods
from backend.booking.desk import Desk
from backend.booking.models import Appointment
from backend.booking.places import Place
from backend.booking.tickets import Ticket
from backend.errors import Malformed, NotFound
from backend.identity.access import Actor, care_of, lock_patients, note_read, patients_of
from backend.identity.documents import mask_name
from backend.receipts import Receipt
from backend.satisfaction import policy
from backend.satisfaction.errors import AlreadyAnswered, NotAnswerable
from backend.satisfaction.models import SurveyMark, SurveyResponse
from backend.satisfaction.survey import NOT_APPLICABLE, SCORES, Survey, outpatient

log = structlog.get_logger()

LISTED_MOST = 50

Scores = dict[str, int | None]
State = Literal["open", "answered"]


@dataclass(frozen=True, slots=True)
class Given:
    """What somebody answered: a letter by item, or `na`; `comment` may be empty."""

    appointment_id: UUID
    anonymous: bool
    answers: Mapping[str, str]
    comment: str = ""


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """A visit that may be answered for, or was (`answered`). The name is masked."""

    appointment_id: UUID
    patient_id: UUID
    patient_name: str
    place: Place
    answered: bool


async def answerable(actor: Actor, desk: Desk) -> list[Visit]:
    """Of everyone for whom the actor may act, the latest first."""
    survey, now, today = outpatient(), clock.now(), clock.today()
    people = await patients_of(actor, "book")
    rows = (
        await Appointment.filter(
            consortium_id=actor.consortium_id,
            patient_id__in=list(people),
            status__in=policy.VISITED,
            starts_at__lte=now,
            held_on__gte=policy.first_day(today, survey.answer_days),
        )
        .order_by("-starts_at", "-id")
        .limit(LISTED_MOST)
    )
    marked = SurveyMark.filter(appointment_id__in=[row.id for row in rows])
    done = set(await marked.values_list("appointment_id", flat=True))
    async with db.transaction():
        await note_read(actor, "survey.listed", {row.patient_id for row in rows})
    places = await desk.places.each(row.slot_id for row in rows)
    return [
        Visit(
            appointment_id=row.id,
            patient_id=row.patient_id,
            patient_name=mask_name(people[row.patient_id].name),
            place=place,
            answered=row.id in done,
        )
        for row, place in zip(rows, places, strict=True)
    ]


async def state_of(actor: Actor, ticket: Ticket) -> State | None:
    """Of a visit that the actor sees: answered, or open while the actor may answer for it."""
    if ticket.status not in policy.VISITED:
        return None
    if await SurveyMark.filter(appointment_id=ticket.id).exists():
        return "answered"
    place, since = ticket.place, policy.first_day(clock.today(), outpatient().answer_days)
    if not policy.may_answer(
        ticket.status, place.starts_at, place.held_on, now=clock.now(), since=since
    ):
        return None
    return "open" if ticket.patient_id in await patients_of(actor, "book") else None


async def answer(actor: Actor, given: Given, *, receipt: Receipt) -> None:
    """Answer for a visit, once, whoever of those who care for the patient does it.

    Raises:
        NotFound: not the actor's to act for.
        Malformed: with the `field` that is missing, unknown or too long.
        NotAnswerable, AlreadyAnswered, KeyReused.
    """
    row = await Appointment.get_or_none(id=given.appointment_id, consortium_id=actor.consortium_id)
    if row is None:
        raise NotFound
    await care_of(actor, row.patient_id, "book")
    survey = outpatient()
    scores = scored(survey, given)
    try:
        async with db.transaction():
            await receipt.check()
            await lock_patients([row.patient_id])  # once more: they may be erased meanwhile
            await care_of(actor, row.patient_id, "book")
            await _mark(actor, row.id, survey)
            await SurveyResponse.create(**_response(actor, row, survey, scores, given))
            await audit.record(
                actor, "survey.answered", entity_id=row.id, patient_ids=[row.patient_id]
            )
            await receipt.keep(201, given)
    except IntegrityError:
        raise AlreadyAnswered(appointment_id=row.id) from None
    log.info("survey.answered", appointment_id=str(row.id))


async def _mark(actor: Actor, appointment_id: UUID, survey: Survey) -> None:
    """Judged by the appointment as it is now."""
    row = await Appointment.get(id=appointment_id)
    if await SurveyMark.filter(appointment_id=appointment_id).exists():
        raise AlreadyAnswered(appointment_id=appointment_id)
    since = policy.first_day(clock.today(), survey.answer_days)
    if not policy.may_answer(row.status, row.starts_at, row.held_on, now=clock.now(), since=since):
        raise NotAnswerable(days=survey.answer_days)
    await SurveyMark.create(
        id=uuid4(), consortium_id=actor.consortium_id, appointment_id=appointment_id
    )


def _response(
    actor: Actor, row: Appointment, survey: Survey, scores: Scores, given: Given
) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": uuid4(),
        "consortium_id": actor.consortium_id,
        "organization_id": row.organization_id,
        "survey": survey.id,
        "survey_version": survey.version,
        "week_on": periods.week_of(clock.today()),
        "answers": scores,
        "comment": given.comment,
    }
    if given.anonymous:
        return told
    return told | {
        "appointment_id": row.id,
        "patient_id": row.patient_id,
        "account_id": actor.account_id,
        "answered_at": clock.now(),
    }


def scored(survey: Survey, given: Given) -> Scores:
    """Letters as scores, every question answered. Raises Malformed."""
    known = {item.id: item for item in survey.items}
    for name in given.answers:
        if name not in known:
            raise Malformed("问卷里没有这一题，请重新打开问卷。", field=f"answers.{name}"[:60])
    scores: Scores = {}
    for item in survey.items:
        letter = given.answers.get(item.id)
        if letter is None:
            raise Malformed(f"还有一题没有选：{item.ask}", field=f"answers.{item.id}")
        if letter not in SCORES and not (letter == NOT_APPLICABLE and item.may_not_apply):
            raise Malformed(f"这一题选得不对，请重选：{item.ask}", field=f"answers.{item.id}")
        scores[item.id] = SCORES.get(letter)
    if len(given.comment) > survey.comment.most:
        raise Malformed(f"写的话最多 {survey.comment.most} 个字。", field="comment")
    return scores
