"""咨询 on the staff pages: who waits, one conversation from the line to its end, the call list."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest

from backend import clock
from backend.audit import AuditEvent
from backend.chat import conversations, live
from backend.chat.duty_models import CallTask, CannedReply
from backend.chat.models import Conversation, Message
from backend.consortium.models import Organization
from backend.identity.models import Patient
from backend.identity.patients import PHONE_COLUMN
from tests.chat.duties import Town, a_town, a_triage, contract
from tests.chat.talks import say
from tests.clinics import a_clinic
from tests.people import a_person, vault_of
from tests.web.conftest import Desk, Pages, text_of

NASTY = "<img src=x onerror=alert(1)>{{ 7*7 }}</textarea><script>alert(1)</script>"


@pytest.fixture
async def town(pages: Pages) -> Town:
    return await a_town(pages.settings, pages.service.hub)


async def desk_of(pages: Pages, town: Town, role: str = "doctor", *places: Organization) -> Desk:
    """李建国's, or an administrator's of the village and its township."""
    here = places or (town.village.organization, town.township.organization)
    doctor = {"practitioner": town.village.practitioner} if role == "doctor" else {}
    return await pages.desk(role, *here, **doctor)


def hidden(answer: httpx.Response, name: str) -> str:
    return re.findall(rf'name="{name}" value="([^"]*)"', answer.text)[0]


async def test_from_the_line_to_the_end(pages: Pages, town: Town) -> None:
    talk = await town.waiting("II")
    await say(town.wang.actor, town.hub, talk, NASTY)
    triage = msgspec.to_builtins(a_triage("II", summary=NASTY))
    await Conversation.filter(id=talk).update(triage=triage)
    desk = await desk_of(pages, town)
    listed = await desk.get("/chats")
    assert "等人接 1" in text_of(listed)
    assert "II 危重" in text_of(listed)
    at = f"/chats/{talk}"
    seen = await desk.get(at)
    assert "示例规则，未经医生审核" in text_of(seen)
    assert "&lt;img src=x onerror" in seen.text
    assert "<img src=x" not in seen.text
    assert "49" not in re.findall(r'<p class="body">(.*?)</p>', seen.text, re.S)[-1]
    assert "回复居民" not in seen.text  # nobody has it yet

    assert (await desk.post(f"{at}/claim")).status_code == 303
    answer = {"client_id": hidden(await desk.get(at), "client_id"), "text": "先量一下血压。"}
    for _ in range(2):  # a second click
        assert (await desk.post(f"{at}/reply", answer)).headers["location"].endswith("#end")
    assert await Message.filter(conversation_id=talk, author_kind="doctor").count() == 1
    empty = await desk.post(f"{at}/reply", answer | {"client_id": uuid4().hex, "text": " "})
    assert empty.status_code == 422
    part = await desk.post(
        f"{at}/reply", answer | {"client_id": uuid4().hex, "text": "量好了吗？"}, hx_request="true"
    )
    assert "<html" not in part.text
    assert 'hx-swap-oob="innerHTML"' in part.text
    assert "量好了吗？" in part.text
    assert hidden(part, "client_id") != answer["client_id"]  # what is written next is another one

    await desk.post(f"{at}/notes", {"note": "家里有血压计"})
    assert "家里有血压计" in (await desk.get(at)).text
    assert (await desk.post(f"{at}/close", {"outcome": "answered"})).status_code == 303
    assert (await Conversation.get(id=talk)).state == "closed"
    assert "没有人在等" in (await desk.get("/chats")).text
    assert "已答复" in (await desk.get("/chats?list=closed")).text
    assert (await desk.post(f"{at}/reopen", {"reason": "还要问"})).status_code == 303
    assert await AuditEvent.filter(patient_id=town.wang.patient_id, action="chat.read").exists()


async def test_a_refused_deed_comes_back_with_its_page(pages: Pages, town: Town) -> None:
    talk = await town.waiting()
    desk = await desk_of(pages, town)
    at = f"/chats/{talk}"
    early = await desk.post(f"{at}/reply", {"client_id": uuid4().hex, "text": "您好，请讲。"})
    assert early.status_code == 409
    assert 'class="log"' in early.text
    await desk.post(f"{at}/claim")
    for deed, form in (("release", {"reason": ""}), ("close", {"outcome": "made up"})):
        refused = await desk.post(f"{at}/{deed}", form)
        assert (refused.status_code, 'class="log"' in refused.text) == (422, True)
    assert (await desk.post(f"{at}/transfer", {"reason": "不归我管"})).status_code == 422
    there = f"{at}/transfer?organization={town.township.organization.id}"
    assert town.zhao.practitioner_id is not None
    assert str(town.zhao.practitioner_id) in (await desk.get(there)).text
    whom = {"reason": "要做心电图", "organization": str(town.township.organization.id)}
    moved = await desk.post(f"{at}/transfer", whom)
    assert moved.headers["location"] == "/staff/chats?list=mine"
    assert "转出" in (await (await desk_of(pages, town, "institution_admin")).get(at)).text


def box(answer: httpx.Response, id: str) -> str:
    """What stands in a field or an area of a page."""
    found = re.search(
        rf'<(input|textarea)\b[^>]*\bid="{id}"([^>]*)>(?:([^<]*)</textarea>)?', answer.text
    )
    assert found, id
    value = re.search(r'\bvalue="([^"]*)"', found[0])
    return found[3] if found[1] == "textarea" else value[1] if value else ""


async def test_nothing_that_was_typed_is_lost_by_a_refusal(pages: Pages, town: Town) -> None:
    """Nor does it come back in another box: a note is not for the resident."""
    li = await a_person(pages.settings, "李梅")
    await contract(town, li)
    talk, other = await town.waiting("I"), await town.waiting("I", li)
    desk, colleague = await desk_of(pages, town), await desk_of(pages, town, "institution_admin")
    at = f"/chats/{talk}"
    await desk.post(f"{at}/claim")
    long = "备" * 1001
    refused = await desk.post(f"{at}/notes", {"note": long})
    assert (refused.status_code, box(refused, "note"), box(refused, "text")) == (422, long, "")
    refused = await desk.post(f"{at}/release", {"reason": "退" * 101})
    assert '<details class="card" open><summary>结束或退回' in refused.text
    refused = await desk.post(f"{at}/close", {"needless": "true"})
    assert 'name="needless" value="true" checked' in refused.text
    place, doctor = str(town.township.organization.id), str(town.zhao.practitioner_id)
    whom = {"organization": place, "doctor": doctor, "reason": ""}
    refused = await desk.post(f"{at}/transfer", whom)
    assert f'value="{doctor}" selected' in refused.text
    # Somebody else has it by now: there is no form any more, and what was written is to be copied.
    await Conversation.filter(id=talk).update(claimed_by=uuid4())
    for more in ({}, {"hx_request": "true"}):
        answer = {"client_id": uuid4().hex, "text": "先量一下血压。"}
        refused = await desk.post(f"{at}/reply", answer, **more)
        assert (refused.status_code, box(refused, "unsent-text")) == (409, "先量一下血压。")
    refused = await desk.post(f"{at}/release", {"reason": "不归我管"})
    assert box(refused, "unsent-reason") == "不归我管"

    calls = {str(call.conversation_id): call.id for call in await CallTask.all()}
    mine, theirs = calls[str(talk)], calls[str(other)]
    refused = await desk.post(f"/chats/calls/{mine}", {"outcome": "", "note": "女儿接的"})
    assert (box(refused, f"note-{mine}"), box(refused, f"note-{theirs}")) == ("女儿接的", "")
    refused = await desk.post(f"/chats/calls/{mine}", {"outcome": "reached", "note": "接" * 201})
    assert refused.text.count('value="reached" required checked') == 1
    await colleague.post(f"/chats/calls/{mine}", {"outcome": "reached"})
    refused = await desk.post(f"/chats/calls/{mine}", {"outcome": "reached", "note": "女儿接的"})
    assert (refused.status_code, box(refused, "unsent-note")) == (409, "女儿接的")


async def test_a_doctor_takes_back_within_two_minutes_what_was_said(
    pages: Pages, town: Town, noon: clock.Hands
) -> None:
    talk = await town.waiting()
    desk = await desk_of(pages, town)
    at = f"/chats/{talk}"
    await desk.post(f"{at}/claim")
    for text in ("先停三天药。", "不用停药。"):
        await desk.post(f"{at}/reply", {"client_id": uuid4().hex, "text": text})
    wrong, right = await Message.filter(author_kind="doctor").order_by("seq")
    colleague = await pages.desk("doctor", town.village.organization)
    assert (await colleague.post(f"{at}/messages/{wrong.id}/recall")).status_code == 404
    assert (await desk.get(at)).text.count("/recall") == 2
    for _ in range(2):
        assert (await desk.post(f"{at}/messages/{wrong.id}/recall")).status_code == 303
    assert await AuditEvent.filter(action="chat.recalled").count() == 1
    seen = await desk.get(at)
    assert "先停三天药" not in seen.text
    assert "已撤回" in text_of(seen)
    read = await conversations.read(town.wang.actor, talk, after=None, before=None, most=50)
    assert [one.body for one in read if one.author_kind == "doctor"] == ["", "不用停药。", ""]
    noon.move(timedelta(minutes=2))
    assert "/recall" not in (await desk.get(at)).text
    assert (await desk.post(f"{at}/messages/{right.id}/recall")).status_code == 409
    said = await Message.filter(author_kind="resident").first()
    assert said
    assert (await desk.post(f"{at}/messages/{said.id}/recall")).status_code == 404


async def test_the_resident_hears_that_the_doctor_writes(pages: Pages, town: Town) -> None:
    talk = await town.waiting()
    desk = await desk_of(pages, town)
    async with pages.service.hub.listening(live.channel(talk)) as news:
        assert (await desk.post(f"/chats/{talk}/typing")).status_code == 204
        assert await news.next(0.05) is None  # not claimed
        await desk.post(f"/chats/{talk}/claim")
        assert await news.next(5) == live.CHANGED
        news.drain()
        await desk.post(f"/chats/{talk}/typing")
        assert await news.next(5) == live.TYPING["doctor"]


async def test_a_ready_answer_is_filled_in_and_not_sent(pages: Pages, town: Town) -> None:
    talk = await town.waiting()
    desk = await desk_of(pages, town)
    wrong = await desk.post("/chats/replies", {"title": "复诊", "text": "{姓名}您好"})
    assert wrong.status_code == 422
    assert "{姓名}您好" in wrong.text
    await desk.post("/chats/replies", {"title": "复诊", "text": "{患者}您好，请 {预约时间} 来。"})
    reply = await CannedReply.get()
    await desk.post(f"/chats/{talk}/claim")
    form = {"client_id": uuid4().hex, "text": "看过了。", "canned": str(reply.id)}
    filled = await desk.post(f"/chats/{talk}/fill", form, hx_request="true")
    written = re.findall(r"<textarea.*?>(.*?)</textarea>", filled.text, re.S)[0]
    assert written.splitlines()[0] == "看过了。"
    assert "{预约时间}" in written
    assert "还不知道：预约时间" in filled.text
    assert await Message.filter(author_kind="doctor").count() == 0
    await desk.post(f"/chats/replies/{reply.id}", {"title": "复诊", "text": "请来复诊。"})
    assert "请来复诊。" in (await desk.get("/chats/replies")).text
    await desk.post(f"/chats/replies/{reply.id}/remove")
    assert "还没有常用语" in (await desk.get("/chats/replies")).text


async def test_who_must_be_called_is_called(pages: Pages, town: Town) -> None:
    await town.waiting("I")
    desk = await desk_of(pages, town)
    call = await CallTask.get()
    sealed = vault_of(town.settings).seal("13800000001", bound_to=PHONE_COLUMN)
    await Patient.filter(id=town.wang.patient_id).update(phone_sealed=sealed)
    assert "电话名单（1）" in (await desk.get("/chats")).text
    assert not await AuditEvent.filter(action="chat.calls_listed").exists()  # only counted
    shown = await desk.post(f"/chats/calls/{call.id}/number")
    assert shown.status_code == 200
    assert "本人" in shown.text
    assert await AuditEvent.filter(action="chat.phone_shown").count() == 1
    again = await desk.post(f"/chats/calls/{call.id}", {"outcome": "no_answer"})
    assert again.status_code == 303
    assert "打过" in (await desk.get("/chats/calls")).text
    await desk.post(f"/chats/calls/{call.id}", {"outcome": "reached"})
    assert "没有要打的电话" in (await desk.get("/chats/calls")).text


async def test_filters_and_pages_of_the_lists(pages: Pages, town: Town) -> None:
    talk = await town.waiting("III")
    desk = await desk_of(pages, town)
    for query, found in (
        ("priority=III", True), ("priority=I", False), ("q=头痛", True), ("q=没说过的", False),
        ("unread=true", True), ("list=mine", False), ("list=escalated", False),
        (f"organization={town.village.organization.id}", True),
    ):  # fmt: skip
        answer = await desk.get(f"/chats?{query}")
        assert (str(talk) in answer.text) is found, query
    await desk.post(f"/chats/{talk}/claim")
    assert str(talk) in (await desk.get("/chats?list=mine")).text
    assert (await desk.get("/chats?list=all")).status_code == 422
    assert (await desk.get("/chats?after=zz")).status_code == 422


async def test_what_is_older_is_a_page_of_its_own(pages: Pages, town: Town) -> None:
    talk = await town.waiting()
    last = await Message.filter(conversation_id=talk).order_by("-seq").first()
    assert last
    await Message.bulk_create(
        Message(
            id=uuid4(), conversation_id=talk, seq=last.seq + n, client_id=uuid4().hex,
            request_hash="0" * 64, author_kind="resident", kind="text", at=clock.now(),
            author_id=town.wang.actor.account_id, body=f"第{n}句。",
        )
        for n in range(1, 61)
    )  # fmt: skip
    desk = await desk_of(pages, town)
    newest = await desk.get(f"/chats/{talk}")
    assert "第60句。" in newest.text
    assert "第1句。" not in newest.text
    assert "sse-connect" in newest.text
    before = re.findall(r"\?before=\d+", newest.text)[0]
    older = await desk.get(f"/chats/{talk}{before}")
    assert "第1句。" in older.text
    assert "第60句。" not in older.text
    assert "回到最新的" in older.text
    assert "sse-connect" not in older.text  # what is new would take its place


@pytest.mark.parametrize("role", ["doctor", "institution_admin", "auditor"])
async def test_outsiders_get_404(pages: Pages, town: Town, role: str) -> None:
    talk = await town.waiting("I")
    elsewhere = (await a_clinic(pages.settings, tier="village", name="别村卫生室")).organization
    desk = await pages.desk(role, elsewhere)
    call = await CallTask.get()
    asked: list[tuple[str, Any]] = [
        (f"/chats/{talk}", None), (f"/chats/{talk}/live", None), (f"/chats/{talk}/book", None),
        (f"/chats/{talk}/transfer", None), (f"/chats/{talk}/claim", {}),
        (f"/chats/{talk}/reply", {"client_id": uuid4().hex, "text": "您好"}),
        (f"/chats/{talk}/close", {"outcome": "answered"}), (f"/chats/{talk}/notes", {"note": "x"}),
        (f"/chats/{talk}/typing", {}), (f"/chats/{talk}/messages/{talk}/recall", {}),
        (f"/chats/{talk}/release", {"reason": "不"}), (f"/chats/{talk}/reopen", {"reason": "不"}),
        (f"/chats/calls/{call.id}/number", {}), (f"/chats/{uuid4()}", None),
    ]  # fmt: skip
    for path, form in asked:
        answer = await (desk.get(path) if form is None else desk.post(path, form))
        assert answer.status_code == 404, path
    assert UUID(str((await Conversation.get(id=talk)).id)) == talk
