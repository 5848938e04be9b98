"""Reading the county's workbook row by row: an .xlsx, or a folder with one .csv per sheet.

Nothing here holds more than one row.
"""

import contextlib
import csv
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Protocol
from xml.etree.ElementTree import ParseError
from xml.parsers.expat import ExpatError

from defusedxml.common import DefusedXmlException

from backend.county.cells import blank, written
from backend.county.columns import Sheet
from backend.county.faults import Faults
from backend.county.sheets import EXAMPLE, IGNORED, SHEETS, WORKBOOK_NOTES

FILE = "文件"  # where faults of the whole file stand
FILE_BYTES_MOST = 200 * 1024 * 1024
UNPACKED_BYTES_MOST = 4 * 1024 * 1024 * 1024  # a packed bomb is refused before it is read
BLANK_ROWS_MOST = 10_000  # formatted but empty rows after which a sheet counts as read
HEADING_WITHIN = 5  # a title may stand above the headings
HEADINGS_LEAST = 2  # known headings that make a row the headings
CSV_FIELD_MOST = 10_000
# What a damaged or hostile file makes the readers raise (UnicodeDecodeError is a ValueError).
UNREADABLE = (
    csv.Error, zipfile.BadZipFile, zlib.error, ParseError, ExpatError, DefusedXmlException,
    KeyError, ValueError, AttributeError, TypeError, OSError, EOFError,
)  # fmt: skip
ENCODINGS = ("utf-8-sig", "gb18030")

Cells = Sequence[Any]
Raw = dict[str, Any]  # a column's field → the cell, as it was read


class Book(Protocol):
    """Something with named sheets, each a stream of rows."""

    def names(self) -> list[str]: ...
    def rows(self, name: str) -> Iterator[Cells]: ...
    def estimate(self, name: str) -> int | None: ...
    def close(self) -> None: ...


class CsvBook:
    """A folder of .csv files, UTF-8 or GB18030 (what Excel saves on a Chinese Windows)."""

    def __init__(self, folder: Path) -> None:
        self._files = {path.stem: path for path in sorted(folder.glob("*.csv"))}
        self._known: dict[str, tuple[str, int]] = {}

    def names(self) -> list[str]:
        return list(self._files)

    def rows(self, name: str) -> Iterator[Cells]:
        encoding, _ = self._read_through(name)
        with self._files[name].open(encoding=encoding, newline="") as lines:
            yield from csv.reader(lines, strict=True)

    def estimate(self, name: str) -> int | None:
        return self._read_through(name)[1]

    def _read_through(self, name: str) -> tuple[str, int]:
        """Its encoding and number of lines. The last encoding's error is the caller's."""
        if name not in self._known:
            for encoding in ENCODINGS:
                with (
                    contextlib.suppress(UnicodeDecodeError),
                    self._files[name].open(encoding=encoding) as lines,
                ):
                    self._known[name] = encoding, sum(1 for _ in lines)
                    break
        return self._known.get(name, (ENCODINGS[-1], 0))

    def close(self) -> None:
        """Files are closed as they are read."""


def open_book(path: Path, faults: Faults) -> Book | None:
    """The workbook at `path`; None, and a fault, when there is nothing that can be read."""
    expected = "一个 .xlsx 工作簿，或一个内有 .csv 的文件夹"
    if path.is_dir():
        csv.field_size_limit(CSV_FIELD_MOST)
        return CsvBook(path)
    if not path.is_file() or path.suffix.lower() != ".xlsx":
        faults.add(FILE, 0, "", path.name, expected)
        return None
    from backend.county.xlsx import XlsxBook  # a server that is replaced waits for no openpyxl

    try:
        _refuse_bombs(path)
        return XlsxBook(path)
    except UNREADABLE as error:
        faults.add(FILE, 0, "", f"{path.name}({type(error).__name__}: {error})", expected)
    return None


def _refuse_bombs(path: Path) -> None:
    with zipfile.ZipFile(path) as packed:
        unpacked = sum(part.file_size for part in packed.infolist())
    if path.stat().st_size > FILE_BYTES_MOST or unpacked > UNPACKED_BYTES_MOST:
        raise ValueError("文件过大")


def check_sheets(book: Book, faults: Faults) -> None:
    """Every sheet must be there, even if empty: a sheet left out would retire all it held."""
    wanted = {sheet.name for sheet in SHEETS}
    for name in book.names():
        if name not in wanted and name != WORKBOOK_NOTES:
            faults.add(
                name, 0, "", name, "不多出工作表；可用的是 " + "、".join(s.name for s in SHEETS)
            )
    for sheet in SHEETS:
        if sheet.name not in book.names():
            faults.add(sheet.name, 0, "", "缺少工作表", "有这张工作表，没有内容也要留表头")


def read_sheet(book: Book, sheet: Sheet, faults: Faults) -> Iterator[tuple[int, Raw]]:
    """Its rows as (row number in the file, cells by field); blank and example rows are left out."""
    rows = enumerate(_readable(book, sheet, faults), start=1)
    headings = _headings(rows, sheet, faults)
    if headings is None:
        return
    blanks = 0
    for number, cells in rows:
        if all(blank(cell) for cell in cells):
            blanks += 1
            if blanks > BLANK_ROWS_MOST:
                return
            continue
        blanks = 0
        if _plain(next(cell for cell in cells if not blank(cell))).startswith(_plain(EXAMPLE)):
            continue
        _check_beyond(sheet, number, cells, headings, faults)
        yield number, {name: cells[at] if at < len(cells) else None for name, at in headings}


def _readable(book: Book, sheet: Sheet, faults: Faults) -> Iterator[Cells]:
    """The rows, and a fault where the file itself can't be read on."""
    number = 0
    try:
        for number, cells in enumerate(book.rows(sheet.name), start=1):  # noqa: B007
            yield cells
    except UnicodeDecodeError:
        faults.add(sheet.name, number + 1, "", "无法解码的文字", "UTF-8 或 GB18030 编码")
    except UNREADABLE as error:
        faults.add(sheet.name, number + 1, "", str(error), "完整、未损坏的文件")


def _headings(
    rows: Iterator[tuple[int, Cells]], sheet: Sheet, faults: Faults
) -> list[tuple[str, int]] | None:
    """(field, place in the row) of the columns; None when there are no headings."""
    fields = {_plain(column.name): column.field for column in sheet.columns}
    before = faults.total
    for number, cells in islice(rows, HEADING_WITHIN):
        names = [_plain(cell) for cell in cells]
        known = sum(name in fields for name in names)
        if known >= min(HEADINGS_LEAST, len(fields)):
            return _placed(sheet, number, names, fields, faults)
    if faults.total == before:  # else the file can't be read, which says it all
        expected = f"前 {HEADING_WITHIN} 行内有表头：" + "、".join(c.name for c in sheet.columns)
        faults.add(sheet.name, 0, "", "没有表头", expected)
    return None


def _placed(
    sheet: Sheet, number: int, names: list[str], fields: dict[str, str], faults: Faults
) -> list[tuple[str, int]]:
    while names and not names[-1]:
        names.pop()
    places: dict[str, int] = {}
    for at, name in enumerate(names):
        field = fields.get(name)
        if not name:
            faults.add(sheet.name, number, f"第 {at + 1} 列", "", "列名；表头不能合并单元格")
        elif field in places:
            faults.add(sheet.name, number, name, "重复的列", "每个列名只出现一次")
        elif field is not None:
            places[field] = at
        elif name not in IGNORED:
            expected = "以下列名之一：" + "、".join(column.name for column in sheet.columns)
            faults.add(sheet.name, number, name, name, expected)
    for column in sheet.columns:
        if column.field not in places:
            faults.add(sheet.name, number, column.name, "缺少列", "有这一列，没有内容也要留列名")
    return list(places.items())


def _plain(cell: Any) -> str:
    """A heading without the blanks, stars and widths in which hospitals vary."""
    if blank(cell):
        return ""
    return "".join(unicodedata.normalize("NFKC", str(cell)).split()).strip("*")


def _check_beyond(
    sheet: Sheet, number: int, cells: Cells, headings: list[tuple[str, int]], faults: Faults
) -> None:
    """Cells to the right of the last heading are a slip; columns of `IGNORED` are not."""
    last = max((at for _, at in headings), default=-1)
    extra = [cell for cell in cells[last + 1 + len(IGNORED) :] if not blank(cell)]
    if extra:
        faults.add(sheet.name, number, "", written(extra[0]), "表头以外没有内容")
