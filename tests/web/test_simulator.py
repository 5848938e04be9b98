"""The simulator's page: table, chart and file; for the whole county's administrators only."""

from datetime import timedelta

from backend import clock
from tests.booking.test_standing import missed
from tests.clinics import a_clinic
from tests.people import a_person
from tests.web.conftest import Pages, text_of


async def test_a_period_is_replayed_and_taken_along(pages: Pages) -> None:
    hospital = await a_clinic(pages.settings, tier="county")
    await missed(pages.settings, hospital, await a_person(pages.settings))
    desk = await pages.desk("consortium_admin")
    assert "这样算的限度" in text_of(await desk.get("/simulator"))
    yesterday = str(clock.today() - timedelta(days=1))
    form = {"from_on": yesterday, "to_on": yesterday, "share": "100", "draw_min": "60"}
    shown = await desk.post("/simulator", form)
    assert shown.status_code == 200
    told = text_of(shown)
    assert "0.0% 的要号结果和实际不一样" in told
    assert "没有签约" in told
    assert 'role="img"' in shown.text
    table = await desk.post("/simulator/figures.csv", form)
    assert table.headers["content-type"].startswith("text/csv")
    assert "全部,现在,1,1,100.0" in table.text
    wrong = await desk.post("/simulator", form | {"to_on": "2020-01-01"})
    assert (wrong.status_code, "不能早于" in wrong.text) == (422, True)


async def test_institutions_do_not_find_it(pages: Pages) -> None:
    hospital = await a_clinic(pages.settings)
    desk = await pages.desk("institution_admin", hospital.organization)
    assert (await desk.get("/simulator")).status_code == 404
