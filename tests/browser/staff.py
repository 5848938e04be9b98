"""A browser at a desk: somebody who works for the county, logged in, and what went wrong on a page.

Rows go straight into the service's database: through the forms it would take seconds each. The way
through the forms has a test of its own.
"""

import contextlib
import hashlib
import secrets
import sqlite3
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4, uuid5

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect

from backend import clock
from backend.settings import TENANTS
from backend.web.session import COOKIE
from tests.browser.service import Service

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 800}
PATIENCE_MS = 20_000
COUNTY = uuid5(TENANTS, "demo")


def insert(database: Path, table: str, row: Mapping[str, Any]) -> None:
    """One row, as Tortoise keeps it on SQLite."""
    values = [_plain(value) for value in row.values()]
    marks = ", ".join("?" * len(values))
    with contextlib.closing(sqlite3.connect(database, timeout=10)) as other, other:
        other.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", values)


def _plain(value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    return value.isoformat(" ") if isinstance(value, datetime) else value


def ask(database: Path, sql: str, *values: Any) -> list[Any]:
    """Rows of the service's database."""
    with contextlib.closing(sqlite3.connect(database, timeout=10)) as other:
        return other.execute(sql, [_plain(value) for value in values]).fetchall()


def change(database: Path, sql: str, *values: Any) -> None:
    """Rows of the service's database, behind its back."""
    with contextlib.closing(sqlite3.connect(database, timeout=10)) as other, other:
        other.execute(sql, [_plain(value) for value in values])


def organization_id(service: Service, code: str) -> UUID:
    """Of the demo county: DXRM the county hospital, WSY01 a township centre."""
    return UUID(ask(service.database, "SELECT id FROM organization WHERE code = ?", code)[0][0])


def add_staff(
    service: Service, role: str, *codes: str, name: str = "陈思远", doctor: str = "", **facts: Any
) -> UUID:
    """An account with a role in these institutions; without one, in the whole county.

    `doctor`: 工号 of the practitioner whom the person is.
    """
    staff_id, now = uuid4(), clock.now()
    found = ask(service.database, "SELECT id FROM practitioner WHERE code = ?", doctor)
    row = {
        "id": staff_id, "consortium_id": COUNTY, "username": f"staff-{staff_id.hex[:12]}",
        "name": name, "practitioner_id": found[0][0] if found else None, "password_hash": "none",
        "must_change": 0, "totp_sealed": "t1:x", "totp_confirmed_at": now, "totp_last_step": 0,
        "failures": 0, "created_at": now,
    } | facts  # fmt: skip
    insert(service.database, "staff", row)
    for code in codes or (None,):
        at = organization_id(service, code) if code else None
        role_row = {
            "id": uuid4(), "consortium_id": COUNTY, "staff_id": staff_id, "role": role,
            "organization_id": at, "granted_at": now,
        }  # fmt: skip
        insert(service.database, "staff_role", role_row)
    return staff_id


def a_follow_up(service: Service, staff_id: UUID, patient: str) -> None:
    """Of somebody, overdue since yesterday."""
    plan, now = uuid4(), clock.now()
    both = {
        "consortium_id": COUNTY, "patient_id": patient, "staff_id": staff_id, "created_at": now,
    }  # fmt: skip
    insert(service.database, "follow_up_plan", both | {
        "id": plan, "about": "高血压", "rule": "hypertension@1", "every_days": 90,
        "status": "active",
    })  # fmt: skip
    insert(service.database, "follow_up", both | {
        "id": uuid4(), "plan_id": plan, "number": 1, "state": "planned", "note": "",
        "due_on": str(clock.today() - timedelta(days=1)),
    })  # fmt: skip


def log_in(service: Service, staff_id: UUID) -> str:
    """The token of a whole log-in."""
    token, now = secrets.token_urlsafe(32), clock.now()
    row = {
        "id": uuid4(), "consortium_id": COUNTY, "staff_id": staff_id, "device": "Chrome · Linux",
        "token_hash": hashlib.sha256(token.encode()).hexdigest(), "created_at": now,
        "last_seen_at": now, "passed_at": now, "expires_at": now + timedelta(hours=8),
    }  # fmt: skip
    insert(service.database, "staff_session", row)
    return token


class Desk:
    """A browser of somebody with `role` in the institutions `codes`. Without a role: logged out."""

    def __init__(
        self,
        browser: Browser,
        service: Service,
        role: str = "",
        *codes: str,
        size: Any = DESK,
        **facts: Any,
    ) -> None:
        self.service = service
        self.faults: list[str] = []
        self.context = browser.new_context(
            base_url=service.url, viewport=size, locale="zh-CN", reduced_motion="reduce"
        )
        self.context.set_default_timeout(PATIENCE_MS)
        self.staff_id: UUID | None = None
        self._log_in(role, *codes, **facts)
        self.page: Page = self.context.new_page()
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))

    def hand_over(self, role: str = "", *codes: str, size: Any = DESK, **facts: Any) -> None:
        """To somebody else. Two fifths of what another browser costs."""
        self.context.clear_cookies()
        self._log_in(role, *codes, **facts)
        self.resize(size)

    def _log_in(self, role: str, *codes: str, **facts: Any) -> None:
        self.role = role
        self.staff_id = add_staff(self.service, role, *codes, **facts) if role else None
        if self.staff_id:
            self._keep(log_in(self.service, self.staff_id))

    def _keep(self, token: str) -> None:
        # The browser itself takes such a cookie from 127.0.0.1; its debugger wants to read https.
        url = self.service.url.replace("http:", "https:")
        cookie: Any = {"name": COOKIE, "value": token, "url": url, "secure": True}
        self.context.add_cookies([cookie | {"httpOnly": True, "sameSite": "Lax"}])

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and "Failed to load resource" not in message.text:
            self.faults.append(message.text)

    def resize(self, size: Any) -> "Desk":
        if self.page.viewport_size != size:
            self.page.set_viewport_size(size)
        return self

    def open(self, path: str = "/") -> "Desk":
        """A page by its path after `/staff`."""
        self.page.goto("/staff" + path)
        return self

    def is_at(self, path: str) -> "Desk":
        expect(self.page).to_have_url(self.service.url + "/staff" + path)
        return self

    def fill(self, label: str, text: str) -> "Desk":
        self.page.get_by_label(label, exact=False).first.fill(text)
        return self

    def choose(self, label: str, option: str) -> "Desk":
        self.page.get_by_label(label, exact=False).first.select_option(label=option)
        return self

    def tap(self, name: str) -> "Desk":
        """A button or a link by its name; in the dialog, if one is open."""
        at: Page | Locator = self.page
        if self.page.locator("dialog[open]").count():
            at = self.page.locator("dialog[open]")
        found = at.get_by_role("button", name=name, exact=True)
        found.or_(at.get_by_role("link", name=name, exact=True)).first.click()
        return self

    def sees(self, text: str) -> Locator:
        """Fails unless the text comes into view."""
        found = self.page.get_by_text(text).locator("visible=true").first
        expect(found).to_be_visible()
        return found

    def close(self) -> None:
        self.context.close()


Desks = Callable[..., Desk]  # see the fixture `desk`
