"""Bad days at every tap that matters: nobody is left without a word, a way on, or what they typed.

Whatever goes wrong, what was wanted is done once it can be, and done once.
"""

import contextlib
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator

import pytest
from playwright.sync_api import Browser, expect

from backend import errors
from tests.browser.phone import Phone
from tests.browser.service import Service
from tests.browser.taps import TAPS, Cancel, Hold, Tap, refuse_with
from tests.processes import until

WAIT = re.compile(r"请等 \d+ 秒")
UNREACHABLE = "没有连上"


def at_each(taps: Iterable[type[Tap]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("kind", taps, ids=lambda kind: kind.__name__)


every_tap = at_each(TAPS)


@pytest.fixture(scope="module")
def phones(browser: Browser, service: Service) -> Iterator[dict[bool, Phone]]:
    """One in each mode, handed on from one person to the next."""
    with contextlib.ExitStack() as stack:
        made = {
            elder: Phone(browser, service, "", elder=elder, agreed=False, over_line=True)
            for elder in (False, True)
        }
        for one in made.values():
            stack.callback(one.close)
            one.context.clock.install()
            one.listen()
            one.save_data()
        yield made


@pytest.fixture
def at(phones: dict[bool, Phone], service: Service) -> Iterator[Callable[[type[Tap]], Tap]]:
    """At a tap, with everything ready for it."""
    used: list[Phone] = []

    def get(kind: type[Tap]) -> Tap:
        one = phones[kind.elder]
        one.hand_over(elder=kind.elder, agreed=kind.agreed)
        used.append(one)
        tap = kind(one)
        tap.ready()
        return tap

    yield get
    service.line.mend()
    for one in used:
        one.context.unroute_all()
    faults = [fault for one in used for fault in one.faults]
    for one in used:
        one.faults.clear()
    assert faults == []


@contextlib.contextmanager
def during(fault: str) -> Iterator[None]:
    """Several faults share a page: a failure says which it was."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"bad day: {fault}")
        raise


def then_it_is_done_once(tap: Tap) -> None:
    tap.tap_again()
    tap.done()
    is_done_once(tap, tap.keys())


def is_done_once(tap: Tap, keys: list[str]) -> None:
    assert tap.effects() == 1
    if tap.keyed:
        assert len(set(keys)) == 1
        assert "" not in keys


@every_tap
def test_one_fault_after_the_other(kind: type[Tap], at: Callable[[type[Tap]], Tap]) -> None:
    """Each is told in its own words, keeps what was typed, and leaves the way to the next try."""
    tap, decided = at(kind), 0
    try_it = tap.tap
    if not kind.has_conflict_of_its_own():
        with during("409"):
            it_is_refused(tap, errors.Conflict(), try_it)
        try_it, decided = tap.tap_again, len(tap.keys())  # what comes now is another wish
    with during("429"):
        it_is_refused(tap, errors.Throttled(60), try_it)
    with during("503"):
        it_is_refused(tap, errors.Busy(), tap.tap_again)
    with during("the server is down"):
        tap.service.line.cut()
        tap.tap_again()
        tap.phone.sees_in_time(re.compile(UNREACHABLE))
        tap.kept()
        tap.service.line.mend()
    with during("the log-in has ended, and the answer is slow"):
        it_is_slow(tap)
    is_done_once(tap, tap.keys()[decided:])


def it_is_refused(tap: Tap, found: errors.Problem, try_it: Callable[[], None]) -> None:
    """By the service's own answer."""
    stop = tap.phone.intercept(tap.url, lambda route: refuse_with(route, found))
    try_it()
    tap.phone.sees_in_time(re.compile(f"{found.detail}|一天只能导出三次"))
    tap.kept()
    stop()
    if tap.phone.button(WAIT).count():
        tap.phone.page.clock.run_for(61_000)


def it_is_slow(tap: Tap) -> None:
    """The button says that it works, and a second tap does nothing.

    The log-in has ended meanwhile; it is renewed, and nobody notices.
    """
    if tap.agreed:  # a first visit has none that could end
        tap.ask("DELETE", "/me/devices")  # every phone but this test's
    before = len(tap.keys())
    tap.service.line.hold()
    tap.tap_again()
    busy = tap.phone.button(tap.busy).first
    expect(busy).to_be_disabled()
    box = busy.bounding_box()
    assert box
    tap.phone.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    tap.service.line.mend()
    tap.done()
    assert len(tap.keys()) - before == 1 + tap.agreed  # refused with 401, then again


@at_each(kind for kind in TAPS if kind.has_conflict_of_its_own())
def test_something_came_between(kind: type[Tap], at: Callable[[type[Tap]], Tap]) -> None:
    """409."""
    tap = at(kind)
    said = tap.conflict()
    tap.tap()
    tap.phone.sees(re.compile(said))
    tap.out_of_conflict()
    assert tap.effects() == tap.after_conflict


def test_the_phone_has_no_network(at: Callable[[type[Tap]], Tap]) -> None:
    """Said on top of the page at once, and taken away when there is one again."""
    notice = "手机没有连上网络"
    tap = at(Hold)
    tap.phone.context.set_offline(True)
    tap.phone.sees(notice)
    tap.tap()
    tap.phone.sees_in_time("请检查手机网络后再试")
    tap.kept()
    tap.phone.context.set_offline(False)
    expect(tap.phone.page.get_by_text(notice)).to_have_count(0)
    then_it_is_done_once(tap)


def test_no_answer_at_all(at: Callable[[type[Tap]], Tap]) -> None:
    """Nobody waits for ever; what the server did meanwhile is done, and not done again."""
    tap = at(Hold)
    tap.service.line.hold()
    tap.tap()
    expect(tap.phone.button(tap.busy)).to_be_disabled()
    until(lambda: len(tap.keys()) == 1 or bool(tap.phone.page.wait_for_timeout(20)))
    tap.phone.page.clock.run_for(10_000)
    tap.phone.sees_in_time("等了很久没有回音")
    tap.kept()
    tap.service.line.mend()
    then_it_is_done_once(tap)


def test_the_database_is_stuck(at: Callable[[type[Tap]], Tap]) -> None:
    """Somebody else writes and does not end: the service says 503 by itself."""
    tap = at(Cancel)
    answers: list[int] = []
    tap.phone.page.on("response", lambda answer: answers.append(answer.status))
    with contextlib.closing(sqlite3.connect(tap.service.database)) as other:
        other.execute("BEGIN IMMEDIATE")
        tap.tap()
        tap.phone.sees_in_time(errors.Busy.detail)
        assert 503 in answers
        tap.kept()
        other.rollback()
    then_it_is_done_once(tap)
