from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from backend.bot import departments, learned, triage
from backend.bot.learned import Learned
from backend.bot.reading import Reading
from backend.bot.rules import Rules, Table
from backend.bot.talk import Person

GUIDE = Path(__file__).parent / "cases" / "guide.yaml"
TOP1_LEAST, TOP3_LEAST = 0.85, 0.95  # of the cases that nobody looked at while writing words


def ranked(rules: Rules, text: str, person: Person = Person()) -> list[str]:  # noqa: B008
    return [one.name for one in departments.rank(rules, [Reading(rules, text, 0)], person)]


def test_a_score_is_the_plain_sum_that_the_file_says() -> None:
    table = Table(
        ("term", "idf", "a b c"),
        (("@bias", "0", "100 -200 0"), ("@age0", "0", "0 500 0"), ("咳", "200", "40 -60 0"),
         ("嗽", "150", "-30000 30000 7")),
    )  # fmt: skip
    neighbour = Table(
        ("term", "idf", "d"), (("@bias", "0", "0"), ("咳嗽", "900", "-7"), ("咳", "1", "3"))
    )
    known = Learned({"other": neighbour, "ours": table})
    pieces, total = known.weighed("咳咳嗽,嗯咳", 3)
    found = known.scores("ours", *known.lanes("ours", total), ["@age0", "@age9"])
    # Before the stop each counts twice: 咳 5, 嗽 2 times.
    cough, other = 1 + 1.609, 1 + 0.693
    length = ((cough * 2) ** 2 + (other * 1.5) ** 2) ** 0.5
    wanted = [
        (cough * 2 + other * -1500) / length + 0.1,
        (cough * -3 + other * 1500) / length - 0.2 + 0.5,
        other * 0.35 / length,
    ]
    assert found == pytest.approx(wanted, rel=0.01)
    assert known.scores("ours", *known.lanes("ours", 0)) == [0.1, -0.2, 0]
    assert known.heaviest("ours", 2, pieces, "咳咳嗽,嗯咳", 0, 9) == []  # of a single character
    assert known.heaviest("other", 0, pieces, "咳咳嗽,嗯咳", 0, 9) == []  # it speaks against


def test_what_weighs_most_is_named_with_its_places() -> None:
    rows = (("头痛", "1", "40"), ("痛", "1", "90"), ("头痛得", "1", "40"), ("发热", "1", "20"))
    known = Learned({"t": Table(("term", "idf", "a"), rows)})
    text = "头痛得厉害,头痛,发热"
    pieces, _ = known.weighed(text, 0)

    def named(begin: int, most: int) -> list[tuple[int, int, str, float]]:
        return known.heaviest("t", 0, pieces, text, begin, most)

    assert named(0, 2) == [(0, 2, "头痛", 2.0), (0, 3, "头痛得", 2.0)]
    assert named(1, 9) == [(6, 8, "头痛", 2.0), (9, 11, "发热", 1.0)]


def test_without_idf_a_score_grows_with_every_term() -> None:
    table = Table(("term", "idf", "a b"), (("@bias", "0", "100 0"), ("咳", "0", "40 -60")))
    known = Learned({"t": table})

    def scores(times: int) -> list[float]:
        return known.scores("t", *known.lanes("t", known.summed({"咳": times})))

    assert scores(1) == pytest.approx([2.1, -3])
    assert scores(3) == pytest.approx([4.3, -6.3])  # 1 + log 3 times


def test_guide_queries_that_nobody_tuned_on(shipped: Rules) -> None:
    cases = yaml.safe_load(GUIDE.read_text(encoding="utf-8"))["kept"]
    places = [
        [name in case["right"] for name in ranked(shipped, case["ask"])[:3]] for case in cases
    ]
    assert sum(place[0] for place in places) / len(cases) >= TOP1_LEAST
    assert sum(any(place) for place in places) / len(cases) >= TOP3_LEAST


def test_who_somebody_is_changes_the_department(shipped: Rules) -> None:
    ache = "小肚子坠痛，有点出血"
    woman, man = Person(sex="female", is_pregnant=True), Person(sex="male")
    assert ranked(shipped, ache, woman)[0] == "妇产科"
    assert "妇产科" not in ranked(shipped, ache, man)
    child, adult = Person(age_months=40), Person(age_months=40 * 12)
    cough = "咳嗽流鼻涕两天了"
    assert ranked(shipped, cough, child)[0] == "儿科" != ranked(shipped, cough, adult)[0]
    # What is said goes before the record: a mother asks for her child.
    assert ranked(shipped, "孩子3岁，" + cough, adult)[0] == "儿科"


def test_what_is_denied_does_not_lead_the_way(shipped: Rules) -> None:
    reading = Reading(shipped, "没有牙疼，皮肤起红疹很痒", 0)
    words = [reading.text[start:end] for _, start, end in departments.kept(reading)]
    assert words
    assert not any("牙" in word for word in words)
    assert ranked(shipped, reading.written)[0] == "皮肤科"


def test_a_decision_says_which_words_it_rests_on(shipped: Rules) -> None:
    by_words, by_weights = "膝盖疼了半个月，上下楼更疼", "请问能根治吗"
    for text, rule in ((by_words, departments.DICTIONARY), (by_weights, departments.LEARNED)):
        found = triage.decide(shipped, Person(), [text])
        assert 0.5 < sum(one.score for one in found.departments) <= 1.01  # the rest are unlikely
        proofs = [one for one in found.evidence if one.kind == "department"]
        assert {one.rule_id.split(":")[0] for one in proofs} == {rule}
        assert all(text[one.start : one.end] == one.text for one in proofs)


def test_nothing_said_leads_nowhere(shipped: Rules) -> None:
    assert ranked(shipped, "") == ranked(shipped, "…… 123") == []
    assert triage.decide(shipped, Person(), [""]).departments == ()
    assert learned.of(shipped).labels("no such table") == ()


@given(st.floats(0, 1) | st.integers(0, 20_000).map(lambda number: number / 20_000))
def test_a_share_is_shown_as_round_would(share: float) -> None:
    assert departments.shown(share) == round(share, departments.DIGITS)
