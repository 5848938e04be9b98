"""A phone with the mini-program open: taps, what is seen, and what went wrong in it."""

import json
import re
import secrets
from collections.abc import Callable
from typing import Any

from playwright.sync_api import (
    Browser,
    CDPSession,
    ConsoleMessage,
    Error,
    Locator,
    Page,
    Request,
    Route,
    expect,
)

from backend import miniprogram
from backend.identity import terms
from tests.browser.service import Service
from tests.processes import until

SIZE = {"width": 390, "height": 844}
PATIENCE_MS = 20_000
SOON_MS = 500
# What a page throws away may be a plain object, of which the browser tells nothing.
TELL = """addEventListener('unhandledrejection', ({reason}) => {
  if (!(reason instanceof Error)) console.error('unhandled', JSON.stringify(reason))
})"""
STORE = """(values) => {
  for (const [name, value] of Object.entries(values))
    if (localStorage.getItem(name) === null) localStorage.setItem(name, JSON.stringify(value))
}"""
# Left in the window by whoever hands the phone over, for the next page that is loaded.
GIVE = "(values) => { name = 'given ' + JSON.stringify(values) }"
TAKE = f"""(() => {{
  if (!name.startsWith('given ')) return
  localStorage.clear();
  ({STORE})(JSON.parse(name.slice(6)))
  name = ''
}})()"""
# The browser's own words for an answer that the page deals with itself.
# The last one: a page that is left while its socket opens.
EXPECTED = re.compile(r"Failed to load resource|net::ERR_|closed before the connection is establ")

expect.set_options(timeout=PATIENCE_MS)


def a_user() -> str:
    return f"user-{secrets.token_hex(6)}"


class Phone:
    """`user` is who WeChat thinks holds it; without one, somebody new."""

    def __init__(
        self,
        browser: Browser,
        service: Service,
        user: str,
        *,
        elder: bool,
        agreed: bool,
        over_line: bool = False,
    ) -> None:
        self.service = service
        self.elder = elder
        self.user = user or a_user()
        self.faults: list[str] = []
        self.asked: list[Request] = []
        self.waits_for: set[Request] = set()
        self.saver: CDPSession | None = None
        self.owners = 0  # before this one
        url = service.over_line if over_line else service.url
        self.pages = url + miniprogram.PATH
        self.context = browser.new_context(
            viewport=SIZE, has_touch=True, locale="zh-CN", base_url=url,
            permissions=["clipboard-read", "clipboard-write"], reduced_motion="reduce",
        )  # fmt: skip
        self.context.set_default_timeout(PATIENCE_MS)
        self.context.add_init_script(TELL)
        self.context.add_init_script(TAKE)
        self.page = self._page()
        self.remember(self._stored(agreed=agreed))

    def _stored(self, *, agreed: bool) -> dict[str, Any]:
        kept: dict[str, Any] = {"mode": {"elder": True, "size": 1}} if self.elder else {}
        if agreed:
            kept |= {"privacy-agreed": terms.VERSION, "(privacy agreed)": True}
        return kept

    def _page(self) -> Page:
        page = self.context.new_page()
        page.on("console", self._heard)
        page.on("pageerror", self._throws)
        return page

    def listen(self) -> None:
        """From now on `asked` and `waits_for` are known. Loading a page costs a tenth more."""
        self.page.on("request", self._asks)
        self.page.on("requestfinished", self._is_answered)
        self.page.on("requestfailed", self._is_answered)

    def _asks(self, request: Request) -> None:
        self.asked.append(request)
        self.waits_for.add(request)

    def _is_answered(self, request: Request) -> None:
        self.waits_for.discard(request)

    def _throws(self, error: Error) -> None:
        told = error.stack or f"{error.name}: {error.message}"  # a DOMException has no stack
        self.faults.append(f"{self.user}: {told}")

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not EXPECTED.search(message.text):
            self.faults.append(f"{self.user}: {message.text}")

    def remember(self, kept: dict[str, Any]) -> None:
        """Put into the phone before it is switched on: whose it is, and stored values."""
        self.context.add_init_script(f"({STORE})({json.dumps(self._named(kept))})")

    def _named(self, kept: dict[str, Any]) -> dict[str, Any]:
        """Stored values under the names that they have in the phone."""
        named = {f"mp/{self.user}/{name}": {"value": value} for name, value in kept.items()}
        return {"phone": {"user": self.user}} | named

    def save_data(self) -> None:
        """As the phone's own setting: no page's code is fetched before that page is opened.

        Each start of the mini-program would fetch all of it, a fifth of what a start takes.
        """
        if self.saver is None:
            self.saver = self.context.new_cdp_session(self.page)
            self.saver.send("Emulation.setDataSaverOverride", {"dataSaverEnabled": True})

    def hand_over(self, user: str = "", *, elder: bool = False, agreed: bool = True) -> None:
        """To somebody else, who finds nothing of the one before. Much quicker than another phone.

        `user`: see above.
        """
        self.user, self.elder = user or a_user(), elder
        if not self.page.url.startswith(self.pages):
            self.page.goto("/healthz")  # of the same origin, and no page of ours
        self.page.evaluate(GIVE, self._named(self._stored(agreed=agreed)))
        self.owners += 1
        self.asked.clear()
        self.waits_for.clear()

    def log_in(self, name: str = "") -> str:
        """The same account without the phone; with a `name`, that is its first patient."""
        token = self.service.log_in(self.user)
        if name:
            self.service.add_patient(token, name)
        return token

    def open(self, path: str = "") -> "Phone":
        """A page by its route: `home`, `appointment?id=…`. Like a link from a message."""
        self.page.goto(self.address(path))
        self.settle()
        return self

    def address(self, path: str = "") -> str:
        """Another one for each owner, so that the first page is loaded anew."""
        owner = f"?{self.owners}" if self.owners else ""
        name, mark, query = path.partition("?")
        return self.pages + owner + (f"#/pages/{name}/{name}{mark}{query}" if path else "")

    def settle(self) -> None:
        """The page in front has shown what it loads."""
        expect(self.shown.locator("[role=status][aria-label=正在加载]")).to_have_count(0)

    @property
    def shown(self) -> Locator:
        return self.page.locator("wx-page:not([hidden])")

    @property
    def heading(self) -> Locator:
        return self.page.locator("#title")

    def button(self, name: str | re.Pattern[str]) -> Locator:
        return self._control(("button", "link", "radio", "checkbox", "tab", "switch"), name)

    def _control(self, roles: tuple[Any, ...], name: str | re.Pattern[str]) -> Locator:
        """In a dialog if one is open, else on the page or in the bars around it."""
        exact = isinstance(name, str)
        found = self.page.get_by_role(roles[0], name=name, exact=exact)
        for role in roles[1:]:
            found = found.or_(self.page.get_by_role(role, name=name, exact=exact))
        return found.locator("visible=true")

    def tap(self, name: str | re.Pattern[str]) -> "Phone":
        self.button(name).first.click()
        return self

    def fill(self, label: str, text: str) -> "Phone":
        self.page.get_by_role("textbox", name=re.compile("^" + label)).locator("visible=true").fill(
            text
        )
        return self

    def sees(self, text: str | re.Pattern[str]) -> Locator:
        """Fails unless the text comes into view."""
        found = self.page.get_by_text(text).locator("visible=true").first
        expect(found).to_be_visible()
        return found

    def sees_in_time(self, text: str | re.Pattern[str]) -> None:
        """As `sees`; what the page waits for by itself passes at once. Needs `page.clock`."""
        found = self.page.get_by_text(text).locator("visible=true").first

        def soon() -> bool:
            if not found.is_visible() and not self.waits_for:
                self.page.clock.run_for(SOON_MS)
            return found.is_visible()

        until(soon, f"{text} was not seen")

    def is_at(self, name: str) -> "Phone":
        expect(self.shown).to_have_attribute("data-path", f"pages/{name}/{name}")
        self.settle()
        return self

    def intercept(self, pattern: str, answer: Callable[[Route], None]) -> Callable[[], None]:
        """Answer requests that match in the network's place; call what is returned to stop."""
        matcher = re.compile(pattern)
        self.context.route(matcher, answer)
        return lambda: self.context.unroute(matcher, answer)

    def close(self) -> None:
        self.context.close()
