"""The service as an operator runs it, for a browser, and what a test asks it itself."""

import asyncio
import contextlib
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from backend import clock, db
from backend.county.importing import import_county
from backend.demo.run import COUNTY
from backend.migrate import migrate
from backend.settings import Settings
from tests.browser.line import Line
from tests.conftest import make_settings
from tests.people import an_id_number
from tests.ports import free_port
from tests.processes import answers, running, until, variables

HOST = "127.0.0.1"
DATABASE = "county.sqlite3"
TEMPLATES = "booked:t-booked,changed:t-changed,visit:t-visit"


@dataclass
class Service:
    url: str
    wechat: str
    http: httpx.Client = field(repr=False)
    line: Line = field(repr=False)
    over_line: str
    """The same service at the other end of the line, for phones that lose it."""
    database: Path
    people: int = 0
    given: set[str] = field(default_factory=set)

    def log_in(self, user: str) -> str:
        """A token, as the phone of `user` would get it."""
        code = self.http.post(f"{self.wechat}/_sim/login", json={"user": user}).json()["code"]
        answer = self.http.post(f"{self.url}/api/v1/login/wechat", json={"code": code})
        return str(answer.json()["token"])

    def ask(self, token: str, method: str, path: str, **options: Any) -> Any:
        """An answer of the API; anything but 2xx fails the test."""
        headers = {"authorization": f"Bearer {token}", "idempotency-key": secrets.token_hex(8)}
        answer = self.http.request(method, f"{self.url}/api/v1{path}", headers=headers, **options)
        assert answer.is_success, (method, path, answer.text)
        return answer.json() if answer.content else None

    def find(self, path: str, **query: Any) -> Any:
        """A public answer."""
        return self.http.get(f"{self.url}/api/v1{path}", params=query).raise_for_status().json()

    def new_id_number(self, birth: str = "19540312") -> str:
        """Well-formed, and not yet used in this run."""
        self.people += 1
        return an_id_number(
            birth=birth, order=self.people % 1000, place=f"33{self.people // 1000:04d}"
        )

    def add_patient(self, token: str, name: str, relation: str = "self") -> str:
        form = {
            "name": name,
            "id_number": self.new_id_number(),
            "relation": relation,
            "agreed": True,
        }
        return str(self.ask(token, "POST", "/patients", json=form)["id"])

    def open_slot(self, *, several: bool = False, **query: Any) -> tuple[Any, Any]:
        """A schedule and a slot in it that can be booked now, and not given before.

        Two days ahead at least: at 17:00 the day before, it is too late to move in the county's
        hospitals.

        `several`: one of at least three open ones, so that there is a way out when it is taken; the
        others are nobody else's either, as what everybody is shown may be a second old.
        """
        query = {"from": (clock.today() + timedelta(days=2)).isoformat()} | query
        schedules = self.find("/schedules", free=True, limit=100, **query)["items"]
        for schedule in reversed([one for one in schedules if one["state"] == "open"]):
            if schedule["id"] in self.given:
                continue
            slots = self.find("/slots", schedule=schedule["id"])["items"]
            open_ones = [slot for slot in slots if slot["state"] == "open"]
            if several and not (len(open_ones) > 2 and self.given.isdisjoint(ids(open_ones))):
                continue
            for slot in open_ones:
                if slot["id"] not in self.given:
                    self.given.add(schedule["id"] if several else slot["id"])
                    return schedule, slot
        raise AssertionError("nothing can be booked in the demo county")

    def book(
        self, token: str, patient: str, *, several: bool = False, **query: Any
    ) -> tuple[Any, Any, str]:
        """As `open_slot`, and the appointment there."""
        schedule, slot = self.open_slot(several=several, **query)
        form = {"slot_id": slot["id"], "patient_id": patient}
        return schedule, slot, str(self.ask(token, "POST", "/appointments", json=form)["id"])

    def wait(self, token: str, patient: str) -> None:
        """Stand in line, for a day that is not released yet."""
        on = (clock.today() + timedelta(days=14)).isoformat()
        department = self.find("/departments", limit=1)["items"][0]["id"]
        form = {"patient_ids": [patient], "department_id": department, "from_on": on, "to_on": on}
        self.ask(token, "POST", "/waitlist", json=form)

    def begin_to_ask(self, token: str, patient: str | None = None) -> str:
        """A conversation (会话) of one's own."""
        return str(self.ask(token, "POST", "/conversations", json={"patient_id": patient})["id"])

    def say(self, token: str, conversation: str, text: str) -> Any:
        """A message in it, as its resident."""
        form = {"client_id": secrets.token_hex(8), "text": text}
        return self.ask(token, "POST", f"/conversations/{conversation}/messages", json=form)

    def take(self, slot_id: str) -> None:
        """One place of the slot, by somebody else."""
        token = self.log_in(f"other-{secrets.token_hex(6)}")
        patient = self.add_patient(token, "旁人")
        form = {"slot_id": slot_id, "patient_id": patient}
        self.ask(token, "POST", "/appointments", json=form)

    def fill(self, slot: Any) -> None:
        """Every place that the slot still has, by others."""
        self.given.add(slot["id"])
        for _ in range(slot["free"]):
            self.take(slot["id"])


def ids(items: Any) -> set[str]:
    return {str(item["id"]) for item in items}


def is_published(http: httpx.Client, url: str) -> bool:
    """The first start publishes weeks of schedules; meanwhile a busy machine answers 503.

    A page of one may stay empty: what closed today is left out after the page is cut.
    """
    answer = http.get(f"{url}/api/v1/schedules", params={"free": True, "limit": 100})
    return answer.is_success and bool(answer.json()["items"])


async def load_county(settings: Settings) -> None:
    """As `migrate` and `import`, which have tests of their own, without their processes."""
    await migrate(settings)
    await db.connect(settings)
    try:
        await import_county(settings.consortium, COUNTY)
    finally:
        await db.disconnect()


@contextlib.contextmanager
def running_service(home: Path) -> Iterator[Service]:
    first = free_port(3)
    url, wechat, over_line = (f"http://{HOST}:{first + number}" for number in range(3))
    settings = make_settings(f"sqlite://{home / DATABASE}", consortium="demo")
    said = variables(
        settings,
        PORT=str(first),
        PUBLIC_URL=url,
        CONSORTIUM="demo",
        WECHAT_BASE_URL=wechat,
        WECHAT_APPID="wx0000000000000001",
        WECHAT_SECRET="test-secret",
        WECHAT_TEMPLATES=TEMPLATES,
        PHONE_URL=wechat,
        LOGINS_PER_MINUTE="100000",
        BOOKINGS_PER_MINUTE="100000",
        READS_PER_MINUTE="1000000",
        BOT_UNSIGNED="true",
    )
    with ThreadPoolExecutor(1) as other:  # in this one the browser's loop may run
        other.submit(asyncio.run, load_county(settings)).result()
    origins = ("--origin", url, "--origin", over_line)
    with (
        running("simulator", "--port", str(first + 1), *origins, said=said, cwd=home),
        running("serve", said=said, cwd=home),
        Line.open(HOST, first + 2, first) as line,
        httpx.Client(trust_env=False, timeout=10.0) as http,
    ):
        until(lambda: answers(f"{wechat}/_sim/health") and answers(f"{url}/readyz"))
        service = Service(url, wechat, http, line, over_line, home / DATABASE)
        until(lambda: is_published(http, url))
        yield service
