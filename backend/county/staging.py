"""A private database on disk between reading and writing, so that no file is too large for memory.

SQLite deletes it when it is closed. It keeps what the rows say, what they refer to, and what is to
become of them.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from uuid import UUID

import msgspec

from backend.county.rows import Record

CHUNK = 1000  # rows compared or written at a time
CACHE_KIB = 16_384

SCHEMA = """
CREATE TABLE row (sheet TEXT, place BLOB, record BLOB, PRIMARY KEY (sheet, place)) WITHOUT ROWID;
CREATE TABLE verdict (sheet TEXT, place BLOB, PRIMARY KEY (sheet, place)) WITHOUT ROWID;
CREATE TABLE vanished (sheet TEXT, id BLOB, PRIMARY KEY (sheet, id)) WITHOUT ROWID;
CREATE TABLE name (id BLOB PRIMARY KEY, line INT) WITHOUT ROWID;
CREATE TABLE reference (target BLOB, sheet TEXT, line INT, heading TEXT, found TEXT, expected TEXT);
CREATE TABLE span (sheet TEXT, owner TEXT, starts TEXT, ends TEXT, from_on TEXT, to_on TEXT,
    place TEXT, line INT);
"""


@dataclass(frozen=True, slots=True)
class Staged:
    """A row of the file. `place` orders rows for writing: a rank, parents first, then the id."""

    place: bytes
    record: Record

    @property
    def id(self) -> UUID:
        return UUID(bytes=self.place[1:])


@dataclass(frozen=True, slots=True)
class Span:
    """When somebody is where. Text compares as times and dates do; `place` "" is everywhere."""

    sheet: str
    owner: str
    starts: str
    ends: str
    from_on: str
    to_on: str
    place: str
    line: int


@dataclass(frozen=True, slots=True)
class Dangling:
    """A reference to a row that is nowhere in the file."""

    sheet: str
    line: int
    heading: str
    found: str
    expected: str


class Staging:
    """What was read and is not yet written."""

    def __init__(self) -> None:
        # "": a temporary file of SQLite's own. Filled in a worker's thread, read in the loop's.
        self._db = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        self._db.executescript(SCHEMA)
        self._db.execute("BEGIN")

    def __enter__(self) -> "Staging":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._db.close()

    # --- while reading ---

    def add(self, sheet: str, rank: int, id: UUID, line: int, record: Record) -> int | None:
        """Keep a row; when its key stood there before, the line of that one instead."""
        earlier = self.name(id, line)
        if earlier is None:
            text = msgspec.json.encode(record)
            place = bytes([rank]) + id.bytes
            self._db.execute("INSERT INTO row VALUES (?, ?, ?)", (sheet, place, text))
        return earlier

    def name(self, id: UUID, line: int) -> int | None:
        """Make an id known to references; when it was known before, from which line."""
        known = self._db.execute("INSERT OR IGNORE INTO name VALUES (?, ?)", (id.bytes, line))
        if known.rowcount:
            return None
        found = self._db.execute("SELECT line FROM name WHERE id = ?", (id.bytes,)).fetchone()
        return int(found[0])

    def refer(self, target: UUID, at: Dangling) -> None:
        """Remember that a row needs another one, which may come later in the file."""
        self._db.execute(
            "INSERT INTO reference VALUES (?, ?, ?, ?, ?, ?)",
            (target.bytes, at.sheet, at.line, at.heading, at.found, at.expected),
        )

    def dangling(self) -> Iterator[Dangling]:
        for row in self._db.execute(
            "SELECT sheet, line, heading, found, expected FROM reference"
            " WHERE target NOT IN (SELECT id FROM name) ORDER BY sheet, line"
        ):
            yield Dangling(*row)

    def occupy(self, span: Span) -> None:
        self._db.execute(
            "INSERT INTO span VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (span.sheet, span.owner, span.starts, span.ends, span.from_on, span.to_on, span.place,
             span.line),
        )  # fmt: skip

    def spans(self, sheet: str) -> Iterator[Span]:
        """Each owner's together, in the file's order."""
        found = self._db.execute(
            "SELECT * FROM span WHERE sheet = ? ORDER BY owner, line", (sheet,)
        )
        for row in found:
            yield Span(*row)

    # --- while comparing and writing ---

    def rows(self, sheet: str) -> Iterator[list[Staged]]:
        """The rows, parents before children, `CHUNK` at a time."""
        return self._chunks("SELECT place, record FROM row WHERE sheet = ? ORDER BY place", sheet)

    def judge(self, sheet: str, places: Iterable[bytes]) -> None:
        """Note that rows are to be written."""
        self._db.executemany(
            "INSERT INTO verdict VALUES (?, ?)", [(sheet, place) for place in places]
        )

    def judged(self, sheet: str) -> Iterator[list[Staged]]:
        """The rows to be written, parents before children, `CHUNK` at a time."""
        return self._chunks(
            "SELECT place, record FROM verdict JOIN row USING (sheet, place)"
            " WHERE sheet = ? ORDER BY place",
            sheet,
        )

    def _chunks(self, query: str, sheet: str) -> Iterator[list[Staged]]:
        cursor = self._db.execute(query, (sheet,))
        while rows := cursor.fetchmany(CHUNK):
            yield [Staged(place, msgspec.json.decode(record)) for place, record in rows]

    def missing(self, ids: list[UUID]) -> set[UUID]:
        """Those of `ids` that the file doesn't have."""
        marks = ", ".join("?" * len(ids))
        known = self._db.execute(
            f"SELECT id FROM name WHERE id IN ({marks})",  # noqa: S608
            [id.bytes for id in ids],
        )
        return set(ids) - {UUID(bytes=row[0]) for row in known}

    def vanish(self, sheet: str, ids: Iterable[UUID]) -> None:
        """Note that rows of the database are no longer in the file."""
        self._db.executemany(
            "INSERT INTO vanished VALUES (?, ?)", [(sheet, id.bytes) for id in ids]
        )

    def vanished(self, sheet: str) -> Iterator[list[UUID]]:
        cursor = self._db.execute("SELECT id FROM vanished WHERE sheet = ?", (sheet,))
        while rows := cursor.fetchmany(CHUNK):
            yield [UUID(bytes=row[0]) for row in rows]
