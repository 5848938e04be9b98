"""Kept once, sealed, and shown to whoever reads the conversation: to nobody else."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from backend import clock
from backend import db as database
from backend.chat import files
from backend.chat.errors import ClientIdReused
from backend.chat.files import Upload
from backend.chat.models import Attachment, AttachmentContent, Message
from backend.chat.reencoding import Made
from backend.chat.voices import Voice
from backend.crypto import Vault
from backend.errors import Malformed, NotFound
from backend.hub import Hub
from backend.identity.access import Actor
from backend.settings import Settings
from tests.chat.duties import a_town
from tests.chat.talks import a_talk, say
from tests.people import a_person, a_staff, an_account, vault_of

MADE = Made(b"\xff\xd8the picture", b"\xff\xd8the thumbnail", 30, 20)


def an_upload(name: str = "upload-0001", kind: str = "image", body: bytes = b"sent") -> Upload:
    return Upload(name, kind, body)


async def kept(actor: Actor, vault: Vault, talk: UUID, name: str = "upload-0001") -> UUID:
    return (await files.keep(actor, vault, talk, an_upload(name), MADE)).id


@pytest.fixture
def vault(settings: Settings) -> Vault:
    return vault_of(settings)


async def test_what_is_kept_is_sealed_and_read_again(
    settings: Settings, db: None, hub: Hub, vault: Vault
) -> None:
    who = await a_person(settings)
    talk = await a_talk(who.actor, who.patient_id)
    shown = await files.keep(who.actor, vault, talk, an_upload(), MADE)
    assert (shown.kind, shown.media_type, shown.bytes) == ("image", "image/jpeg", len(MADE.body))
    assert (shown.width, shown.height, shown.duration_ms) == (30, 20, None)
    for part, body in (("whole", MADE.body), ("thumbnail", MADE.thumbnail)):
        assert (await files.read(who.actor, vault, shown.id, part)).body == body  # type: ignore[arg-type]
    row = await AttachmentContent.get(id=shown.id)
    assert b"picture" not in bytes(row.whole)
    assert b"thumbnail" not in bytes(row.thumbnail)
    # Neither can be put in the other's place.
    await AttachmentContent.filter(id=shown.id).update(whole=row.thumbnail)
    with pytest.raises(ValueError, match="can't be opened"):
        await files.read(who.actor, vault, shown.id, "whole")

    spoken = await files.keep(
        who.actor, vault, talk, an_upload("voice-0001", "voice"), Voice(b"sound", "audio/mpeg", 2.5)
    )
    assert (spoken.duration_ms, spoken.width) == (2500, None)
    with pytest.raises(NotFound):
        await files.read(who.actor, vault, spoken.id, "thumbnail")
    message = await say(who.actor, hub, talk, "", kind="image", attachment_id=shown.id)
    assert message.attachment == shown
    with pytest.raises(Malformed):
        await say(who.actor, hub, talk, "", kind="image", attachment_id=spoken.id)


async def test_sent_twice_it_is_kept_once_also_by_twenty(
    settings: Settings, db: None, vault: Vault
) -> None:
    who = await an_account(settings)
    talk = await a_talk(who)
    ids = await asyncio.gather(*(kept(who, vault, talk) for _ in range(20)))
    assert len(set(ids)) == 1
    assert await Attachment.filter(conversation_id=talk).count() == 1
    assert await AttachmentContent.all().count() == 1
    again = await files.find_earlier(who, talk, an_upload())
    assert again is not None
    assert again.id == ids[0]
    for other in (an_upload(body=b"other"), an_upload(kind="voice")):
        with pytest.raises(ClientIdReused):
            await files.find_earlier(who, talk, other)
        with pytest.raises(ClientIdReused):
            await files.keep(who, vault, talk, other, MADE)
    assert await files.find_earlier(who, talk, an_upload("upload-0002")) is None


async def test_nobody_else_sends_or_sees(
    settings: Settings, db: None, hub: Hub, vault: Vault
) -> None:
    who, other = await an_account(settings), await an_account(settings)
    talk, theirs = await a_talk(who), await a_talk(other)
    mine = await kept(who, vault, talk)
    await say(who, hub, talk, "", kind="image", attachment_id=mine)
    with pytest.raises(NotFound):
        await files.find_earlier(other, talk, an_upload())
    with pytest.raises(NotFound):
        await files.keep(other, vault, talk, an_upload("upload-0002"), MADE)
    for thing in (mine, uuid4()):
        with pytest.raises(NotFound):
            await files.read(other, vault, thing, "whole")
    with pytest.raises(Malformed):
        await say(other, hub, theirs, "", kind="image", attachment_id=mine)
    abroad = Actor(uuid4(), "resident", who.id)
    with pytest.raises(NotFound):
        await files.read(abroad, vault, mine, "whole")


async def test_what_is_recalled_or_not_sent_yet_is_not_shown(
    settings: Settings, db: None, hub: Hub, vault: Vault, noon: clock.Hands
) -> None:
    town = await a_town(settings, hub)
    who, doctor = town.wang.actor, town.doctor
    talk = await town.waiting()
    mine = await kept(who, vault, talk)
    assert (await files.read(who, vault, mine, "whole")).body == MADE.body
    with pytest.raises(NotFound):  # the doctor sees what was sent
        await files.read_at_desk(doctor, vault, mine, "whole")
    await say(who, hub, talk, "", kind="image", attachment_id=mine)
    assert (await files.read_at_desk(doctor, vault, mine, "thumbnail")).body == MADE.thumbnail
    assert await _audited("chat.file_shown") == []
    assert (await files.read_at_desk(doctor, vault, mine, "whole")).body == MADE.body
    assert await _audited("chat.file_shown") == [town.wang.patient_id]
    for outsider in (town.sun, who, a_staff(settings, "doctor", town.county.organization)):
        with pytest.raises(NotFound):
            await files.read_at_desk(outsider, vault, mine, "thumbnail")
    await Message.filter(attachment_id=mine).update(recalled_at=clock.now())
    for look in (
        files.read(who, vault, mine, "whole"),
        files.read_at_desk(doctor, vault, mine, "whole"),
    ):
        with pytest.raises(NotFound):
            await look


async def test_what_no_message_took_is_forgotten_after_a_day(
    settings: Settings, db: None, hub: Hub, vault: Vault, noon: clock.Hands
) -> None:
    who = await an_account(settings)
    talk = await a_talk(who)
    sent, left = [await kept(who, vault, talk, f"upload-000{n}") for n in range(2)]
    await say(who, hub, talk, "", kind="image", attachment_id=sent)
    noon.move(files.UNSENT_KEPT - timedelta(seconds=1))
    assert await files.sweep() == 0
    noon.move(timedelta(seconds=2))
    fresh = await kept(who, vault, talk, "upload-0009")
    assert await files.sweep() == 1
    assert await files.sweep() == 0
    found = await AttachmentContent.all().values_list("id", flat=True)
    assert set(found) == {sent, fresh}
    assert not await Attachment.filter(id=left).exists()
    with pytest.raises(Malformed):
        await say(who, hub, talk, "", kind="image", attachment_id=left)


async def test_an_upload_is_in_the_residents_own_record_of_accesses(
    settings: Settings, db: None, vault: Vault
) -> None:
    who = await a_person(settings)
    talk = await a_talk(who.actor, who.patient_id)
    await kept(who.actor, vault, talk)
    assert await _audited("chat.uploaded") == [who.patient_id]


async def _audited(action: str) -> list[UUID]:
    rows = await database.fetch("SELECT patient_id FROM audit_event WHERE action = $1", action)
    return [UUID(str(row["patient_id"])) for row in rows]
