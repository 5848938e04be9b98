"""评价就诊: who may, once for each visit, and what an anonymous answer keeps to itself."""

import asyncio
from collections import Counter
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from tortoise import Tortoise
from tortoise.exceptions import BaseORMException

from backend import clock, db
from backend.audit import AuditEvent
from backend.booking import diary
from backend.errors import Malformed, NotFound
from backend.identity.models import Account, Patient
from backend.privacy import erasing, exporting
from backend.satisfaction import mixing, surveys
from backend.satisfaction.errors import AlreadyAnswered, NotAnswerable
from backend.satisfaction.models import SurveyMark, SurveyResponse
from backend.satisfaction.survey import outpatient
from backend.satisfaction.surveys import Given
from backend.settings import Settings
from tests.clinics import a_clinic, a_desk
from tests.people import Person, a_carer, a_person, vault_of
from tests.satisfaction.visits import BEST, SCORES, a_visit, answer
from tests.statements import statements

pytestmark = pytest.mark.usefixtures("db")
RIVALS = 20
SHARED = {"consortium_id", "organization_id"}  # all rows of an institution have these


@pytest.fixture(autouse=True)
def _noon(noon: clock.Hands) -> None:
    """Monday, 2026-11-23."""


async def offered(person: Person) -> dict[UUID, bool]:
    found = await surveys.answerable(person.actor, a_desk())
    return {visit.appointment_id: visit.answered for visit in found}


async def test_named_it_says_whose_and_when(settings: Settings) -> None:
    person, visit = await a_visit(settings)
    await answer(person, visit.id, anonymous=False, comment="都好")
    (row,) = await SurveyResponse.all()
    assert (row.appointment_id, row.patient_id) == (visit.id, person.patient_id)
    assert (row.account_id, row.answered_at) == (person.actor.account_id, clock.now())
    assert (row.survey, row.survey_version, row.comment) == ("outpatient", 1, "都好")
    assert row.answers == SCORES
    assert row.organization_id == visit.organization_id


async def test_what_is_offered_says_what_was_answered(settings: Settings) -> None:
    person, seen = await a_visit(settings)
    clinic = await a_clinic(settings)
    _, waiting = await a_visit(settings, person, clinic, days_ago=0, status="checked_in")
    await a_visit(settings, person, clinic, days_ago=-1, status="checked_in")  # not begun
    await a_visit(settings, person, clinic, days_ago=2, status="no_show")
    await a_visit(settings, person, clinic, days_ago=15)
    _, last = await a_visit(settings, person, clinic, days_ago=14)
    await a_visit(settings)  # somebody else's
    await answer(person, seen.id)
    assert await offered(person) == {seen.id: True, waiting.id: False, last.id: False}
    rows = await AuditEvent.filter(action="survey.listed")
    assert {row.patient_id for row in rows} == {person.patient_id}


async def test_a_long_list_costs_as_many_questions_as_a_short_one(settings: Settings) -> None:
    person, clinic = await a_person(settings), await a_clinic(settings)
    costs = []
    for days_ago in range(4):
        await a_visit(settings, person, clinic, days_ago=days_ago)
        await offered(person)  # its place is known
        with statements() as asked:
            assert len(await offered(person)) == days_ago + 1
        costs.append(len(asked))
    assert costs == [costs[0]] * 4


async def test_an_old_visit_may_not_be_answered_for_and_one_that_was_says_so(
    settings: Settings, noon: clock.Hands
) -> None:
    person, visit = await a_visit(settings, days_ago=14)
    _, other = await a_visit(settings, person, status="no_show")
    old = await diary.show(person.actor, a_desk(), visit.id)
    assert await surveys.state_of(person.actor, old) == "open"
    missed = await diary.show(person.actor, a_desk(), other.id)
    assert await surveys.state_of(person.actor, missed) is None
    noon.move(timedelta(days=1))
    assert await surveys.state_of(person.actor, old) is None
    noon.move(timedelta(days=-1))
    await answer(person, visit.id)
    noon.move(timedelta(days=400))
    assert await surveys.state_of(person.actor, old) == "answered"


@pytest.mark.parametrize(
    "facts",
    [
        {"status": "no_show"},
        {"status": "cancelled"},
        {"status": "booked", "days_ago": 0},
        {"days_ago": 15},
        {"days_ago": -1, "status": "checked_in"},
    ],
)
async def test_only_a_visit_of_late_is_answered_for(
    settings: Settings, facts: dict[str, Any]
) -> None:
    person, visit = await a_visit(settings, **facts)
    with pytest.raises(NotAnswerable):
        await answer(person, visit.id)
    assert await SurveyMark.all().count() == await SurveyResponse.all().count() == 0


async def test_whoever_may_not_act_for_them_finds_nothing(settings: Settings) -> None:
    person, visit = await a_visit(settings)
    outsider = await a_person(settings, "赵强")
    viewer = Person(await a_carer(settings, person.patient_id, "view"), person.patient_id)
    for somebody in (outsider, viewer):
        with pytest.raises(NotFound):
            await answer(somebody, visit.id)
        assert await offered(somebody) == {}
    with pytest.raises(NotFound):
        await answer(person, uuid4())
    daughter = Person(await a_carer(settings, person.patient_id, "book"), person.patient_id)
    await answer(daughter, visit.id)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"privacy": None}, "answers.privacy"),
        ({"registration": "na"}, "answers.registration"),
        ({"signs": "F"}, "answers.signs"),
        ({"food": "A"}, "answers.food"),
    ],
)
async def test_a_wrong_answer_names_its_question(
    settings: Settings, change: dict[str, Any], field: str
) -> None:
    person, visit = await a_visit(settings)
    answers = {name: letter for name, letter in (BEST | change).items() if letter}
    with pytest.raises(Malformed) as refused:
        await answer(person, visit.id, answers=answers)
    assert refused.value.extra == {"field": field}
    with pytest.raises(Malformed) as refused:
        await answer(person, visit.id, comment="长" * 301)
    assert refused.value.extra == {"field": "comment"}


def test_scores_stand_in_the_surveys_order_and_not_in_the_phones() -> None:
    backwards = dict(reversed(BEST.items()))
    scores = surveys.scored(outpatient(), Given(uuid4(), True, backwards))
    assert list(scores.items()) == list(SCORES.items())


async def test_of_many_at_once_one_is_counted(settings: Settings) -> None:
    person, visit = await a_visit(settings)
    actors = [await a_carer(settings, person.patient_id, "book") for _ in range(RIVALS)]
    results = await asyncio.gather(
        *(
            answer(Person(actor, person.patient_id), visit.id, anonymous=number % 2 == 0)
            for number, actor in enumerate(actors)
        ),
        return_exceptions=True,
    )
    told = Counter(type(result) for result in results)
    assert told == {type(None): 1, AlreadyAnswered: RIVALS - 1}
    assert await SurveyResponse.all().count() == await SurveyMark.all().count() == 1


async def test_a_part_of_a_link_is_refused_and_nothing_is_changed(settings: Settings) -> None:
    person, visit = await a_visit(settings)
    await answer(person, visit.id)
    (row,) = await SurveyResponse.all()
    facts = {name: getattr(row, name) for name in row._meta.db_fields} | {"id": uuid4()}
    with pytest.raises(BaseORMException, match="survey_response_whole"):
        await SurveyResponse.create(**facts | {"account_id": uuid4()})
    for change in (
        SurveyResponse.all().update(comment="别的"),
        SurveyMark.all().update(appointment_id=uuid4()),
        SurveyMark.all().delete(),
    ):
        with pytest.raises(Exception, match=r"append-only|is not changed"):
            await change


# --- an anonymous answer ---


async def test_nothing_joins_an_anonymous_answer_to_anything(settings: Settings) -> None:
    """No value in it stands in any other row, but for those that the whole institution shares."""
    person, visit = await a_visit(settings)
    await answer(person, visit.id, comment="一句只在这里的话")
    (row,) = await SurveyResponse.all()
    told = {name: getattr(row, name) for name in row._meta.db_fields}
    assert {name for name, value in told.items() if value is None} == {
        "appointment_id", "patient_id", "account_id", "answered_at",
    }  # fmt: skip
    assert row.week_on == date(2026, 11, 23)
    assert row.id.version == 4  # no time in it
    assert row.answers == SCORES
    own = {str(value) for name, value in told.items() if value and name not in SHARED}
    own -= {"outpatient", "1", str(row.week_on)}
    own.add("一句只在这里的话")
    elsewhere = []
    for table, model in Tortoise.apps["jiamenkou"].items():
        for other in await model.all():
            if table != "SurveyResponse":
                elsewhere.append(
                    str({name: getattr(other, name) for name in other._meta.db_fields})
                )
    assert [word for word in own if any(word in text for text in elsewhere)] == []
    assert any(str(visit.id) in text for text in elsewhere)  # it did look


async def test_after_the_night_neither_place_nor_transaction_tells(settings: Settings) -> None:
    clinic, visits = await a_clinic(settings), []
    for _ in range(RIVALS):
        visits.append(await a_visit(settings, clinic=clinic))
    for number, (person, visit) in enumerate(visits):
        await answer(person, visit.id, comment=str(number))
    before = await places("survey_response")
    assert [row["comment"] for row in before] == [str(number) for number in range(RIVALS)]

    assert await mixing.mix(settings.consortium_id) == RIVALS

    after = await places("survey_response")
    assert [row["id"] for row in after] == sorted(row["id"] for row in after)
    assert {row["comment"] for row in after} == {row["comment"] for row in before}
    assert not {row["id"] for row in after} & {row["id"] for row in before}
    made = {row["made"] for row in after}
    assert made.isdisjoint(row["made"] for row in await places("survey_mark"))
    assert len(made) == (RIVALS if db.is_sqlite() else 1)
    assert await mixing.mix(settings.consortium_id) == RIVALS
    assert await SurveyResponse.all().count() == RIVALS


async def places(table: str) -> list[Any]:
    """Rows as they stand in the table, with what tells of the transaction that wrote them."""
    stands, made = ("rowid", "id") if db.is_sqlite() else ("ctid", "xmin::text")
    comment = "comment" if table == "survey_response" else "''"
    return await db.fetch(
        f"SELECT id, {comment} AS comment, {made} AS made FROM {table} ORDER BY {stands}"
    )


async def test_answers_that_come_meanwhile_are_neither_lost_nor_doubled(
    settings: Settings,
) -> None:
    clinic = await a_clinic(settings)
    visits = [await a_visit(settings, clinic=clinic) for _ in range(RIVALS)]
    early, late = visits[: RIVALS // 2], visits[RIVALS // 2 :]
    for person, visit in early:
        await answer(person, visit.id, comment=str(visit.id))
    await asyncio.gather(
        *(mixing.mix(settings.consortium_id) for _ in range(RIVALS)),
        *(answer(person, visit.id, comment=str(visit.id)) for person, visit in late),
    )
    told = await SurveyResponse.all().values_list("comment", flat=True)
    assert sorted(told) == sorted(str(visit.id) for _, visit in visits)  # type: ignore[type-var]


async def test_named_answers_and_old_ones_stay_as_they_are(
    settings: Settings, noon: clock.Hands
) -> None:
    person, visit = await a_visit(settings)
    await answer(person, visit.id, anonymous=False)
    other, seen = await a_visit(settings)
    await answer(other, seen.id)
    assert await mixing.mix(settings.consortium_id) == 1
    before = {row.id for row in await SurveyResponse.all()}
    noon.move(mixing.MIXED)
    assert await mixing.mix(settings.consortium_id) == 0
    assert {row.id for row in await SurveyResponse.all()} == before


# --- one's own data ---


async def test_one_takes_along_what_is_named_and_that_the_rest_was_answered(
    settings: Settings,
) -> None:
    person, first = await a_visit(settings)
    _, second = await a_visit(settings, person, days_ago=2)
    await answer(person, first.id, anonymous=False, comment="记名的话")
    await answer(person, second.id, comment="不记名的话")
    await Account.all().update(openid_sealed="")
    await Patient.all().update(id_sealed="")
    found = await exporting.export(person.actor, vault_of(settings))
    assert [row["comment"] for row in found["survey_response"]] == ["记名的话"]
    assert {row["appointment_id"] for row in found["survey_mark"]} == {first.id, second.id}


async def test_with_the_account_goes_what_is_named_and_the_mark_stays(settings: Settings) -> None:
    person, first = await a_visit(settings)
    _, second = await a_visit(settings, person, days_ago=2)
    await answer(person, first.id, anonymous=False, comment="记名的话")
    await answer(person, second.id, comment="不记名的话")
    await erasing.erase(person.actor)
    assert [row.comment for row in await SurveyResponse.all()] == ["不记名的话"]
    assert await SurveyMark.all().count() == 2
