"""Home before its code is there, and pages whose code comes later."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.browser.phone import Phone
from tests.browser.service import Service
from tests.processes import until

NewPhone = Callable[..., Phone]
APP = r"/m/app\.\w+\.js"
FIND = r"/m/find\.\w+\.js"
HELP = r"/m/help\.\w+\.js"
PLACES = """[...document.querySelectorAll('wx-page button, wx-page a, #tabs a')].slice(0, 5)
  .map((one) => one.getBoundingClientRect())
  .map(({x, y, width, height}) => [x, y, width, height])"""


@pytest.fixture(scope="module")
def unsaving(browser: Browser, service: Service) -> Iterator[Phone]:
    """The one that all use. Where requests are answered in the network's place, nothing is kept
    from before: the browser switches its cache off."""
    one = Phone(browser, service, "", elder=False, agreed=False)
    yield one
    one.close()


@pytest.fixture
def new_phone(unsaving: Phone) -> Iterator[NewPhone]:
    """Data are not saved: the code of pages is fetched ahead."""

    def make(**facts: bool) -> Phone:
        unsaving.hand_over(**({"agreed": False} | facts))
        return unsaving

    yield make
    unsaving.context.unroute_all()
    faults = unsaving.faults[:]
    unsaving.faults.clear()
    assert faults == []


def hold_code(phone: Phone) -> Callable[[], None]:
    """Keep the first page's code back; call what is returned to let it go."""
    held: list[Route] = []
    stop = phone.intercept(APP, lambda route: held.append(route))

    def release() -> None:
        until(lambda: bool(held) or phone.page.wait_for_timeout(20))
        for route in held:
            route.continue_()
        stop()

    return release


def open_without_code(phone: Phone) -> Callable[[], None]:
    release = hold_code(phone)
    phone.page.goto(phone.address(), wait_until="commit")
    return release


def test_a_tap_before_the_code_is_there_is_kept(new_phone: NewPhone) -> None:
    one = new_phone()
    release = open_without_code(one)
    one.tap("先看看有哪些医生")
    expect(one.heading).to_have_text("家门口")
    release()
    one.is_at("find")


def test_home_looks_the_same_before_and_after_its_code(new_phone: NewPhone) -> None:
    one = new_phone()
    release = open_without_code(one)
    expect(one.button(re.compile("急救 120"))).to_be_visible()
    places = one.page.evaluate(PLACES)
    release()
    until(lambda: one.page.evaluate("!!document.querySelector('wx-page').__wxElement"))
    assert one.page.evaluate(PLACES) == places
    one.sees("公告")  # the answer that was asked for early


def test_the_next_start_remembers_elder_mode(new_phone: NewPhone) -> None:
    one = new_phone(elder=True).open()
    one.sees("普通模式")
    release = hold_code(one)
    one.page.reload(wait_until="commit")
    one.sees("普通模式")
    release()
    one.settle()


def test_a_return_visit_asks_for_ones_own_before_its_code_and_once(new_phone: NewPhone) -> None:
    one = new_phone(agreed=True)
    one.log_in("王桂兰")
    one.open().sees("预约看病")
    one.open()  # the log-in is new: the first page is kept from the next start on
    token = one.page.evaluate("wx.getStorageSync('token')")
    assert token
    assert token not in one.page.evaluate("localStorage.getItem('first page')")
    release = hold_code(one)
    one.listen()
    one.page.reload(wait_until="commit")

    def own() -> list[str]:
        return [asked.url for asked in one.asked if f"Bearer {token}" in asked.headers.values()]

    until(lambda: len(own()) == 4 or one.page.wait_for_timeout(20))
    release()
    one.settle()
    assert len(own()) == len(set(own())) == 4


def test_a_page_whose_code_does_not_come_is_said_and_tried_again(new_phone: NewPhone) -> None:
    one = new_phone()
    stop = one.intercept(HELP, lambda route: route.abort())
    one.open().tap(re.compile("^帮助"))
    one.sees("这一页没有取到")
    expect(one.shown).to_have_attribute("data-path", "pages/home/home")
    stop()
    one.tap(re.compile("^帮助")).is_at("help")


def test_what_has_been_said_is_no_fault_of_the_page(new_phone: NewPhone) -> None:
    """Nobody catches these: the phone's own listening fails the test if they are thrown."""
    one = new_phone()
    stop = one.intercept(HELP, lambda route: route.abort())
    one.open()
    one.page.evaluate("void wx.navigateTo({ url: '/pages/help/help' })")
    one.sees("这一页没有取到")
    one.page.evaluate("void getCurrentPages()[0].reveal('#left-long-ago')")
    stop()
    one.tap(re.compile("^帮助")).is_at("help")


def test_a_link_to_a_page_whose_code_does_not_come_offers_another_try(new_phone: NewPhone) -> None:
    one = new_phone()
    stop = one.intercept(FIND, lambda route: route.abort())
    one.page.goto(one.address("find"))
    one.sees("这一页没有取到")
    stop()
    one.tap("再试一次").is_at("find")
