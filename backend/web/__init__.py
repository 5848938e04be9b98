"""HTML edge: the pages of doctors and administrators, at /staff/. Importing it declares them all.

README.md in this folder tells how to add one.
"""

from typing import Any

from sanic import Sanic

from backend.api.service import Service
from backend.web import (
    account,
    amnesties,
    appeals,
    attachments,
    canned_replies,
    chat,
    chat_picture,
    chat_report,
    chats,
    clinic,
    contracts,
    draws,
    duty,
    duty_hours,
    duty_numbers,
    follow_ups,
    home,
    login,
    medicines,
    outreach,
    page,
    people,
    pool_report,
    pools,
    questions,
    resident_medicines,
    schedule_templates,
    schedules,
    simulator,
    static_files,
    survey_report,
    suspensions,
    waitlist,
    workbook,
)

__all__ = [
    "account",
    "amnesties",
    "appeals",
    "attachments",
    "canned_replies",
    "chat",
    "chat_picture",
    "chat_report",
    "chats",
    "clinic",
    "contracts",
    "draws",
    "duty",
    "duty_hours",
    "duty_numbers",
    "follow_ups",
    "home",
    "login",
    "medicines",
    "mount",
    "outreach",
    "people",
    "pool_report",
    "pools",
    "questions",
    "resident_medicines",
    "schedule_templates",
    "schedules",
    "simulator",
    "survey_report",
    "suspensions",
    "waitlist",
    "workbook",
]


def mount(app: Sanic[Any, Any], service: Service) -> None:
    """Serve every page."""
    static_files.mount(app, service.settings)
    page.mount(app, service)
