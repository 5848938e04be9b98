"""用药计划 from the conversation page: written, changed and ended by a doctor, told in the talk."""

from datetime import timedelta
from uuid import uuid4

import pytest

from backend import clock
from backend.audit import AuditEvent
from backend.chat.models import Message
from backend.errors import Busy
from backend.inbox import messages
from backend.reminders.dosage import NOT_YET
from backend.reminders.models import MedicationPlan, MedicationVersion
from tests.chat.duties import Town, a_town
from tests.clinics import a_clinic, a_desk
from tests.reminders.plans import a_plan
from tests.web.conftest import Desk, Pages, text_of
from tests.web.test_chats import box, desk_of, hidden


@pytest.fixture
async def town(pages: Pages) -> Town:
    return await a_town(pages.settings, pages.service.hub)


async def claimed(pages: Pages, town: Town) -> tuple[Desk, str]:
    """A doctor who has the conversation, and where it is."""
    at, desk = f"/chats/{await town.waiting()}", await desk_of(pages, town)
    assert (await desk.post(f"{at}/claim")).status_code == 303
    return desk, at


def a_form(**facts: object) -> dict[str, object]:
    today = clock.today()
    return {
        "medicine": "苯磺酸氨氯地平片", "amount": "1 片", "when": ["PCM", "PCV"],
        "from_on": str(today), "to_on": str(today + timedelta(days=27)), "every_days": "1",
        "id": str(uuid4()),
    } | facts  # fmt: skip


async def test_a_doctor_writes_it_and_the_talk_tells(pages: Pages, town: Town) -> None:
    desk, at = await claimed(pages, town)
    assert f"{at}/medicines" in (await desk.get(at)).text
    page = await desk.get(f"{at}/medicines")
    assert NOT_YET in text_of(page)
    form = a_form(id=hidden(page, "id"))
    for _ in range(2):  # a second click
        assert (await desk.post(f"{at}/medicines", form)).headers["location"].endswith("#end")
    (card,) = await Message.filter(kind="card", author_kind="doctor")
    assert "苯磺酸氨氯地平片\n1 片，每天 2 次，早饭后、晚饭后。" in card.body
    assert NOT_YET in card.body
    (link,) = card.payload["links"]
    assert link["url"] == f"/pages/medicines/medicines?patient={town.wang.patient_id}"
    seen = text_of(await desk.get(at))
    assert "1 片，每天 2 次，早饭后、晚饭后（陈思远医生写）" in seen
    assert "写用药计划" in seen


async def test_what_is_wrong_stands_beside_its_field_and_nothing_is_lost(
    pages: Pages, town: Town
) -> None:
    desk, at = await claimed(pages, town)
    for facts, field in (
        ({"times": "早上"}, "times"), ({"when": []}, "when"), ({"amount": ""}, "amount"),
        ({"to_on": str(clock.today() + timedelta(days=84))}, "to_on"),
        ({"as_needed": "true", "when": []}, "at_most"), ({"every_days": "0"}, "every_days"),
    ):  # fmt: skip
        refused = await desk.post(f"{at}/medicines", a_form(**facts))
        assert refused.status_code == 422, facts
        assert f'id="{field}-fault"' in refused.text, facts
        assert 'value="苯磺酸氨氯地平片"' in refused.text
    assert not await MedicationPlan.all().count()


async def test_the_same_form_with_other_words_is_not_taken_for_a_second_click(
    pages: Pages, town: Town
) -> None:
    """Nobody reads 已写好 of what was not written."""
    desk, at = await claimed(pages, town)
    for base in (f"{at}/medicines", f"/contracts/{town.wang.patient_id}/medicines"):
        await MedicationVersion.all().delete()
        await MedicationPlan.all().delete()
        form = a_form(id=hidden(await desk.get(base), "id"))
        assert (await desk.post(base, form)).status_code == 303
        other = await desk.post(base, form | {"medicine": "二甲双胍片"})
        assert other.status_code == 409
        assert "刚才已经写好" in text_of(other)
        assert 'value="二甲双胍片"' in other.text
        form |= {"medicine": "二甲双胍片", "id": hidden(other, "id")}
        assert (await desk.post(base, form)).status_code == 303
        assert await MedicationPlan.all().count() == 2
    cards = await Message.filter(kind="card", author_kind="doctor")
    assert len(cards) == 2


async def test_a_second_click_after_all_tells_nothing_anew(pages: Pages, town: Town) -> None:
    desk, at = await claimed(pages, town)
    form = a_form(id=hidden(await desk.get(f"{at}/medicines"), "id"))
    await desk.post(f"{at}/medicines", form)
    one = f"{at}/medicines/{form['id']}"
    await desk.post(one, form | {"version": "1", "amount": "半片"})
    await desk.post(f"{one}/end", {"reason": "stopped", "version": "2"})
    assert (await desk.post(f"{at}/medicines", form)).status_code == 303
    assert await Message.filter(kind="card", author_kind="doctor").count() == 3


async def test_a_doctor_changes_and_ends_what_the_resident_wrote(pages: Pages, town: Town) -> None:
    plan = await a_plan(town.wang)
    desk, at = await claimed(pages, town)
    one = f"{at}/medicines/{plan.id}"
    assert "居民自己写" in text_of(await desk.get(f"{at}/medicines"))
    form = a_form(id=str(plan.id), version=hidden(await desk.get(one), "version"), amount="半片")
    assert (await desk.post(one, form)).status_code == 303
    late = await desk.post(one, form | {"amount": "2 片"})
    assert late.status_code == 409
    assert "半片，每天 2 次，早饭后、晚饭后" in text_of(late)
    assert hidden(late, "version") == "2"
    vague = await desk.post(f"{one}/end", {"reason": "", "version": "2"})
    assert (vague.status_code, 'value="半片"' in vague.text) == (422, True)
    assert (await desk.post(f"{one}/end", {"reason": "stopped", "version": "2"})).is_redirect
    lost = await desk.post(one, form | {"amount": "3 片", "note": "早上量血压"})
    assert (lost.status_code, "刚才写的没有存下" in lost.text) == (409, True)
    assert text_of(lost).count("3 片") == text_of(lost).count("早上量血压") == 1
    bodies = await Message.filter(kind="card", author_kind="doctor").order_by("seq")
    assert [row.body.partition("：")[0] for row in bodies] == [
        "医生改了用药计划",
        "医生停用了用药计划",
    ]
    assert await MedicationVersion.all().count() == 2
    told = await AuditEvent.filter(patient_id=town.wang.patient_id, actor_kind="staff")
    assert {"medication.listed", "medication.changed", "medication.ended"} <= {
        row.action for row in told
    }


async def test_what_was_written_can_be_copied_when_the_conversation_is_no_longer_ones_own(
    pages: Pages, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = await a_plan(town.wang)
    desk, at = await claimed(pages, town)
    form = a_form(version="1", times="08:00", when=[], note="<早上量血压>")

    async def busy(*_: object, **__: object) -> None:
        raise Busy

    with monkeypatch.context() as patched:
        patched.setattr("backend.web.medicines.planned.begin", busy)
        refused = await desk.post(f"{at}/medicines", form)
        assert (refused.status_code, box(refused, "unsent-note")) == (503, "&lt;早上量血压&gt;")
    assert (await desk.post(f"{at}/release", {"reason": "下班了"})).status_code == 303
    for path in (f"{at}/medicines", f"{at}/medicines/{plan.id}"):
        refused = await desk.post(path, form)
        assert refused.status_code == 409
        assert "没有存下，可以复制" in refused.text
        for name in ("medicine", "amount", "times"):
            assert box(refused, f"unsent-{name}") == form[name]
    again = {"about": "血压复查", "due_on": form["to_on"], "every_days": "28"}
    refused = await desk.post(f"{at}/follow-up", again)
    assert (refused.status_code, box(refused, "unsent-about")) == (409, "血压复查")
    part = await desk.post(f"{at}/medicines", form, hx_request="true")
    assert "unsent" not in part.text  # the form is there still
    assert "unsent" not in (await desk.get(f"{at}/medicines")).text


async def test_what_was_written_can_be_copied_when_the_log_in_has_ended(
    pages: Pages, town: Town, noon: clock.Hands
) -> None:
    desk, at = await claimed(pages, town)
    noon.move(timedelta(minutes=15))
    late = await desk.post(f"{at}/medicines", a_form(note="早上量血压"))
    assert (late.status_code, box(late, "unsent-note")) == (401, "早上量血压")
    assert "重新登录" in late.text
    part = await desk.post(f"{at}/reply", {"text": "先量一下血压。"}, hx_request="true")
    assert part.status_code == 401  # beside the form, which stays as it is
    assert part.headers["hx-retarget"] == "#problems"
    assert "hx-redirect" not in part.headers
    elsewhere = await desk.post(f"{at}/medicines", a_form(), origin="https://evil.example")
    assert elsewhere.status_code == 403
    assert "unsent" not in elsewhere.text
    empty = await desk.post(f"{at}/medicines", {"reason": "stopped"})
    assert empty.headers["location"].startswith("/staff/login")
    assert not await MedicationPlan.all().count()


async def test_only_who_has_claimed_it_writes(pages: Pages, town: Town) -> None:
    desk, at = await claimed(pages, town)
    other = await pages.desk("doctor", town.village.organization)
    outsider = await pages.desk("doctor", (await a_clinic(pages.settings)).organization)
    plan = await a_plan(town.wang)
    for deed in (f"{at}/medicines", f"{at}/medicines/{plan.id}"):
        form = a_form(version="1")
        assert (await other.get(deed)).status_code == 409
        assert (await other.post(deed, form)).status_code == 409
        assert (await outsider.get(deed)).status_code == 404
        assert (await outsider.post(deed, form)).status_code == 404
    assert (await desk.get(f"{at}/medicines/{uuid4()}")).status_code == 404
    assert await MedicationVersion.all().count() == 1


async def test_a_family_doctor_writes_for_a_resident_and_everybody_who_cares_hears(
    pages: Pages, town: Town
) -> None:
    desk = await desk_of(pages, town)
    at = f"/contracts/{town.wang.patient_id}/medicines"
    assert at in (await desk.get("/contracts")).text
    form = a_form(id=hidden(await desk.get(at), "id"))
    for _ in range(2):  # a second click
        assert (await desk.post(at, form)).status_code == 303
    plan = await MedicationPlan.get()
    one = f"{at}/{plan.id}"
    assert (await desk.post(one, form | {"version": "1", "amount": "半片"})).status_code == 303
    assert (await desk.post(one, form | {"version": "1"})).status_code == 409
    assert (await desk.post(f"{one}/end", {"reason": "replaced", "version": "2"})).is_redirect
    page = await messages.list_of(town.wang.actor, a_desk(), unread=False, after=None, most=10)
    assert [one.words.title for one in page] == [
        "医生停用了用药计划", "医生写了用药计划", "医生写了用药计划",
    ]  # fmt: skip
    assert {(one.words.page, one.about) for one in page} == {
        ("pages/medicines/medicines", town.wang.patient_id)
    }
    other = await pages.desk(
        "doctor", town.township.organization, practitioner=town.township.practitioner
    )
    for path in (at, one):
        assert (await other.get(path)).status_code == 404
        assert (await other.post(path, form)).status_code == 404
