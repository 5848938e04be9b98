"""What is wrong in a workbook: every fault with its place and what belongs there, all in one go."""

from collections.abc import Iterator
from dataclasses import dataclass

SHOWN_MOST = 1000
FOUND_MOST = 40  # characters of a cell that a message quotes


@dataclass(frozen=True, slots=True)
class Fault:
    """`row` counts as the spreadsheet does, from 1; 0 and an empty `column` mean the whole."""

    sheet: str
    row: int
    column: str
    found: str
    expected: str

    def __str__(self) -> str:
        place = f"「{self.sheet}」"
        if self.row:
            place += f"第 {self.row} 行"
        if self.column:
            place += f"「{self.column}」"
        found = self.found if len(self.found) <= FOUND_MOST else self.found[:FOUND_MOST] + "…"
        now = f"现在是“{found}”" if found else "现在是空的"
        return f"{place}：{now}，应为 {self.expected}"


class WorkbookRejected(Exception):
    """Nothing was imported. `faults` are the first `SHOWN_MOST` of `total`, in the file's order."""

    def __init__(self, faults: list[Fault], total: int) -> None:
        super().__init__(f"共 {total} 处错误，没有导入任何内容")
        self.faults = faults
        self.total = total


class Faults:
    """Collects faults in bounded memory: counts them all, keeps the first `SHOWN_MOST`."""

    def __init__(self, order: tuple[str, ...] = ()) -> None:
        self.total = 0
        self._kept: list[Fault] = []
        self._order = {name: place for place, name in enumerate(order)}

    def add(self, sheet: str, row: int, column: str, found: object, expected: str) -> None:
        self.total += 1
        if len(self._kept) < SHOWN_MOST:
            text = "" if found is None else str(found)
            self._kept.append(Fault(sheet, row, column, text, expected))

    def __iter__(self) -> Iterator[Fault]:
        """In the order of the file."""
        return iter(sorted(self._kept, key=lambda f: (self._order.get(f.sheet, -1), f.row)))

    def stop_if_any(self) -> None:
        """Raises WorkbookRejected when anything was wrong."""
        if self.total:
            raise WorkbookRejected(list(self), self.total)
