"""评价就诊, from the appointment to the thanks, with the network gone when it is sent."""

from tests.browser.clinic import a_clinic_now
from tests.browser.service import Service
from tests.browser.test_booking import Phones


def test_a_visit_is_answered_for(service: Service, phone: Phones) -> None:
    me = phone(agreed=True, elder=True)
    token = me.log_in("王桂兰")
    patient = service.ask(token, "GET", "/patients")["items"][0]["id"]
    seen = a_clinic_now(service).expects(token, patient, status="fulfilled")
    me.open(f"appointment?id={seen}").tap("评价这次就诊").is_at("survey")
    me.tap("去答下一题").sees("这一题还没有选")
    groups = me.shown.get_by_role("radiogroup")
    for number in range(groups.count() - 1):  # the last one asks for a name
        groups.nth(number).get_by_role("radio", name="很好", exact=True).click()
    me.sees("答了 8 题，一共 8 题")
    me.fill("还想说点什么？", "护士很耐心")
    me.tap("交上去").sees("不留名字，交上去以后不能改")

    mend = me.intercept("/survey-responses$", lambda route: route.abort())
    me.tap("确定交上去").sees("您选的都还在")
    mend()
    me.tap("再试一次").sees("没有记您的名字")
    me.open(f"survey?id={seen}").sees("已经评价过了")
    me.open(f"appointment?id={seen}").sees("这次就诊已经评价过了")
    assert not me.shown.get_by_text("评价这次就诊").count()
