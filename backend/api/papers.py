"""An appointment on paper and in a calendar."""

from datetime import timedelta
from pathlib import Path

import icalendar
from jinja2 import Environment, FileSystemLoader
from sanic import HTTPResponse

from backend import clock
from backend.api.reply import Reply
from backend.booking import wording
from backend.booking.policy import CANCELLED, PENDING
from backend.booking.tickets import Ticket

PRIVATE = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'self' 'unsafe-inline'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
CALENDAR_STATUS = {PENDING: "TENTATIVE", CANCELLED: "CANCELLED"}
REMIND_BEFORE = timedelta(hours=2)
pages = Environment(loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True)
pages.globals |= {"kinds": wording.KINDS, "periods": wording.PERIODS, "yuan": wording.yuan}
pages.filters["local"] = lambda at, form: at.astimezone(clock.SHANGHAI).strftime(form)


def slip(ticket: Ticket) -> HTTPResponse:
    """A page that prints on one sheet."""
    page = pages.get_template("slip.html").render(
        ticket=ticket,
        place=ticket.place,
        status=wording.STATUSES[ticket.status],
        rules=wording.rules(ticket.policy),
        printed_at=clock.now(),
    )
    return Reply(page, 200, dict(PRIVATE), "text/html; charset=utf-8")


def calendar_entry(ticket: Ticket, changes: int) -> HTTPResponse:
    """RFC 5545. Says where and when, not why: calendars are seen by others.

    `changes` is its SEQUENCE: a calendar replaces an entry by one of a higher number.
    """
    place = ticket.place
    event = icalendar.Event()
    event.add("uid", f"{ticket.id}@jiamenkou")
    event.add("sequence", changes)
    event.add("dtstamp", clock.now())
    event.add("dtstart", place.starts_at)
    event.add("dtend", place.ends_at)
    event.add("summary", f"就诊：{place.organization}")
    event.add("location", " ".join(filter(None, (place.organization, place.address))))
    event.add("status", CALENDAR_STATUS.get(ticket.status, "CONFIRMED"))
    if ticket.status != CANCELLED:
        reminder = icalendar.Alarm()
        reminder.add("action", "DISPLAY")
        reminder.add("description", f"就诊：{place.organization}")
        reminder.add("trigger", -REMIND_BEFORE)
        event.add_component(reminder)
    book = icalendar.Calendar()
    book.add("prodid", "-//Jiamenkou//Appointments//ZH")
    book.add("version", "2.0")
    book.add_component(event)
    headers = {
        "cache-control": "no-store",
        "content-disposition": 'attachment; filename="appointment.ics"',
    }
    return Reply(book.to_ical(), 200, headers, "text/calendar; charset=utf-8")
