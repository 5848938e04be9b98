"""Which month, on the pages of figures about people."""

from collections.abc import Iterable
from datetime import date
from typing import Annotated

from msgspec import Meta

FEW = "人数太少"
Month = Annotated[str, Meta(pattern=r"^(20\d{2}-(0[1-9]|1[0-2]))?$(?!\n)")]


def options_of(months: Iterable[date]) -> list[tuple[str, str]]:
    return [(f"{one:%Y-%m}", f"{one.year}年{one.month}月") for one in months]


def first_of(wanted: str, otherwise: date) -> date:
    """The first day of a `Month`."""
    return date.fromisoformat(f"{wanted}-01") if wanted else otherwise
