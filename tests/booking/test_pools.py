"""How places are split among pools, which rule holds, and when its places open and flow back."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.booking import pools
from backend.booking.policy import COUNTY, TOWNSHIP
from backend.booking.pools import FAMILY_DOCTOR, KEPT, ONSITE, PUBLIC, REFERRAL, Rule

DAY = date(2026, 12, 10)
HOSPITAL, OTHER = uuid4(), uuid4()


def a_rule(pool: str = REFERRAL, share: int = 20, **changes: Any) -> Rule:
    return Rule(pool=pool, share=share, **({"opens_days": 14} | changes))


def shares(**percent: int) -> dict[str, Rule]:
    return {pool: a_rule(pool, share) for pool, share in percent.items()}


some_shares = st.fixed_dictionaries({}, optional={pool: st.integers(0, 100) for pool in KEPT})


@settings(max_examples=60)
@given(st.integers(0, 12), st.integers(0, 40), some_shares)
def test_every_share_holds_over_the_schedule_and_no_slot_has_more_than_its_places(
    capacity: int, slots: int, percent: dict[str, int]
) -> None:
    places = pools.split(capacity, slots, shares(**percent))
    assert all(len(row) == slots and min(row, default=0) >= 0 for row in places.values())
    for number in range(slots):
        assert sum(row[number] for row in places.values()) == capacity
    total, whole = capacity * slots, max(100, sum(percent.values()))
    for pool, row in places.items():
        share = percent[pool] if pool in percent else whole - sum(percent.values())
        assert abs(sum(row) - total * share / whole) < 1, pool


@settings(max_examples=60)
@given(st.integers(1, 8), st.integers(2, 30), st.integers(1, 60))
def test_what_is_kept_is_spread_over_the_day(capacity: int, slots: int, share: int) -> None:
    row = pools.split(capacity, slots, shares(referral=share))[REFERRAL]
    so_far = 0
    for number, places in enumerate(row, start=1):
        so_far += places
        assert abs(so_far - sum(row) * number / slots) <= 1


def test_thirty_percent_of_an_experts_morning() -> None:
    built_in = pools.built_in("county", "expert", COUNTY)
    places = pools.split(2, 10, built_in)
    assert {pool: sum(row) for pool, row in places.items()} == {
        PUBLIC: 14, REFERRAL: 3, FAMILY_DOCTOR: 3,
    }  # fmt: skip
    assert {places[pool][number] for pool in (REFERRAL, FAMILY_DOCTOR) for number in (0, 9)} == {0}


def test_only_a_county_hospitals_experts_keep_places_without_a_rule() -> None:
    for tier, kind, policy in (
        ("county", "general", COUNTY),
        ("county", "disease", COUNTY),
        ("township", "expert", TOWNSHIP),
    ):
        assert pools.in_force([], HOSPITAL, tier, kind, DAY, policy) == {}
        assert pools.split(3, 4, {}) == {PUBLIC: [3, 3, 3, 3]}


@pytest.mark.parametrize(
    ("rules", "share"),
    [
        ([], 15),
        ([a_rule(share=10)], 10),
        ([a_rule(share=10), a_rule(share=11, kind="expert")], 11),
        ([a_rule(share=11, kind="expert"), a_rule(share=12, organization_id=HOSPITAL)], 12),
        ([a_rule(share=9, organization_id=HOSPITAL, kind="expert"),
          a_rule(share=12, organization_id=HOSPITAL)], 9),
        ([a_rule(share=40, organization_id=OTHER), a_rule(share=41, kind="general")], 15),
        ([a_rule(share=10, effective_from=date(2026, 1, 1)),
          a_rule(share=30, effective_from=date(2026, 12, 10))], 30),
        ([a_rule(share=30, effective_from=date(2026, 12, 11))], 15),
        ([a_rule(share=30, ended_on=date(2026, 12, 10))], 30),
        ([a_rule(share=30, ended_on=date(2026, 12, 9))], 15),
        ([a_rule(share=0)], 0),
    ],
)  # fmt: skip
def test_the_narrowest_rule_in_force_holds(rules: list[Rule], share: int) -> None:
    def found(these: list[Rule]) -> Rule:
        return pools.in_force(these, HOSPITAL, "county", "expert", DAY, COUNTY)[REFERRAL]

    assert found(rules).share == found(rules[::-1]).share == share


def test_a_rule_for_one_pool_leaves_the_others_alone() -> None:
    onsite = a_rule(ONSITE, 10, opens_days=0)
    found = pools.in_force([onsite], HOSPITAL, "county", "expert", DAY, COUNTY)
    assert {pool: rule.share for pool, rule in found.items()} == {
        REFERRAL: 15, FAMILY_DOCTOR: 15, ONSITE: 10,
    }  # fmt: skip
    assert found[REFERRAL].label == "built-in-pools@1"


def test_the_built_in_ones_open_a_week_before_the_public_and_flow_back_the_evening_before() -> None:
    rule = pools.built_in("county", "expert", COUNTY)[FAMILY_DOCTOR]
    assert pools.opens_at(rule, DAY) == datetime(2026, 11, 25, 23, 0, tzinfo=UTC)
    assert pools.returns_at(rule, DAY) == datetime(2026, 12, 9, 10, 0, tzinfo=UTC)


def test_what_is_kept_for_the_desk_never_flows_back_before_the_day() -> None:
    rule = a_rule(ONSITE, returns_days=3, returns_time="10:00")
    assert pools.returns_at(rule, DAY) == datetime(2026, 12, 10, 2, 0, tzinfo=UTC)
    assert pools.returns_at(pools.leftover(ONSITE, COUNTY), DAY).date() == DAY


def test_places_flow_on_where_the_next_pools_time_is_over_too_and_never_in_circles() -> None:
    now = datetime(2026, 12, 9, 12, 0, tzinfo=UTC)

    def to(**returns: Any) -> str:
        rules = {
            REFERRAL: a_rule(REFERRAL, returns_to=FAMILY_DOCTOR),
            FAMILY_DOCTOR: a_rule(FAMILY_DOCTOR, **returns),
        }
        return pools.destination(rules, REFERRAL, DAY, now)

    assert to(returns_time="21:00") == FAMILY_DOCTOR
    assert to() == PUBLIC
    assert to(returns_to=REFERRAL) == PUBLIC


def test_a_rule_says_which_one_it_is() -> None:
    known: UUID = uuid4()
    assert a_rule(id=known).label == str(known)
