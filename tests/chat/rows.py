"""Conversations and what hangs on them, straight into the tables."""

from datetime import timedelta
from uuid import UUID, uuid4

from backend import clock
from backend.chat import files
from backend.chat.duty_models import CallTask, CannedReply, DutyLeave, OnCallDuty, ZeroHit
from backend.chat.models import Conversation, Message
from backend.chat.reencoding import Made
from backend.consortium.models import Organization, Practitioner
from backend.identity.access import Actor
from backend.settings import Settings
from tests.people import vault_of


async def conversation(place: Organization, account_id: UUID, patient_id: UUID) -> UUID:
    """One that waits, of a question that the bot did not understand; somebody must call."""
    now = clock.now()
    row = await Conversation.create(
        id=uuid4(), consortium_id=place.consortium_id, account_id=account_id,
        patient_id=patient_id, state="waiting", opened_at=now, last_at=now, queued_at=now,
        organization=place, home_id=place.id, due_at=now, routed_by="team",
    )  # fmt: skip
    said = await message(row.id, 0, by=account_id)
    await ZeroHit.create(
        id=uuid4(), consortium_id=place.consortium_id, message=said, rules_version="r@1", at=now,
        state="new",
    )  # fmt: skip
    await CallTask.create(
        id=uuid4(), consortium_id=place.consortium_id, conversation=row, patient_id=patient_id,
        organization=place, created_at=now, due_at=now,
    )  # fmt: skip
    return row.id


async def claimed(conversation_id: UUID, by: UUID) -> None:
    """It is answered by `by`: then it may write plans too."""
    await Conversation.filter(id=conversation_id).update(
        state="open", claimed_by=by, claimed_at=clock.now()
    )


async def message(conversation_id: UUID, seq: int, *, by: UUID) -> Message:
    made = await Message.create(
        id=uuid4(), conversation_id=conversation_id, seq=seq, client_id=uuid4().hex,
        request_hash="0" * 64, author_kind="resident", kind="text", at=clock.now(),
        author_id=by, body=f"消息{seq}",
    )  # fmt: skip
    await Conversation.filter(id=conversation_id).update(last_seq=seq)
    return made


async def picture(settings: Settings, actor: Actor, conversation_id: UUID) -> UUID:
    """In the first message."""
    upload, made = files.Upload("upload-0001", "image", b""), Made(b"large", b"small", 2, 2)
    kept = await files.keep(actor, vault_of(settings), conversation_id, upload, made)
    sent = Message.filter(conversation_id=conversation_id, seq=0)
    await sent.update(kind="image", attachment_id=kept.id)
    return kept.id


async def canned(place: Organization) -> CannedReply:
    """常用语 of the institution."""
    return await CannedReply.create(
        id=uuid4(), consortium_id=place.consortium_id, organization=place, title="复诊",
        text="请来复诊。", changed_at=clock.now(),
    )  # fmt: skip


async def duty(place: Organization, doctor: Practitioner, number: int) -> None:
    """值班 and 休假 of a doctor."""
    now, on = clock.now(), clock.today() + timedelta(days=number % 7)
    await OnCallDuty.create(
        id=uuid4(), consortium_id=place.consortium_id, organization=place, practitioner=doctor,
        from_at=now, to_at=now + timedelta(hours=number + 1), created_at=now,
    )  # fmt: skip
    await DutyLeave.create(
        id=uuid4(), consortium_id=place.consortium_id, practitioner_id=doctor.id, from_on=on,
        to_on=on, created_at=now,
    )  # fmt: skip
