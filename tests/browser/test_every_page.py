"""Each page in both modes: WCAG 2.2 AA by axe, the way of the keyboard, targets, a picture."""

import json
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page

from backend import clock
from tests.browser import pictures, tabbing
from tests.browser.accessible import axe
from tests.browser.clinic import a_clinic_now
from tests.browser.phone import SIZE, Phone
from tests.browser.service import Service
from tests.browser.staff import a_follow_up
from tests.processes import ROOT, until

STUB = ROOT / "miniprogram_stub"
TARGET_DP = {"normal": 44, "elder": 60}
MODES = ("normal", "elder")
BARS = 104  # px, above and below what scrolls
WALKS_MOST = 3  # through a page that has not shown all yet
APP = json.loads((STUB / "mp/app.json").read_text())
PAGES = [page.rpartition("/")[2] for page in APP["pages"]]
PAGES += [page for pack in APP["subPackages"] for page in pack["pages"]]
PARTS = [
    f"my-data?part={part}" for part in ("devices", "reads", "consents", "export", "delete")
]  # each a screen of its own


@dataclass
class Home:
    """王奶奶 as she has used the service for a while: family, an appointment, a message."""

    user: str
    queries: dict[str, str]


@pytest.fixture(scope="module")
def home(service: Service) -> Home:
    user = f"user-{secrets.token_hex(6)}"
    token = service.log_in(user)
    me = service.add_patient(token, "王桂兰")
    service.add_patient(token, "王建国", "spouse")
    schedule, slot, booked = service.book(token, me)
    seen = a_clinic_now(service).expects(token, me, status="fulfilled")
    until(lambda: bool(service.ask(token, "GET", "/inbox")["items"]))
    message = service.ask(token, "GET", "/inbox")["items"][0]
    invited = service.ask(token, "POST", f"/patients/{me}/carers", json={})
    clinic = service.find(f"/schedules/{schedule['id']}")["clinic"]
    department = clinic["department"]["id"]
    doctor = service.find("/practitioners", limit=1)["items"][0]
    service.wait(token, me)
    asked = service.begin_to_ask(token, me)
    service.say(token, asked, "这两天膝盖疼，下楼更疼")
    a_follow_up(service, uuid4(), me)
    today = clock.today()
    taken = service.ask(token, "POST", f"/patients/{me}/medication-plans", json={
        "medicine": "苯磺酸氨氯地平片", "amount": "1 片", "when": ["PCM", "PCV"],
        "from_on": str(today), "to_on": str(today + timedelta(days=27)), "note": "别和柚子一起吃",
    })  # fmt: skip
    return Home(
        user,
        {
            "organization": f"id={clinic['organization']['id']}",
            "department": f"id={department}",
            "doctor": f"id={doctor['id']}",
            "confirm": f"schedule={schedule['id']}&slot={slot['id']}",
            "appointment": f"id={booked}",
            "move": f"id={booked}",
            "queue": f"id={booked}",
            "survey": f"id={seen}",
            "chat": f"id={asked}",
            "medicines": f"patient={me}",
            "medicine": f"id={taken['id']}",
            "patient": f"id={me}",
            "standing": f"id={me}",
            "message": f"id={message['id']}",
            "waitlist-join": f"department={department}",
            "carer-invite": f"code={invited['code']}",
        },
    )


@pytest.fixture(scope="module", params=MODES)
def reader(request: pytest.FixtureRequest, browser: Browser, service: Service, home: Home) -> Any:
    """Her phone, in either mode, and the least size of what she aims at."""
    mode = request.param
    one = Phone(browser, service, home.user, elder=mode == "elder", agreed=True)
    yield one, mode
    one.close()


@pytest.mark.parametrize("name", [*PAGES, *PARTS])
def test_everybody_can_use(name: str, reader: tuple[Phone, str], home: Home) -> None:
    phone, mode = reader
    query = home.queries.get(name, "")
    phone.open(f"{name}?{query}" if query else name).is_at(name.partition("?")[0])
    picture(phone, mode, name.replace("?part=", "-"))
    faults = {
        "axe": axe(phone.page),
        "keyboard": keyboard(phone.page),
        "small": phone.page.evaluate(SMALL, TARGET_DP[mode]),
        "wider than the phone": phone.page.evaluate(WIDER),
        "wider with the largest text": phone.page.evaluate(LARGEST) and phone.page.evaluate(WIDER),
        "console": phone.faults[:],
    }
    phone.faults.clear()
    assert {what: found for what, found in faults.items() if found} == {}


def picture(phone: Phone, folder: str, name: str) -> None:
    """In a window as tall as what scrolls in it."""
    if not pictures.WANTED:
        return
    tall = phone.page.evaluate("document.querySelector('wx-page:not([hidden])').scrollHeight")
    height = min(pictures.TALLEST, max(SIZE["height"], tall + BARS))
    phone.page.set_viewport_size(SIZE | {"height": height})
    pictures.picture(phone.page, folder, name)
    phone.page.set_viewport_size(SIZE)


# Where the focus is, whether it can be seen there, and what a screen reader would call it.
STOP = """() => {
  const at = document.activeElement
  if (!at || at === document.body) return null
  const box = at.getBoundingClientRect()
  const x = box.x + box.width / 2, y = box.y + Math.min(box.height / 2, 20)
  const hit = document.elementFromPoint(x, y)
  const style = getComputedStyle(at)
  const ring = parseFloat(style.outlineOffset) + parseFloat(style.outlineWidth)
  const within = (frame, by) => box.left - by >= frame.left && box.right + by <= frame.right
    && box.top - by >= frame.top && box.bottom + by <= frame.bottom
  let clipped = false // the ring, by what holds the whole of the control itself
  for (let up = at.parentElement; up && !up.matches('wx-page'); up = up.parentElement) {
    if (getComputedStyle(up).overflowX === 'visible') continue
    const frame = up.getBoundingClientRect()
    clipped ||= within(frame, -1) && !within(frame, ring - 1)
  }
  return {
    order: [...document.querySelectorAll('*')].indexOf(at),
    name: (at.ariaLabel || at.innerText || at.alt || at.placeholder || '').trim(),
    native: at.matches('button,a[href],input,textarea,select'),
    role: at.getAttribute('role') || '',
    scroller: at.matches('wx-page, wx-scroll-view'),
    visible: hit !== null && (at.contains(hit) || hit.contains(at)),
    outlined: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
    whole: !clipped,
    html: at.outerHTML.slice(0, 160),
  }
}"""
ROLES = {"button", "link", "checkbox", "radio", "switch", "tab", "menuitem", "option"}


REACHABLE = """() => [...document.querySelectorAll('button,a[href],input,textarea,[tabindex="0"]')]
  .filter((one) => !one.disabled && one.checkVisibility() && one.tabIndex >= 0).length"""


def keyboard(page: Page) -> list[str]:
    """Everything is reached, in the order of reading, seen, outlined and named."""
    for _ in range(WALKS_MOST):
        reachable = page.evaluate(REACHABLE)
        page.evaluate("document.getElementById('title').focus()")
        stops = tabbing.stops(page, STOP, reachable)
        if page.evaluate(REACHABLE) == reachable:  # else more has been loaded meanwhile
            break
    controls = [stop for stop in stops if not stop["scroller"]]
    faults = []
    back = page.evaluate("document.getElementById('back').checkVisibility()")  # before the title
    if len(controls) + back != reachable:
        faults.append(f"{reachable} can be reached, {len(controls) + back} are")
    orders = [stop["order"] for stop in stops]
    if orders != sorted(orders):
        faults.append("not in the order of reading")
    for stop in controls:
        for what in ("name", "visible", "outlined", "whole"):
            if not stop[what]:
                faults.append(f"no {what}: {stop['html']}")
        if not stop["native"] and stop["role"] not in ROLES:
            faults.append(f"no role: {stop['html']}")
    return faults


SMALL = """(least) => [...document.querySelectorAll(
    'wx-page:not([hidden]) :is(button,a,input,textarea,[role=button])')]
  .filter((one) => one.checkVisibility())
  .map((one) => [(one.closest('label') ?? one).getBoundingClientRect(), one])
  .filter(([box]) => box.height < least - 0.5 || box.width < least - 0.5)
  .map(([box, one]) =>
    `${Math.round(box.width)}×${Math.round(box.height)} ${one.innerText || one.ariaLabel}`)"""
# Our own largest size with WeChat's largest on top.
LARGEST = """document.querySelector('wx-page:not([hidden]) [role=main]')
  .style.setProperty('--scale', 1.4 * 1.5) ?? true"""
# Of the page, and of what stands in a card.
WIDER = """() => {
  const page = document.querySelector('wx-page:not([hidden])')
  const { right } = page.querySelector('[role=main]').getBoundingClientRect()
  const beyond = [...page.querySelectorAll('button,a')].filter((one) => one.checkVisibility()
    && !one.closest('wx-scroll-view') && one.getBoundingClientRect().right > right + 0.5)
  return [page.scrollWidth > page.clientWidth && 'the page',
    ...beyond.map((one) => one.innerText || one.ariaLabel)].filter(Boolean)
}"""
