"""常用语: a person's own and their institution's, with placeholders that are filled before sending.

What is filled in is text for the doctor to read over, never sent by itself.
"""

import re
from collections.abc import Mapping
from uuid import UUID

import msgspec
from tortoise.expressions import Q

from backend import audit, clock, db
from backend.booking.models import Appointment
from backend.booking.policy import BOOKED
from backend.chat.desk import ANSWER, OVERSEE, find
from backend.chat.duty_models import CANNED_MOST, CannedReply
from backend.chat.duty_wording import clock_time
from backend.chat.models import Conversation
from backend.consortium.directory import directory
from backend.errors import Malformed, NotFound
from backend.identity.access import Actor
from backend.ids import new_id

TITLE_MOST = 20
LISTED_MOST = 200
OWN_MOST = 100  # of one person, or of one institution
PLACEHOLDERS = ("患者", "医生", "机构", "科室", "预约时间", "电话")
_PLACE = re.compile(r"\{([^{}]*)\}")


class Canned(msgspec.Struct, frozen=True):
    """`organization_id` None: the actor's own. `editable`: by the actor."""

    id: UUID
    organization_id: UUID | None
    title: str
    text: str
    editable: bool


class Filled(msgspec.Struct, frozen=True):
    """`missing`: placeholders for which nothing is known; they stand in the text as they were."""

    text: str
    missing: tuple[str, ...]


def fill(text: str, values: Mapping[str, str]) -> Filled:
    """Pure: placeholders replaced once, whatever their values contain."""
    found = [name for name in _PLACE.findall(text) if not values.get(name)]
    return Filled(
        _PLACE.sub(lambda place: values.get(place[1]) or place[0], text),
        tuple(dict.fromkeys(found)),
    )


def check(title: str, text: str) -> tuple[str, str]:
    """Pure: without blanks around them. Raises Malformed."""
    title, text = title.strip(), text.strip()
    if not 1 <= len(title) <= TITLE_MOST:
        raise Malformed(f"标题 1 到 {TITLE_MOST} 个字。", field="title")
    if not 1 <= len(text) <= CANNED_MOST:
        raise Malformed(f"内容 1 到 {CANNED_MOST} 个字。", field="text")
    unknown = [name for name in _PLACE.findall(text) if name not in PLACEHOLDERS]
    if unknown:
        known = "、".join(f"{{{name}}}" for name in PLACEHOLDERS)
        raise Malformed(f"没有{{{unknown[0]}}}这个占位符，可以用：{known}。", field="text")
    return title, text


async def list_of(actor: Actor) -> list[Canned]:
    """One's own first, then those of one's institutions, by title. Raises NotFound."""
    if not (actor.may(ANSWER) or actor.may(OVERSEE)):
        raise NotFound
    rows = await _seen(actor).order_by("title", "id").limit(LISTED_MOST)
    found = [
        Canned(row.id, row.organization_id, row.title, row.text, _may_edit(actor, row))
        for row in rows
    ]
    return sorted(found, key=lambda one: one.organization_id is not None)


def _seen(actor: Actor):  # type: ignore[no-untyped-def]
    places = _places(actor)
    theirs = Q(organization_id__not_isnull=True)
    if places is not None:
        theirs = Q(organization_id__in=list(places))
    return CannedReply.filter(
        Q(organization_id=None, staff_id=actor.id) | theirs,
        consortium_id=actor.consortium_id,
        removed_at=None,
    )


def _places(actor: Actor) -> frozenset[UUID] | None:
    found: frozenset[UUID] = frozenset()
    for right in (ANSWER, OVERSEE):
        if actor.may(right):
            within = actor.where(right)
            if within is None:
                return None
            found |= within
    return found


def _may_edit(actor: Actor, row: CannedReply) -> bool:
    if row.organization_id is None:
        return bool(row.staff_id == actor.id)
    return actor.may(OVERSEE, row.organization_id)


async def save(
    actor: Actor,
    *,
    title: str,
    text: str,
    organization_id: UUID | None = None,
    canned_id: UUID | None = None,
) -> UUID:
    """A new one, or (`canned_id`) another text for one. An institution's: by who oversees there.

    Raises NotFound, Malformed.
    """
    title, text = check(title, text)
    async with db.transaction():
        if canned_id is not None:
            row = await _own(actor, canned_id)
            await CannedReply.filter(id=row.id).update(
                title=title, text=text, changed_by=actor.id, changed_at=clock.now()
            )
        else:
            row = await _new(actor, title, text, organization_id)
        await audit.record(actor, "canned.saved", entity_id=row.id)
    return UUID(str(row.id))


async def _new(actor: Actor, title: str, text: str, organization_id: UUID | None) -> CannedReply:
    if organization_id is None:
        actor.must(ANSWER)
    else:
        actor.must(OVERSEE, organization_id)
        if organization_id not in (await directory(actor.consortium_id)).organizations:
            raise NotFound
    owner = {"organization_id": organization_id, "staff_id": None if organization_id else actor.id}
    if await CannedReply.filter(removed_at=None, **owner).count() >= OWN_MOST:
        raise Malformed(f"最多 {OWN_MOST} 条，请先删掉不用的。", field="title")
    return await CannedReply.create(
        id=new_id(),
        consortium_id=actor.consortium_id,
        organization_id=owner["organization_id"],
        staff_id=owner["staff_id"],
        title=title,
        text=text,
        changed_by=actor.id,
        changed_at=clock.now(),
    )


async def _own(actor: Actor, canned_id: UUID) -> CannedReply:
    row = await CannedReply.get_or_none(
        id=canned_id, consortium_id=actor.consortium_id, removed_at=None
    )
    if row is None or not _may_edit(actor, row):
        raise NotFound
    return row


async def remove(actor: Actor, canned_id: UUID) -> None:
    """Raises NotFound."""
    async with db.transaction():
        row = await _own(actor, canned_id)
        await CannedReply.filter(id=row.id, removed_at=None).update(
            removed_at=clock.now(), changed_by=actor.id
        )
        await audit.record(actor, "canned.removed", entity_id=row.id)


async def filled(actor: Actor, canned_id: UUID, conversation_id: UUID) -> Filled:
    """For this conversation, to be read over and then sent. Raises NotFound."""
    row, _ = await find(actor, conversation_id)
    canned = await _seen(actor).filter(id=canned_id).first()
    if canned is None:
        raise NotFound
    return fill(canned.text, await _values(actor, row))


async def _values(actor: Actor, row: Conversation) -> dict[str, str]:
    county = await directory(actor.consortium_id)
    doctor = county.doctors.get(actor.practitioner_id) if actor.practitioner_id else None
    home = county.organizations.get(row.home_id or row.organization_id)
    values = {
        "患者": row.patient.name if row.patient else "",
        "医生": doctor.name if doctor else "",
        "机构": home.name if home else "",
        "电话": home.phone if home else "",
    }
    coming = await _next_visit(row)
    if coming is not None:
        dept = county.departments.get(coming.department_id)
        values["科室"] = dept.name if dept else ""
        values["预约时间"] = clock_time(coming.slot.starts_at)
    return values


async def _next_visit(row: Conversation) -> Appointment | None:
    if row.patient_id is None:
        return None
    coming = Appointment.filter(
        patient_id=row.patient_id, status=BOOKED, slot__starts_at__gt=clock.now()
    )
    return await coming.select_related("slot").order_by("slot__starts_at").first()
