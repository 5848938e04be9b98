"""The mini-program in a real Chromium, at a phone's size, with the service and the simulator.

    pytest -m browser tests/browser        needs the built host (make host) and Chromium

Every test has phones of its own, held by people nobody else knows; all share one service with the
demo county. A page that throws, or breaks the content policy, fails its test.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from backend import miniprogram
from tests import tools
from tests.browser.phone import SIZE, Phone
from tests.browser.pictures import ARTEFACTS
from tests.browser.service import Service, running_service
from tests.browser.staff import Desk

# Each window of the whole Chromium runs two pages of its own behind the address bar. To go without,
# their names join the list that Playwright 1.65 passes: of two such lists the last one counts.
WITHOUT = (
    "AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "HttpsUpgrades",
    "HttpsFirstBalancedModeAutoEnable", "LensOverlay", "MediaRouter", "PaintHolding",
    "ThirdPartyStoragePartitioning", "AvoidCorsURLLoaderRestartOnRedirect",
    "OptimizationHints", "NetworkTimeServiceQuerying", "AimEnabled", "PreconnectToSearch",
    "WebUIOmniboxPopup", "WebUIOmniboxAimPopup",
)  # fmt: skip
HEARD = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]  # it beeps
# Without a process of its own for the graphics card that there is none of: a tenth less work.
ARGUMENTS = ["--no-sandbox", "--in-process-gpu", *HEARD, f"--disable-features={','.join(WITHOUT)}"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Its path. Missing with CI=true, the tests fail; elsewhere they are skipped."""
    missing = []
    found = tools.chromium(os.environ).url
    if not found:
        missing.append("Chromium (Debian: apt install chromium fonts-noto-cjk, or CHROMIUM=path)")
    if not miniprogram.is_built():
        missing.append("the built mini-program (make host)")
    if missing:
        why = "needs " + " and ".join(missing)
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(why)
        pytest.skip(why)
    return str(found)


@pytest.fixture(scope="session")
def service(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Server, jobs and simulator on free ports, with a database of their own: the demo county."""
    with running_service(tmp_path_factory.mktemp("service")) as running:
        yield running


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def spare(browser: Browser) -> Iterator[list[Phone]]:
    """Phones that were given back: one that is handed over costs half of a new one."""
    phones: list[Phone] = []
    yield phones
    for one in phones:
        one.close()


@pytest.fixture
def phone(
    browser: Browser, service: Service, spare: list[Phone], request: pytest.FixtureRequest
) -> Iterator[Callable[..., Phone]]:
    """A person's phone, one that saves data. `elder` and `agreed` are as if chosen before.

    `new`: nothing of the pages was ever loaded, and data are not saved.
    """
    made: list[Phone] = []

    def make(
        user: str = "", *, elder: bool = False, agreed: bool = False, new: bool = False
    ) -> Phone:
        if spare and not new:
            made.append(spare.pop())
            made[-1].hand_over(user, elder=elder, agreed=agreed)
        else:
            made.append(Phone(browser, service, user, elder=elder, agreed=agreed))
        if not new:
            made[-1].save_data()
        return made[-1]

    yield make
    if is_whole(request, made):
        for one in made:
            one.context.unroute_all()
            one.page.set_viewport_size(SIZE)
        spare.extend(made)


@pytest.fixture(scope="session")
def spare_desks(browser: Browser) -> Iterator[list[Desk]]:
    """As with phones."""
    desks: list[Desk] = []
    yield desks
    for one in desks:
        one.close()


@pytest.fixture
def desk(
    browser: Browser, service: Service, spare_desks: list[Desk], request: pytest.FixtureRequest
) -> Iterator[Callable[..., Desk]]:
    """A browser at a desk, of somebody new: the arguments are those of `Desk.hand_over`."""
    made: list[Desk] = []

    def make(*who: str, **facts: Any) -> Desk:
        if spare_desks:
            made.append(spare_desks.pop())
            made[-1].hand_over(*who, **facts)
        else:
            made.append(Desk(browser, service, *who, **facts))
        return made[-1]

    yield make
    if is_whole(request, made):
        spare_desks.extend(made)  # each where it is: to leave our origin would end its process


def is_whole(request: pytest.FixtureRequest, made: Sequence[Phone | Desk]) -> bool:
    """The test has passed and nothing was thrown. Else there are pictures, and all are closed."""
    failed = getattr(request.node, "failed", False)
    faults = [fault for one in made for fault in one.faults]
    for number, one in enumerate(made):
        if failed:
            ARTEFACTS.mkdir(parents=True, exist_ok=True)
            kind = type(one).__name__.lower()
            name = f"failed-{request.node.name}-{kind}-{number}.png"
            one.page.screenshot(path=ARTEFACTS / name)
        if failed or faults:
            one.close()
    assert faults == []
    return not failed


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    outcome = yield
    if outcome.get_result().failed:  # type: ignore[attr-defined]
        item.failed = True  # type: ignore[attr-defined]
