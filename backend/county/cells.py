"""Pure: one cell, strictly: a value as it is stored, or what should have stood there."""

import functools
import math
import re
import unicodedata
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from backend.county.columns import CODE_MOST, Column, Kind

FEN = 100
DATE_FIRST, DATE_LAST = date(2000, 1, 1), date(2100, 12, 31)
CELLS_REMEMBERED = 10_000  # the same words stand in most rows
CELL_MOST = 2000  # characters; more is not read at all
ERRORS = {"#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A"}

_DATE = re.compile(r"(\d{4})(?:[-/.](\d{1,2})[-/.](\d{1,2})|年(\d{1,2})月(\d{1,2})日)")
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::00)?")
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SPECIALTY = re.compile(r"\d{2}(\.\d{2}){0,2}")
_PHONE = re.compile(r"\+?[0-9][0-9 ()/转-]{1,19}")


class Unreadable(Exception):
    """The cell does not hold what the column needs; `expected` says what that is, in Chinese."""

    def __init__(self, expected: str) -> None:
        super().__init__(expected)
        self.expected = expected


def blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


@functools.lru_cache(maxsize=CELLS_REMEMBERED, typed=True)
def parse(column: Column, value: Any) -> Any:
    """The value as it is stored: dates and times as text (2026-11-23, 08:00), money in fen.

    Raises:
        Unreadable
    """
    if blank(value):
        if column.required:
            raise Unreadable(f"{expectation(column)}（不能为空；合并单元格请先取消合并）")
        return column.default if column.default is not None else _nothing(column)
    if isinstance(value, str):
        value = value.strip()
        if value.startswith("=") or value in ERRORS:
            raise Unreadable(f"{expectation(column)}（不能是公式，请粘贴为数值）")
        if len(value) > CELL_MOST:
            raise Unreadable(expectation(column))
    return _READERS[column.kind](column, value)


def _nothing(column: Column) -> Any:
    """Empty text is stored as text, anything else that is missing as nothing."""
    return "" if column.kind in ("text", "specialty", "phone") else None


def expectation(column: Column) -> str:
    """What belongs in the column, in Chinese."""
    if column.kind == "choice":
        return "/".join(column.choices)
    if column.kind in ("integer", "money", "degrees"):
        unit = {"integer": " 的整数", "money": " 元，最多两位小数", "degrees": " 度"}[column.kind]
        return f"{column.low:g} 到 {column.high:g}{unit}"
    return {
        "text": f"最多 {column.most} 个字的文字",
        "code": f"最多 {CODE_MOST} 位的字母、数字、点、横线",
        "specialty": "文本格式的诊疗科目代码，如 03.04",
        "phone": "电话号码",
        "date": "日期，如 2026-11-23",
        "time": "时间，如 08:00",
        "flag": "是/否",
    }[column.kind]


def written(value: Any) -> str:
    """A cell's value as a person reads it, for messages."""
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _narrow(value: Any) -> str:
    """Full-width digits, letters and punctuation as half-width ones; blanks around dropped."""
    return unicodedata.normalize("NFKC", written(value)).strip()


def _text(column: Column, value: Any) -> str:
    text = " ".join(written(value).split())
    if len(text) > column.most or not text.isprintable():
        raise Unreadable(expectation(column))
    return text


def _matching(pattern: re.Pattern[str], most: int) -> Callable[[Column, Any], str]:
    def read(column: Column, value: Any) -> str:
        text = _narrow(value)
        if isinstance(value, bool) or len(text) > most or not pattern.fullmatch(text):
            raise Unreadable(expectation(column))
        return text

    return read


def _date(column: Column, value: Any) -> str:
    on = value
    if isinstance(value, datetime):
        on = value.date() if value.time() == time() else None
    elif isinstance(value, str):
        found = _DATE.fullmatch(_narrow(value).replace(" ", ""))
        on = _calendar_date(*(part for part in found.groups() if part)) if found else None
    if not isinstance(on, date) or not DATE_FIRST <= on <= DATE_LAST:
        raise Unreadable(expectation(column))
    return on.isoformat()


def _calendar_date(year: str, month: str, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def _time(column: Column, value: Any) -> str:
    if isinstance(value, timedelta):
        hours, rest = divmod(value, timedelta(hours=1))
        value = time(hours, rest.seconds // 60, rest.seconds % 60) if 0 <= hours < 24 else None
    elif isinstance(value, str):
        found = _TIME.fullmatch(_narrow(value))
        value = time(int(found[1]), int(found[2])) if found and _on_a_clock(*found.groups()) else 0
    if not isinstance(value, time) or value.second or value.microsecond:
        raise Unreadable(expectation(column))
    return f"{value:%H:%M}"


def _on_a_clock(hour: str, minute: str) -> bool:
    return int(hour) < 24 and int(minute) < 60


def _choice(column: Column, value: Any) -> str | int:
    text = _narrow(value)
    text = column.aliases.get(text, text)
    if text not in column.choices:
        raise Unreadable(expectation(column))
    return column.choices[text]


def _flag(column: Column, value: Any) -> bool:
    words = {"是": True, "否": False, "True": True, "False": False}
    if (text := _narrow(value)) not in words:
        raise Unreadable(expectation(column))
    return words[text]


def _integer(column: Column, value: Any) -> int:
    number = _decimal(column, value)
    if number != number.to_integral_value():
        raise Unreadable(expectation(column))
    return int(number)


def _money(column: Column, value: Any) -> int:
    fen = _decimal(column, value) * FEN
    if isinstance(value, float):
        fen = round(fen, 6)  # 0.1 + 0.2 of a spreadsheet
    if fen != fen.to_integral_value():
        raise Unreadable(expectation(column))
    return int(fen)


def _degrees(column: Column, value: Any) -> float:
    return float(_decimal(column, value))


def _decimal(column: Column, value: Any) -> Decimal:
    """A plain number within the column's limits."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Unreadable(expectation(column))
    try:
        number = Decimal(_narrow(value) if isinstance(value, str) else str(value))
    except InvalidOperation:
        raise Unreadable(expectation(column)) from None
    low = -math.inf if column.low is None else column.low
    high = math.inf if column.high is None else column.high
    if not number.is_finite() or not low <= number <= high:
        raise Unreadable(expectation(column))
    return number


_READERS: dict[Kind, Callable[[Column, Any], Any]] = {
    "text": _text,
    "code": _matching(_CODE, CODE_MOST),
    "specialty": _matching(_SPECIALTY, 12),
    "phone": _matching(_PHONE, 20),
    "date": _date,
    "time": _time,
    "choice": _choice,
    "flag": _flag,
    "integer": _integer,
    "money": _money,
    "degrees": _degrees,
}
