"""A week planned at a desk: places, a template from a day on, one day more, the week again."""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.phone import Phone
from tests.browser.service import Service
from tests.browser.staff import Desks, ask

Phones = Callable[..., Phone]


def test_a_week_is_planned_around_who_has_booked(
    phone: Phones, service: Service, desk: Desks
) -> None:
    token = phone(agreed=True).log_in("王桂兰")
    patient = service.ask(token, "GET", "/patients")["items"][0]["id"]
    doctor = ask(service.database, "SELECT id FROM practitioner WHERE code = '10001'")[0][0]
    booked, _, _ = service.book(token, patient, several=True, practitioner=doctor)
    [(template, room)] = ask(
        service.database, "SELECT template_id, department_id FROM schedule WHERE id = ?",
        booked["id"],
    )  # fmt: skip
    admin = desk("institution_admin", "DXRM")

    admin.open(f"/schedules/{booked['id']}").fill("每段号数", "0").fill("原因", "减号")
    admin.tap("改号数").sees("不能减到 0 个号")
    expect(admin.page.get_by_role("link", name="去办理停诊")).to_be_visible()

    admin.open(f"/schedules/templates/{template}").fill("每段号数", "9")
    admin.tap("先看影响哪些班次").sees("已约 1 人")
    admin.fill("原因", "秋冬加号").tap("确认修改").sees("模板已改")
    admin.sees("保持不变")

    admin.open(f"/schedules/new?department={room}").fill("日期", booked["held_on"])
    admin.page.get_by_label("医生").select_option(value=doctor)
    admin.page.get_by_label("号别").select_option(value=booked["kind"])
    admin.page.get_by_label("时段").select_option(value=booked["period"])
    start, end = ("08:00", "11:30") if booked["period"] == "am" else ("14:00", "17:00")
    admin.fill("开始时间", start).fill("结束时间", end).fill("原因", "加班门诊")
    admin.tap("加班次").sees("时间重叠")
    admin.fill("开始时间", "18:30").fill("结束时间", "20:00")
    admin.page.get_by_label("时段").select_option(value="night")
    admin.tap("加班次").sees("班次已加上")

    admin.open(f"/schedules/copy?department={room}&on={booked['held_on']}")
    admin.tap("看看会复制哪些").sees("18:30–20:00")
    admin.fill("原因", "沿用").tap("复制").sees("已复制")
