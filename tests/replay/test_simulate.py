"""The replay by hand: small cases whose outcome one can reckon, and conservation of places."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from backend.replay.comparing import compare
from backend.replay.simulate import TODAY, Ask, Offer, Variant, play

OPENS = datetime(2026, 11, 16, 23, tzinfo=UTC)  # 07:00 in China
STARTS = OPENS + timedelta(days=7, hours=2)
HOUR = timedelta(hours=1)


def an_offer(**facts: Any) -> Offer:
    told: dict[str, Any] = {
        "total": 2, "kept": 0, "early_at": OPENS, "opens_at": OPENS,
        "returns_at": STARTS - timedelta(hours=15), "starts_at": STARTS, "barred": True,
    }  # fmt: skip
    return Offer(**(told | facts))


def an_ask(who: int, hours: float = 0, **facts: Any) -> Ask:
    return Ask(**({"who": who, "offer": 0, "at": OPENS + hours * HOUR, "got": True} | facts))


def got(offers: list[Offer], asks: list[Ask], variant: Variant = TODAY, seed: int = 1) -> list[int]:
    fates = play(offers, asks, variant, seed=seed)
    return [ask.who for ask, fate in zip(asks, fates, strict=True) if fate.got]


def test_first_come_first_served_until_it_is_full() -> None:
    assert got([an_offer()], [an_ask(1, 3), an_ask(2, 1), an_ask(3, 2)]) == [2, 3]


def test_a_returned_place_goes_to_the_next_who_asks() -> None:
    asks = [an_ask(1, 0, cancelled_at=OPENS + 2 * HOUR), an_ask(2, 1), an_ask(3, 1.5), an_ask(4, 3)]
    assert got([an_offer()], asks) == [1, 2, 4]


def test_kept_places_are_for_the_contracted_until_they_return() -> None:
    offers = [an_offer()]
    asks = [an_ask(1), an_ask(2, 1), an_ask(3, 2, contracted=True), an_ask(4, 24 * 7 - 1)]
    assert got(offers, asks) == [1, 2]
    assert got(offers, asks, Variant(share=50)) == [1, 3]
    unwanted = [asks[0], asks[1], asks[3]]
    assert got(offers, unwanted, Variant(share=50, returns_days=1)) == [1, 4]


def test_early_opening_serves_the_contracted_before_the_public() -> None:
    asks = [an_ask(1), an_ask(2), an_ask(3, -24, contracted=True)]
    assert got([an_offer()], asks, Variant(share=50, early_days=7)) == [1, 3]
    assert got([an_offer()], asks, Variant(share=50, early_days=0)) == [1, 3]
    assert got([an_offer()], [asks[2], *asks[:2]]) == [3, 1]


def test_three_no_shows_bar_and_another_rule_does_not() -> None:
    offers = [an_offer(total=9, starts_at=STARTS + number * HOUR) for number in range(3)]
    asks = [an_ask(1, number, offer=number, missed=True) for number in range(3)]
    later = an_offer(opens_at=OPENS + timedelta(days=9), early_at=OPENS + timedelta(days=9),
                     starts_at=STARTS + timedelta(days=9))  # fmt: skip
    asks.append(an_ask(1, 24 * 9, offer=3))
    fates = play([*offers, later], asks, TODAY, seed=1)
    assert (fates[3].got, fates[3].why) == (False, "barred")
    assert play([*offers, later], asks, Variant(no_shows_most=4), seed=1)[3].got
    assert play([*offers, later], asks, Variant(no_shows_most=0), seed=1)[3].got


def test_a_draw_is_fair_and_the_same_again_is_the_same() -> None:
    """Of two hundred who come within the hour, who comes first wins no more than anybody else."""
    asks = [an_ask(who, who / 1000) for who in range(200)]
    offer, draw = [an_offer(total=50)], Variant(release="draw")
    assert got(offer, asks) == list(range(50))
    assert got(offer, asks, draw) == got(offer, asks, draw)
    early = [sum(who < 50 for who in got(offer, asks, draw, seed)) for seed in range(40)]
    assert 10 < sum(early) / 40 < 15  # 12.5 expected; its standard error is about 0.4
    assert got(offer, asks, draw, 1) != got(offer, asks, draw, 2)


def test_the_figures_of_a_comparison() -> None:
    asks = [an_ask(1, age="60+"), an_ask(2, 1, age="60+", by="carer"), an_ask(3, 2, got=False)]
    found = compare([an_offer()], asks, Variant(share=0), seed=1)
    assert (found.places, found.asks, found.deviation) == (2, 3, 0.0)
    whole, elderly = found.baseline.rows[0], found.baseline.rows[3]
    assert (whole.asked, whole.got, whole.share) == (3, 2, 100.0)
    assert (elderly.asked, elderly.got, elderly.lead_days) == (2, 2, 7.1)
    assert (found.baseline.unused, found.baseline.refused) == (0, {"full": 1})
    assert found.variant == found.baseline
    wrong = compare([an_offer(total=1)], asks, TODAY, seed=1)
    assert wrong.deviation == 33.3


ASKS = st.lists(
    st.builds(
        lambda who, offer, hours, lasts, contracted, missed: an_ask(
            who, hours, offer=offer, contracted=contracted, missed=missed,
            cancelled_at=None if lasts is None else OPENS + (hours + lasts) * HOUR,
        ),
        st.integers(0, 5), st.integers(0, 2), st.integers(-200, 180),
        st.none() | st.integers(0, 100), st.booleans(), st.booleans(),
    ),
    max_size=40,
)  # fmt: skip
VARIANTS = st.builds(
    Variant, share=st.none() | st.integers(0, 100), early_days=st.none() | st.integers(0, 9),
    returns_days=st.none() | st.integers(0, 9), release=st.sampled_from([None, "first", "draw"]),
    no_shows_most=st.none() | st.integers(0, 3),
)  # fmt: skip


@given(ASKS, VARIANTS, st.integers(1, 3))
def test_no_place_is_given_twice_and_everybody_has_one_fate(
    asks: list[Ask], variant: Variant, total: int
) -> None:
    """At each moment at most `total` people hold a place of a schedule, each of them once."""
    offers = [an_offer(total=total) for _ in range(3)]
    fates = play(offers, asks, variant, seed=1)
    assert len(fates) == len(asks)
    for number in range(3):
        moments = []
        for ask, fate in zip(asks, fates, strict=True):
            if ask.offer != number or not fate.got:
                continue
            assert fate.at >= min(variant.of(offers[number]).early_at, OPENS)
            moments.append((fate.at, 1))
            if ask.cancelled_at is not None and fate.at <= ask.cancelled_at < STARTS:
                moments.append((ask.cancelled_at, -1))
        held = 0
        for _, change in sorted(moments):
            held += change
            assert held <= total
