"""Pure: 号源池, how many places of a schedule are kept for whom, and from when to when.

What is kept for referrals and family doctors opens early and, unused, flows back. The defaults are
what Chinese regions publish (Beijing keeps 30 % and more and opens it 14 days early, Chongqing
20 %, Shanghai opens 5 days early); the reasons stand in docs/adr/0025-pools.md.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from uuid import UUID

import msgspec

from backend.booking.policy import Policy
from backend.clock import at

PUBLIC, REFERRAL, FAMILY_DOCTOR, ONSITE = "public", "referral", "family_doctor", "onsite"
KEPT = (REFERRAL, FAMILY_DOCTOR, ONSITE)  # everything but the public's
PRIORITY = (REFERRAL, FAMILY_DOCTOR)  # booked ahead of the public; `onsite` is given at the desk
POOLS = (PUBLIC, *KEPT)
WHOLE = 100  # percent

BUILT_IN = "built-in-pools@1"
BUILT_IN_TIER, BUILT_IN_KIND = "county", "expert"
BUILT_IN_SHARE = 15  # percent for each of `PRIORITY`, 30 together
EARLY_DAYS = 7  # before the public
RETURNS_DAYS, RETURNS_TIME = 1, "18:00"


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept in one pool. None means any. Wall-clock times in Asia/Shanghai.

    `share` is percent of a schedule's places, 0 to 100. `opens_days` and `returns_days` count days
    before the schedule's day; `ended_on` is the last day for which the rule holds.
    """

    pool: str
    share: int
    opens_days: int
    opens_time: str = "07:00"
    returns_days: int = RETURNS_DAYS
    returns_time: str = RETURNS_TIME
    returns_to: str = PUBLIC
    organization_id: UUID | None = None
    kind: str | None = None
    effective_from: date = date.min
    ended_on: date | None = None
    id: UUID | None = None
    """None: built in."""

    @property
    def label(self) -> str:
        """Which rule it was, for whoever asks later."""
        return BUILT_IN if self.id is None else str(self.id)

    def covers(self, organization_id: UUID, kind: str, on: date) -> bool:
        """Whether it is about such a schedule of that day."""
        return (
            self.organization_id in (None, organization_id)
            and self.kind in (None, kind)
            and self.effective_from <= on
            and (self.ended_on is None or on <= self.ended_on)
        )

    @property
    def rank(self) -> tuple[bool, bool, date, str]:
        """An organization's own before the county's, a 号别's before any; then the latest."""
        narrow = (self.organization_id is not None, self.kind is not None)
        return (*narrow, self.effective_from, str(self.id))


Rules = Mapping[str, Rule]  # by pool


def in_force(
    rules: Iterable[Rule], organization_id: UUID, tier: str, kind: str, on: date, policy: Policy
) -> dict[str, Rule]:
    """For each pool the narrowest rule about such a schedule of that day, else the built-in one.

    A rule with share 0 switches the built-in one off. `policy` is the one of the schedule.
    """
    found = built_in(tier, kind, policy)
    own: dict[str, Rule] = {}
    for rule in rules:
        best = own.get(rule.pool)
        if rule.covers(organization_id, kind, on) and (best is None or rule.rank > best.rank):
            own[rule.pool] = rule
    return found | own


def built_in(tier: str, kind: str, policy: Policy) -> dict[str, Rule]:
    """Of a county hospital's expert places 30 % for referrals and family doctors, half each,
    opened `EARLY_DAYS` before the public. `onsite` keeps nothing unless somebody says so."""
    if (tier, kind) != (BUILT_IN_TIER, BUILT_IN_KIND):
        return {}
    early = policy.horizon_days + EARLY_DAYS
    return {
        pool: Rule(
            pool=pool, share=BUILT_IN_SHARE, opens_days=early, opens_time=policy.release_at
        )
        for pool in PRIORITY
    }  # fmt: skip


def leftover(pool: str, policy: Policy) -> Rule:
    """For places that were published in a pool for which no rule holds any more."""
    if pool == ONSITE:
        return Rule(pool=pool, share=0, opens_days=0, returns_days=0)
    return Rule(pool=pool, share=0, opens_days=policy.horizon_days)


def opens_at(rule: Rule, held_on: date) -> datetime:
    """From when a day's places of the pool can be taken, UTC."""
    return at(held_on - timedelta(days=rule.opens_days), time.fromisoformat(rule.opens_time))


def returns_at(rule: Rule, held_on: date) -> datetime:
    """When unused places flow back, UTC. Those for people at the desk never before the day."""
    days = 0 if rule.pool == ONSITE else rule.returns_days
    return at(held_on - timedelta(days=days), time.fromisoformat(rule.returns_time))


def destination(rules: Rules, pool: str, held_on: date, now: datetime) -> str:
    """Where unused places of `pool` belong now: further on when that pool's time is over too."""
    passed = {pool}
    to = rules[pool].returns_to
    while to in rules and to not in passed and returns_at(rules[to], held_on) <= now:
        passed.add(to)
        to = rules[to].returns_to
    return PUBLIC if to in passed else to


def split(capacity: int, slots: int, rules: Rules) -> dict[str, list[int]]:
    """Places by pool and slot, of a schedule with `slots` slots of `capacity` places each.

    Each pool's share holds over the whole schedule within one place (the largest remainders get
    what rounding leaves), no slot has more than its capacity, and each pool is spread over the day.
    Shares beyond 100 % are cut down in proportion, and the public gets nothing.
    """
    total = capacity * slots
    quotas = _quotas(total, {pool: rules[pool].share for pool in KEPT if pool in rules})
    places = {pool: [0] * slots for pool in quotas}
    for number, pool in enumerate(_in_turn(quotas)):
        places[pool][number // capacity] += 1
    return places


def _quotas(total: int, shares: Mapping[str, int]) -> dict[str, int]:
    """Whole places by pool, `total` together (largest remainder)."""
    kept = sum(shares.values())
    whole = max(WHOLE, kept)
    weights = {PUBLIC: whole - kept, **{pool: share for pool, share in shares.items() if share}}
    quotas = {pool: total * weight // whole for pool, weight in weights.items()}
    by_remainder = sorted(weights, key=lambda pool: total * weights[pool] % whole, reverse=True)
    for pool in by_remainder[: total - sum(quotas.values())]:
        quotas[pool] += 1
    return quotas


def _in_turn(quotas: Mapping[str, int]) -> Sequence[str]:
    """Each pool as often as its quota says, as evenly as can be (smooth weighted round robin)."""
    total, credit = sum(quotas.values()), dict.fromkeys(quotas, 0)
    turns = []
    for _ in range(total):
        for pool, quota in quotas.items():
            credit[pool] += quota
        pool = max(credit, key=lambda name: credit[name])
        credit[pool] -= total
        turns.append(pool)
    return turns
