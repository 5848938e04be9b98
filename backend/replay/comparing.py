"""Pure: two replays by group of people, and how far the replay is from what happened."""

from collections.abc import Callable, Sequence
from statistics import median

import msgspec

from backend.replay.simulate import TODAY, Ask, Fate, Offer, Variant, Watch, play

GROUPS: tuple[tuple[str, Callable[[Ask], bool]], ...] = (
    ("全部", lambda ask: True),
    ("已签约家庭医生", lambda ask: ask.contracted),
    ("没有签约", lambda ask: not ask.contracted),
    ("60 岁及以上", lambda ask: ask.age == "60+"),
    ("18 至 59 岁", lambda ask: ask.age == "18-59"),
    ("18 岁以下", lambda ask: ask.age == "0-17"),
    ("这段时间约过 3 次以上", lambda ask: ask.frequent),
    ("约得少的", lambda ask: not ask.frequent),
    ("自己约", lambda ask: ask.by == "self"),
    ("家人代约", lambda ask: ask.by == "carer"),
)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One group under one policy. `share` of all places got, percent; `lead_days` the median."""

    group: str
    asked: int
    got: int
    share: float
    lead_days: float | None


class Result(msgspec.Struct, frozen=True, kw_only=True):
    rows: list[Row]
    unused: int
    refused: dict[str, int]
    """How many were refused, by why."""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """`deviation`: percent of asks for which today's policy replayed differs from what happened."""

    places: int
    asks: int
    baseline: Result
    variant: Result
    deviation: float


def compare(
    offers: Sequence[Offer],
    asks: Sequence[Ask],
    variant: Variant,
    *,
    seed: int,
    watch: Watch | None = None,
) -> Comparison:
    """Today's policy and the variant, replayed. Raises TooLong."""
    now = play(offers, asks, TODAY, seed=seed, watch=watch)
    then = play(offers, asks, variant, seed=seed, watch=watch)
    differing = sum(fate.got != ask.got for ask, fate in zip(asks, now, strict=True))
    return Comparison(
        places=sum(offer.total for offer in offers),
        asks=len(asks),
        baseline=_result(offers, asks, now),
        variant=_result(offers, asks, then),
        deviation=_percent(differing, len(asks)),
    )


def _result(offers: Sequence[Offer], asks: Sequence[Ask], fates: Sequence[Fate]) -> Result:
    pairs = list(zip(asks, fates, strict=True))
    got = sum(fate.got for fate in fates)
    kept = sum(fate.got and not _gave_up(offers, ask, fate) for ask, fate in pairs)
    refused: dict[str, int] = {}
    for fate in fates:
        if not fate.got:
            refused[fate.why] = refused.get(fate.why, 0) + 1
    return Result(
        rows=[
            _row(name, offers, [pair for pair in pairs if belongs(pair[0])], got)
            for name, belongs in GROUPS
        ],
        unused=sum(offer.total for offer in offers) - kept,
        refused=refused,
    )


def _gave_up(offers: Sequence[Offer], ask: Ask, fate: Fate) -> bool:
    at = ask.cancelled_at
    return at is not None and fate.at <= at < offers[ask.offer].starts_at


def _row(name: str, offers: Sequence[Offer], pairs: list[tuple[Ask, Fate]], all_got: int) -> Row:
    leads = [
        (offers[ask.offer].starts_at - fate.at).total_seconds() / 86_400
        for ask, fate in pairs
        if fate.got
    ]
    return Row(
        group=name,
        asked=len(pairs),
        got=len(leads),
        share=_percent(len(leads), all_got),
        lead_days=round(median(leads), 1) if leads else None,
    )


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 1) if whole else 0.0
