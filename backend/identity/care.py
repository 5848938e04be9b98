"""For the hot path: whether an account may act for a patient, and the name to show, masked.

Believed for a second. The statement that books checks the right itself; this only answers early.
"""

from uuid import UUID

from backend import clock, db
from backend.errors import NotFound
from backend.identity.access import Actor, at_least
from backend.identity.documents import mask_name
from backend.loader import Loader
from backend.recent import Recent

TRUST_S = 1.0
Pair = tuple[UUID, UUID]  # account, patient
Known = tuple[str, str]  # masked name, scope


class Care:
    """One process's fresh knowledge of who cares for whom."""

    def __init__(self) -> None:
        self._known: Recent[Pair, Known] = Recent(TRUST_S)
        self._loader: Loader[Pair, tuple[str, str]] = Loader(_load)

    async def name_of(self, actor: Actor, patient_id: UUID, scope: str = "book") -> str:
        """The patient's masked name. Raises NotFound: not the actor's to act for."""
        pair = (actor.account_id, patient_id)
        known = self._known.get(pair)
        if known is None:
            found = await self._loader.get(pair)
            if found is None:
                raise NotFound("没有找到这位就诊人。")
            known = self.learn(pair, *found)
        if known[1] not in at_least(scope):
            raise NotFound("没有找到这位就诊人。")
        return known[0]

    def learn(self, pair: Pair, name: str, scope: str) -> Known:
        """Believe for a while what has just been read: the patient's name, as it is, and scope."""
        known = mask_name(name), scope
        self._known.keep(pair, known)
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
