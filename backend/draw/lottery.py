"""Pure: the order of a draw, and how anybody checks it.

Commit and reveal. The announcement carries the SHA-256 of a seed that nobody else knows; the result
carries the seed. The order follows from the seed together with the codes of all who took part, so
neither the seed nor a late entry alone decides it. A code follows from draw and identity and can't
be chosen.

What it can't show: that nobody who knew the seed kept an entry out. Hence registration is by real
name, one entry an identity, and every entry and withdrawal is audited.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

SEED_BYTES = 32
WAITING, WON, LOST, WITHDRAWN = "waiting", "won", "lost", "withdrawn"


class Result(msgspec.Struct, frozen=True):
    """One line of the published list."""

    rank: int
    code: str
    outcome: str
    reason: str = ""


class Published(msgspec.Struct, frozen=True):
    """What the service publishes of a draw, as far as the check needs it."""

    seed_hash: str
    seed: str | None
    places: int | None
    results: list[Result]


def seed_hash(seed: str) -> str:
    """SHA-256 of the seed, both as hexadecimal digits."""
    return hashlib.sha256(bytes.fromhex(seed)).hexdigest()


def order(seed: str, codes: Iterable[str]) -> list[str]:
    """All codes, the first drawn first.

    The stirred seed is SHA-256 of the seed's digits and the sorted codes, each on a line; a code's
    lot is SHA-256 of the stirred seed's digits and the code; the smallest lot is drawn first.
    """
    everybody = sorted(codes)
    stirred = hashlib.sha256("\n".join([seed, *everybody]).encode()).hexdigest()
    return sorted(everybody, key=lambda code: hashlib.sha256((stirred + code).encode()).digest())


def faults(published: Published) -> list[str]:
    """What is wrong with a published result, in Chinese; nothing when it holds."""
    if published.seed is None or published.places is None:
        return ["还没有开奖：种子没有公布。"]
    try:
        hashed = seed_hash(published.seed)
    except ValueError:
        return ["种子不是十六进制数。"]
    found = []
    if hashed != published.seed_hash:
        found.append("公布的种子与事先公布的哈希不符。")
    listed = sorted(published.results, key=lambda one: one.rank)
    if [one.rank for one in listed] != list(range(1, len(listed) + 1)):
        found.append("名次不连续。")
    if [one.code for one in listed] != order(published.seed, (one.code for one in listed)):
        found.append("名次与按种子重新计算的结果不同。")
    return found + _misgiven(listed, published.places)


def _misgiven(listed: Sequence[Result], places: int) -> list[str]:
    """Places go down the list; whoever is passed has a reason."""
    won = [one for one in listed if one.outcome == WON]
    found = []
    if len(won) > places:
        found.append(f"中签 {len(won)} 个，多于号源 {places} 个。")
    last = won[-1].rank if won else 0
    passed = [one for one in listed if one.rank < last and one.outcome == LOST and not one.reason]
    if passed:
        found.append(f"第 {passed[0].rank} 名排在中签者前面，没有得到号，也没有写明原因。")
    if len(won) < places and any(one.outcome == LOST and not one.reason for one in listed):
        found.append("还有号，却有人没有得到，也没有写明原因。")
    return found


def published(document: Any) -> Published:
    """From the decoded JSON of `GET /draws/{id}`. Raises msgspec.ValidationError."""
    return msgspec.convert(document, Published, strict=True)
