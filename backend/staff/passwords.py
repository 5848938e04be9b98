"""Passwords: argon2id, twice what OWASP asks for with 46 MiB, refused when weak.

Hashing takes some tens of milliseconds and that memory, so it runs in a thread, two at a time. One
lane: a small server has two cores, and they serve residents.
"""

import asyncio
import secrets
import unicodedata
from functools import lru_cache
from itertools import pairwise

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from backend.staff.errors import PasswordWeak

LENGTH_LEAST = 10
LENGTH_MOST = 128
AT_ONCE = 2
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that is read as something else
GROUPS, GROUP = 4, 4  # of a one-time password: 79 bits
# Beginnings, or the whole, of what is tried first everywhere; compared without case and signs.
COMMON = (
    "password", "passw0rd", "admin", "administrator", "qwerty", "qwertyuiop", "asdfghjkl",
    "zxcvbnm", "1q2w3e4r", "1qaz2wsx", "iloveyou", "woaini", "woaiwojia", "welcome", "letmein",
    "hospital", "yiyuan", "yisheng", "weishengyuan", "jiamenkou", "abcdefgh", "abcd1234",
    "a123456789", "test", "changeme", "5201314",
)  # fmt: skip
KINDS_LEAST = 5  # different characters

hasher = PasswordHasher(time_cost=2, memory_cost=46 * 1024, parallelism=1)  # KiB
_gate = asyncio.Semaphore(AT_ONCE)


def one_time() -> str:
    """A password to be typed from paper once, in groups."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(GROUP)) for _ in range(GROUPS))


def check(password: str, username: str) -> None:
    """Raises PasswordWeak: with a sentence that says what to mend."""
    password = normal(password)
    bare = "".join(char for char in password.lower() if char.isalnum())
    if len(password) < LENGTH_LEAST:
        raise PasswordWeak(f"密码至少要 {LENGTH_LEAST} 个字符。", field="password")
    if len(password) > LENGTH_MOST:
        raise PasswordWeak(f"密码最多 {LENGTH_MOST} 个字符。", field="password")
    if username.lower() in password.lower():
        raise PasswordWeak("密码里不能有用户名。", field="password")
    if len(set(password)) < KINDS_LEAST or _is_run(bare) or bare.rstrip("0123456789") in COMMON:
        raise PasswordWeak("这个密码太常见，很容易被猜中，请换一个。", field="password")
    if bare in COMMON:
        raise PasswordWeak("这个密码太常见，很容易被猜中，请换一个。", field="password")


def _is_run(bare: str) -> bool:
    """12345678901, abcdefghijk, and backwards."""
    steps = {(ord(b) - ord(a)) % 10 if b.isdigit() else ord(b) - ord(a) for a, b in pairwise(bare)}
    return len(bare) > 1 and steps in ({1}, {9}, {-1})


async def hashed(password: str) -> str:
    """argon2id of it, with its salt and parameters."""
    async with _gate:
        return await asyncio.to_thread(hasher.hash, normal(password))


async def fits(kept: str | None, password: str) -> bool:
    """Whether it is the password. Without a `kept` hash the same work is done for nothing."""
    async with _gate:
        return await asyncio.to_thread(_fits, kept, normal(password)) and kept is not None


def is_stale(kept: str) -> bool:
    """Whether the hash was made with other parameters than we use now."""
    return hasher.check_needs_rehash(kept)


def normal(password: str) -> str:
    """The same characters however a keyboard put them together."""
    return unicodedata.normalize("NFKC", password)


def _fits(kept: str | None, password: str) -> bool:
    try:
        return hasher.verify(kept or _nobodys(hasher), password)
    except (VerificationError, InvalidHashError):
        return False


@lru_cache(maxsize=4)
def _nobodys(by: PasswordHasher) -> str:
    return by.hash(secrets.token_hex(16))
