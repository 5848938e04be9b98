"""Pure: records of the workbook (what a row says) as rows of the tables, with ids that follow.

An id is derived from the consortium, the sheet and the row's key, so the same file names the same
rows for ever and references need no look-up.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal
from uuid import UUID, uuid5

from tortoise.models import Model

from backend.booking.models import Fee, ScheduleException, ScheduleTemplate
from backend.consortium.models import (
    Announcement,
    Consortium,
    Department,
    Organization,
    Practitioner,
    PractitionerRole,
)
from backend.county import sheets
from backend.county.columns import Sheet

FROM_FILE = "file:"  # codes of templates and exceptions that a workbook made
IDS_REMEMBERED = 50_000

Record = dict[str, Any]
Row = dict[str, Any]


@functools.lru_cache(maxsize=IDS_REMEMBERED)
def row_id(consortium_id: UUID, kind: str, *key: object) -> UUID:
    """The id of the row of sheet `kind` with this key."""
    return uuid5(consortium_id, "|".join((kind, *("" if k is None else str(k) for k in key))))


def id_of(consortium_id: UUID, sheet: Sheet, record: Record) -> UUID:
    if sheet is sheets.CONSORTIUM:
        return consortium_id
    return row_id(consortium_id, sheet.code, *(record[name] for name in sheet.key))


@dataclass(frozen=True, slots=True)
class Table:
    """Where a sheet's rows go, and what becomes of rows that vanished from the file.

    `label`: values by which a person recognizes a row that is only in the database.
    """

    sheet: Sheet
    model: type[Model]
    row: Callable[["Writer", Record], Row]
    vanished: Literal["retire", "remove", "keep"]
    label: tuple[str, ...]
    from_file: bool = False  # the table also holds rows that no workbook made


@dataclass(frozen=True, slots=True)
class Writer:
    """Turns records of one consortium into rows."""

    consortium_id: UUID
    consortium: str

    def row(self, table: Table, record: Record) -> Row:
        """The whole row, as the database gives it back."""
        return {"id": id_of(self.consortium_id, table.sheet, record), **table.row(self, record)}

    def the(self, kind: str, *key: object) -> UUID | None:
        """The id of the row that a record names; None when it names none."""
        return None if key[-1] is None else row_id(self.consortium_id, kind, *key)

    def department(self, record: Record) -> UUID | None:
        return self.the("departments", record["organization"], record["department"])


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _some(record: Record, *names: str) -> Row:
    return {name: record[name] for name in names}


def _consortium(writer: Writer, record: Record) -> Row:
    return {"code": writer.consortium, **_some(record, "name", "emergency_phone")}


def _organization(writer: Writer, record: Record) -> Row:
    plain = _some(
        record, "code", "name", "tier", "kind", "address", "phone", "latitude", "longitude", "hours"
    )
    return {
        "consortium_id": writer.consortium_id,
        **plain,
        "parent_id": writer.the("organizations", record["parent"]),
        "active": True,
    }


def _department(writer: Writer, record: Record) -> Row:
    return {
        "consortium_id": writer.consortium_id,
        "organization_id": writer.the("organizations", record["organization"]),
        **_some(record, "code", "name", "specialty_code", "location", "keywords"),
        "active": True,
    }


def _practitioner(writer: Writer, record: Record) -> Row:
    plain = _some(record, "code", "name", "title", "good_at")
    return {"consortium_id": writer.consortium_id, **plain, "active": True}


def _role(writer: Writer, record: Record) -> Row:
    return {
        "consortium_id": writer.consortium_id,
        "practitioner_id": writer.the("practitioners", record["practitioner"]),
        "department_id": writer.department(record),
        "kind": record["kind"],
        "from_on": _day(record["from_on"]),
        "to_on": _day(record["to_on"]),
    }


def _template(writer: Writer, record: Record) -> Row:
    plain = _some(
        record, "weekday", "period", "kind", "starts", "ends", "slot_minutes", "capacity",
        "fee_fen", "works_on_holidays",
    )  # fmt: skip
    return {
        "consortium_id": writer.consortium_id,
        "code": _code(writer, sheets.TEMPLATES, record),
        "organization_id": writer.the("organizations", record["organization"]),
        "department_id": writer.department(record),
        "practitioner_id": writer.the("practitioners", record["practitioner"]),
        **plain,
        "from_on": _day(record["from_on"]),
        "to_on": _day(record["to_on"]),
        "active": True,
    }


def _exception(writer: Writer, record: Record) -> Row:
    return {
        "consortium_id": writer.consortium_id,
        "code": _code(writer, sheets.EXCEPTIONS, record),
        "organization_id": writer.the("organizations", record["organization"]),
        "department_id": writer.department(record),
        "practitioner_id": writer.the("practitioners", record["practitioner"]),
        "held_on": _day(record["held_on"]),
        **_some(record, "period", "action", "capacity", "reason"),
    }


def _code(writer: Writer, sheet: Sheet, record: Record) -> str:
    return FROM_FILE + id_of(writer.consortium_id, sheet, record).hex


def _fee(writer: Writer, record: Record) -> Row:
    return {
        "consortium_id": writer.consortium_id,
        "organization_id": writer.the("organizations", record["organization"]),
        **_some(record, "kind", "title", "amount_fen", "item", "basis"),
    }


def _announcement(writer: Writer, record: Record) -> Row:
    return {
        "consortium_id": writer.consortium_id,
        "organization_id": writer.the("organizations", record["organization"]),
        **_some(record, "code", "title", "text"),
        "from_on": _day(record["from_on"]),
        "to_on": _day(record["to_on"]),
    }


DOCTOR, PLACE = "practitioner__name", ("organization__name", "department__name")

# In the order in which rows may be written: what is referred to comes first.
TABLES = (
    Table(sheets.CONSORTIUM, Consortium, _consortium, "keep", ("name",)),
    Table(sheets.ORGANIZATIONS, Organization, _organization, "retire", ("code", "name")),
    Table(
        sheets.DEPARTMENTS, Department, _department, "retire",
        ("organization__name", "code", "name"),
    ),
    Table(sheets.PRACTITIONERS, Practitioner, _practitioner, "retire", ("code", "name")),
    Table(
        sheets.ROLES, PractitionerRole, _role, "remove",
        (DOCTOR, "department__organization__name", "department__name", "kind"),
    ),
    Table(
        sheets.TEMPLATES, ScheduleTemplate, _template, "retire",
        (*PLACE, DOCTOR, "weekday", "period", "kind"),
    ),
    Table(
        sheets.EXCEPTIONS, ScheduleException, _exception, "remove",
        ("held_on", *PLACE, DOCTOR, "period"), from_file=True,
    ),
    Table(sheets.FEES, Fee, _fee, "remove", ("organization__name", "kind", "title")),
    Table(sheets.ANNOUNCEMENTS, Announcement, _announcement, "remove", ("code", "title")),
)  # fmt: skip


def in_words(sheet: Sheet, field: str, value: Any) -> str:
    """A stored value as the workbook writes it."""
    column = next((column for column in sheet.columns if column.field == field), None)
    if value is None or value == "":
        return "空"
    if column is not None and column.kind == "money":
        return f"{value / 100:.2f}"
    if isinstance(value, bool):
        return "是" if value else "否"
    words = {} if column is None else {code: word for word, code in column.choices.items()}
    return str(words.get(value, value))
