"""评价统计: of one's own institutions, of a month that is over, and never of a few."""

from datetime import date

from tests.clinics import a_clinic
from tests.satisfaction.test_report import given_answers, same
from tests.web.conftest import Pages, text_of


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
