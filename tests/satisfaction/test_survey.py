"""The survey as data: whole, short, in plain words, and refused where it is not."""

from typing import Any

import pytest
import yaml

from backend.satisfaction import survey
from backend.satisfaction.survey import ITEMS_MOST, SurveyError, outpatient, read

SIX = ["挂号体验", "护士沟通", "医生沟通", "环境与标识", "医务人员回应", "隐私保护"]


def raw() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((survey.FOLDER / "outpatient.yaml").read_text("utf-8"))
    return found


def test_it_asks_about_the_six_dimensions_and_does_not_call_itself_official() -> None:
    found = outpatient()
    assert [one.name for one in found.dimensions] == SIX
    assert len(found.items) <= ITEMS_MOST
    assert all(len(item.ask) <= 24 for item in found.items)
    assert (found.official, found.reviewed_by) == (False, "")
    assert found.source[0].trust != "O"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"items": []}, "length"),
        ({"items": raw()["items"][:-1]}, "privacy"),
        ({"items": [*raw()["items"], raw()["items"][0]]}, "length"),
        ({"items": [raw()["items"][0] | {"dimension": "food"}]}, "food"),
        ({"items": [raw()["items"][0], raw()["items"][0]]}, "重复"),
        ({"items": [raw()["items"][0] | {"weight": 2}]}, "unknown field"),
        ({"scale": raw()["scale"][:4]}, "length"),
        ({"scale": [raw()["scale"][0]] * 5}, "A 到 E"),
        ({"id": "inpatient"}, "outpatient"),
        ({"source": []}, "length"),
        ({"reviewed_by": None}, "Expected `str`"),
        ({"comment": raw()["comment"] | {"most": 5000}}, "<= 300"),
        ({"answer_days": 0}, ">= 1"),
    ],
)
def test_what_is_incomplete_is_refused(change: dict[str, Any], why: str) -> None:
    with pytest.raises(SurveyError, match=why):
        read(yaml.safe_dump(raw() | change).encode(), "outpatient")


@pytest.mark.parametrize("name", sorted(raw()))
def test_each_part_is_wanted(name: str) -> None:
    less = {key: value for key, value in raw().items() if key != name}
    with pytest.raises(SurveyError, match=name):
        read(yaml.safe_dump(less).encode(), "outpatient")


def test_what_is_no_yaml_is_refused() -> None:
    with pytest.raises(SurveyError):
        read(b"a: [", "outpatient")
    with pytest.raises(SurveyError, match="太大"):
        read(b"#" * (survey.BYTES_MOST + 1), "outpatient")
