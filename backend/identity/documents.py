"""Pure: identity documents. What a number must look like, and what it says.

Resident identity number: GB 11643-1999 (6 digits of place, 8 of birth, 3 of order, 1 check
character by ISO 7064 MOD 11-2). The third order digit is odd for men.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date

from backend.errors import Malformed

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECKS = "10X98765432"
OLDEST_YEARS = 130
ADULT_YEARS = 18

PATTERNS = {
    "resident_id": r"[1-9]\d{16}[\dX]",
    "passport": r"[A-Z0-9]{5,17}",
    "hk_macao_permit": r"[HMC]\d{8,10}",
    "taiwan_permit": r"\d{8}|\d{10}",
    "residence_permit": r"[A-Z0-9]{15,18}",
}


class IdentityNumberWrong(Malformed):
    code = "identity-number-wrong"
    title = "证件号码有误"
    detail = "证件号码不正确，请对照证件再核对一遍。"


@dataclass(frozen=True, slots=True)
class ResidentNumber:
    """What a resident identity number says about its owner."""

    number: str
    birth_on: date
    sex: str


def normalise(kind: str, number: str, *, today: date) -> str:
    """The number in its one canonical form. Raises IdentityNumberWrong."""
    plain = unicodedata.normalize("NFKC", number).replace(" ", "").replace("-", "").upper()
    if not re.fullmatch(PATTERNS[kind], plain, re.ASCII):
        raise IdentityNumberWrong(field="id_number")
    if kind == "resident_id":
        read_resident_number(plain, today=today)
    return plain


def read_resident_number(number: str, *, today: date) -> ResidentNumber:
    """Check and read a canonical number. Raises IdentityNumberWrong."""
    if check_character(number) != number[17]:
        raise IdentityNumberWrong(
            "身份证号码不正确：最后一位与前面的数字对不上。", field="id_number"
        )
    try:
        birth_on = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        raise IdentityNumberWrong("身份证号码不正确：出生日期不存在。", field="id_number") from None
    if not is_possible_birth(birth_on, today):
        raise IdentityNumberWrong("身份证号码不正确：出生日期不可能。", field="id_number")
    return ResidentNumber(number, birth_on, "male" if int(number[16]) % 2 else "female")


def check_character(number: str) -> str:
    """The last character that the first 17 digits ask for."""
    total = sum(int(digit) * weight for digit, weight in zip(number, WEIGHTS, strict=False))
    return CHECKS[total % 11]


def is_possible_birth(birth_on: date, today: date) -> bool:
    return birth_on <= today and today.year - birth_on.year <= OLDEST_YEARS


def is_minor(birth_on: date, today: date) -> bool:
    return age_on(birth_on, today) < ADULT_YEARS


def age_on(birth_on: date, day: date) -> int:
    """Whole years; somebody born on 29 February has their birthday on 1 March in other years."""
    return day.year - birth_on.year - ((day.month, day.day) < (birth_on.month, birth_on.day))


def mask_number(number: str) -> str:
    """`3****************8`: enough to tell two family members apart, no more."""
    return number[0] + "*" * (len(number) - 2) + number[-1]


def mask_name(name: str) -> str:
    """王*兰, 王*: the first and, from three characters on, the last."""
    if len(name) <= 2:
        return name[0] + "*"
    return name[0] + "*" * (len(name) - 2) + name[-1]


def mask_phone(phone: str) -> str:
    """138****5678."""
    first = min(3, len(phone) // 3)
    last = min(4, (len(phone) - first) // 2)
    return phone[:first] + "*" * (len(phone) - first - last) + phone[-last:]
