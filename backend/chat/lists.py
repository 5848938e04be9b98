"""Which conversations stand in a list, quick however many there are.

Each list reads one index in its order, a branch for each institution, and turns pages by the last
row's key. Searching looks at a limited number of conversations and says where it stopped.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from backend import db
from backend.chat.desk import ANSWER, OVERSEE
from backend.errors import Malformed, NotFound
from backend.identity.access import Actor

SEARCHED_MOST = 1000  # conversations looked through for one page
BRANCHES_MOST = 60  # institutions with an index look each; beyond, the county's index is read
Q_LENGTHS = (1, 40)

QUEUED = "c.state IN ('waiting', 'escalated')"
STATES = {
    "queue": QUEUED,
    "escalated": f"{QUEUED} AND c.state = 'escalated'",
    "open": "c.state = 'open'",
    "closed": "c.state IN ('closed', 'rated')",
}
LINE = ("queue", "escalated", "mine")  # by priority, then who waits longest; others by last news
List = Literal["mine", "queue", "escalated", "open", "closed"]


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """`q`: words in the patient's name or in what was written."""

    list: List = "queue"
    priority: str | None = None
    unread: bool = False
    organization_id: UUID | None = None
    q: str = ""


def places(actor: Actor) -> frozenset[UUID] | None:
    """Where the actor answers or oversees; None: everywhere. Raises NotFound: nowhere."""
    if actor.kind != "staff" or not (actor.may(ANSWER) or actor.may(OVERSEE)):
        raise NotFound
    answers, oversees = actor.where(ANSWER), actor.where(OVERSEE)
    if answers is None or oversees is None:
        return None
    return answers | oversees


class Key(msgspec.Struct, frozen=True, array_like=True):
    """Of a row in its list: the order's values as text, and its id."""

    priority: str
    at: datetime
    id: UUID


class Look:
    """One list's SQL. Values are bound by `_bind`; all other text is code."""

    def __init__(self, actor: Actor, wanted: Wanted, after: str | None) -> None:
        self._actor, self._wanted = actor, wanted
        self._within = places(actor)
        if wanted.organization_id is not None:
            if self._within is not None and wanted.organization_id not in self._within:
                raise NotFound
            self._within = frozenset({wanted.organization_id})
        self._line = wanted.list in LINE
        self._after = _decoded(after) if after else None
        self._values: list[Any] = []

    def _bind(self, value: Any) -> str:
        self._values.append(value)
        return f"${len(self._values)}"

    async def keys(self, most: int) -> list[Key]:
        """So many of the list, in its order."""
        self._values = []
        at = "queued_at" if self._line else "last_at"
        order = f"b.priority, b.{at}, b.id" if self._line else f"b.{at} DESC, b.id DESC"
        common = self._common(at)
        each = (
            f"SELECT c.id, c.priority, c.{at} FROM conversation c WHERE {branch} AND {common}"
            f" ORDER BY {order.replace('b.', 'c.')} LIMIT {most}"
            for branch in self._branches()
        )
        union = " UNION ALL ".join(f"SELECT * FROM ({one}) one" for one in each)
        # Twice as many: what is asked here and at home there may stand in two branches.
        sql = f"SELECT * FROM ({union}) b ORDER BY {order} LIMIT {2 * most}"
        found = {db.as_uuid(row["id"]): row for row in await db.fetch(sql, *self._values)}
        return [
            Key(row["priority"], db.as_instant(row[at]), id)
            for id, row in list(found.items())[:most]
        ]

    def _branches(self) -> Iterator[str]:
        """Conditions that each lead to one index, also where SQLite has no statistics: so the
        consortium is asked for only where nothing narrower is. Whoever shows rows checks it."""
        state = STATES.get(self._wanted.list, "")
        if self._wanted.list == "mine":
            me = self._bind(self._actor.id)
            yield f"{STATES['open']} AND c.claimed_by = {me}"
            yield f"{QUEUED} AND c.assigned_to = {me}"
        elif self._within is None:
            yield f"{state} AND {self._county()}"
        elif len(self._within) > BRANCHES_MOST:
            held = self._bind(list(self._within))
            here, home = db.among("c.organization_id", held), db.among("c.home_id", held)
            yield f"{state} AND {self._county()} AND ({here} OR {home})"
        else:
            for one in sorted(self._within, key=str):
                place = self._bind(one)
                yield f"{state} AND c.organization_id = {place}"
                yield f"{state} AND c.home_id = {place} AND c.home_id <> c.organization_id"

    def _county(self) -> str:
        return f"c.consortium_id = {self._bind(self._actor.consortium_id)}"

    def _common(self, at: str) -> str:
        told = ["1 = 1"]
        if self._wanted.priority is not None:
            told.append(f"c.priority = {self._bind(self._wanted.priority)}")
        if self._wanted.unread:
            told.append("c.staff_unread > 0")
        if self._wanted.list == "mine" and self._wanted.organization_id is not None:
            place = self._bind(self._wanted.organization_id)
            told.append(f"(c.organization_id = {place} OR c.home_id = {place})")
        if self._after is not None:
            told.append(self._beyond(at, self._after))
        return " AND ".join(told)

    def _beyond(self, at: str, last: Key) -> str:
        when, id = self._bind(last.at), self._bind(last.id)
        if not self._line:
            return f"(c.{at}, c.id) < ({when}, {id})"
        return f"(c.priority, c.{at}, c.id) > ({self._bind(last.priority)}, {when}, {id})"

    def cursor(self, last: Key) -> str:
        return msgspec.json.encode(last).hex()


def _decoded(after: str) -> Key:
    try:
        return msgspec.json.decode(bytes.fromhex(after), type=Key)
    except ValueError:
        raise Malformed("翻页的位置有误，请从第一页看起。", field="after") from None


async def searched(look: Look, q: str, most: int) -> tuple[list[Key], int, Key | None]:
    """The hits among the next `SEARCHED_MOST`, how many were looked at, and where to go on."""
    least, longest = Q_LENGTHS
    if not least <= len(q) <= longest:
        raise Malformed(f"搜索 {least} 到 {longest} 个字。", field="q")
    keys = await look.keys(SEARCHED_MOST)
    find = "instr" if db.is_sqlite() else "strpos"
    sql = (
        "SELECT c.id FROM conversation c LEFT JOIN patient p ON p.id = c.patient_id"
        f" WHERE {db.among('c.id', '$1')} AND ({find}(p.name, $2) > 0"
        " OR EXISTS (SELECT 1 FROM message m WHERE m.conversation_id = c.id"
        f" AND m.recalled_at IS NULL AND {find}(m.body, $2) > 0))"
    )
    rows = await db.fetch(sql, [key.id for key in keys], q)
    hits = {db.as_uuid(row["id"]) for row in rows}
    found = [key for key in keys if key.id in hits]
    if len(found) > most:
        return found[:most], len(keys), found[most - 1]
    return found, len(keys), keys[-1] if len(keys) == SEARCHED_MOST else None
