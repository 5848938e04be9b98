import csv
from collections import Counter
from pathlib import Path

import yaml

import backend.bot
from backend.bot.normalise import plain

TERMS = Path(backend.bot.__file__).parent / "rules" / "departments.csv"
GUIDE = Path(__file__).parent / "cases" / "guide.yaml"
DEPARTMENTS = (
    "呼吸内科 心血管内科 消化内科 神经内科 内分泌科 内科综合 感染科 "
    "普外科 骨科 泌尿男科 妇产科 儿科 眼科 耳鼻咽喉科 口腔科 皮肤科 精神心理科 中医科 肿瘤科"
).split()
SCALE = {"3", "2", "1", "0.5"}
KINDS = ("department", "disease", "symptom", "body", "test", "procedure", "drug_class", "person")
LEAST_TERMS = 60
LEAST_CASES = 5


def rows() -> list[dict[str, str]]:
    with TERMS.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def test_each_line_can_be_judged_by_itself() -> None:
    for row in rows():
        assert row["department"] in DEPARTMENTS, row
        assert row["weight"] in SCALE, row
        assert row["kind"] in KINDS, row
        assert row["source"], row
        assert row["term"].strip() == row["term"] != "", row


def test_no_term_stands_twice_for_a_department_nor_is_of_two_kinds() -> None:
    # As the bot reads them: 十二指肠 and 12指肠 are one.
    pairs = Counter((plain()(row["term"]).text, row["department"]) for row in rows())
    assert [pair for pair, times in pairs.items() if times > 1] == []
    kinds = {(row["term"], row["kind"]) for row in rows()}
    assert len(kinds) == len({term for term, _ in kinds})


def test_every_department_is_known_by_many_words() -> None:
    words = Counter(row["department"] for row in rows())
    assert {name for name in DEPARTMENTS if words[name] < LEAST_TERMS} == set()


def test_the_file_is_in_the_order_of_a_reader() -> None:
    places = [
        (
            DEPARTMENTS.index(row["department"]),
            KINDS.index(row["kind"]),
            -float(row["weight"]),
            row["term"],
        )
        for row in rows()
    ]
    assert places == sorted(places)


def test_the_guide_cases_ask_for_every_department() -> None:
    halves = yaml.safe_load(GUIDE.read_text(encoding="utf-8"))
    asked = [case["ask"] for cases in halves.values() for case in cases]
    assert len(asked) == len(set(asked)) >= 200
    for cases in halves.values():
        right = Counter(name for case in cases for name in case["right"])
        assert set(right) <= set(DEPARTMENTS)
        assert {name for name in DEPARTMENTS if right[name] < LEAST_CASES} == set()
