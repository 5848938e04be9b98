"""Each staff page on a phone and at a desk: WCAG 2.2 AA by axe, keyboard, targets, a picture.

Every row and link must fit and be large enough; of those alike, a few are looked at more closely.
A new page is a line in `PAGES`; ids of the demo county are put in by name, see `known`.
"""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from playwright.sync_api import Browser, Page

from backend import clock, periods
from backend.satisfaction import report
from backend.shares import LEAST
from tests.browser import tabbing
from tests.browser.accessible import axe, keep_few, script
from tests.browser.phone import a_user
from tests.browser.pictures import picture
from tests.browser.service import Service
from tests.browser.staff import (
    COUNTY,
    DESK,
    PHONE,
    Desk,
    a_follow_up,
    add_staff,
    ask,
    change,
    insert,
    organization_id,
)
from tests.satisfaction.visits import SCORES

SIZES: dict[str, Any] = {"phone": PHONE, "desk": DESK}  # loaded in the first
APART_PX = 8  # a box and the next question
TARGET_PX = 24  # WCAG 2.2 AA; what one taps is mostly 44
# name of the picture, who looks, path after /staff
PAGES = [
    ("login", "", "/login"),
    ("home", "institution_admin", "/"),
    ("home-auditor", "auditor", "/"),
    ("account", "institution_admin", "/account"),
    ("password", "institution_admin", "/account/password"),
    ("people", "institution_admin", "/people"),
    ("people-none", "institution_admin", "/people?q=nobody"),
    ("person-new", "institution_admin", "/people/new"),
    ("person", "consortium_admin", "/people/{colleague}"),
    ("pools", "institution_admin", "/pools"),
    ("pool-new", "institution_admin", "/pools/new"),
    ("pool-report", "institution_admin", "/reports/pools"),
    ("chats", "doctor", "/chats"),
    ("chat", "doctor", "/chats/{chat}"),
    ("chat-transfer", "doctor", "/chats/{chat}/transfer"),
    ("chat-taken", "doctor", "/chats/{taken}"),
    ("medicines", "doctor", "/chats/{taken}/medicines"),
    ("medicine", "doctor", "/chats/{taken}/medicines/{plan}"),
    ("follow-up", "doctor", "/chats/{taken}/follow-up?case=hypertension_usual"),
    ("follow-ups", "doctor", "/follow-ups"),
    ("unattended", "institution_admin", "/unattended"),
    ("chat-calls", "doctor", "/chats/calls"),
    ("chat-replies", "institution_admin", "/chats/replies"),
    ("chat-questions", "consortium_admin", "/chats/questions"),
    ("chat-report", "institution_admin", "/reports/chats"),
    ("survey-report", "institution_admin", "/reports/surveys"),
    ("survey-comments", "institution_admin", "/reports/surveys/comments"),
    ("duty", "institution_admin", "/duty"),
    ("duty-hours", "institution_admin", "/duty/hours"),
    ("duty-numbers", "consortium_admin", "/duty/numbers"),
    ("contracts", "doctor", "/contracts"),
    ("contract-new", "doctor", "/contracts/new"),
    ("clinic", "institution_admin", "/clinic"),
    ("clinic-list", "institution_admin", "/clinic/list"),
    ("clinic-line", "institution_admin", "/clinic/{schedule}"),
    ("clinic-walk-in", "institution_admin", "/clinic/{schedule}/walk-in"),
    ("clinic-code", "institution_admin", "/clinic/{schedule}/code"),
    ("clinic-screen", "institution_admin", "/clinic/{schedule}/screen"),
    ("schedules", "institution_admin", "/schedules?department={room}"),
    ("schedule-new", "institution_admin", "/schedules/new?department={room}"),
    ("exception-new", "institution_admin", "/schedules/exceptions/new?department={room}"),
    ("week-copy", "institution_admin", "/schedules/copy?department={room}&on={today}"),
    ("templates", "institution_admin", "/schedules/templates?department={room}"),
    ("template-new", "institution_admin", "/schedules/templates/new?department={room}"),
    ("template", "institution_admin", "/schedules/templates/{template}"),
    ("schedule", "institution_admin", "/schedules/{later}"),
    ("outreach", "consortium_admin", "/schedules/outreach"),
    ("workbook", "consortium_admin", "/workbook"),
    ("draws", "institution_admin", "/draws"),
    ("draw-new", "institution_admin", "/draws/new"),
    ("appeals", "institution_admin", "/appeals"),
    ("amnesties", "institution_admin", "/amnesties"),
    ("simulator", "consortium_admin", "/simulator"),
    ("missing", "institution_admin", "/nothing"),
    ("waitlist", "institution_admin", "/waitlist"),
    ("suspensions", "institution_admin", "/suspensions"),
    ("suspensions-waiting", "institution_admin", "/suspensions/waiting"),
    ("suspension-new", "institution_admin", "/suspensions/new"),
    ("suspension-preview", "institution_admin", "/suspensions/new?{doctors_days}"),
]
WHERE = {"institution_admin": ("DXRM",), "doctor": ("DXRM",)}  # the others: the whole county
DOCTOR = "10001"
PAGES.sort(key=lambda page: page[1])  # each of them sits down once


@pytest.fixture(scope="module")
def known(service: Service) -> dict[str, str]:
    """What a path may name: `{hospital}`."""
    colleague = add_staff(service, "doctor", "DXRM", name="蔡明秋", doctor="10013")
    doctor = ask(service.database, "SELECT id FROM practitioner WHERE code = ?", DOCTOR)[0][0]
    week = clock.today() + timedelta(days=7)
    hospital = organization_id(service, "DXRM")
    for number in range(LEAST):
        insert(service.database, "survey_response", {
            "id": uuid4(), "consortium_id": COUNTY, "organization_id": hospital,
            "survey": "outpatient", "survey_version": 1, "mixed": True,
            "comment": "护士说话很耐心，就是等得有点久。",
            "week_on": str(periods.mondays(report.months()[0])[0]),
            "answers": json.dumps(SCORES | {"nurse_talk": 4 if number else None}),
        })  # fmt: skip
    gone = add_staff(service, "doctor", "DXRM", name="钱文", disabled_at=clock.now())
    someone = service.add_patient(service.log_in(a_user()), "孙大爷")
    a_follow_up(service, gone, someone)
    schedules = "SELECT id FROM schedule WHERE organization_id = ? ORDER BY starts_at LIMIT 1"
    [(later, template, room)] = ask(
        service.database,
        "SELECT id, template_id, department_id FROM schedule WHERE organization_id = ?"
        " AND held_on > ? ORDER BY held_on, starts_at, id LIMIT 1",
        hospital, str(clock.today()),
    )  # fmt: skip
    return {
        "hospital": str(hospital),
        "schedule": str(ask(service.database, schedules, hospital)[0][0]),
        "colleague": str(colleague),
        "later": later,
        "template": template,
        "chat": a_chat(service, hospital),
        "taken": a_chat(service, hospital),
        "plan": ask(service.database, "SELECT id FROM medication_plan ORDER BY created_at DESC")[0][
            0
        ],
        "room": room,
        "today": str(clock.today()),
        "doctors_days": f"practitioner={doctor}&to_on={week}",
    }


def a_chat(service: Service, hospital: UUID) -> str:
    """One that waits for the hospital's doctors."""
    token = service.log_in(a_user())
    patient, today = service.add_patient(token, "王桂兰"), clock.today()
    talk = service.begin_to_ask(token, patient)
    service.ask(token, "POST", f"/patients/{patient}/medication-plans", json={
        "medicine": "苯磺酸氨氯地平片", "amount": "1 片", "when": ["PCM", "PCV"],
        "from_on": str(today), "to_on": str(today + timedelta(days=27)),
    })  # fmt: skip
    service.say(token, talk, "这两天膝盖疼，下楼更疼")
    service.ask(token, "POST", f"/conversations/{talk}/hand-over")
    put = "UPDATE conversation SET organization_id = ?, home_id = ? WHERE id = ?"
    change(service.database, put, hospital, hospital, talk)
    return talk


@pytest.fixture(scope="module")
def one(browser: Browser, service: Service) -> Iterator[Desk]:
    """The browser that all of them use, one after the other."""
    desk = Desk(browser, service)
    desk.context.add_init_script(script())
    yield desk
    desk.close()


def sit_down(one: Desk, role: str, taken: str) -> None:
    """A doctor has claimed the conversation `taken`, and looks after its patient."""
    doctor = DOCTOR if role == "doctor" else ""
    one.hand_over(role, *WHERE.get(role, ()), doctor=doctor)
    if doctor:
        put = "UPDATE conversation SET state = 'open', claimed_by = ? WHERE id = ?"
        change(one.service.database, put, one.staff_id, taken)
        find = "SELECT patient_id FROM conversation WHERE id = ?"
        patient = ask(one.service.database, find, taken)[0][0]
        a_follow_up(one.service, one.staff_id or uuid4(), patient)


@pytest.mark.parametrize(("name", "role", "path"), PAGES, ids=[page[0] for page in PAGES])
def test_everybody_can_use(
    name: str, role: str, path: str, one: Desk, known: dict[str, str]
) -> None:
    if one.role != role:
        sit_down(one, role, known["taken"])
    desk = one.open(path.format(**known))
    page, faults = desk.page, {}
    for size, pixels in SIZES.items():
        desk.resize(pixels)
        picture(page, "staff", f"{name}-{size}")
        faults[f"small, {size}"] = page.evaluate(SMALL, TARGET_PX)
        faults[f"wider than the screen, {size}"] = page.evaluate(WIDER)
        faults[f"close to what follows, {size}"] = page.evaluate(CLOSE, APART_PX)
    keep_few(page)
    faults["axe, desk"], faults["keyboard"] = axe(page), keyboard(page)
    desk.resize(PHONE)
    faults["axe, phone"], faults["focus, phone"] = axe(page), focus(page)
    faults["console"] = desk.faults[:]
    desk.faults.clear()
    assert {what: found for what, found in faults.items() if found} == {}


STOP = """() => {
  const at = document.activeElement
  if (!at || at === document.body) return null
  const style = getComputedStyle(at), box = at.getBoundingClientRect()
  const label = at.labels && at.labels.length ? at.labels[0].innerText : ''
  return {
    order: [...document.querySelectorAll('*')].indexOf(at),
    name: (at.ariaLabel || label || at.innerText || at.alt || at.placeholder || '').trim(),
    seen: box.width > 1 && box.height > 1,
    outlined: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
    radio: at.type === 'radio' ? at.name : '',
    scroller: !at.matches('button,a[href],input,textarea,select,summary'),
    html: at.outerHTML.slice(0, 160),
  }
}"""
CONTROLS = """[...document.querySelectorAll(
    'button,a[href],input,textarea,select,summary,[tabindex="0"]')]
  .filter((one) => !one.disabled && one.type !== 'hidden' && one.checkVisibility()
    && one.tabIndex >= 0)"""
REACHABLE = f"""() => {{
  const found = {CONTROLS}
  const radios = new Set(found.filter((one) => one.type === 'radio').map((one) => one.name))
  return found.filter((one) => one.type !== 'radio').length + radios.size
}}"""
LEAVE = "document.activeElement.blur(); getSelection().removeAllRanges(); scrollTo(0, 0)"
FOCUS_EACH = f"() => {CONTROLS}.map((one) => {{ one.focus(); return ({STOP})() }})"
SMALL = """(least) => [...document.querySelectorAll('button,a,input,select,textarea,summary')]
  .filter((one) => one.checkVisibility() && one.type !== 'hidden')
  .filter((one) => !one.matches('.skip, .visually-hidden, p a'))
  .map((one) => [one.getBoundingClientRect(), one])
  .filter(([box, one]) => (box.height < least - 0.5 || box.width < least - 0.5)
    && !(one.closest('label')?.getBoundingClientRect().height >= least))
  .map(([box, one]) => `${Math.round(box.width)}×${Math.round(box.height)} ${one.outerHTML}`)"""
CLOSE = """(least) => [...document.querySelectorAll('.choice, .choices')]
  .filter((one) => !one.parentElement.matches('.choices'))
  .map((one) => [one, one.parentElement.matches('.field') ? one.parentElement : one])
  .map(([one, block]) => [one, block.nextElementSibling])
  .filter(([one, next]) => next && next.checkVisibility() && one.checkVisibility())
  .map(([one, next]) => [one, one.getBoundingClientRect(), next.getBoundingClientRect()])
  .filter(([, box, next]) => next.top >= box.bottom - 1 && next.top - box.bottom < least)
  .map(([one]) => one.innerText.trim())"""
WIDER = """() => Math.max(0,
  document.documentElement.scrollWidth - document.documentElement.clientWidth)"""


def keyboard(page: Page) -> list[str]:
    """Everything is reached by Tab, in the order of reading, seen, outlined and named."""
    reachable = page.evaluate(REACHABLE)
    page.evaluate(LEAVE)
    page.evaluate("document.body.tabIndex = -1; document.body.focus()")
    stops = tabbing.stops(page, STOP, reachable)
    page.evaluate(LEAVE)
    controls = [stop for stop in stops if not stop["scroller"]]
    extra = sum(stop["scroller"] for stop in stops if "tabindex" in stop["html"])
    faults = []
    if len(controls) + extra != reachable:
        faults.append(f"{reachable} can be reached, {len(controls)} are")
    orders = [stop["order"] for stop in stops]
    if orders != sorted(orders):
        faults.append("not in the order of reading")
    return faults + look_of(controls)


def focus(page: Page) -> list[str]:
    """Each can have the focus, and then as by Tab. The key must have been used just before."""
    stops = page.evaluate(FOCUS_EACH)
    faults = ["a control does not take the focus" for stop in stops if not stop]
    return faults + look_of([stop for stop in stops if stop and not stop["scroller"]])


def look_of(controls: list[Any]) -> list[str]:
    faults = []
    for stop in controls:
        faults += [f"no {what}: {stop['html']}" for what in ("name", "seen") if not stop[what]]
        if not stop["outlined"]:
            faults.append(f"not outlined: {stop['html']}")
    return faults
