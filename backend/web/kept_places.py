"""Places kept for family doctors: choose one for a resident, by department, doctor and time."""

from datetime import date
from typing import Any
from uuid import UUID

import msgspec

from backend.booking import priority
from backend.booking.priority import FreePlace
from backend.booking.wording import KINDS, yuan
from backend.web.view import View

Group = tuple[str, list[FreePlace]]


class Where(msgspec.Struct, forbid_unknown_fields=True):
    department: UUID | None = None


class PlaceForm(msgspec.Struct):
    slot: UUID


async def choices(view: View) -> dict[str, Any]:
    """What kept_places.html shows of them, in the department that the query names."""
    department_id = getattr(view.query, "department", None)
    found = await priority.departments(view.actor)
    chosen = next((one for one in found if one.department.id == department_id), None)
    free = await priority.free_places(view.actor, chosen.department.id) if chosen else []
    return {
        "choices": found,
        "chosen": chosen,
        "groups": _by_doctor(free),
        "kinds": KINDS,
        "yuan": yuan,
    }


def _by_doctor(free: list[FreePlace]) -> list[Group]:
    """Times by doctor and day, in the order of the first one."""
    groups: dict[tuple[str, date], list[FreePlace]] = {}
    for one in free:
        who = f"{one.doctor.name} {one.doctor.title}".strip() if one.doctor else "普通门诊"
        groups.setdefault((who, one.held_on), []).append(one)
    return [(who, times) for (who, _), times in groups.items()]
