"""Pure: who would have got which place, under other pools, another release or another no-show rule.

Deterministic: the same demand, variant and seed give the same outcome. What people would have done
differently under other rules is not known, so nobody is invented and nobody gives up; `LIMITS` are
printed beside every result.
"""

import hashlib
import heapq
import time
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from datetime import time as wall_time

import msgspec

from backend.booking.policy import COUNTY, Policy, bars_for_no_shows
from backend.booking.pools import EARLY_DAYS
from backend.clock import SHANGHAI, at

SECONDS_MOST = 40.0
CHECKED_EACH = 500  # steps between two looks at the clock
PAUSE_S = 0.002  # at each look: whoever serves in the same process goes first
FIRST, DRAW = "first", "draw"
LIMITS = (
    "只重放系统里留下的需求：预约、没有等到的候补、没有抽中的报名；看到没号就走的人没有记录，算不进来。",
    "假定换了规则大家还是在原来的时间要原来的班次；放号更晚的，假定在放号那一刻来约。",
    "抽签按放号后一段时间内来的人一起抽；现场号不参加重放；同一个人每个班次只算一次。",
    "只知道每个班次有多少号，不分时段。",
)


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule's places. Instants in UTC. `kept` of `total` are for contracted residents until
    `returns_at`; `barred`: a restriction keeps people out of it."""

    total: int
    kept: int
    early_at: datetime
    opens_at: datetime
    returns_at: datetime
    starts_at: datetime
    barred: bool
    release: str = FIRST


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody wants a place: `who` is a number of this run only, `offer` counts from 0. UTC.

    `cancelled_at`, `missed`: what they did with a place. `got`: whether they had it in fact.
    """

    who: int
    offer: int
    at: datetime
    got: bool
    contracted: bool = False
    age: str = ""
    frequent: bool = False
    by: str = "self"
    cancelled_at: datetime | None = None
    missed: bool = False


class Variant(msgspec.Struct, frozen=True, kw_only=True):
    """What is changed; None leaves it. `share` in percent, `draw_min` minutes after opening."""

    share: int | None = None
    early_days: int | None = None
    returns_days: int | None = None
    release: str | None = None
    draw_min: int = 60
    no_shows_most: int | None = None
    no_show_bar_days: int | None = None

    def policy(self) -> Policy:
        """The county's no-show rule with what is changed in it."""
        changed = {
            name: value
            for name in ("no_shows_most", "no_show_bar_days")
            if (value := getattr(self, name)) is not None
        }
        return msgspec.structs.replace(COUNTY, **changed)

    def of(self, offer: Offer) -> Offer:
        """The schedule under the variant."""
        day = offer.starts_at.astimezone(SHANGHAI).date()
        changed: dict[str, object] = {}
        if self.share is not None:
            changed["kept"] = offer.total * self.share // 100
            if offer.early_at >= offer.opens_at:  # nothing was kept so far
                changed["early_at"] = offer.opens_at - timedelta(days=EARLY_DAYS)
        if self.early_days is not None:
            changed["early_at"] = offer.opens_at - timedelta(days=self.early_days)
        if self.returns_days is not None:
            changed["returns_at"] = at(day - timedelta(days=self.returns_days), wall_time(18))
        if self.release is not None:
            changed["release"] = self.release
        return msgspec.structs.replace(offer, **changed)


TODAY = Variant()


class Fate(msgspec.Struct, frozen=True):
    """What became of an ask: `got`, or `why` not: full, barred, closed, twice. `at` when served."""

    got: bool
    why: str
    at: datetime


class TooLong(Exception):
    """The replay would take longer than `SECONDS_MOST`, or is not wanted any more."""


class Watch:
    """How far the replays are, and whether to go on; seen from another thread."""

    def __init__(self) -> None:
        self.steps = 0
        self._stopped = False

    def stop(self) -> None:
        self._stopped = True

    def look(self, until: float) -> None:
        """After `CHECKED_EACH` steps more. Raises TooLong."""
        self.steps += CHECKED_EACH
        if self._stopped or time.monotonic() > until:
            raise TooLong
        time.sleep(PAUSE_S)


class _Stock:
    """Places of one schedule that nobody has at the moment, by pool."""

    def __init__(self, offer: Offer) -> None:
        self.kept = min(offer.kept, offer.total)
        self.public = offer.total - self.kept

    def take(self, offer: Offer, contracted: bool, now: datetime) -> str | None:
        """From which pool; None: there is none."""
        if now >= offer.returns_at:
            self.public, self.kept = self.public + self.kept, 0
        if contracted and self.kept and now >= offer.early_at:
            self.kept -= 1
            return "kept"
        if self.public and now >= offer.opens_at:
            self.public -= 1
            return "public"
        return None

    def give_back(self, pool: str) -> None:
        if pool == "kept":
            self.kept += 1
        else:
            self.public += 1


def play(
    offers: Sequence[Offer],
    asks: Sequence[Ask],
    variant: Variant,
    *,
    seed: int,
    watch: Watch | None = None,
) -> list[Fate]:
    """What becomes of each ask, in the order given.

    Raises:
        TooLong: more than `SECONDS_MOST`.
    """
    until, watch = time.monotonic() + SECONDS_MOST, watch or Watch()
    changed = [variant.of(offer) for offer in offers]
    stocks, policy = [_Stock(offer) for offer in changed], variant.policy()
    has: dict[tuple[int, int], str] = {}
    deeds: dict[int, list[datetime]] = {}
    fates: list[Fate | None] = [None] * len(asks)
    # (when, kind, turn, number): returned places come before whoever asks at the same moment.
    line = [(*_turn(changed, asks, number, variant, seed), number) for number in range(len(asks))]
    heapq.heapify(line)
    steps = 0
    while line:
        now, kind, _, number = heapq.heappop(line)
        steps += 1
        if steps % CHECKED_EACH == 0:
            watch.look(until)
        ask = asks[number]
        offer, key = changed[ask.offer], (ask.who, ask.offer)
        if kind == 0:
            stocks[ask.offer].give_back(has.pop(key))
            continue
        if kind == 1:
            deeds.setdefault(ask.who, []).append(now)
            continue
        why = _refusal(offer, key in has, deeds.get(ask.who, ()), policy, now)
        pool = None if why else stocks[ask.offer].take(offer, ask.contracted, now)
        fates[number] = Fate(pool is not None, why or ("" if pool else "full"), now)
        if pool is None:
            continue
        has[key] = pool
        if ask.cancelled_at is not None and now <= ask.cancelled_at < offer.starts_at:
            heapq.heappush(line, (ask.cancelled_at, 0, 0.0, number))
        elif ask.missed:
            heapq.heappush(line, (offer.starts_at, 1, 0.0, number))
    return [fate for fate in fates if fate is not None]


def _turn(
    offers: Sequence[Offer], asks: Sequence[Ask], number: int, variant: Variant, seed: int
) -> tuple[datetime, int, float]:
    """When an ask is served, and its place among those of the same moment."""
    ask = asks[number]
    offer = offers[ask.offer]
    opens = min(offer.early_at, offer.opens_at) if ask.contracted and offer.kept else offer.opens_at
    drawn_at = opens + timedelta(minutes=variant.draw_min)
    if offer.release == DRAW and ask.at <= drawn_at:
        return drawn_at, 2, _lot(f"{seed}|{ask.offer}|{ask.who}|{number}")
    return max(ask.at, opens), 2, ask.at.timestamp()


def _lot(of: str) -> float:
    """The same for the same text, and evenly spread."""
    return float(int.from_bytes(hashlib.sha256(of.encode()).digest()[:6]))


def _refusal(
    offer: Offer, has: bool, deeds: Iterable[datetime], policy: Policy, now: datetime
) -> str:
    if has:
        return "twice"
    if now >= offer.starts_at:
        return "closed"
    if offer.barred and any(one.from_at <= now < one.until_at
                            for one in bars_for_no_shows(policy, deeds)):  # fmt: skip
        return "barred"
    return ""
