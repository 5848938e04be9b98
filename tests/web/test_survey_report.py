"""评价统计: of one's own institutions, of a month that is over, and never of a few."""

import html
import re
from datetime import date

from tests.clinics import a_clinic
from tests.satisfaction.test_report import given_answers, same
from tests.satisfaction.visits import kept
from tests.web.conftest import Pages, text_of
from tests.web.test_chats import NASTY


async def test_what_is_shown_of_a_month(pages: Pages) -> None:
    here = (await a_clinic(pages.settings, name="青石镇卫生院")).organization
    there = (await a_clinic(pages.settings, name="柳溪镇卫生院")).organization
    answers = [(date(2026, 10, 5), same(5), 9), (date(2026, 10, 12), same(3), 3)]
    await given_answers(pages.settings, here.id, answers)
    await given_answers(pages.settings, there.id, answers[:1])
    desk = await pages.desk("institution_admin", here)
    seen = text_of(await desk.get("/reports/surveys"))
    assert "总体 75.0% 9 ÷ 12 46.8–91.1% 87.5" in seen
    assert "不是国家统一的问卷" in seen
    assert "不到 10 人" in text_of(await desk.get("/reports/surveys?month=2026-09"))
    for query, status in (
        (f"organization={there.id}", 404), ("month=2026-11", 422), ("month=2026-13", 422),
    ):  # fmt: skip
        assert (await desk.get(f"/reports/surveys?{query}")).status_code == status
    county = await pages.desk("consortium_admin")
    assert "不到 10 人" in text_of(await county.get(f"/reports/surveys?organization={there.id}"))
    assert (await (await pages.desk("doctor", here)).get("/reports/surveys")).status_code == 404


async def test_what_residents_wrote_is_read_as_text_by_who_runs_the_place(pages: Pages) -> None:
    here = (await a_clinic(pages.settings, name="青石镇卫生院")).organization
    there = (await a_clinic(pages.settings, name="柳溪镇卫生院")).organization
    for number in range(21):
        said = f"{NASTY} 第 {number} 句。"
        await kept(pages.settings, here.id, date(2026, 10, 5), mixed=True, comment=said)
    desk = await pages.desk("institution_admin", here)
    at = f"/reports/surveys/comments?organization={here.id}&month=2026-10"
    assert at.replace("&", "&amp;") in (await desk.get("/reports/surveys")).text
    page = await desk.get(at)
    assert page.text.count("没有留名字</p>") == 20
    assert "<script>alert" not in page.text
    assert NASTY in html.unescape(page.text)
    (more,) = re.findall(r'href="/staff([^"]*after=[^"]*)"', page.text)
    assert (await desk.get(html.unescape(more))).text.count("没有留名字</p>") == 1
    for query, status in (
        (f"organization={there.id}", 404), ("month=2026-11", 422), ("after=x", 422),
    ):  # fmt: skip
        assert (await desk.get(f"/reports/surveys/comments?{query}")).status_code == status
    county = await pages.desk("consortium_admin")
    assert (await county.get(at)).status_code == 404
    assert "看居民写的话" not in (await county.get("/reports/surveys")).text
