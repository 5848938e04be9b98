"""The cells of an .xlsx, streamed: openpyxl says what is in the file, expat reads the rows.

openpyxl's own row reader makes elements in Python and takes ten times as long for the same cells.
Declared entities are refused, as defusedxml does: a workbook never has any.
"""

import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.parsers import expat

from defusedxml.common import EntitiesForbidden
from openpyxl.reader.excel import ExcelReader
from openpyxl.styles.stylesheet import apply_stylesheet
from openpyxl.utils.datetime import from_excel
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.xml.constants import SHEET_MAIN_NS

READ_BYTES = 65_536
COLUMNS_MOST = 64
UNREADABLE = "#VALUE!"  # what a spreadsheet shows in its place
DIMENSION_WITHIN = 4096  # bytes at the start of a sheet

ROW, CELL, VALUE, FORMULA, TEXT, PHONETIC = (
    f"{SHEET_MAIN_NS} {name}" for name in ("row", "c", "v", "f", "t", "rPh")
)
_DIMENSION = re.compile(rb'<(?:\w+:)?dimension ref="[A-Z]+\d+:[A-Z]+(\d+)"')
_LETTERS = re.compile(r"[A-Z]+")

Cells = list[Any]


class XlsxBook:
    """An .xlsx whose sheets are read row by row. Its distinct texts are kept in memory."""

    def __init__(self, path: Path) -> None:
        try:
            reader = ExcelReader(path, read_only=True, keep_links=False)
        except InvalidFileException as error:
            raise ValueError(str(error)) from error
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about looks that other programs leave out
            reader.read_manifest()
            reader.read_strings()
            reader.read_workbook()
            apply_stylesheet(reader.archive, reader.wb)
        self._archive = reader.archive
        self._reading = _Reading(reader)
        self._parts: dict[str, str] = {
            sheet.name: rel.target
            for sheet, rel in reader.parser.find_sheets()
            if rel.Type.endswith("/worksheet")
        }

    def names(self) -> list[str]:
        return list(self._parts)

    def rows(self, name: str) -> Iterator[Cells]:
        """From row 1 on; a row that the file leaves out is empty."""
        sheet = _Sheet(self._reading)
        expected = 1
        with self._archive.open(self._parts[name]) as part:
            last = False
            while not last:
                block = part.read(READ_BYTES)
                last = not block
                sheet.parser.Parse(block, last)
                for number, cells in sheet.taken():
                    for _ in range(expected, number):
                        yield []
                    yield cells
                    expected = number + 1

    def estimate(self, name: str) -> int | None:
        """Rows as the sheet declares them, which may be wrong; None when it doesn't."""
        with self._archive.open(self._parts[name]) as part:
            found = _DIMENSION.search(part.read(DIMENSION_WITHIN))
        return int(found[1]) if found else None

    def close(self) -> None:
        self._archive.close()


class _Reading:
    """What turns the text of a cell into its value."""

    def __init__(self, reader: Any) -> None:
        self.texts: list[str] = reader.shared_strings
        self.dates: set[int] = reader.wb._date_formats
        self.durations: set[int] = reader.wb._timedelta_formats
        self.epoch = reader.wb.epoch

    def value(self, kind: str, style: int, text: str) -> Any:
        try:
            if kind == "s":
                return self.texts[int(text)]
            if kind == "b":
                return text == "1"
            if kind != "n" or not text:
                return text or None
            number = float(text) if set(text) & {".", "e", "E"} else int(text)
            if style in self.dates:
                return from_excel(number, self.epoch, timedelta=style in self.durations)
        except (ValueError, IndexError, OverflowError):
            return UNREADABLE
        return number


class _Sheet:
    """Gathers the rows of one sheet while expat runs through it."""

    def __init__(self, reading: _Reading) -> None:
        self._reading = reading
        self._rows: list[tuple[int, Cells]] = []
        self._number = 0
        self._cells: Cells = []
        self._column = 0
        self._kind, self._style = "n", 0
        self._text: list[str] = []
        self._formula: list[str] | None = None
        self._into: list[str] | None = None  # where text goes; None: it is not a cell's
        self._phonetic = False
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters
        self.parser.EntityDeclHandler = self._entity

    def taken(self) -> list[tuple[int, Cells]]:
        """The rows that are complete since the last time, with their numbers."""
        rows, self._rows = self._rows, []
        return rows

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if name == CELL:
            self._kind = attributes.get("t", "n")
            self._style = int(attributes.get("s", 0))
            place = attributes.get("r")
            self._column = _column(place) if place else self._column + 1
            self._text, self._formula = [], None
        elif name == VALUE:
            self._into = self._text
        elif name == TEXT and not self._phonetic:
            self._into = self._text
        elif name == FORMULA:
            self._into = self._formula = ["="]
        elif name == ROW:
            self._number = int(attributes.get("r", self._number + 1))
            self._cells, self._column = [], 0
        elif name == PHONETIC:
            self._phonetic = True

    def _end(self, name: str) -> None:
        if name == CELL:
            if self._column <= COLUMNS_MOST:
                self._cells.extend([None] * (self._column - 1 - len(self._cells)))
                self._cells.append(self._value())
        elif name == ROW:
            self._rows.append((self._number, self._cells))
        elif name == PHONETIC:
            self._phonetic = False
        else:
            self._into = None

    def _value(self) -> Any:
        if self._formula is not None:
            return "".join(self._formula)
        return self._reading.value(self._kind, self._style, "".join(self._text))

    def _characters(self, text: str) -> None:
        if self._into is not None:
            self._into.append(text)

    def _entity(self, name: str, *rest: Any) -> None:
        raise EntitiesForbidden(name, *rest)


def _column(place: str) -> int:
    """`C7` → 3."""
    letters = _LETTERS.match(place)
    number = 0
    for letter in letters[0] if letters else "":
        number = number * 26 + ord(letter) - 64
    return number
