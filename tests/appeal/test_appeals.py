"""申诉: once, in time, decided by those who may, with the restriction following at once."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from backend import clock
from backend.appeal import appeals, policy, records
from backend.appeal.appeals import Case
from backend.appeal.errors import (
    AlreadyAppealed,
    AlreadyDecided,
    AppealTooLate,
    NothingToAppeal,
)
from backend.appeal.models import Appeal
from backend.audit import AuditEvent
from backend.booking import standing
from backend.booking.models import Appointment, AppointmentEvent, Restriction
from backend.booking.policy import COUNTY
from backend.errors import NotFound
from backend.inbox import messages
from backend.settings import Settings
from tests.booking.test_standing import DAY, missed, review
from tests.clinics import Clinic, a_clinic, a_desk
from tests.people import Person, a_person, a_receipt, a_staff

pytestmark = pytest.mark.usefixtures("db")
RIVALS = 20


@pytest.fixture(autouse=True)
def _noon(noon: clock.Hands) -> None:
    """Every test here happens at the stopped noon."""


async def appeal(person: Person, appointment_id: UUID, *, reason: str = "发烧住院了") -> Case:
    return await appeals.appeal(
        person.actor, a_desk(), appointment_id, reason=reason, receipt=a_receipt(person.actor)
    )


async def barred(settings: Settings, *, times: int = 3) -> tuple[Person, Clinic, list[Appointment]]:
    person, hospital = await a_person(settings), await a_clinic(settings, tier="county")
    rows = [await missed(settings, hospital, person, days_ago=ago) for ago in range(1, times + 1)]
    await review(settings, person)
    return person, hospital, rows


async def restriction(person: Person) -> Restriction | None:
    return await standing.restriction_of(person.patient_id, "expert")


@pytest.mark.parametrize(
    ("made", "due"),
    [
        ("2026-11-23", "2026-11-30"),  # Monday → Monday
        ("2026-11-27", "2026-12-04"),  # Friday
        ("2026-11-28", "2026-12-04"),  # Saturday
        ("2026-09-30", "2026-10-13"),  # the National Day's week, and Saturday 10-10 is worked
    ],
)
def test_it_is_due_at_the_end_of_the_fifth_working_day(made: str, due: str) -> None:
    at = datetime.fromisoformat(f"{made}T04:00:00+00:00")
    assert policy.due_at(at) == datetime.fromisoformat(f"{due}T09:30:00+00:00").astimezone(UTC)


def test_each_state_has_an_exit_or_is_an_end() -> None:
    exits = policy.STATES
    assert set(exits) == {"open", "granted", "refused"}
    assert {to for ways in exits.values() for to in ways} <= set(exits)
    assert exits[policy.OPEN]


async def test_granted_it_counts_no_more_and_the_restriction_is_lifted(settings: Settings) -> None:
    person, hospital, rows = await barred(settings)
    assert await restriction(person)
    case = await appeal(person, rows[0].id)
    admin = a_staff(settings, "institution_admin", hospital.organization)
    assert [one.id for one in await appeals.worklist(admin, a_desk())] == [case.id]
    await appeals.decide(admin, case.id, granted=True, decision="有住院证明")
    row = await Appointment.get(id=rows[0].id)
    assert row.status == "excused"
    event = await AppointmentEvent.get(appointment_id=row.id)
    assert (event.action, event.from_status, event.to_status, event.reason, event.actor_id) == (
        "excuse", "no_show", "excused", "有住院证明", admin.id,
    )  # fmt: skip
    assert await restriction(person) is None
    lifted = await Restriction.get(patient_id=person.patient_id)
    assert lifted.lifted_at is not None
    assert await AuditEvent.filter(action="appeal.granted", actor_id=admin.id).exists()
    (told,) = await messages.list_of(person.actor, a_desk(), unread=True, after=None, most=9)
    assert (told.kind, told.about, told.words.page) == (
        "appeal_granted", person.patient_id, "pages/standing/standing",
    )  # fmt: skip
    assert await appeals.worklist(admin, a_desk()) == []
    (done,) = await appeals.worklist(admin, a_desk(), state="decided")
    assert (done.state, done.decision, done.charge) == ("granted", "有住院证明", None)


async def test_what_is_left_may_still_bar_for_a_shorter_time(settings: Settings) -> None:
    person, _hospital, rows = await barred(settings, times=4)
    before = await restriction(person)
    case = await appeal(person, rows[0].id)  # the latest one
    admin = a_staff(settings, "consortium_admin")
    await appeals.decide(admin, case.id, granted=True, decision="有证明")
    after = await restriction(person)
    assert before
    assert after
    assert before.until_at - after.until_at == DAY


async def test_a_late_cancellation_can_be_taken_back(settings: Settings) -> None:
    person, hospital = await a_person(settings), await a_clinic(settings, tier="county")
    row = await missed(
        settings, hospital, person, status="cancelled", cancelled_by="patient", late_cancel=True
    )
    case = await appeal(person, row.id)
    assert case.charge == "late_cancel"
    admin = a_staff(settings, "institution_admin", hospital.organization)
    await appeals.decide(admin, case.id, granted=True, decision="班车停运")
    row = await Appointment.get(id=row.id)
    assert (row.status, row.late_cancel) == ("cancelled", False)
    assert await standing.deeds(settings.consortium_id, person.patient_id) == []


async def test_refused_everything_stays_and_the_reason_is_read(settings: Settings) -> None:
    person, hospital, rows = await barred(settings)
    case = await appeal(person, rows[0].id)
    admin = a_staff(settings, "institution_admin", hospital.organization)
    await appeals.decide(admin, case.id, granted=False, decision="没有证明材料")
    assert await restriction(person)
    assert (await Appointment.get(id=rows[0].id)).status == "no_show"
    (mine,) = await appeals.mine(person.actor, a_desk())
    assert (mine.state, mine.decision) == ("refused", "没有证明材料")
    with pytest.raises(AlreadyDecided):
        await appeals.decide(admin, case.id, granted=True, decision="又找到了")
    with pytest.raises(AlreadyAppealed):
        await appeal(person, rows[0].id)


async def test_only_what_counts_can_be_appealed_and_only_for_thirty_days(
    settings: Settings, noon: clock.Hands
) -> None:
    person, hospital = await a_person(settings), await a_clinic(settings)
    kept = await missed(settings, hospital, person, status="fulfilled")
    by_provider = await missed(
        settings, hospital, person, days_ago=2, status="cancelled", cancelled_by="provider",
        late_cancel=True,
    )  # fmt: skip
    for row in (kept, by_provider):
        with pytest.raises(NothingToAppeal):
            await appeal(person, row.id)
    row = await missed(settings, hospital, person, days_ago=3)
    noon.set(row.changed_at + 30 * DAY + timedelta(seconds=1))
    with pytest.raises(AppealTooLate):
        await appeal(person, row.id)
    noon.set(row.changed_at + 30 * DAY)
    assert (await appeal(person, row.id)).state == "open"


async def test_outsiders_get_404(settings: Settings) -> None:
    person, hospital, rows = await barred(settings)
    stranger, elsewhere = await a_person(settings), await a_clinic(settings)
    with pytest.raises(NotFound):
        await appeal(stranger, rows[0].id)
    with pytest.raises(NotFound):
        await records.record(stranger.actor, a_desk(), person.patient_id)
    case = await appeal(person, rows[0].id)
    assert await appeals.mine(stranger.actor, a_desk()) == []
    for who in (
        a_staff(settings, "institution_admin", elsewhere.organization),
        a_staff(settings, "doctor", hospital.organization),
        a_staff(settings, "auditor"),
        person.actor,
    ):
        with pytest.raises(NotFound):
            await appeals.decide(who, case.id, granted=True, decision="好")
        with pytest.raises(NotFound):
            await appeals.show(who, a_desk(), case.id)
    other = a_staff(settings, "institution_admin", elsewhere.organization)
    assert await appeals.worklist(other, a_desk()) == []
    with pytest.raises(NotFound):
        await appeals.decide(a_staff(settings, "consortium_admin"), uuid4(), granted=True,
                             decision="好")  # fmt: skip
    assert (await Appeal.get(id=case.id)).state == "open"


async def test_of_twenty_appeals_at_once_one_is_made(settings: Settings) -> None:
    person, _, rows = await barred(settings)
    results = await asyncio.gather(
        *(appeal(person, rows[0].id) for _ in range(RIVALS)), return_exceptions=True
    )
    assert sum(isinstance(one, Case) for one in results) == 1
    assert sum(isinstance(one, AlreadyAppealed) for one in results) == RIVALS - 1
    assert await Appeal.filter(appointment_id=rows[0].id).count() == 1


async def test_twenty_decisions_at_once_are_one_and_see_each_other(settings: Settings) -> None:
    """Twenty of 22 no-shows are excused at the same time: the last one lifts the restriction."""
    person, hospital, rows = await barred(settings, times=RIVALS + 2)
    admin = a_staff(settings, "institution_admin", hospital.organization)
    cases = [await appeal(person, row.id) for row in rows[:RIVALS]]
    await asyncio.gather(
        *(appeals.decide(admin, case.id, granted=True, decision="大雪") for case in cases)
    )
    assert len(await standing.deeds(settings.consortium_id, person.patient_id)) == 2
    assert await restriction(person) is None
    late = await asyncio.gather(
        *(appeals.decide(admin, cases[0].id, granted=False, decision="不") for _ in range(RIVALS)),
        return_exceptions=True,
    )
    assert all(isinstance(one, AlreadyDecided) for one in late)


async def test_the_overdue_ones_stand_first(settings: Settings, noon: clock.Hands) -> None:
    person, hospital, rows = await barred(settings)
    first = await appeal(person, rows[0].id)
    noon.move(timedelta(days=2))
    second = await appeal(person, rows[1].id)
    noon.move(timedelta(days=6))
    admin = a_staff(settings, "institution_admin", hospital.organization)
    listed = await appeals.worklist(admin, a_desk())
    assert [(one.id, one.overdue) for one in listed] == [(first.id, True), (second.id, False)]


async def test_the_record_says_the_rule_then_what_counts_and_what_can_be_appealed(
    settings: Settings, noon: clock.Hands
) -> None:
    person, _hospital, rows = await barred(settings)
    await appeal(person, rows[0].id)
    noon.set(rows[1].changed_at + 30 * DAY)
    found = await records.record(person.actor, a_desk(), person.patient_id)
    assert found.policy == COUNTY
    assert found.rule_lines[0].startswith("就诊前一天")
    by_id = {line.deed.appointment_id: line for line in found.lines}
    assert [by_id[row.id].appeal_state for row in rows] == ["open", None, None]
    assert by_id[rows[0].id].appeal_until is None
    assert by_id[rows[1].id].appeal_until == clock.now()
    assert by_id[rows[2].id].appeal_until is None  # 31 days ago
    assert found.restriction
    assert found.count("no_shows") == 3
