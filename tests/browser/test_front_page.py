"""The service's own first page, which is not the mini-program's."""

from collections.abc import Callable

from tests.browser.phone import Phone


def test_it_leads_to_the_mini_program(phone: Callable[..., Phone]) -> None:
    one = phone()
    one.page.goto(one.service.url + "/")
    one.tap("打开小程序，预约看病").is_at("home")
