"""质量 and 没听懂的问题: figures as a page, charts and a file; questions worked off."""

import html
import json
import re
from typing import Any

import httpx
import pytest

from backend import clock, periods
from backend.audit import AuditEvent
from backend.chat import quality
from backend.chat.duty_models import ZeroHit
from backend.chat.models import Message
from tests.chat.duties import Town, a_town
from tests.chat.talks import a_talk, say
from tests.chat.test_quality import stretches
from tests.web.conftest import Pages, text_of
from tests.web.test_chats import NASTY, desk_of


@pytest.fixture
async def town(pages: Pages) -> Town:
    return await a_town(pages.settings, pages.service.hub)


def charts_of(answer: httpx.Response) -> list[Any]:
    """The values of each chart's only series."""
    found = re.findall(r'data-chart="(.*?)"', answer.text)
    return [json.loads(html.unescape(one))["series"][0]["values"] for one in found]


async def test_the_weeks_are_drawn_and_the_same_numbers_stand_below(
    pages: Pages, town: Town
) -> None:
    village, township = town.village.organization, town.township.organization
    talk = await a_talk(town.wang.actor, town.wang.patient_id)
    await stretches(town, village, 12, minutes=10, talk=talk)
    await stretches(town, village, 8, minutes=40, talk=talk, escalations=1)
    await stretches(town, township, 25, minutes=20, talk=talk)
    await stretches(town, town.county.organization, 3, minutes=1, talk=talk)
    county = await pages.desk("consortium_admin")
    seen = await county.get("/reports/chats")
    text = text_of(seen)
    assert "48 次" in text
    assert "83.3% 40 ÷ 48 95%：70.4–91.3%" in text
    share, count = charts_of(seen)
    first, last = periods.mondays(quality.months()[0])
    later = (last - first).days // 7  # weeks of the month, without anything
    assert share == [83.3] + [None] * later
    assert count == [48] + [0] * later
    assert text.count(f"{first.month}月{first.day}日 周一 起 48 83.3%") == 1
    # The county hospital's three are hidden, and what they could be reckoned from as well.
    assert "县人民医院 人数太少 人数太少" in text
    assert "柳溪村卫生室 人数太少" in text
    for place, n in ((township, 25), (village, None)):
        one = await county.get(f"/reports/chats?organization={place.id}")
        assert charts_of(one)[1][0] == n
    file = await county.get("/reports/chats.csv")
    assert file.headers["content-type"].startswith("text/csv")
    assert "合计,按时答复%,,40,48,83.3,70.4,91.3" in file.text
    assert "县人民医院,转给医生,,,,,," in file.text
    assert f"各周,按时答复%,{first},40,48,83.3,70.4,91.3" in file.text

    own = text_of(await (await pages.desk("institution_admin", township)).get("/reports/chats"))
    assert "45 次" in own
    assert "柳溪村" in own  # below the township
    # Nothing but whole months that are over: what overlaps, or grows by the day, can be subtracted.
    for query in (f"month={clock.today():%Y-%m}", "month=2019-01", f"from_on={first}"):
        assert (await county.get(f"/reports/chats?{query}")).status_code == 422
    outsider = await pages.desk("institution_admin", town.village.organization)
    assert (await outsider.get(f"/reports/chats?organization={township.id}")).status_code == 404
    assert (await (await desk_of(pages, town)).get("/reports/chats")).status_code == 404


async def test_questions_are_read_decided_and_kept(pages: Pages, town: Town) -> None:
    talk = await a_talk(town.wang.actor, town.wang.patient_id)
    await say(town.wang.actor, town.hub, talk, NASTY)
    said = await Message.get(author_kind="resident")
    await ZeroHit.all().delete()
    row = await ZeroHit.create(
        id=said.id, consortium_id=pages.settings.consortium_id, message=said, rules_version="r@1",
        at=clock.now(), state="new",
    )  # fmt: skip
    county = await pages.desk("consortium_admin")
    assert "没听懂的问题" in (await county.get("/chats")).text
    seen = await county.get("/chats/questions")
    assert "&lt;img src=x onerror" in seen.text
    assert "<img src=x" not in seen.text
    at = f"/chats/questions/{row.id}"
    refused = await county.post(at, {"state": "new", "note": "要加别名"})
    assert (refused.status_code, 'value="要加别名"' in refused.text) == (422, True)
    assert (await county.post(at, {"state": "done", "note": "加了别名"})).status_code == 303
    assert "没有没听懂的问题" in (await county.get("/chats/questions")).text
    assert "加了别名" in (await county.get("/chats/questions?state=done")).text
    refused = await county.post(at, {"state": "dismissed", "note": "不用管"})
    assert (refused.status_code, ">不用管</textarea>" in refused.text) == (409, True)
    assert await AuditEvent.filter(action="chat.question_decided").count() == 1
    for desk in (await desk_of(pages, town), await desk_of(pages, town, "institution_admin")):
        assert (await desk.get("/chats/questions")).status_code == 404
        assert (await desk.post(at, {"state": "done"})).status_code == 404
        assert "没听懂的问题" not in (await desk.get("/chats")).text
