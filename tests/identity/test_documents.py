"""Identity documents: every rule of the numbers, and what is shown of them."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.identity.documents import (
    PATTERNS,
    IdentityNumberWrong,
    age_on,
    check_character,
    mask_name,
    mask_number,
    mask_phone,
    normalise,
    read_resident_number,
)
from tests.people import an_id_number

TODAY = date(2026, 11, 23)


def a_number(birth: str, order: int = 12, place: str = "330000") -> str:
    return an_id_number(birth=birth, order=order, place=place)


def test_the_example_of_the_standard_is_right() -> None:
    """GB 11643-1999, 4.2.1: the examples printed there."""
    assert check_character("11010519491231002") == "X"
    assert check_character("44052418800101001") == "4"


@given(st.dates(date(1930, 1, 1), TODAY), st.integers(0, 999), st.integers(110_000, 659_999))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_a_number_tells_birth_and_sex(birth: date, order: int, place: int) -> None:
    number = a_number(f"{birth:%Y%m%d}", order, str(place))
    read = read_resident_number(number, today=TODAY)
    assert (read.birth_on, read.sex) == (birth, "male" if order % 2 else "female")
    assert normalise("resident_id", number, today=TODAY) == number


@given(st.dates(date(1930, 1, 1), TODAY), st.integers(0, 16), st.integers(1, 9))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_one_wrong_digit_is_always_noticed(birth: date, place: int, by: int) -> None:
    number = a_number(f"{birth:%Y%m%d}")
    wrong = number[:place] + str((int(number[place]) + by) % 10) + number[place + 1 :]
    with pytest.raises(IdentityNumberWrong):
        normalise("resident_id", wrong, today=TODAY)


@given(st.dates(date(1930, 1, 1), TODAY), st.integers(0, 15))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_two_neighbours_swapped_are_always_noticed(birth: date, place: int) -> None:
    number = a_number(f"{birth:%Y%m%d}", 483)
    first, second = number[place], number[place + 1]
    if first == second:
        return
    with pytest.raises(IdentityNumberWrong):
        normalise("resident_id", number[:place] + second + first + number[place + 2 :], today=TODAY)


@pytest.mark.parametrize(
    ("birth", "exists"),
    [
        ("20240229", True), ("20000229", True), ("19000229", False), ("20230229", False),
        ("20240230", False), ("19500431", False), ("19501301", False), ("19500001", False),
        ("19500100", False), ("20261123", True), ("20261124", False), ("18960101", True),
        ("18951231", False), ("00000101", False),
    ],
)  # fmt: skip
def test_a_birthday_must_have_been(birth: str, exists: bool) -> None:
    number = a_number(birth)
    if exists:
        assert f"{read_resident_number(number, today=TODAY).birth_on:%Y%m%d}" == birth
        return
    with pytest.raises(IdentityNumberWrong):
        normalise("resident_id", number, today=TODAY)


def test_a_number_may_be_typed_as_people_type_it() -> None:
    number = next(n for n in (a_number("19500101", order) for order in range(20)) if "X" in n)
    wide = {ord(character): ord(character) + 0xFEE0 for character in number}
    for typed in (
        number.lower(),
        f"{number[:6]} {number[6:14]} {number[14:]}",
        f"{number[:6]}-{number[6:14]}-{number[14:]}",
        number.translate(wide),
        f" {number}\u3000",
    ):
        assert normalise("resident_id", typed, today=TODAY) == number


@pytest.mark.parametrize(
    "number",
    ["", "1", a_number("19500101")[:17], a_number("19500101") + "0", "0" * 18, "X" * 18,
     "33000019500101012Y", "٣" * 18, "33000019500101\n0123"],
)  # fmt: skip
def test_what_is_no_number_is_refused(number: str) -> None:
    with pytest.raises(IdentityNumberWrong) as refused:
        normalise("resident_id", number, today=TODAY)
    assert refused.value.extra["field"] == "id_number"


@pytest.mark.parametrize(
    ("kind", "number", "plain"),
    [
        ("passport", "e12345678", "E12345678"),
        ("passport", "PA 123 456", "PA123456"),
        ("hk_macao_permit", "H0123456789", "H0123456789"),
        ("hk_macao_permit", "c12345678", "C12345678"),
        ("taiwan_permit", "12345678", "12345678"),
        ("taiwan_permit", "1234567890", "1234567890"),
        ("residence_permit", "911124198108030024", "911124198108030024"),
        ("residence_permit", "CHN110000010101", "CHN110000010101"),
    ],
)
def test_other_documents_have_their_own_form(kind: str, number: str, plain: str) -> None:
    assert normalise(kind, number, today=TODAY) == plain


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        ("passport", "E123"), ("passport", "E" * 18), ("passport", "E12345*"),
        ("passport", "王12345678"), ("hk_macao_permit", "A123456789"),
        ("hk_macao_permit", "H1234567"), ("taiwan_permit", "123456789"),
        ("taiwan_permit", "1234567A"), ("residence_permit", "1" * 14),
        ("residence_permit", "1" * 19),
    ],
)  # fmt: skip
def test_the_wrong_form_is_refused(kind: str, number: str) -> None:
    with pytest.raises(IdentityNumberWrong):
        normalise(kind, number, today=TODAY)


def test_no_pattern_lets_a_new_line_through() -> None:
    for kind in PATTERNS:
        with pytest.raises(IdentityNumberWrong):
            normalise(kind, "E12345678\n", today=TODAY)


def test_somebody_born_on_29_february_grows_older_on_1_march() -> None:
    leap = date(2008, 2, 29)
    assert age_on(leap, date(2026, 2, 28)) == 17
    assert age_on(leap, date(2026, 3, 1)) == 18
    assert age_on(leap, date(2024, 2, 28)) == 15
    assert age_on(leap, date(2024, 2, 29)) == 16


@given(st.dates(date(1900, 1, 1), TODAY), st.integers(0, 40_000))
@settings(deadline=None, derandomize=True)
def test_age_never_goes_back_and_grows_by_one(birth: date, days: int) -> None:
    day = min(birth + timedelta(days=days), date(2100, 1, 1))
    assert 0 <= age_on(birth, day + timedelta(days=1)) - age_on(birth, day) <= 1


@pytest.mark.parametrize(
    ("name", "shown"),
    [("王", "王*"), ("王敏", "王*"), ("王桂兰", "王*兰"), ("欧阳翠花", "欧**花"),
     ("Andre", "A***e")],
)  # fmt: skip
def test_a_name_is_shown_by_its_ends(name: str, shown: str) -> None:
    assert mask_name(name) == shown


@given(st.text(min_size=2, max_size=60))
@settings(deadline=None, derandomize=True)
def test_a_masked_name_never_holds_its_middle(name: str) -> None:
    shown = mask_name(name)
    assert "*" in shown
    assert name not in shown or set(name[1:]) == {"*"}
    assert len(shown) == max(2, len(name))


def test_a_number_and_a_phone_are_shown_by_their_ends() -> None:
    assert mask_number("330000195001010126") == "3" + "*" * 16 + "6"
    assert mask_phone("13800001234") == "138****1234"
    assert mask_phone("+8613800001234") == "+86" + "*" * 7 + "1234"


@pytest.mark.parametrize("phone", ["13800001234", "+123456", "0123456789", "+861380000123456"])
def test_of_any_phone_at_most_seven_characters_show(phone: str) -> None:
    assert len(mask_phone(phone).replace("*", "")) <= 7
    assert "*" in mask_phone(phone)
