"""Opaque cursors: where the next page begins, as base64url of JSON."""

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, TypeVar

import msgspec

from backend.errors import Malformed

T = TypeVar("T")
P = TypeVar("P", bound=tuple[Any, ...])
Instant = Annotated[datetime, msgspec.Meta(tz=True)]
YEARS = range(2000, 2200)


def encode(position: tuple[object, ...]) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(position)).decode().rstrip("=")


def decode(cursor: str | None, kind: type[P]) -> P | None:
    """Raises Malformed."""
    if cursor is None:
        return None
    try:
        raw = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        position: P = msgspec.json.decode(raw, type=kind)
        if any(isinstance(part, datetime) and part.year not in YEARS for part in position):
            raise ValueError("no such time")
        return position
    except (ValueError, binascii.Error, msgspec.MsgspecError) as wrong:
        raise Malformed("翻页位置无效，请从第一页重新看。", field="cursor") from wrong


def following(
    page: Sequence[T], most: int, position: Callable[[T], tuple[object, ...]]
) -> str | None:
    """The cursor after a page of `most`; one that is not full is the last. `position` of a row."""
    return encode(position(page[-1])) if len(page) == most else None


def cut(found: Sequence[T], cursor: str | None, most: int) -> tuple[Sequence[T], str | None]:
    """One page of a list that is whole in memory, and the cursor of the next. Raises Malformed."""
    position = decode(cursor, tuple[int])
    first = position[0] if position else 0
    if first < 0:
        raise Malformed("翻页位置无效，请从第一页重新看。", field="cursor")
    page = found[first : first + most]
    following = encode((first + most,)) if first + most < len(found) else None
    return page, following
