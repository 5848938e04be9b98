"""What residents send is opened by who answers them, under our own address and strict rules."""

from uuid import UUID, uuid4

import httpx
import pytest

from backend.chat import files
from backend.chat.models import Attachment, Message
from backend.chat.reencoding import Made
from backend.chat.voices import Voice
from tests.chat.duties import Town, a_town
from tests.chat.nasty import a_picture, saved
from tests.chat.talks import say
from tests.clinics import a_clinic
from tests.people import vault_of
from tests.web.conftest import Desk, Pages


@pytest.fixture
async def town(pages: Pages) -> Town:
    return await a_town(pages.settings, pages.service.hub)


async def test_a_doctor_opens_them_and_nobody_from_elsewhere(pages: Pages, town: Town) -> None:
    talk, who, vault = await town.waiting(), town.wang.actor, vault_of(pages.settings)
    photo = await files.keep(
        who, vault, talk, files.Upload("photo-0001", "image", b"p"), Made(b"large", b"small", 3, 2)
    )
    voice = await files.keep(
        who, vault, talk, files.Upload("voice-0001", "voice", b"v"), Voice(b"sound", "audio/aac", 2)
    )
    for kept in (photo, voice):
        await say(who, town.hub, talk, "", kind=kept.kind, attachment_id=kept.id)
    village = town.village.organization
    desk = await pages.desk("doctor", village, practitioner=town.village.practitioner)
    page = (await desk.get(f"/chats/{talk}")).text
    at = f"/attachments/{photo.id}"
    assert f"/staff{at}/thumbnail" in page
    assert f"/staff/attachments/{voice.id}" in page
    for path, body in ((at, b"large"), (f"{at}/thumbnail", b"small")):
        shown = await desk.get(path)
        assert (shown.status_code, shown.content) == (200, body)
        assert shown.headers["content-type"] == "image/jpeg"
        assert shown.headers["x-content-type-options"] == "nosniff"
        assert shown.headers["content-security-policy"] == "sandbox; default-src 'none'"
        assert shown.headers["content-disposition"] == 'inline; filename="photo.jpg"'
        assert shown.headers["cache-control"] == "no-store"
    part = await desk.get(f"/attachments/{voice.id}", range="bytes=1-2")
    assert (part.status_code, part.content) == (206, b"ou")
    assert (await desk.get(f"/attachments/{voice.id}/thumbnail")).status_code == 404
    assert (await desk.get(f"/attachments/{uuid4()}")).status_code == 404
    elsewhere = await pages.desk("doctor", (await a_clinic(pages.settings)).organization)
    assert (await elsewhere.get(at)).status_code == 404
    assert (await elsewhere.get(f"{at}/thumbnail")).status_code == 404
    assert (await (await pages.desk()).get(at)).status_code == 303


async def test_a_doctor_sends_one_once_and_only_where_they_answer(pages: Pages, town: Town) -> None:
    talk = await town.waiting()
    village = town.village.organization
    desk = await pages.desk("doctor", village, practitioner=town.village.practitioner)
    assert (await _send(desk, talk, PHOTO)).status_code == 409  # not claimed
    await desk.post(f"/chats/{talk}/claim")
    refused = await _send(desk, talk, b"<html>")
    assert (refused.status_code, 'id="file-fault"' in refused.text) == (422, True)
    for _ in range(2):
        assert (await _send(desk, talk, PHOTO)).headers["location"].endswith("#end")
    other = saved(a_picture(size=(8, 8)), "PNG")
    assert (await _send(desk, talk, other)).status_code == 409  # another one by the same name
    sent = await Message.get(author_kind="doctor")
    row = await Attachment.get()
    assert (sent.kind, sent.attachment_id, row.staff_id, row.account_id) == (
        "image", row.id, sent.author_id, None,
    )  # fmt: skip
    vault = vault_of(pages.settings)
    shown = await files.read(town.wang.actor, vault, row.id, "whole")
    assert shown.body.startswith(b"\xff\xd8")
    part = await _send(desk, talk, PHOTO, name="another-0001", hx_request="true")
    assert "<html" not in part.text
    assert 'hx-swap-oob="innerHTML"' in part.text
    elsewhere = await pages.desk("doctor", (await a_clinic(pages.settings)).organization)
    assert (await _send(elsewhere, talk, PHOTO)).status_code == 404
    assert await Attachment.all().count() == 2


PHOTO = saved(a_picture(), "PNG")


async def _send(
    desk: Desk, talk: UUID, body: bytes, *, name: str = "picture-0001", **headers: str
) -> httpx.Response:
    said = {"cookie": desk.cookie, "origin": str(desk.http.base_url).rstrip("/")}
    return await desk.http.post(
        f"/staff/chats/{talk}/picture", data={"csrf": desk.csrf, "client_id": name},
        files={"file": ("knee.png", body)},
        headers=said | {"sec-fetch-site": "same-origin"}
        | {key.replace("_", "-"): value for key, value in headers.items()},
    )  # fmt: skip
