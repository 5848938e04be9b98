"""What WeChat takes as a value, kind by kind."""

import pytest

from backend.wechat.templates import KINDS, check, kind_of

FITS = {
    "thing": ["高血压随访", "一" * 20, "Room 3, 二楼"],
    "number": ["0", "-3", "3.14", "1" * 32],
    "letter": ["abcXYZ", "a" * 32],
    "symbol": ["!", "*****"],
    "character_string": ["A-2026/11", "x" * 32],
    "time": ["9:05", "23:59:59", "2026年11月24日 09:00", "09:00~10:30"],
    "date": ["2026年11月24日", "2026-11-24", "2026/1/2 08:00", "2026.11.24~2026.11.30"],
    "amount": ["\u00a512.50", "\uffe58", "100元", "1234567890"],
    "phone_number": ["13800000000", "+86-0571-0000000"],
    "car_number": ["浙A12345", "浙AD12345"],
    "name": ["王秀英", "一" * 10, "Anna Maria O'Neill", "J" * 20],
    "phrase": ["已预约", "一" * 5],
    "enum": ["待就诊"],
}
MISFITS = {
    "thing": ["", "  ", "一" * 21, "两\n行", "空\0字"],
    "number": ["", "1" * 33, "三", "1.", "1e3", "\uff11"],
    "letter": ["a" * 33, "a1", "中"],
    "symbol": ["a", "!" * 6, " "],
    "character_string": ["x" * 33, "中文", "a b"],
    "time": ["24:00", "9:60", "9", "上午九点", "09:00~"],
    "date": ["2026年13月1日", "2026-00-10", "11月24日", "2026-11/24", "明天"],
    "amount": ["12345678901", "¥¥1", "1.234", "一百元"],
    "phone_number": ["1" * 18, "电话"],
    "car_number": ["浙A123456789", "AB"],
    "name": ["王1", "一" * 11, "J" * 21, "王Annabellaxyz"],
    "phrase": ["一" * 6, "ok", "已预约！"],
    "enum": ["一" * 21],
}


def test_the_tables_here_cover_every_kind() -> None:
    assert set(FITS) == set(MISFITS) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_takes_what_fits(kind: str) -> None:
    assert [value for value in FITS[kind] if not check(kind, value)] == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_refuses_what_does_not_fit(kind: str) -> None:
    assert [value for value in MISFITS[kind] if check(kind, value)] == []


def test_an_unknown_kind_takes_nothing() -> None:
    assert not check("poem", "好")


def test_the_number_of_a_field_is_not_part_of_its_kind() -> None:
    assert kind_of("thing12") == "thing"
    assert kind_of("character_string3") == "character_string"


def test_a_long_value_costs_no_time() -> None:
    assert not any(check(kind, "1" * 1_000_000) for kind in KINDS)
