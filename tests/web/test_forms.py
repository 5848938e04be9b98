"""Forms, read strictly: every fault at once, nothing unknown, nothing guessed."""

import datetime
from typing import Annotated
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Meta

from backend.web.forms import FormWrong, Sent, Upload, fill


class Everything(msgspec.Struct):
    name: Annotated[str, Meta(max_length=5)]
    on: datetime.date
    at: datetime.time
    places: Annotated[int, Meta(ge=1, le=99)]
    id: UUID
    loud: bool = False
    note: str = ""
    days: list[int] = []
    code: Annotated[str, Meta(pattern="^[a-z]+$")] | None = None
    book: Upload | None = None


GOOD = {
    "name": ["李敏"], "on": ["2026-11-23"], "at": ["08:30"], "places": ["12"],
    "id": ["00000000-0000-0000-0000-000000000007"], "loud": ["true"], "days": ["1", "3"],
    "csrf": ["x"],
}  # fmt: skip


def test_text_becomes_what_it_means() -> None:
    book = Upload("a.xlsx", b"PK")
    form = fill(Sent(GOOD, {"book": book}), Everything)
    assert form == Everything(
        "李敏", datetime.date(2026, 11, 23), datetime.time(8, 30), 12, UUID(int=7), True,
        "", [1, 3], None, book,
    )  # fmt: skip


def test_every_fault_is_found_at_once() -> None:
    bad = {"name": ["李敏李敏李敏"], "on": ["23.11."], "places": ["0"], "id": ["x"], "code": ["A1"]}
    with pytest.raises(FormWrong) as wrong:
        fill(Sent(bad), Everything)
    assert set(wrong.value.faults) == {"name", "on", "at", "places", "id", "code"}
    assert all(said.endswith("。") for said in wrong.value.faults.values())


@pytest.mark.parametrize("name", ["is_admin", "csrf2", "__class__", "name[]"])
def test_what_nobody_asked_for_is_refused(name: str) -> None:
    with pytest.raises(FormWrong) as wrong:
        fill(Sent(GOOD | {name: ["1"]}), Everything)
    assert "" in wrong.value.faults


def test_one_name_has_one_value() -> None:
    with pytest.raises(FormWrong) as wrong:
        fill(Sent(GOOD | {"name": ["李", "王"]}), Everything)
    assert set(wrong.value.faults) == {"name"}


NAMES = st.sampled_from([*GOOD, "other"])


@given(st.dictionaries(NAMES, st.lists(st.text(max_size=20), max_size=3)))
@settings(max_examples=150)
def test_anything_is_a_form_or_a_list_of_faults(values: dict[str, list[str]]) -> None:
    try:
        form = fill(Sent(values), Everything)
    except FormWrong:
        return
    assert len(form.name) <= 5
    assert 1 <= form.places <= 99


def test_ids_stay_ids() -> None:
    wanted = uuid4()
    assert fill(Sent(GOOD | {"id": [str(wanted)]}), Everything).id == wanted
