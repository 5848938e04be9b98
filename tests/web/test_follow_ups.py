"""随访 on the staff pages: begun from a conversation, in the list, done."""

from datetime import timedelta
from uuid import uuid4

import pytest

from backend import clock
from backend.api import paging
from backend.chat.models import Message
from backend.reminders.models import FollowUp, FollowUpPlan
from backend.staff.models import Staff, StaffRole
from tests.chat.duties import Town, a_town
from tests.clinics import a_clinic
from tests.web.conftest import Pages, text_of
from tests.web.test_chats import desk_of, hidden
from tests.web.test_medicines import claimed


@pytest.fixture
async def town(pages: Pages) -> Town:
    return await a_town(pages.settings, pages.service.hub)


async def test_from_the_conversation_to_the_list(
    pages: Pages, town: Town, noon: clock.Hands
) -> None:
    desk, at = await claimed(pages, town)
    assert f"{at}/follow-up" in (await desk.get(at)).text
    page = await desk.get(f"{at}/follow-up?case=hypertension_first_high")
    assert "示例规则，未经医生审核" in text_of(page)
    on = clock.today() + timedelta(days=14)
    assert 'value="高血压"' in page.text
    assert f'value="{on}"' in page.text
    form = {"about": "高血压", "due_on": str(on), "every_days": "14", "id": hidden(page, "id")}
    for _ in range(2):  # a second click
        sent = await desk.post(f"{at}/follow-up?case=hypertension_first_high", form)
        assert sent.headers["location"].endswith("#end")
    plan = await FollowUpPlan.get()
    assert plan.rule == "hypertension@1"
    (card,) = await Message.filter(kind="card", author_kind="doctor")
    assert card.body.startswith("医生定了随访：高血压\n2026年12月7日前后")
    assert "2026-12-07 高血压" in text_of(await desk.get(at))

    noon.move(timedelta(days=16))
    desk = await pages.desk(
        "doctor", town.village.organization, practitioner=town.village.practitioner
    )
    listed = text_of(await desk.get("/follow-ups"))
    assert "王*兰 高血压" in listed
    assert "过期 2 天" in listed
    link = f"/staff/contracts/{town.wang.patient_id}/book"
    assert link in (await desk.get("/follow-ups")).text
    one = f"/follow-ups/{(await FollowUp.get()).id}"
    vague = await desk.post(one, {"deed": "do", "note": "", "next_on": ""})
    assert (vague.status_code, "请简单记一下" in vague.text) == (422, True)
    before = paging.encode((clock.today() - timedelta(days=9), uuid4()))
    later = await desk.post(f"{one}?after={before}", {"deed": "do", "note": "", "next_on": ""})
    assert f'action="/staff{one}?after={before}"' in later.text
    done = {"deed": "do", "note": "130/80", "next_on": str(clock.today() + timedelta(days=14))}
    assert (await desk.post(one, done)).status_code == 303
    late = await desk.post(one, done | {"note": "140/90，头晕"})
    assert (late.status_code, "140/90，头晕" in text_of(late)) == (409, True)
    assert await FollowUp.filter(state="planned").count() == 1


async def test_without_signed_rules_no_day_is_proposed(
    pages: Pages, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, at = await claimed(pages, town)
    monkeypatch.setattr("backend.web.follow_ups.follow_up_rules.offered", lambda *_, **__: [])
    page = await desk.get(f"{at}/follow-up?case=hypertension_usual")
    assert "选人群" not in page.text
    wrong = await desk.post(
        f"{at}/follow-up", {"about": "", "due_on": str(clock.today()), "every_days": "0"}
    )
    assert wrong.status_code == 422
    assert 'id="about-fault"' in wrong.text


async def test_only_who_has_claimed_it_begins_one(pages: Pages, town: Town) -> None:
    _, at = await claimed(pages, town)
    other = await pages.desk("doctor", town.village.organization)
    form = {"about": "高血压", "due_on": str(clock.today()), "every_days": "90"}
    assert (await other.get(f"{at}/follow-up")).status_code == 409
    assert (await other.post(f"{at}/follow-up", form)).status_code == 409
    admin = await pages.desk("institution_admin", town.village.organization)
    assert (await admin.get("/follow-ups")).status_code == 404
    assert (await other.post(f"/follow-ups/{uuid4()}", {"deed": "cancel"})).status_code == 404
    assert not await FollowUpPlan.all().count()


async def test_a_family_doctor_begins_one_for_a_resident(pages: Pages, town: Town) -> None:
    desk = await desk_of(pages, town)
    at = f"/contracts/{town.wang.patient_id}/follow-up"
    assert at in (await desk.get("/contracts")).text
    page = await desk.get(f"{at}?case=diabetes2_usual")
    on = str(clock.today() + timedelta(days=9))
    form = {"about": "糖尿病", "due_on": on, "every_days": "90", "id": hidden(page, "id")}
    for _ in range(2):  # a second click
        assert (await desk.post(f"{at}?case=diabetes2_usual", form)).status_code == 303
    assert (await FollowUpPlan.get()).rule == "diabetes2@1"
    assert "王*兰 糖尿病" in text_of(await desk.get("/follow-ups"))
    again = await desk.post(f"{at}?case=diabetes2_usual", form | {"about": "高血压"})
    assert (again.status_code, "刚才已经写好" in text_of(again)) == (409, True)
    assert hidden(again, "id") != form["id"]
    other = await pages.desk(
        "doctor", town.township.organization, practitioner=town.township.practitioner
    )
    assert (await other.get(at)).status_code == 404
    assert (await other.post(at, form | {"id": str(uuid4())})).status_code == 404
    assert await FollowUpPlan.all().count() == 1


async def test_what_nobody_has_any_more_is_in_the_administrators_list(
    pages: Pages, town: Town
) -> None:
    desk = await desk_of(pages, town)
    at = f"/contracts/{town.wang.patient_id}/follow-up"
    form = {"about": "高血压", "due_on": str(clock.today()), "every_days": "90"}
    assert (await desk.post(at, form)).status_code == 303
    admin = await pages.desk("institution_admin", town.village.organization)
    assert "每个随访都有医生管" in text_of(await admin.get("/unattended"))
    await (
        Staff.all()
        .exclude(id=(await StaffRole.get(role="institution_admin")).staff_id)
        .update(disabled_at=clock.now())
    )
    seen = await admin.get("/unattended")
    assert "王*兰 高血压" in text_of(seen)
    assert "/staff/contracts/new" in seen.text
    assert "没人管的随访" in text_of(await admin.get("/"))
    elsewhere = await pages.desk("institution_admin", (await a_clinic(pages.settings)).organization)
    assert "王*兰" not in text_of(await elsewhere.get("/unattended"))
    assert (await (await pages.desk("consortium_admin")).get("/unattended")).status_code == 404
    assert (await admin.get("/unattended?after=x")).status_code == 422
