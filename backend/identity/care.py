"""For the hot path: whether an account may act for a patient, and the name to show, masked.

Believed for a second. The statement that books checks the right itself; this only answers early.
"""

import time
from uuid import UUID

from backend import clock, db
from backend.errors import NotFound
from backend.identity.access import Actor, at_least
from backend.identity.documents import mask_name
from backend.loader import Loader

TRUST_S = 1.0
KNOWN_MOST = 50_000
Pair = tuple[UUID, UUID]  # account, patient
Known = tuple[float, str, str]  # when, masked name, scope


class Care:
    """One process's fresh knowledge of who cares for whom."""

    def __init__(self) -> None:
        self._known: dict[Pair, Known] = {}
        self._loader: Loader[Pair, tuple[str, str]] = Loader(_load)

    async def name_of(self, actor: Actor, patient_id: UUID, scope: str = "book") -> str:
        """The patient's masked name. Raises NotFound: not the actor's to act for."""
        pair = (actor.account_id, patient_id)
        known = self._known.get(pair)
        if known is None or time.monotonic() - known[0] > TRUST_S:
            found = await self._loader.get(pair)
            if found is None:
                self._known.pop(pair, None)
                raise NotFound("没有找到这位就诊人。")
            known = self.learn(pair, *found)
        if known[2] not in at_least(scope):
            raise NotFound("没有找到这位就诊人。")
        return known[1]

    def learn(self, pair: Pair, name: str, scope: str) -> Known:
        """Believe for a while what has just been read: the patient's name, as it is, and scope."""
        if len(self._known) > KNOWN_MOST:
            self._known.clear()
        known = self._known[pair] = (time.monotonic(), mask_name(name), scope)
        return known


async def _load(pairs: list[Pair]) -> dict[Pair, tuple[str, str]]:
    rows = await db.fetch(
        "SELECT c.account_id, c.patient_id, c.scope, p.name FROM carer c"
        " JOIN patient p ON p.id = c.patient_id"
        f" WHERE {db.among('c.account_id', '$1')} AND {db.among('c.patient_id', '$2')}"
        " AND c.state = 'active' AND (c.expires_at IS NULL OR c.expires_at > $3)",
        [pair[0] for pair in pairs],
        [pair[1] for pair in pairs],
        clock.now(),
    )
    return {
        (db.as_uuid(row["account_id"]), db.as_uuid(row["patient_id"])): (
            row["name"],
            row["scope"],
        )
        for row in rows
    }
