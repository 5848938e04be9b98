"""The first pass: every row read, checked and staged, every fault collected. No database yet."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

from backend.county import checks, sheets
from backend.county.cells import Unreadable, blank, parse, written
from backend.county.columns import Column, Reference, Sheet
from backend.county.faults import Faults
from backend.county.rows import Record, id_of, row_id
from backend.county.sheets import SHEETS
from backend.county.staging import Dangling, Staging
from backend.county.workbook import Book, Raw, check_sheets, open_book, read_sheet

Progress = Callable[[int, int | None, str], None]  # rows done, of how many (if known), doing what
ROWS_A_TICK = 500


def read_county(path: Path, consortium_id: UUID, staging: Staging, progress: Progress) -> None:
    """Stage the workbook at `path`.

    Raises:
        WorkbookRejected: with every fault of the file.
    """
    faults = Faults(order=tuple(sheet.name for sheet in SHEETS))
    book = open_book(path, faults)
    if book is not None:
        try:
            _read(book, _Reader(consortium_id, staging, faults), progress)
        finally:
            book.close()
    faults.stop_if_any()


def _read(book: Book, reader: "_Reader", progress: Progress) -> None:
    check_sheets(book, reader.faults)
    there = [sheet for sheet in SHEETS if sheet.name in book.names()]
    estimates = [book.estimate(sheet.name) for sheet in there]
    total = None if None in estimates else sum(n for n in estimates if n is not None)
    done = 0
    for sheet in there:
        done = reader.read(book, sheet, done, total, progress)
    reader.check_references()
    reader.check_clashes()


class _Reader:
    def __init__(self, consortium_id: UUID, staging: Staging, faults: Faults) -> None:
        self.consortium_id = consortium_id
        self.staging = staging
        self.faults = faults

    def read(
        self, book: Book, sheet: Sheet, done: int, total: int | None, progress: Progress
    ) -> int:
        """Read one sheet; how many rows were read until now, in all."""
        label, rows = f"读取 {sheet.name}", 0
        progress(done, total, label)
        for line, raw in read_sheet(book, sheet, self.faults):
            rows += 1
            if rows > sheet.most:
                self.faults.add(sheet.name, line, "", f"第 {rows} 行内容", f"最多 {sheet.most} 行")
                break
            self._take(sheet, line, raw)
            if rows % ROWS_A_TICK == 0:
                progress(done + rows, total, label)
        if rows < sheet.least:
            self.faults.add(sheet.name, 0, "", "没有内容", f"至少 {sheet.least} 行")
        progress(done + rows, total, label)
        return done + rows

    def _take(self, sheet: Sheet, line: int, raw: Raw) -> None:
        record = self._record(sheet, line, raw)
        if len(record) < len(sheet.columns):
            self._name(sheet, line, record)  # so that rows which refer to it are not blamed too
            return
        for name, expected in checks.problems(sheet, record):
            self._fault(sheet, line, sheet.column(name), raw.get(name), expected)
        id = id_of(self.consortium_id, sheet, record)
        earlier = self.staging.add(sheet.code, checks.rank(sheet, record), id, line, record)
        if earlier is not None:
            self._repeated(sheet, line, record, earlier)
            return
        self._name(sheet, line, record)
        for reference in sheet.references:
            self._refer(sheet, line, record, reference)
        span = checks.span(sheet, record, line)
        if span is not None:
            self.staging.occupy(span)

    def _record(self, sheet: Sheet, line: int, raw: Raw) -> Record:
        """The row's values without those that can't be read. A missing column has its own fault."""
        record: Record = {}
        for column in sheet.columns:
            if column.field not in raw:
                continue
            try:
                record[column.field] = parse(column, raw[column.field])
            except Unreadable as wrong:
                self._fault(sheet, line, column, raw[column.field], wrong.expected)
        return record

    def _name(self, sheet: Sheet, line: int, record: Record) -> None:
        """Make the row known to references, as far as its cells could be read."""
        with contextlib.suppress(KeyError):
            self.staging.name(id_of(self.consortium_id, sheet, record), line)
        with contextlib.suppress(KeyError):
            for alias in checks.aliases(sheet, record):
                self.staging.name(row_id(self.consortium_id, *alias), line)

    def _fault(self, sheet: Sheet, line: int, column: Column, cell: object, expected: str) -> None:
        found = "" if blank(cell) else written(cell)
        self.faults.add(sheet.name, line, column.name, found, expected)

    def _repeated(self, sheet: Sheet, line: int, record: Record, earlier: int) -> None:
        names = "+".join(sheet.column(name).name for name in sheet.key)
        found = " ".join(str(record[name]) for name in sheet.key if record[name] is not None)
        self.faults.add(sheet.name, line, names, found, f"不与第 {earlier} 行重复")

    def _refer(self, sheet: Sheet, line: int, record: Record, reference: Reference) -> None:
        key = [record[name] for name in reference.fields]
        if None in key:
            return
        last = sheet.column(reference.fields[-1])
        names_doctor = reference is sheets.TO_PRACTICE
        column = sheet.column("practitioner") if names_doctor else last
        found = " / ".join(str(part) for part in key)
        self.staging.refer(
            row_id(self.consortium_id, reference.to.format(**record), *key),
            Dangling(sheet.name, line, column.name, found, reference.expected),
        )

    def check_references(self) -> None:
        for one in self.staging.dangling():
            self.faults.add(one.sheet, one.line, one.heading, one.found, one.expected)

    def check_clashes(self) -> None:
        for first, second in checks.clashes(self.staging.spans(sheets.ROLES.name)):
            self.faults.add(
                second.sheet, second.line, "开始日期", second.from_on,
                f"不与第 {first.line} 行的执业日期重叠",
            )  # fmt: skip
        for first, second in checks.clashes(self.staging.spans(sheets.TEMPLATES.name)):
            self.faults.add(
                second.sheet, second.line, "开始时间", f"{second.starts}-{second.ends}",
                f"不与第 {first.line} 行同时出诊（同一医生，另一科室）",
            )  # fmt: skip
