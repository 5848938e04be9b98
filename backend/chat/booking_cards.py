"""挂号 in a conversation: places as quick replies; the one that is picked is held, to be confirmed.

Offers are made in the transaction of the turn that asks for them. A hold is a booking of its own,
made after that transaction, under a receipt that follows from the message: picked once, held once,
also when the phone asks again because it did not hear.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from backend import audit, db
from backend.booking import appointments, availability
from backend.booking.availability import Offer, SlotOffer
from backend.booking.tickets import Ticket
from backend.booking.wanted import Search
from backend.booking.wording import KINDS, yuan
from backend.bot.talk import Book, Start
from backend.chat import messages, planned, routing, wording
from backend.chat.locking import change, lock
from backend.chat.messages import BOT, Author, Draft, SentBefore
from backend.chat.models import Conversation, Message
from backend.chat.reception import Reception
from backend.consortium.directory import directory
from backend.consortium.models import TIERS
from backend.errors import Problem
from backend.identity.access import Actor, care_of, patients_of
from backend.identity.documents import mask_name
from backend.receipts import Receipt, Replayed
from backend.reminders.dosage import NOT_YET

OFFERED_MOST = 4
LOOKED_AT = 40  # schedules with free places, the earliest first
PEOPLE_MOST = 10
PENDING_AMONG = 20  # of the bot's last messages: what the answer to 给谁挂号 belongs to
SLOT, PATIENT = "slot:", "patient:"
ROBOT = Author(BOT)
STARTS = {
    "cancel_appointment": ("我的预约", "/pages/appointments/appointments"),
    "survey": ("评价就诊", "/pages/survey/survey"),
    "medication_plan": ("用药计划", planned.PAGE),
}


class Held(msgspec.Struct, frozen=True):
    """What is kept of a hold, to be told again."""

    appointment_id: UUID
    place: str
    until: str


# --- offer ----------------------------------------------------------------------------------------


async def offer(actor: Actor, conversation: Conversation, wanted: Book) -> None:
    """Some places of that department, near where the resident belongs; before, for whom."""
    if conversation.patient_id is None:
        await _ask_for_whom(actor, conversation, wanted)
        return
    found, elsewhere = await _find(conversation, wanted)
    if not found:
        text = wording.NO_PLACE.format(department=wanted.department)
        await _say(conversation, text, links=[_link("找医生", "/pages/find/find")])
        return
    text = wording.OTHER_TIER if elsewhere else wording.PLACES
    minutes = found[0][0].policy.hold_min
    await _say(
        conversation,
        text.format(tier=wording.TIERS[wanted.tier], minutes=minutes),
        choices=[_choice(f"{SLOT}{slot.id}", _label(one, slot)) for one, slot in found],
        links=[_link("看更多", "/pages/find/find")],
    )


async def start(conversation: Conversation, wanted: Start) -> None:
    """A card that leads to the page which does it."""
    label, url = STARTS[wanted.what]
    text = label
    if wanted.what == "medication_plan":
        text = wording.TO_PLANS + NOT_YET
        url += f"?patient={conversation.patient_id}" if conversation.patient_id else ""
    await _say(conversation, text, links=[_link(label, url)])


async def _ask_for_whom(actor: Actor, conversation: Conversation, wanted: Book) -> None:
    people = list((await patients_of(actor, "book")).values())[:PEOPLE_MOST]
    if not people:
        page = "/pages/patient-new/patient-new"
        await _say(conversation, wording.NOBODY_YET, links=[_link("添加就诊人", page)])
        return
    choices = [_choice(f"{PATIENT}{one.id}", mask_name(one.name)) for one in people]
    book = msgspec.to_builtins(wanted)
    await _say(conversation, wording.FOR_WHOM, choices=choices, book=book)


async def for_whom(actor: Actor, conversation: Conversation, message: Message) -> None:
    """The answer to 给谁挂号: from now on the conversation is about that person.

    Raises NotFound: not the actor's to book for.
    """
    patient_id = _id_in(_chosen(message), PATIENT)
    if patient_id is None:
        return
    await care_of(actor, patient_id, "book")
    if conversation.patient_id is None:
        await change(conversation, patient_id=patient_id)
        await audit.record(
            actor, "chat.opened", entity_id=conversation.id, patient_ids=[patient_id]
        )
    elif conversation.patient_id != patient_id:
        about = await care_of(actor, conversation.patient_id, "book")
        await _say(conversation, wording.ABOUT_ANOTHER.format(name=mask_name(about.patient.name)))
        return
    rows = Message.filter(conversation_id=conversation.id, author_kind=BOT)
    for row in await rows.order_by("-seq").limit(PENDING_AMONG):
        if row.payload and "book" in row.payload:
            await offer(actor, conversation, msgspec.convert(row.payload["book"], Book))
            return


async def _find(
    conversation: Conversation, wanted: Book
) -> tuple[list[tuple[Offer, SlotOffer]], bool]:
    """The earliest and nearest, at the tier that fits, else at another one (then True)."""
    near = await _near(conversation)
    for tier in (wanted.tier, *(other for other in TIERS if other != wanted.tier)):
        search = Search(tier=tier, q=wanted.department, near=near, free_only=True)
        offers, _ = await availability.search(
            conversation.consortium_id, search, after=None, most=LOOKED_AT
        )
        offers = sorted(
            offers, key=lambda one: (one.held_on, one.distance_km or 0.0, one.starts_at)
        )
        found = await _first_slots(conversation.consortium_id, offers)
        if found:
            return found, tier != wanted.tier
    return [], False


async def _near(conversation: Conversation) -> tuple[float, float] | None:
    asker = await routing.asker_of(conversation)
    if asker.organization_id is None:
        return None
    home = (await directory(conversation.consortium_id)).organizations.get(asker.organization_id)
    if home is None or home.latitude is None or home.longitude is None:
        return None
    return home.latitude, home.longitude


async def _first_slots(
    consortium_id: UUID, offers: Sequence[Offer]
) -> list[tuple[Offer, SlotOffer]]:
    """The first free time of each, from different schedules."""
    found = []
    for one in offers:
        if one.state != "open":
            continue
        slots = await availability.slots_of(consortium_id, one.id)
        slot = next((slot for slot in slots if slot.state == "open" and slot.free), None)
        if slot is not None:
            found.append((one, slot))
        if len(found) == OFFERED_MOST:
            break
    return found


def _label(one: Offer, slot: SlotOffer) -> str:
    doctor = f" {one.doctor.name}" if one.doctor else ""
    where = f"{one.organization.name}{one.department.name}{doctor}"
    return f"{wording.moment(slot.starts_at)} {where} {KINDS[one.kind]} {yuan(one.fee_fen)}"


# --- hold -----------------------------------------------------------------------------------------


def picks_place(message: Message) -> bool:
    return message.kind == "choice" and _id_in(_chosen(message), SLOT) is not None


def picks_person(message: Message) -> bool:
    return message.kind == "choice" and _id_in(_chosen(message), PATIENT) is not None


def _chosen(message: Message) -> str:
    return str((message.payload or {}).get("choice", ""))


async def hold(actor: Actor, reception: Reception, conversation_id: UUID, message: Message) -> None:
    """Hold the place that a message picks, and say how it went; outside any transaction.

    May run again for the same message: then nothing happens twice.
    """
    conversation = await Conversation.get(id=conversation_id)
    slot_id = _id_in(_chosen(message), SLOT)
    if slot_id is None or conversation.patient_id is None:
        return
    try:
        held = await _hold(actor, reception, message, slot_id, conversation.patient_id)
        told = Draft(
            client_id=f"~card:{message.id}",
            kind="card",
            body=wording.KEPT.format(place=held.place, until=held.until),
            payload={
                "appointment_id": str(held.appointment_id),
                "links": [
                    _link("去确认", f"/pages/appointment/appointment?id={held.appointment_id}")
                ],
            },
        )
    except Problem as refused:
        told = Draft(
            client_id=f"~card:{message.id}",
            kind="card",
            body=wording.NOT_KEPT.format(why=refused.detail),
            payload={"choices": [_choice("book", "再找一次")]},
        )
    try:
        async with db.transaction():
            await messages.append(await lock(conversation_id), ROBOT, told)
    except SentBefore:
        return


async def _hold(
    actor: Actor, reception: Reception, message: Message, slot_id: UUID, patient_id: UUID
) -> Held:
    receipt = Receipt.of(
        actor.account_id,
        f"chat-{message.id.hex}",
        "chat-hold",
        slot_id.bytes,
        lambda ticket: msgspec.json.encode(_held(ticket)).decode(),
    )
    try:
        ticket = await appointments.book(
            actor,
            reception.desk,
            slot_id=slot_id,
            patient_id=patient_id,
            confirm=False,
            receipt=receipt,
        )
    except Replayed as before:
        return msgspec.json.decode(before.answer.body, type=Held)
    return _held(ticket)


def _held(ticket: Ticket) -> Held:
    place = ticket.place
    doctor = f"，{place.practitioner}医生" if place.practitioner else ""
    where = f"{wording.moment(place.starts_at)}，{place.organization}{place.department}{doctor}"
    until = wording.moment(ticket.held_until) if ticket.held_until else ""
    return Held(ticket.id, where, until)


# --- small things ---------------------------------------------------------------------------------


def _id_in(choice: str, prefix: str) -> UUID | None:
    if not choice.startswith(prefix):
        return None
    try:
        return UUID(choice.removeprefix(prefix))
    except ValueError:
        return None


def _choice(id: str, label: str) -> dict[str, str]:
    return {"id": id, "label": label}


def _link(label: str, url: str) -> dict[str, str]:
    return {"label": label, "url": url}


async def _say(conversation: Conversation, text: str, **payload: Any) -> None:
    await messages.append(
        conversation, ROBOT, Draft(kind="card", body=text, payload=payload or None)
    )
