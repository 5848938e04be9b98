"""Pure: overlaps and ways between institutions, as a table."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from backend.roster.clashes import Clash, Stand, clash, clashes, travel_min

COUNTY, TOWNSHIP = UUID(int=1), UUID(int=2)
HEART, LUNGS, GENERAL = UUID(int=11), UUID(int=12), UUID(int=21)


def stand(place: UUID, room: UUID, starts: str, ends: str, kind: str = "expert") -> Stand:
    at = [
        datetime.fromisoformat(f"2026-11-25T{text}").replace(tzinfo=UTC) for text in (starts, ends)
    ]
    return Stand(place, room, kind, at[0], at[1], f"{starts}–{ends} {room.int}")


@pytest.mark.parametrize(
    ("km", "minutes"),
    [(None, 30), (0.0, 30), (9.9, 30), (10.0, 30), (10.1, 31), (20.0, 45), (40.0, 75)],
)
def test_the_way_is_40_km_an_hour_and_a_quarter_more(km: float | None, minutes: int) -> None:
    assert travel_min(km) == minutes


@pytest.mark.parametrize(
    ("first", "second", "km", "found"),
    [
        # in one department several 号别 run side by side, the same one not twice
        ((HEART, "08:00", "11:30", "expert"), (HEART, "08:00", "11:30", "disease"), 0, None),
        ((HEART, "08:00", "11:30", "expert"), (HEART, "11:00", "12:00", "expert"), 0, (0, -30)),
        ((HEART, "08:00", "11:30", "expert"), (HEART, "11:30", "12:00", "expert"), 0, None),
        # two departments of one house: no way, but no overlap either
        ((HEART, "08:00", "11:30", "expert"), (LUNGS, "11:30", "12:00", "expert"), 0, None),
        ((HEART, "08:00", "11:30", "expert"), (LUNGS, "11:00", "12:00", "general"), 0, (0, -30)),
        # two institutions 20 km apart: 45 minutes
        ((HEART, "08:00", "11:30", "expert"), (GENERAL, "14:00", "16:00", "outreach"), 20, None),
        ((HEART, "08:00", "11:30", "expert"), (GENERAL, "12:15", "13:00", "outreach"), 20, None),
        ((HEART, "08:00", "11:30", "expert"), (GENERAL, "12:14", "13:00", "outreach"), 20,
         (45, 44)),
        ((HEART, "08:00", "11:30", "expert"), (GENERAL, "09:00", "10:00", "outreach"), 20,
         (45, -150)),
        # nobody knows how far: half an hour
        ((HEART, "08:00", "11:30", "expert"), (GENERAL, "11:45", "13:00", "outreach"), None,
         (30, 15)),
    ],
)  # fmt: skip
def test_what_one_doctor_cannot_hold(
    first: tuple[UUID, str, str, str],
    second: tuple[UUID, str, str, str],
    km: float | None,
    found: tuple[int, int] | None,
) -> None:
    one, other = (
        stand(TOWNSHIP if room is GENERAL else COUNTY, room, starts, ends, kind)
        for room, starts, ends, kind in (first, second)
    )
    ways = {(TOWNSHIP, COUNTY): km}
    for pair in ((one, other), (other, one)):
        clashed = clash(*pair, ways)
        assert (clashed and (clashed.needs_min, clashed.has_min)) == found


def test_both_schedules_are_named() -> None:
    morning = stand(COUNTY, HEART, "08:00", "11:30")
    noon = stand(TOWNSHIP, GENERAL, "12:00", "13:00")
    [found] = clashes([noon], [morning], {(COUNTY, TOWNSHIP): 30.0})
    assert found == Clash(morning, noon, 60, 30)
    assert morning.words in found.words
    assert noon.words in found.words
    assert "相隔 30 分钟，路上需要 60 分钟" in found.words
    [overlap] = clashes([morning], [stand(COUNTY, LUNGS, "08:00", "09:00")], {})
    assert overlap.words.endswith("时间重叠")


def test_what_is_wanted_may_clash_with_itself() -> None:
    twice = [stand(COUNTY, HEART, "08:00", "11:30"), stand(COUNTY, LUNGS, "09:00", "10:00")]
    assert len(list(clashes(twice, [], {}))) == 1
