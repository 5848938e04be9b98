"""签到: who is there. By the clinic's code on a screen, by the resident's code, or at the desk."""

from uuid import UUID

import structlog

from backend import clock, db
from backend.booking import diary
from backend.booking.desk import Desk
from backend.booking.models import Appointment, Schedule
from backend.booking.policies import policies
from backend.booking.policy import BOOKED, Policy
from backend.clinic import codes, line, live, policy, reach
from backend.clinic.errors import CheckinClosed, CheckinNotOpen, CodeRefused
from backend.clinic.models import QueueEntry
from backend.consortium.directory import directory
from backend.crypto import Vault
from backend.errors import NotFound
from backend.hub import Hub
from backend.identity.access import Actor
from backend.receipts import Receipt

log = structlog.get_logger()

CANDIDATES_MOST = 5000  # patients of an institution's day among whom a number is looked up


async def by_qr(
    actor: Actor,
    desk: Desk,
    hub: Hub,
    vault: Vault,
    appointment_id: UUID,
    *,
    code: str,
    receipt: Receipt,
) -> QueueEntry:
    """A resident read the code on the clinic's screen, so they are there.

    Raises:
        NotFound: not the actor's appointment.
        CodeRefused, CheckinNotOpen, CheckinClosed, AlreadyCheckedIn, KeyReused, Busy.
    """
    await diary.find(actor, desk, appointment_id, "book")
    row = await Appointment.get(id=appointment_id)
    place = codes.read_place(vault, code)
    if place not in (row.schedule_id, row.department_id, row.organization_id):
        raise CodeRefused
    return await _check_in(actor, hub, row, reason="扫码签到", receipt=receipt)


async def at_desk(actor: Actor, hub: Hub, appointment_id: UUID) -> QueueEntry:
    """The desk sees them stand there.

    Raises:
        NotFound: no such appointment, or of an institution where the actor has no desk.
        CheckinNotOpen, CheckinClosed, AlreadyCheckedIn, Busy.
    """
    row = await Appointment.get_or_none(id=appointment_id, consortium_id=actor.consortium_id)
    if row is None:
        raise NotFound
    await reach.schedule(actor, "clinic.desk", row.schedule_id)
    return await _check_in(actor, hub, row, reason="窗口签到", receipt=None)


async def by_code(
    actor: Actor, hub: Hub, vault: Vault, organization_id: UUID, code: str
) -> QueueEntry:
    """The desk read, or typed, the code on a resident's phone.

    Raises:
        NotFound: the actor has no desk there.
        CodeRefused, and what `at_desk` raises.
    """
    actor.must("clinic.desk", organization_id)
    typed = code.replace(" ", "")
    if typed.isascii() and typed.isdigit() and len(typed) == codes.DIGITS:
        return await at_desk(actor, hub, await _by_number(actor, vault, organization_id, typed))
    appointment_id = codes.read_appointment(vault, code)
    if not await Appointment.filter(id=appointment_id, organization_id=organization_id).exists():
        raise CodeRefused
    return await at_desk(actor, hub, appointment_id)


async def code_of(actor: Actor, desk: Desk, vault: Vault, appointment_id: UUID) -> tuple[str, str]:
    """The resident's own code and the number to say aloud. Raises NotFound."""
    await diary.find(actor, desk, appointment_id, "book")
    return codes.of_appointment(vault, appointment_id), codes.number_of(vault, appointment_id)


async def _by_number(actor: Actor, vault: Vault, organization_id: UUID, number: str) -> UUID:
    schedules = await Schedule.filter(
        consortium_id=actor.consortium_id, organization_id=organization_id, held_on=clock.today()
    ).values_list("id", flat=True)
    ids = (
        await Appointment.filter(schedule_id__in=list(schedules), status=BOOKED)
        .limit(CANDIDATES_MOST)
        .values_list("id", flat=True)
    )
    found = [one for one in ids if codes.number_of(vault, one) == number]  # type: ignore[arg-type]
    if len(found) != 1:
        raise CodeRefused("今天没有这个号码的预约，请核对，或按姓名查找。")
    return found[0]  # type: ignore[return-value]


async def _check_in(
    actor: Actor, hub: Hub, row: Appointment, *, reason: str, receipt: Receipt | None
) -> QueueEntry:
    slot = await line.slot_of(row)
    await _check_time(row)

    async def attempt() -> QueueEntry:
        async with db.transaction():
            if receipt is not None:
                await receipt.check()
            turn = policy.turn_of(starts_at=slot.starts_at, ends_at=slot.ends_at, now=clock.now())
            entry = await line.join(actor, row, turn, reason=reason)
            if receipt is not None:
                await receipt.keep(200, entry)
            return entry

    entry = await db.retried(attempt)
    await live.moved(hub, row.schedule_id)
    log.info("line.joined", appointment_id=str(row.id), late=entry.late)
    return entry


async def _check_time(row: Appointment) -> None:
    schedule = await Schedule.get(id=row.schedule_id)
    opens_at = policy.checkin_opens_at(await _rules(row), row.starts_at)
    now = clock.now()
    if now < opens_at:
        raise CheckinNotOpen(opens_at=opens_at)
    if now >= schedule.ends_at:
        raise CheckinClosed


async def _rules(row: Appointment) -> Policy:
    table = await policies(row.consortium_id)
    org = (await directory(row.consortium_id)).organizations.get(row.organization_id)
    return table.version(row.policy_version, org.tier if org else "county")
