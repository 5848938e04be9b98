"""Templates to bytes. Everything is escaped; a name that a template misspells is an error."""

from datetime import date, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from backend import clock
from backend.staff import wording as staff_wording
from backend.web import static_files

FOLDER = Path(__file__).parent / "templates"
WEEKDAYS = "一二三四五六日"
PREFIX = "/staff"
SECURE = {
    "cache-control": "no-store",
    "content-security-policy": (
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "geolocation=(), camera=(self), microphone=(), payment=()",
    # Not no-referrer: with it browsers send `Origin: null` along with a form.
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


def _local(at: datetime, form: str = "%m-%d %H:%M") -> str:
    """An instant as a clock in China shows it."""
    return at.astimezone(clock.SHANGHAI).strftime(form)


def _day(on: date) -> str:
    """11月23日 周一"""
    return f"{on.month}月{on.day}日 周{WEEKDAYS[on.weekday()]}"


# autoescape=True and not select_autoescape, which spares some file names.
templates = Environment(
    loader=FileSystemLoader(FOLDER),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
templates.filters |= {"local": _local, "day": _day}
templates.globals |= {
    "static": static_files.address,
    "staff": PREFIX,
    "role_names": staff_wording.ROLES,
    "everywhere": staff_wording.EVERYWHERE,
    "today": clock.today,
    "now": clock.now,
}
# Buttons, fields, dialogs: `{{ ui.field(view, "name", "姓名") }}` in any template and block.
templates.globals["ui"] = templates.get_template("parts.html").module


def render(template: str, block: str | None, context: dict[str, Any]) -> str:
    """The page, or one `block` of it for htmx, which knows nothing that is set outside of it."""
    found = templates.get_template(template)
    if block is None:
        return found.render(context)
    return "".join(found.blocks[block](found.new_context(context)))
