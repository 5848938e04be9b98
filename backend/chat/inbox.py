"""收件箱: what staff see in their lists of conversations, and when to look again."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from backend import clock, db
from backend.chat import live
from backend.chat.lists import QUEUED, Look, Wanted, places, searched
from backend.chat.models import Conversation
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


async def _items(actor: Actor, ids: Sequence[UUID]) -> list[Item]:
    rows = await Conversation.filter(id__in=list(ids)).select_related("patient")
    async with db.transaction():
        await note_read(actor, "chat.listed", {row.patient_id for row in rows} - {None})
    asked = {row.claimed_by or row.assigned_to for row in rows} - {None}
    staff = {one.id: one.name for one in await Staff.filter(id__in=list(asked))}
    known = (await directory(actor.consortium_id)).organizations
    names = {org.id: org.name for org in known.values()}
    by_id = {row.id: _item(actor, row, staff, names) for row in rows}
    return [by_id[id] for id in ids if id in by_id]


def _item(actor: Actor, row: Conversation, staff: dict[UUID, str], names: dict[UUID, str]) -> Item:
    doctor = row.claimed_by or row.assigned_to
    return Item(
        id=row.id,
        version=row.version,
        state=row.state,
        priority=row.priority,
        level=row.routed_by,
        red_flag=row.red_flag,
        patient_name=mask_name(row.patient.name) if row.patient else "",
        sex=row.patient.sex if row.patient else "unknown",
        age=age_of(row.patient.birth_on) if row.patient else None,
        organization=names.get(row.organization_id, ""),
        home=names.get(row.home_id, "") if row.home_id else "",
        departments=tuple(row.departments or ()),
        preview=row.preview,
        unread=row.staff_unread,
        opened_at=row.opened_at,
        queued_at=row.queued_at or row.opened_at,
        due_at=row.due_at,
        last_at=row.last_at,
        doctor=staff.get(doctor, "") if doctor else "",
        mine=row.claimed_by is not None and row.claimed_by == actor.id,
        for_me=row.assigned_to is not None and row.assigned_to == actor.id,
        outcome=row.outcome,
        rating=row.rating,
    )


def age_of(birth_on: Any) -> int:
    """In whole years, today in China."""
    today = clock.today()
    return int(
        today.year - birth_on.year - ((today.month, today.day) < (birth_on.month, birth_on.day))
    )


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
        where = f"AND ({here} OR {home} OR c.claimed_by = $2)"
    (row,) = await db.fetch(NEWS + where, *values)
    return News(
        f"{row['living']}.{row['stamp']}",
        *(int(row[name]) for name in ("waiting", "escalated", "mine", "unread", "overdue")),
    )
