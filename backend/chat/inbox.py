"""收件箱: what staff see in their lists of conversations, and when to look again."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from backend import clock, db
from backend.chat import live
from backend.chat.lists import QUEUED, Look, Wanted, places, searched
from backend.consortium.directory import directory
from backend.identity.access import Actor, note_read
from backend.identity.documents import mask_name
from backend.staff.models import Staff

MOST = 50


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a list. Instants in UTC; the name is masked. `mine`: claimed by the actor;
    `for_me`: it stands in the actor's own queue. `doctor`: who has it, or is asked."""

    id: UUID
    version: int
    state: str
    priority: str
    level: str
    red_flag: bool
    patient_name: str
    sex: str
    age: int | None
    organization: str
    home: str
    departments: tuple[str, ...]
    preview: str
    unread: int
    opened_at: datetime
    queued_at: datetime
    due_at: datetime | None
    last_at: datetime
    doctor: str
    mine: bool
    for_me: bool
    outcome: str
    rating: int | None

    @property
    def overdue(self) -> bool:
        return self.due_at is not None and self.due_at <= clock.now()


class Page(msgspec.Struct, frozen=True):
    """`after`: where the next page begins, None at the end. `looked`: how many a search saw."""

    items: list[Item]
    after: str | None
    looked: int | None = None


class News(msgspec.Struct, frozen=True):
    """`stamp` changes whenever a list may have. `waiting`: in line for the actor; `unread`: what
    residents wrote in the actor's own conversations."""

    stamp: str
    waiting: int
    escalated: int
    mine: int
    unread: int
    overdue: int


async def list_of(
    actor: Actor, wanted: Wanted, *, after: str | None = None, most: int = MOST
) -> Page:
    """One page; leaves an audit row for each patient.

    Raises:
        NotFound: no right, or not at that institution. Malformed: the cursor, or `q`.
    """
    look = Look(actor, wanted, after)
    said = wanted.q.strip()
    if said:
        keys, looked, following = await searched(look, said, most)
    else:
        keys = await look.keys(most + 1)
        looked, following = None, keys[most - 1] if len(keys) > most else None
    items = await _items(actor, [key.id for key in keys[:most]])
    return Page(items, look.cursor(following) if following else None, looked)


# Only what a line shows: a conversation also carries all that the bot remembers of it.
LINES = """
SELECT c.id, c.version, c.state, c.priority, c.routed_by, c.red_flag, c.organization_id, c.home_id,
  c.departments, c.preview, c.staff_unread, c.opened_at, c.queued_at, c.due_at, c.last_at,
  c.claimed_by, c.assigned_to, c.outcome, c.rating, c.patient_id, p.name, p.sex, p.birth_on
FROM conversation c LEFT JOIN patient p ON p.id = c.patient_id WHERE
"""


async def _items(actor: Actor, ids: Sequence[UUID]) -> list[Item]:
    sql = f"{LINES} {db.among('c.id', '$1')} AND c.consortium_id = $2"
    rows = await db.fetch(sql, list(ids), actor.consortium_id) if ids else []
    within = places(actor)  # what one has claimed where one works no more is not one's own
    if within is not None:
        rows = [row for row in rows if within & {_id(row["organization_id"]), _id(row["home_id"])}]
    async with db.transaction():
        people = {_id(row["patient_id"]) for row in rows} - {None}
        await note_read(actor, "chat.listed", people)  # type: ignore[arg-type]
    asked = {_id(row["claimed_by"]) or _id(row["assigned_to"]) for row in rows} - {None}
    staff = {one.id: one.name for one in await Staff.filter(id__in=list(asked))} if asked else {}
    known = (await directory(actor.consortium_id)).organizations
    names = {org.id: org.name for org in known.values()}
    by_id = {item.id: item for item in (_item(actor, row, staff, names) for row in rows)}
    return [by_id[id] for id in ids if id in by_id]


def _id(value: Any) -> UUID | None:
    return None if value is None else db.as_uuid(value)


def _at(value: Any) -> datetime | None:
    return None if value is None else db.as_instant(value)


def _item(actor: Actor, row: db.Row, staff: dict[UUID, str], names: dict[UUID, str]) -> Item:
    claimed_by, assigned_to = _id(row["claimed_by"]), _id(row["assigned_to"])
    here, home, born = _id(row["organization_id"]), _id(row["home_id"]), row["birth_on"]
    doctor, opened_at = claimed_by or assigned_to, db.as_instant(row["opened_at"])
    return Item(
        id=db.as_uuid(row["id"]),
        version=row["version"],
        state=row["state"],
        priority=row["priority"],
        level=row["routed_by"],
        red_flag=bool(row["red_flag"]),
        patient_name=mask_name(row["name"]) if row["name"] else "",
        sex=row["sex"] or "unknown",
        age=None if born is None else age_of(db.as_date(born)),
        organization=names.get(here, "") if here else "",
        home=names.get(home, "") if home else "",
        departments=_departments(row["departments"]),
        preview=row["preview"],
        unread=row["staff_unread"],
        opened_at=opened_at,
        queued_at=_at(row["queued_at"]) or opened_at,
        due_at=_at(row["due_at"]),
        last_at=db.as_instant(row["last_at"]),
        doctor=staff.get(doctor, "") if doctor else "",
        mine=claimed_by is not None and claimed_by == actor.id,
        for_me=assigned_to is not None and assigned_to == actor.id,
        outcome=row["outcome"],
        rating=row["rating"],
    )


def _departments(kept: Any) -> tuple[str, ...]:
    """Both drivers give JSON as text."""
    found = msgspec.json.decode(kept) if isinstance(kept, str) else kept
    return tuple(str(one) for one in found or ())


def age_of(birth_on: date) -> int:
    """In whole years, today in China."""
    today = clock.today()
    had_birthday = (today.month, today.day) >= (birth_on.month, birth_on.day)
    return today.year - birth_on.year - (not had_birthday)


async def channels(actor: Actor) -> list[str]:
    """Where the hub tells of what may change the actor's lists."""
    within = places(actor)
    if within is None:
        within = frozenset((await directory(actor.consortium_id)).organizations)
    own = [] if actor.id is None else [live.inbox_of_staff(actor.id)]
    return [*own, *(live.inbox_of_organization(one) for one in within)]


NEWS = f"""
SELECT COUNT(*) AS living, COALESCE(SUM(c.version), 0) AS stamp,
  COALESCE(SUM(CASE WHEN {QUEUED} THEN 1 ELSE 0 END), 0) AS waiting,
  COALESCE(SUM(CASE WHEN c.state = 'escalated' THEN 1 ELSE 0 END), 0) AS escalated,
  COALESCE(SUM(CASE WHEN c.state = 'open' AND c.claimed_by = $2 THEN 1 ELSE 0 END), 0) AS mine,
  COALESCE(SUM(CASE WHEN c.state = 'open' AND c.claimed_by = $2 AND c.staff_unread > 0
    THEN 1 ELSE 0 END), 0) AS unread,
  COALESCE(SUM(CASE WHEN c.due_at <= $3 THEN 1 ELSE 0 END), 0) AS overdue
FROM conversation c
WHERE c.state IN ('waiting', 'escalated', 'open') AND c.consortium_id = $1
"""


async def news(actor: Actor) -> News:
    """What a page asks every few seconds: one query over what is not over."""
    within, where = places(actor), ""
    values: list[Any] = [actor.consortium_id, actor.id, clock.now()]
    if within is not None:
        values.append(list(within))
        here, home = db.among("c.organization_id", "$4"), db.among("c.home_id", "$4")
        where = f"AND ({here} OR {home})"
    (row,) = await db.fetch(NEWS + where, *values)
    return News(
        f"{row['living']}.{row['stamp']}",
        *(int(row[name]) for name in ("waiting", "escalated", "mine", "unread", "overdue")),
    )
