"""预约规则: a changed policy is a new version, never an edit; a vanished one ends with one, too."""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any
from uuid import UUID

from backend import clock
from backend.booking.models import BookingPolicy
from backend.booking.policies import RETIRED
from backend.county.difference import SheetDifference
from backend.county.policy_columns import POLICY_NUMBERS
from backend.county.rows import Record, in_words, row_id
from backend.county.sheets import POLICIES

SCOPE = ("organization_id", "tier", "kind", "effective_from", "numbers")

Terms = dict[str, Any]


async def new_versions(
    consortium_id: UUID, records: Iterable[Record], difference: SheetDifference
) -> list[BookingPolicy]:
    """The versions that make the table say what the file says; not stored yet."""
    latest = await _latest(consortium_id)
    wanted = {record["code"]: _terms(consortium_id, record) for record in records}
    return [
        *_changed(consortium_id, latest, wanted, difference),
        *_ended(consortium_id, latest, wanted, difference),
    ]


async def _latest(consortium_id: UUID) -> dict[str, tuple[int, Terms]]:
    """Code → its highest version and what that says."""
    rows = (
        await BookingPolicy.filter(consortium_id=consortium_id)
        .order_by("version")
        .values("code", "version", *SCOPE)
    )
    return {row["code"]: (row["version"], {name: row[name] for name in SCOPE}) for row in rows}


def _terms(consortium_id: UUID, record: Record) -> Terms:
    place = record["organization"]
    numbers = {column.field: record[column.field] for column in POLICY_NUMBERS}
    return {
        "organization_id": None if place is None else row_id(consortium_id, "organizations", place),
        "tier": record["tier"],
        "kind": record["kind"],
        "effective_from": date.fromisoformat(record["effective_from"]),
        "numbers": {name: value for name, value in numbers.items() if value is not None},
    }


def _changed(
    consortium_id: UUID,
    latest: dict[str, tuple[int, Terms]],
    wanted: dict[str, Terms],
    difference: SheetDifference,
) -> Iterator[BookingPolicy]:
    for code, terms in wanted.items():
        version, before = latest.get(code, (0, None))
        if terms == before:
            continue
        if before is None or before["numbers"] == RETIRED:
            difference.add(code)
        else:
            difference.change(f"{code}: {_what_changed(before, terms)}")
        yield _version(consortium_id, code, version + 1, terms)


def _ended(
    consortium_id: UUID,
    latest: dict[str, tuple[int, Terms]],
    wanted: dict[str, Terms],
    difference: SheetDifference,
) -> Iterator[BookingPolicy]:
    for code, (version, before) in latest.items():
        if code not in wanted and before["numbers"] != RETIRED:
            difference.retire(code)
            terms = {**before, "effective_from": clock.today(), "numbers": RETIRED}
            yield _version(consortium_id, code, version + 1, terms)


def _version(consortium_id: UUID, code: str, version: int, terms: Terms) -> BookingPolicy:
    return BookingPolicy(
        id=row_id(consortium_id, "policies", code, version),
        consortium_id=consortium_id,
        code=code,
        version=version,
        created_at=clock.now(),
        **terms,
    )


def _what_changed(before: Terms, after: Terms) -> str:
    old, new = ({**terms, **terms["numbers"]} for terms in (before, after))
    names = [column.field for column in POLICIES.columns if column.field != "code"]
    return (
        ", ".join(
            f"{POLICIES.column(name).name} {in_words(POLICIES, name, old.get(name))}"
            f" → {in_words(POLICIES, name, new.get(name))}"
            for name in names
            if old.get(name) != new.get(name)
        )
        or "适用机构改变"
    )
