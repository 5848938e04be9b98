"""Due times, pauses and levels: whatever the tables say, somebody is asked, and in bounded time."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend import clock
from backend.chat import duty_policy, levels
from backend.chat.duty_policy import BUILT_IN, LEVELS, PRIORITIES, DutyPolicy, Rule
from backend.chat.levels import Asker, DutyTable, Institution, Leave, OnCall
from backend.chat.working_time import AHEAD_DAYS, USUAL, Hours, day_end, later, works_within
from backend.errors import Malformed

MINUTE = timedelta(minutes=1)


def china(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+08:00").astimezone(UTC)


@pytest.mark.parametrize(
    ("priority", "asked", "due"),
    [
        ("I", "2026-11-23T12:00", "2026-11-23T12:02"),
        ("I", "2026-10-01T03:00", "2026-10-01T03:02"),  # National Day, at night
        ("II", "2026-11-28T23:55", "2026-11-29T00:05"),
        ("III", "2026-11-28T02:00", "2026-11-28T02:30"),
        ("IV", "2026-11-23T09:00", "2026-11-23T17:30"),  # a Monday
        ("IV", "2026-11-23T12:30", "2026-11-23T17:30"),  # at noon, when the office is shut
        ("IV", "2026-11-23T17:00", "2026-11-24T08:30"),  # half an hour left, half the next day
        ("IV", "2026-11-23T20:00", "2026-11-24T17:30"),
        ("IV", "2026-11-27T20:00", "2026-11-30T17:30"),  # Friday evening
        ("IV", "2026-09-30T20:00", "2026-10-08T17:30"),  # the National Day's week
        ("IV", "2026-10-10T09:00", "2026-10-10T17:30"),  # a Saturday that is worked
    ],
)
def test_until_when_somebody_must_answer(priority: str, asked: str, due: str) -> None:
    assert duty_policy.first_due_at(BUILT_IN, priority, china(asked), USUAL) == china(due)


def test_a_night_that_pauses_and_hours_that_never_come() -> None:
    rules = BUILT_IN.rules | {"III": Rule(first_min=30, step_min=15, silent_min=15, pauses="night")}
    quiet = msgspec.structs.replace(BUILT_IN, rules=rules)
    duty_policy.check(quiet)
    for asked, due in (("21:45", "2026-11-24T06:15"), ("03:00", "2026-11-24T06:30")):
        day = "2026-11-23" if asked == "21:45" else "2026-11-24"
        assert duty_policy.first_due_at(quiet, "III", china(f"{day}T{asked}"), ()) == china(due)
    never = china("2026-11-23T09:00")
    assert duty_policy.first_due_at(BUILT_IN, "IV", never, ()) == never + timedelta(hours=24)


@pytest.mark.parametrize(
    ("priority", "changes", "field"),
    [
        ("I", {"pauses": "night"}, "rules.I.pauses"),
        ("II", {"pauses": "closed"}, "rules.II.pauses"),
        ("III", {"pauses": "closed"}, "rules.III.pauses"),
        ("II", {"first_min": 11}, "rules.II.first_min"),
        ("I", {"first_min": None}, "rules.I.first_min"),
        ("III", {"silent_min": 31}, "rules.III.step_min"),
    ],
)
def test_no_institution_may_set_these(
    priority: str, changes: dict[str, object], field: str
) -> None:
    rule = msgspec.structs.replace(BUILT_IN.rules[priority], **changes)  # type: ignore[index]
    with pytest.raises(Malformed) as refused:
        duty_policy.check(
            msgspec.structs.replace(BUILT_IN, rules=BUILT_IN.rules | {priority: rule})
        )
    assert refused.value.extra["field"] == field
    with pytest.raises(Malformed):
        duty_policy.check(msgspec.structs.replace(BUILT_IN, rules={}))


def test_working_time_counts_to_the_minute() -> None:
    noon = china("2026-11-23T12:00")
    assert not works_within(USUAL, noon, noon)
    assert works_within(USUAL, noon, noon + timedelta(hours=2))
    assert later(USUAL, china("2026-11-23T11:59"), 2) == china("2026-11-23T14:01")
    whole_day = (Hours(1, 0, 24 * 60),)
    assert day_end(whole_day, noon) == china("2026-11-24T00:00")


HOME, TOWN, COUNTY = uuid4(), uuid4(), uuid4()
WANG, LI, ZHAO, SUN = (uuid4() for _ in range(4))
MORNING = china("2026-11-23T09:00")
NIGHT = china("2026-11-23T23:00")


def a_table(**changes: object) -> DutyTable:
    """A village clinic (王), its township (李, on call at night 赵), the county (on call 孙)."""
    always = (date(2026, 1, 1), date(2026, 12, 31))
    spans = [(clock.at(always[0], clock.now().time()), clock.at(always[1], clock.now().time()))]
    (start, end) = spans[0]
    table = DutyTable(
        {
            HOME: Institution("village", TOWN, USUAL, frozenset({WANG, LI})),
            TOWN: Institution(
                "township", COUNTY, USUAL, frozenset({LI, ZHAO}), (OnCall(ZHAO, start, end),)
            ),
            COUNTY: Institution(
                "county", None, USUAL, frozenset({SUN}), (OnCall(SUN, start, end),)
            ),
        },
        {},
        {},
    )
    return msgspec.structs.replace(table, **changes)


def asked(
    table: DutyTable, priority: str = "II", at: datetime = MORNING, **how: object
) -> levels.Wait:
    return levels.begin(BUILT_IN, table, Asker(HOME, WANG), priority, at, **how)  # type: ignore[arg-type]


def test_the_family_doctor_then_whoever_stands_in_then_the_team() -> None:
    day = MORNING.date()
    assert asked(a_table()).route == levels.Route("contract", HOME, WANG)
    stood_in = a_table(leaves={WANG: (Leave(day, day, LI),)})
    assert asked(stood_in).route == levels.Route("contract", HOME, LI)
    alone = a_table(leaves={WANG: (Leave(day, day, None),)})
    assert asked(alone).route == levels.Route("team", HOME, None, ("contract:on_leave",))
    circle = a_table(leaves={WANG: (Leave(day, day, LI),), LI: (Leave(day, day, WANG),)})
    assert asked(circle).route.level == "township"


def test_at_night_whoever_is_on_call_unless_it_can_wait_for_the_morning() -> None:
    urgent = asked(a_table(), "II", NIGHT).route
    assert urgent == levels.Route(
        "township", TOWN, ZHAO, ("contract:not_at_work", "team:nobody_at_work")
    )
    assert asked(a_table(), "IV", NIGHT).route == levels.Route("contract", HOME, WANG)


def test_who_was_silent_is_not_asked_again_and_without_contract_the_place_counts() -> None:
    assert asked(a_table(), but=frozenset({WANG})).route.level == "team"
    nobody = levels.begin(BUILT_IN, a_table(), Asker(None, None), "III", MORNING).route
    assert (nobody.level, nobody.organization_id) == ("county", COUNTY)
    empty = DutyTable({}, {}, {})
    last = levels.begin(BUILT_IN, empty, Asker(HOME, WANG), "III", MORNING).route
    assert (last.level, last.organization_id) == ("worklist", HOME)


weeks = st.lists(
    st.builds(
        lambda day, start, length: Hours(day, start, min(start + length, 24 * 60)),
        st.integers(1, 7), st.integers(0, 24 * 60 - 1), st.integers(1, 24 * 60),
    ),
    max_size=6,
).map(tuple)  # fmt: skip
doctors = st.sampled_from([WANG, LI, ZHAO, SUN])
days = st.integers(0, 400).map(lambda ahead: date(2026, 1, 1) + timedelta(days=ahead))
leaves = st.builds(
    lambda first, length, substitute: Leave(first, first + timedelta(days=length), substitute),
    days, st.integers(0, 60), st.none() | doctors,
)  # fmt: skip
instants = st.integers(0, 400 * 24 * 60).map(
    lambda ahead: china("2026-01-01T00:00") + ahead * MINUTE
)
on_call = st.builds(
    lambda who, start, length: OnCall(who, start, start + length * MINUTE),
    doctors, instants, st.integers(1, 3 * 24 * 60),
)  # fmt: skip
institutions = st.builds(
    Institution,
    tier=st.sampled_from(["county", "township", "village"]),
    parent_id=st.none() | st.sampled_from([HOME, TOWN, COUNTY]),
    week=weeks,
    doctors=st.frozensets(doctors),
    on_call=st.lists(on_call, max_size=3).map(tuple),
)
tables = st.builds(
    DutyTable,
    institutions=st.dictionaries(st.sampled_from([HOME, TOWN, COUNTY]), institutions),
    weeks=st.dictionaries(st.tuples(st.sampled_from([HOME, TOWN, COUNTY]), doctors), weeks),
    leaves=st.dictionaries(doctors, st.lists(leaves, max_size=3).map(tuple)),
)
askers = st.builds(Asker, st.none() | st.just(HOME), st.none() | doctors)
LONGEST = timedelta(days=AHEAD_DAYS + 1)  # of one level, with the longest of holidays


@settings(max_examples=60, deadline=None)
@given(st.lists(tables, min_size=1, max_size=5), askers, st.sampled_from(PRIORITIES), instants,
       st.data())  # fmt: skip
def test_nobody_waits_for_ever(
    changing: list[DutyTable], asker: Asker, priority: str, at: datetime, data: st.DataObject
) -> None:
    """The tables change at every step, everybody is silent, some have claimed and said nothing:
    it always has a level and a due time, and never needs more steps than there are levels."""
    wait = levels.begin(BUILT_IN, changing[0], asker, priority, at)
    silent: frozenset[UUID] = frozenset()
    for step in range(len(LEVELS)):
        assert wait.route.level in LEVELS
        assert at < wait.due_at <= at + LONGEST
        if wait.route.level == "worklist":
            break
        if data.draw(st.booleans()):
            silent |= {data.draw(doctors)}
        at, before = wait.due_at, LEVELS.index(wait.route.level)
        table = changing[(step + 1) % len(changing)]
        wait = levels.go_on(
            BUILT_IN, table, asker, priority, at, level=wait.route.level, but=silent
        )
        assert LEVELS.index(wait.route.level) > before
        assert not silent & {wait.route.practitioner_id}
    assert wait.route.level == "worklist"
    again = levels.go_on(BUILT_IN, changing[0], asker, priority, at, level="worklist")
    assert again.route.level == "worklist"
    assert again.due_at > at


def test_numbers_are_read_strictly() -> None:
    text = msgspec.json.encode(BUILT_IN)
    assert msgspec.json.decode(text, type=DutyPolicy) == BUILT_IN
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(text.replace(b'"step_min":2', b'"step_min":0'), type=DutyPolicy)
