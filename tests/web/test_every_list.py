"""A page asks the database as often for eight rows as for two, and so does each of the API.

A new page or route has to be placed in `PAGES` or `ROUTES`, or the first test fails.
"""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from types import SimpleNamespace
from uuid import uuid4

import httpx
import pytest

from backend import clock, recent, snapshots
from backend.api import cache
from backend.api.route import PREFIX, routes
from backend.booking.places import Places
from backend.booking.policies import policies
from backend.booking.pool_rules import pool_rules
from backend.chat.duty import duty
from backend.consortium.directory import directory
from backend.identity.models import Session
from backend.identity.sessions import token_hash
from backend.staff.models import StaffRole
from backend.web.page import pages as declared
from tests.chat import rows as chat_rows
from tests.grown import Grown, a_grown
from tests.statements import statements
from tests.web.conftest import Desk, Pages

FEW, MORE = 2, 6
STREAMS = ("/live",)  # read up to their first event


@dataclass(frozen=True)
class At:
    """Where to look, with the ids of `Grown`. `grows`: what it answers is longer for more rows."""

    address: str
    grows: bool = True


def plain(address: str) -> At:
    return At(address, grows=False)


CLINIC, DRAW, STOP = "/clinic/{schedule}", "/draws/{draw}", "/suspensions/{suspension}"
CHAT = "/chats/{conversation}"
PAGES: dict[str, At] = {
    "/": plain("/"),
    "/<anything:path>": plain("/nothing"),
    "/account": plain("/account"),
    "/account/password": plain("/account/password"),
    "/amnesties": At("/amnesties"),
    "/appeals": At("/appeals"),
    "/appeals/<appeal_id:uuid>": plain("/appeals/{appeal}"),
    "/attachments/<attachment_id:uuid>": plain("/attachments/{attachment}"),
    "/attachments/<attachment_id:uuid>/thumbnail": plain("/attachments/{attachment}/thumbnail"),
    "/chats": At("/chats"),
    "/chats/live": At("/chats/live"),
    "/chats/calls": At("/chats/calls"),
    "/chats/questions": At("/chats/questions"),
    "/chats/replies": At("/chats/replies"),
    "/chats/replies/<canned_id:uuid>": At("/chats/replies/{canned}"),
    "/chats/<conversation_id:uuid>": At(CHAT),
    "/chats/<conversation_id:uuid>/live": At(f"{CHAT}/live"),
    "/chats/<conversation_id:uuid>/transfer": At(f"{CHAT}/transfer"),
    "/chats/<conversation_id:uuid>/book": At(f"{CHAT}/book?department={{department}}"),
    "/chats/<conversation_id:uuid>/medicines": At(f"{CHAT}/medicines"),
    "/chats/<conversation_id:uuid>/medicines/<plan_id:uuid>": plain(f"{CHAT}/medicines/{{plan}}"),
    "/chats/<conversation_id:uuid>/follow-up": At(f"{CHAT}/follow-up?case=elder_yearly"),
    "/clinic": At("/clinic"),
    "/clinic/list": At("/clinic/list"),
    "/clinic/<schedule_id:uuid>": At(CLINIC),
    "/clinic/<schedule_id:uuid>/live": At(f"{CLINIC}/live"),
    "/clinic/<schedule_id:uuid>/walk-in": plain(f"{CLINIC}/walk-in"),
    "/clinic/<schedule_id:uuid>/slip/<entry_id:uuid>": plain(f"{CLINIC}/slip/{{entry}}"),
    "/clinic/<schedule_id:uuid>/code": plain(f"{CLINIC}/code"),
    "/clinic/<schedule_id:uuid>/screen": At(f"{CLINIC}/screen"),
    "/clinic/<schedule_id:uuid>/screen/live": At(f"{CLINIC}/screen/live"),
    "/contracts": At("/contracts?doctor={practitioner}"),
    "/contracts/new": At("/contracts/new"),
    "/contracts/<patient_id:uuid>/book": At("/contracts/{patient}/book?department={department}"),
    "/contracts/<patient_id:uuid>/follow-up": At("/contracts/{patient}/follow-up"),
    "/contracts/<patient_id:uuid>/medicines": At("/contracts/{patient}/medicines"),
    "/contracts/<patient_id:uuid>/medicines/<plan_id:uuid>": plain(
        "/contracts/{patient}/medicines/{plan}"
    ),
    "/draws": At("/draws"),
    "/draws/new": At("/draws/new"),
    "/draws/<draw_id:uuid>": plain(DRAW),
    "/duty": At("/duty"),
    "/duty/hours": At("/duty/hours?organization={organization}"),
    "/duty/numbers": plain("/duty/numbers"),
    "/follow-ups": At("/follow-ups"),
    "/unattended": At("/unattended"),
    "/login": plain("/login"),
    "/login/code": plain("/login/code"),
    "/people": At("/people"),
    "/people/new": At("/people/new"),
    "/people/<staff_id:uuid>": At("/people/{staff}"),
    "/pools": At("/pools"),
    "/pools/new": At("/pools/new"),
    "/pools/<rule_id:uuid>/end": plain("/pools/{rule}/end"),
    "/reports/pools": At("/reports/pools?from_on={today}&to_on={week}"),
    "/reports/chats": At("/reports/chats"),
    "/reports/chats.csv": At("/reports/chats.csv"),
    "/reports/surveys": At("/reports/surveys"),
    "/reports/surveys/comments": At("/reports/surveys/comments"),
    "/schedules": At("/schedules?department={department}"),
    "/schedules/<schedule_id:uuid>": At("/schedules/{schedule}"),
    "/schedules/new": At("/schedules/new?department={department}"),
    "/schedules/copy": plain("/schedules/copy?department={department}&on={today}"),
    "/schedules/exceptions/new": At("/schedules/exceptions/new?department={department}"),
    "/schedules/exceptions/<exception_id:uuid>": plain("/schedules/exceptions/{exception}"),
    "/schedules/of/<department_id:uuid>": plain("/schedules/of/{department}"),
    "/schedules/outreach": At("/schedules/outreach"),
    "/schedules/templates": At("/schedules/templates?department={department}"),
    "/schedules/templates/new": At("/schedules/templates/new?department={department}"),
    "/schedules/templates/<template_id:uuid>": At("/schedules/templates/{template}"),
    "/simulator": At("/simulator"),
    "/simulator/<run_id:uuid>": plain("/simulator/{simulation}"),
    "/simulator/<run_id:uuid>/progress": plain("/simulator/{simulation}/progress"),
    "/simulator/<run_id:uuid>/figures.csv": plain("/simulator/{simulation}/figures.csv"),
    "/suspensions": At("/suspensions"),
    "/suspensions/new": At("/suspensions/new?practitioner={practitioner}&to_on={week}"),
    "/suspensions/waiting": At("/suspensions/waiting"),
    "/suspensions/<suspension_id:uuid>": At(STOP),
    "/waitlist": At("/waitlist"),
    "/waitlist/places/<slot_id:uuid>": At("/waitlist/places/{slot}"),
    "/workbook": plain("/workbook"),
    "/workbook/template": plain("/workbook/template"),
}
ONE, HIS = "/appointments/{appointment}", "/patients/{patient}"
ROUTES: dict[str, At] = {
    "/announcements": At("/announcements"),
    "/appeals": At("/appeals"),
    "/appointments": At("/appointments?patient={patient}"),
    "/appointments/<appointment_id:uuid>": plain(ONE),
    "/appointments/<appointment_id:uuid>/checkin-code": plain(f"{ONE}/checkin-code"),
    "/appointments/<appointment_id:uuid>/queue": plain(f"{ONE}/queue"),
    "/appointments/<appointment_id:uuid>/links": plain(f"{ONE}/links"),
    "/appointments/<appointment_id:uuid>/slip": plain(f"{ONE}/slip"),
    "/appointments/<appointment_id:([0-9a-f-]{36})\\.ics>": plain(f"{ONE}.ics"),
    "/attachments/<attachment_id:uuid>": plain("/attachments/{attachment}"),
    "/attachments/<attachment_id:uuid>/thumbnail": plain("/attachments/{attachment}/thumbnail"),
    "/conversations": At("/conversations"),
    "/conversations/search": At("/conversations/search?q=消息"),
    "/conversations/<conversation_id:uuid>": plain("/conversations/{conversation}"),
    "/conversations/<conversation_id:uuid>/messages": At("/conversations/{conversation}/messages"),
    "/departments": At("/departments?organization={organization}"),
    "/departments/<department_id:uuid>": plain("/departments/{department}"),
    "/draws": At("/draws?organization={organization}"),
    "/draws/<draw_id:uuid>": plain("/draws/{draw}"),
    "/inbox": At("/inbox"),
    "/inbox/<message_id:uuid>": plain("/inbox/{message}"),
    "/inbox/unread": At("/inbox/unread"),
    "/me": At("/me"),
    "/me/consents": At("/me/consents"),
    "/me/deletion": At("/me/deletion"),
    "/me/devices": At("/me/devices"),
    "/me/draws": At("/me/draws"),
    "/me/subscriptions": plain("/me/subscriptions"),
    "/medication-plans/<plan_id:uuid>": plain("/medication-plans/{plan}"),
    "/organizations": At("/organizations"),
    "/organizations/<organization_id:uuid>": plain("/organizations/{organization}"),
    "/organizations/<organization_id:uuid>/fees": At("/organizations/{organization}/fees"),
    "/patients": At("/patients"),
    "/patients/<patient_id:uuid>": plain(HIS),
    "/patients/<patient_id:uuid>/accesses": plain(f"{HIS}/accesses"),  # a full page already
    "/patients/<patient_id:uuid>/carers": At(f"{HIS}/carers"),
    "/patients/<patient_id:uuid>/invitations": At(f"{HIS}/invitations"),
    "/patients/<patient_id:uuid>/follow-ups": At(f"{HIS}/follow-ups"),
    "/patients/<patient_id:uuid>/medication-plans": At(f"{HIS}/medication-plans"),
    "/patients/<patient_id:uuid>/standing": At(f"{HIS}/standing"),
    "/practitioners": At("/practitioners?department={department}"),
    "/practitioners/<practitioner_id:uuid>": At("/practitioners/{practitioner}"),
    "/schedules": At("/schedules?department={department}"),
    "/schedules/<schedule_id:uuid>": plain("/schedules/{schedule}"),
    "/slots": At("/slots?schedule={schedule}"),
    "/surveys": At("/surveys"),
    "/symptom-words": At("/symptom-words"),
    "/terms": plain("/terms"),
    "/waitlist": At("/waitlist"),
    "/waitlist/<entry_id:uuid>": plain("/waitlist/{wait}"),
}


def test_every_page_and_route_is_placed_and_nothing_else() -> None:
    assert set(PAGES) == {one.path for one in declared if one.method == "GET"}
    assert set(ROUTES) == {one.path for one in routes if one.method == "GET"}


@dataclass
class Seen:
    status: int
    length: int
    asked: list[str]


@pytest.fixture
def remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept for a while is kept for the whole test, but for finished answers."""
    monkeypatch.setattr(recent, "monotonic", lambda: 0.0)
    monkeypatch.setattr(snapshots, "time", SimpleNamespace(monotonic=lambda: 0.0))
    monkeypatch.setattr(cache.Cache, "get", lambda *_: None)


async def test_no_list_asks_more_for_more_rows(pages: Pages, remembered: None) -> None:
    town = await a_grown(pages.settings)
    desk, phone = await everybodys_desk(pages, town), await phone_of(pages, town)
    await town.grow(FEW)
    few = await look_at_all(town, desk, phone)
    await town.grow(MORE)
    many = await look_at_all(town, desk, phone)
    faults = []
    for path, place in {**staff(PAGES), **api(ROUTES)}.items():
        before, after = few[path], many[path]
        if (before.status, after.status) not in ((200, 200), (303, 303), (404, 404)):
            faults.append(f"{path}: {before.status}, {after.status}")
        if len(before.asked) != len(after.asked):
            more = [one for one in after.asked if after.asked.count(one) > before.asked.count(one)]
            faults.append(f"{path}: {len(before.asked)} → {len(after.asked)}: {more[:1]}")
        if place.grows != (after.length > before.length * 1.02):
            faults.append(f"{path}: {before.length} → {after.length} bytes")
    assert not faults, "\n".join(faults)


def staff(places: dict[str, At]) -> dict[str, At]:
    return {"/staff" + path: place for path, place in places.items()}


def api(places: dict[str, At]) -> dict[str, At]:
    return {PREFIX + path: place for path, place in places.items()}


async def everybodys_desk(pages: Pages, town: Grown) -> Desk:
    """One who may do everything, being everybody."""
    desk = await pages.desk("consortium_admin", practitioner=town.clinic.practitioner)
    staff_id = town.looks = (await StaffRole.get(role="consortium_admin")).staff_id
    for role in ("institution_admin", "doctor"):
        await StaffRole.create(
            id=uuid4(), consortium_id=town.county, staff_id=staff_id, role=role,
            organization=town.clinic.organization, granted_at=clock.now(),
        )  # fmt: skip
    await chat_rows.claimed(town.ids["conversation"], staff_id)
    return desk


async def phone_of(pages: Pages, town: Grown) -> httpx.AsyncClient:
    token, now = secrets.token_urlsafe(32), clock.now()
    await Session.create(
        id=uuid4(), consortium_id=town.county, account_id=town.owner.actor.account_id,
        token_hash=token_hash(token), device="手机", created_at=now, last_seen_at=now,
        expires_at=now + timedelta(days=30),
    )  # fmt: skip
    pages.http.headers["authorization"] = f"Bearer {token}"
    return pages.http


async def look_at_all(town: Grown, desk: Desk, phone: httpx.AsyncClient) -> dict[str, Seen]:
    """The log-ins and the tables that are kept in memory are known before, but no place is."""
    for table in (directory, policies, pool_rules, duty):
        await table(town.county)
    for url, headers in (("/staff/", {"cookie": desk.cookie}), (f"{PREFIX}/me", {})):
        await look(phone, url, headers)
    seen = {}
    for path, place in {**staff(PAGES), **api(ROUTES)}.items():
        url, who = address_of(path, place, town, desk)
        desk.service.desk.places = Places()
        with statements() as asked:
            status, length = await look(phone, url, who)
        seen[path] = Seen(status, length, asked)
    return seen


def address_of(path: str, place: At, town: Grown, desk: Desk) -> tuple[str, dict[str, str]]:
    """Where it is, and the headers of who asks."""
    ids = {name: str(one) for name, one in town.ids.items()}
    ids |= {"today": str(clock.today()), "week": str(clock.today() + timedelta(days=7))}
    who = {"cookie": desk.cookie} if path.startswith("/staff") else {}
    return ("/staff" if who else PREFIX) + place.address.format(**ids), who


async def look(http: httpx.AsyncClient, url: str, headers: dict[str, str]) -> tuple[int, int]:
    if not url.endswith(STREAMS):
        answer = await http.get(url, headers=headers)
        return answer.status_code, len(answer.content)
    async with http.stream("GET", url, headers=headers) as answer:
        length = 0
        async for line in answer.aiter_lines():
            length += len(line)
            if length > 20 and not line:  # after `retry`, and after the first event
                break
        return answer.status_code, length
