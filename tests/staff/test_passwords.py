"""Which passwords are taken, and how they are kept."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.staff import passwords
from backend.staff.errors import PasswordWeak


@pytest.mark.parametrize(
    "weak",
    ["short", "123456789", "1234567890", "0987654321", "abcdefghijk", "aaaaaaaaaaaa",
     "Password2026", "password!!", "admin123456", "li.wei-2026!", "LI.WEI rain river",
     "1122112211", "Qwertyuiop1", "x" * 129],
)  # fmt: skip
def test_what_is_guessed_first_is_refused(weak: str) -> None:
    with pytest.raises(PasswordWeak) as refused:
        passwords.check(weak, "li.wei")
    assert refused.value.extra["field"] == "password"


@pytest.mark.parametrize("good", ["rain river lamp", "春雨桥头的豆腐花摊前", "kX9#mmQ2!vbn"])
def test_what_nobody_guesses_is_taken(good: str) -> None:
    passwords.check(good, "li.wei")


def test_one_time_passwords_are_good_and_all_different() -> None:
    made = {passwords.one_time() for _ in range(200)}
    assert len(made) == 200
    for one in made:
        passwords.check(one, "li.wei")


async def test_the_same_characters_fit_however_typed() -> None:
    kept = await passwords.hashed("ｐａｓｓ－ｐｈｒａｓｅ－９")
    assert kept.startswith("$argon2id$")
    assert await passwords.fits(kept, "pass-phrase-9")
    assert not await passwords.fits(kept, "pass-phrase-8")
    assert not await passwords.fits(None, "pass-phrase-9")
    assert not await passwords.fits("none", "pass-phrase-9")


def test_the_real_parameters_are_above_what_owasp_asks_for() -> None:
    """Its cheat sheet's least with 46 MiB is one pass, one lane."""
    told = re.search(r"PasswordHasher\((.*?)\)", Path(passwords.__file__).read_text())
    assert told is not None
    assert told.group(1) == "time_cost=2, memory_cost=46 * 1024, parallelism=1"


@settings(max_examples=60)
@given(st.text(max_size=140), st.from_regex(r"[a-z][a-z0-9]{2,10}", fullmatch=True))
def test_any_text_is_taken_or_refused(password: str, username: str) -> None:
    try:
        passwords.check(password, username)
    except PasswordWeak:
        return
    assert username not in password.lower()
    assert len(password) >= 5  # one that grows when normalised is measured as it is kept
