"""What WeChat lets a value of a subscribe message look like, by the kind of its field.

A template names its fields `thing3`, `time7` …: the kind and a number. WeChat refuses a whole
message (47003) when one value does not fit; `check` says so before the call.

Source: "订阅消息参数值内容限制说明" on the page of subscribeMessage.send.
"""

import re
from collections.abc import Callable

VALUE_MOST = 64
"""Characters; longer than anything any kind allows."""

ENUM_MOST = 20
"""Characters; which values an enum lists is known only to the template's owner."""

_HAN = r"\u3400-\u4dbf\u4e00-\u9fff"
_CLOCK = r"(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d)?"
_MONTH, _DAY = r"(?:0?[1-9]|1[0-2])", r"(?:0?[1-9]|[12]\d|3[01])"
_DATE = (
    rf"\d{{4}}(?:年{_MONTH}月{_DAY}日|-{_MONTH}-{_DAY}|/{_MONTH}/{_DAY}"
    rf"|\.{_MONTH}\.{_DAY}|,{_MONTH},{_DAY})"
)
_TIME = rf"(?:{_DATE} ?)?{_CLOCK}"
_DAY_AND_TIME = rf"{_DATE}(?: ?{_CLOCK})?"


def _matches(pattern: str) -> Callable[[str], bool]:
    return lambda value: re.fullmatch(pattern, value) is not None


def _name(value: str) -> bool:
    """Ten characters, or twenty when none of them is Han. No digits."""
    letters_only = re.fullmatch(rf"[^\d{_HAN}]{{1,20}}", value)
    return bool(letters_only or re.fullmatch(r"\D{1,10}", value))


def _number(value: str) -> bool:
    digits = sum(char.isdigit() for char in value)
    return digits <= 32 and re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value) is not None


# Anchored at both ends by fullmatch; ~ joins the two ends of a range.
KINDS: dict[str, Callable[[str], bool]] = {
    "thing": _matches(r".{1,20}"),
    "number": _number,
    "letter": _matches(r"[A-Za-z]{1,32}"),
    "symbol": _matches(rf"[^\w\s{_HAN}]{{1,5}}"),
    "character_string": _matches(r"[\x21-\x7e]{1,32}"),
    "time": _matches(rf"{_TIME}(?:~{_TIME})?"),
    "date": _matches(rf"{_DAY_AND_TIME}(?:~{_DAY_AND_TIME})?"),
    "amount": _matches(r"[\u00a5\uffe5$€£]?[0-9]{1,10}(\.[0-9]{1,2})?元?"),
    "phone_number": _matches(r"[0-9+\-() ]{1,17}"),
    "car_number": _matches(rf"[{_HAN}A-Z0-9][A-Z0-9]{{1,6}}[{_HAN}A-Z0-9]"),
    "name": _name,
    "phrase": _matches(rf"[{_HAN}]{{1,5}}"),
    "enum": _matches(rf".{{1,{ENUM_MOST}}}"),
}


def kind_of(field: str) -> str:
    """`thing3` → `thing`."""
    return field.rstrip("0123456789")


def check(kind: str, value: str) -> bool:
    """Whether WeChat takes `value` in a field of this kind; False for a kind it does not have.

    A value of nothing but spaces counts as empty, which no kind allows.
    """
    rule = KINDS.get(kind)
    if rule is None or len(value) > VALUE_MOST or not value.strip() or not value.isprintable():
        return False
    return rule(value)
