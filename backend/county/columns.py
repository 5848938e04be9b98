"""What a column and a sheet of the county's workbook are."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "text", "code", "specialty", "phone", "date", "time", "choice", "flag", "integer", "money",
    "degrees",
]  # fmt: skip

ROWS_MOST = 1_000_000
CODE_MOST = 32


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """One is only ever itself, so that what it reads can be remembered.

    `low`, `high`: inclusive; `most`: characters; `choices`: as written → as stored.

    Money is written in yuan and stored in fen.
    """

    name: str
    field: str
    kind: Kind = "text"
    required: bool = False
    choices: Mapping[str, str | int] = dataclasses.field(default_factory=dict)
    aliases: Mapping[str, str] = dataclasses.field(default_factory=dict)
    low: float | None = None
    high: float | None = None
    most: int = 60
    default: str | int | bool | None = None
    example: str = ""
    says: str = ""


@dataclass(frozen=True, slots=True)
class Reference:
    """The row names a row elsewhere: the values of `fields` are a key of `to`.

    `to` is a sheet's code or another kind of name that `checks.aliases` gives to rows; the row's
    own values fill its braces.
    """

    fields: tuple[str, ...]
    to: str
    expected: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """`key`: what tells its rows apart. `least`, `most`: how many there must and may be."""

    code: str
    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    says: str
    references: tuple[Reference, ...] = ()
    most: int = ROWS_MOST
    least: int = 0

    def column(self, name: str) -> Column:
        """The column whose field is `name`."""
        return next(column for column in self.columns if column.field == name)
