"""What an import changes, or would change: counts, and the first of each kind per sheet."""

from collections.abc import Iterator
from dataclasses import dataclass, field

SAMPLES_MOST = 20  # per sheet and kind of change; the counts are whole


@dataclass(slots=True)
class SheetDifference:
    """`retired`: rows no longer in the file, made inactive, or removed where nothing needs them.

    `made_here`: how many of these no workbook made, but somebody on the staff pages.
    """

    name: str
    added: int = 0
    changed: int = 0
    retired: int = 0
    made_here: int = 0
    samples: list[str] = field(default_factory=list)
    _sampled: dict[str, int] = field(default_factory=dict)

    def add(self, text: str) -> None:
        self.added += 1
        self._sample("+", text)

    def change(self, text: str) -> None:
        self.changed += 1
        self._sample("~", text)

    def retire(self, text: str) -> None:
        self.retired += 1
        self._sample("-", text)

    def wants_sample(self, sign: str) -> bool:
        return self._sampled.get(sign, 0) < SAMPLES_MOST

    def _sample(self, sign: str, text: str) -> None:
        if text and self.wants_sample(sign):
            self._sampled[sign] = self._sampled.get(sign, 0) + 1
            self.samples.append(f"{sign} {text}")

    @property
    def total(self) -> int:
        return self.added + self.changed + self.retired

    @property
    def unsaid(self) -> int:
        """How many changes no sample shows."""
        return self.total - len(self.samples)


@dataclass(slots=True)
class Difference:
    """Between a workbook and the database, sheet by sheet in the workbook's order."""

    sheets: list[SheetDifference] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        return not self.total

    @property
    def total(self) -> int:
        return sum(sheet.total for sheet in self.sheets)

    def rows(self) -> Iterator[tuple[str, int, int, int]]:
        """(sheet, added, changed, retired), for a table."""
        for sheet in self.sheets:
            yield sheet.name, sheet.added, sheet.changed, sheet.retired

    def counts(self) -> dict[str, list[int]]:
        """Sheet → [added, changed, retired], only those with any: for the audit."""
        return {name: [*numbers] for name, *numbers in self.rows() if any(numbers)}
