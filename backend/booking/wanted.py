"""What a resident looks for, and the departments that fit it."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from backend import clock
from backend.consortium.directory import Dept, Directory, Org, distance_km

DEPARTMENTS_MOST = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What a resident looks for. `near` is (latitude, longitude) in degrees."""

    schedule_id: UUID | None = None
    organization_id: UUID | None = None
    department_id: UUID | None = None
    practitioner_id: UUID | None = None
    from_on: date | None = None
    to_on: date | None = None
    kind: str | None = None
    tier: str | None = None
    near: tuple[float, float] | None = None
    within_km: float | None = None
    q: str | None = None
    free_only: bool = False


def departments_of(county: Directory, wanted: Search) -> list[UUID] | None:
    """The departments that fit; None when nothing narrows them."""
    if wanted.department_id is not None:
        dept = county.departments.get(wanted.department_id)
        return [dept.id] if dept and _answers(county, dept, wanted) else []
    if wanted.q is None and wanted.tier is None and wanted.within_km is None:
        return None
    doctors = {
        role.department_id
        for doctor in county.find_doctors(department_id=None, q=wanted.q, on=clock.today())
        for role in doctor.roles
    }
    hits = county.find_departments(organization_id=wanted.organization_id, q=wanted.q)
    found = [dept.id for dept in hits] + (sorted(doctors, key=str) if wanted.q else [])
    return [
        department_id
        for department_id in dict.fromkeys(found)
        if _fits(county.organizations[county.departments[department_id].organization_id], wanted)
    ][:DEPARTMENTS_MOST]


def _answers(county: Directory, dept: Dept, wanted: Search) -> bool:
    """Whether one department fits everything else that is asked."""
    if not _fits(county.organizations[dept.organization_id], wanted):
        return False
    if wanted.q is None:
        return True
    named = county.find_departments(organization_id=dept.organization_id, q=wanted.q)
    doctors = county.find_doctors(department_id=dept.id, q=wanted.q, on=clock.today())
    return dept in named or bool(doctors)


def _fits(org: Org, wanted: Search) -> bool:
    if wanted.tier is not None and org.tier != wanted.tier:
        return False
    if wanted.within_km is None:
        return True
    far = distance_km(wanted.near, org)
    return far is not None and far <= wanted.within_km
