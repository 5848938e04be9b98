"""What one may choose from in the pages about schedules: institutions, departments, doctors."""

from collections.abc import Iterable
from uuid import UUID

from backend.consortium.directory import Dept, Directory, Doctor, Org
from backend.errors import NotFound
from backend.roster import wording
from backend.web.view import View

Pairs = list[tuple[str, str]]

KINDS: Pairs = list(wording.KINDS.items())
PERIODS: Pairs = list(wording.PERIODS.items())
WEEKDAYS: Pairs = [(str(n), f"周{name}") for n, name in enumerate(wording.WEEKDAYS, start=1)]
ACTIONS: Pairs = list(wording.ACTIONS.items())


def organizations(view: View, county: Directory, right: str) -> list[Org]:
    """Those where the right holds, by tier and name. Raises NotFound: none."""
    within = view.actor.where(right)
    found = [
        org
        for org, _ in county.find_organizations(tier=None, near=None, q=None)
        if within is None or org.id in within
    ]
    if not found:
        raise NotFound
    return found


def departments(county: Directory, within: Iterable[Org], *, named: bool = False) -> Pairs:
    """By institution and name; `named` with the institution's name in front."""
    ids = {org.id: org for org in within}
    found = [dept for dept in county.departments.values() if dept.organization_id in ids]
    found.sort(key=lambda dept: (list(ids).index(dept.organization_id), dept.name))
    return [
        (str(dept.id), f"{ids[dept.organization_id].name} {dept.name}" if named else dept.name)
        for dept in found
    ]


def doctors(county: Directory, department_ids: Iterable[UUID]) -> Pairs:
    """Those who work there now or later, by name."""
    wanted = set(department_ids)
    found = [
        doctor
        for doctor in county.doctors.values()
        if any(role.department_id in wanted for role in doctor.roles)
    ]
    return pairs(found)


def pairs(found: Iterable[Doctor]) -> Pairs:
    ordered = sorted(found, key=lambda doctor: (doctor.name, str(doctor.id)))
    return [(str(doctor.id), f"{doctor.name} {doctor.title}".strip()) for doctor in ordered]


def department(view: View, county: Directory, department_id: UUID, right: str) -> tuple[Org, Dept]:
    """A department where the right holds, with its institution. Raises NotFound."""
    dept = county.departments.get(department_id)
    if dept is None or not view.may(right, dept.organization_id):
        raise NotFound
    return county.organizations[dept.organization_id], dept
