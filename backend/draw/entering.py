"""报名: one entry an identity, by real name, while registration is open."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from tortoise.exceptions import IntegrityError

from backend import audit, clock, db
from backend.booking import standing
from backend.booking.models import Schedule
from backend.booking.policy import BARRED_KIND
from backend.crypto import Vault
from backend.draw import draws
from backend.draw.errors import DrawClosed, DrawFull, EnteredAlready, NotEntered
from backend.draw.lottery import WAITING, WITHDRAWN
from backend.draw.models import Draw, DrawEntry
from backend.errors import NotFound
from backend.identity.access import Actor, care_of, note_read, patients_of
from backend.identity.documents import mask_name
from backend.ids import new_id
from backend.receipts import Receipt

CODE_LENGTH = 12  # of 16^12 codes none is met twice among some thousands
ENTRIES_MOST = 20_000
MINE_MOST = 100


@dataclass(frozen=True, slots=True)
class Ballot:
    """An entry as its owner sees it."""

    entry: DrawEntry
    patient_name: str
    lot: draws.Lot


async def enter(
    actor: Actor, vault: Vault, draw_id: UUID, patient_id: UUID, *, receipt: Receipt
) -> Ballot:
    """Take part for a patient.

    Raises:
        NotFound: no such draw, or not the actor's to book for.
        DrawClosed, EnteredAlready, DrawFull, Restricted.
    """
    carer = await care_of(actor, patient_id, "book")
    name = mask_name(carer.patient.name)
    lot = await draws.show(actor, draw_id)  # what it looks up may not be asked in a transaction
    try:
        async with db.transaction():
            await receipt.check()
            draw = await _open(actor, draw_id)
            schedule = await Schedule.get(id=draw.schedule_id)
            if schedule.kind == BARRED_KIND:
                await standing.check(patient_id, schedule.kind)
            await _check_room(draw_id)
            entry = await _written(actor, vault, draw, patient_id)
            await audit.record(actor, "draw.entered", entity_id=entry.id, patient_ids=[patient_id])
            ballot = Ballot(entry, name, replace(lot, entries=lot.entries + 1))
            await receipt.keep(201, ballot)
            return ballot
    except IntegrityError:  # a rival request for the same person
        raise EnteredAlready from None


async def _open(actor: Actor, draw_id: UUID) -> Draw:
    """Raises NotFound, DrawClosed."""
    draw = await Draw.get_or_none(id=draw_id, consortium_id=actor.consortium_id)
    if draw is None:
        raise NotFound
    now = clock.now()
    if draw.state != draws.ANNOUNCED or not draw.opens_at <= now < draw.closes_at:
        raise DrawClosed(opens_at=draw.opens_at, closes_at=draw.closes_at)
    return draw


async def _check_room(draw_id: UUID) -> None:
    if await DrawEntry.filter(draw_id=draw_id).count() >= ENTRIES_MOST:
        raise DrawFull(most=ENTRIES_MOST)


async def _written(actor: Actor, vault: Vault, draw: Draw, patient_id: UUID) -> DrawEntry:
    """The entry; one that was withdrawn comes back with the same code."""
    earlier = await DrawEntry.get_or_none(draw_id=draw.id, patient_id=patient_id)
    if earlier is None:
        return await DrawEntry.create(
            id=new_id(),
            draw_id=draw.id,
            patient_id=patient_id,
            account_id=actor.account_id,
            code=vault.index("draw", str(draw.id), str(patient_id))[:CODE_LENGTH],
            registered_at=clock.now(),
        )
    back = DrawEntry.filter(id=earlier.id, outcome=WITHDRAWN)
    if not await back.update(
        outcome=WAITING, withdrawn_at=None, account_id=actor.account_id, registered_at=clock.now()
    ):
        raise EnteredAlready
    return await DrawEntry.get(id=earlier.id)


async def withdraw(actor: Actor, draw_id: UUID, patient_id: UUID) -> None:
    """Raises NotFound, DrawClosed, NotEntered."""
    await care_of(actor, patient_id, "book")
    async with db.transaction():
        await _open(actor, draw_id)
        mine = DrawEntry.filter(draw_id=draw_id, patient_id=patient_id, outcome=WAITING)
        if not await mine.update(outcome=WITHDRAWN, withdrawn_at=clock.now()):
            raise NotEntered
        await audit.record(actor, "draw.withdrawn", entity_id=draw_id, patient_ids=[patient_id])


async def mine(actor: Actor) -> list[Ballot]:
    """The entries of everybody in the account's care, the latest first."""
    patients = await patients_of(actor)
    entries = (
        await DrawEntry.filter(patient_id__in=list(patients))
        .order_by("-registered_at", "-id")
        .limit(MINE_MOST)
    )
    async with db.transaction():
        await note_read(actor, "draw.listed", {entry.patient_id for entry in entries})
    lots = await _lots(actor, entries)
    return [
        Ballot(entry, mask_name(patients[entry.patient_id].name), lots[entry.draw_id])
        for entry in entries
    ]


async def _lots(actor: Actor, entries: Sequence[DrawEntry]) -> dict[UUID, draws.Lot]:
    wanted = await Draw.filter(id__in=list({entry.draw_id for entry in entries}))
    return {lot.draw.id: lot for lot in await draws.lots(actor, wanted)}
