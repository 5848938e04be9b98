"""What somebody accepts, made into concrete choices: a department, or one doctor in it."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from backend import clock
from backend.booking.waitlist.errors import NothingToWaitFor
from backend.consortium.directory import Dept, Directory, distance_km
from backend.errors import NotFound

CHOICES_MOST = 50  # of one entry; the nearest


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearby:
    """The same specialty elsewhere: within so many km, and of these tiers (None: any).

    `near` is (latitude, longitude) in degrees; None: from the institution that was asked for.
    """

    within_km: float | None = None
    tiers: tuple[str, ...] | None = None
    near: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    department_id: UUID
    practitioner_id: UUID | None = None

    @property
    def key(self) -> tuple[UUID, UUID | None]:
        return self.department_id, self.practitioner_id


def expand(
    county: Directory,
    *,
    department_id: UUID | None,
    practitioner_id: UUID | None,
    nearby: Nearby | None,
) -> list[Choice]:
    """The choices, what was asked for first, then the nearest; `CHOICES_MOST` at most.

    With a doctor alone: wherever they work. With both: that doctor there.

    Raises:
        NotFound: no such department or doctor.
        NothingToWaitFor: neither is named, or the doctor does not work there any more.
    """
    if department_id is not None and department_id not in county.departments:
        raise NotFound
    if practitioner_id is not None and practitioner_id not in county.doctors:
        raise NotFound
    asked = _asked(county, department_id, practitioner_id)
    if nearby is not None:
        departments = [county.departments[choice.department_id] for choice in asked]
        asked += [Choice(dept.id) for dept in _alike(county, departments, nearby)]
    found = list(dict.fromkeys(asked))[:CHOICES_MOST]
    if not found:
        raise NothingToWaitFor
    return found


def _asked(
    county: Directory, department_id: UUID | None, practitioner_id: UUID | None
) -> list[Choice]:
    if practitioner_id is None:
        return [Choice(department_id)] if department_id else []
    today = clock.today()
    return [
        Choice(role.department_id, practitioner_id)
        for role in county.doctors[practitioner_id].roles
        if department_id in (None, role.department_id)
        and (role.to_on is None or role.to_on >= today)
    ]


def _alike(county: Directory, departments: list[Dept], nearby: Nearby) -> Iterator[Dept]:
    """Departments of the same specialty (by its national code, else by name), the nearest first."""
    asked = {dept.id for dept in departments}
    same = {dept.specialty_code or dept.name for dept in departments}
    near = nearby.near or _where(county, departments)
    hits = []
    for dept in county.departments.values():
        org = county.organizations[dept.organization_id]
        far = distance_km(near, org)
        if dept.id in asked or (dept.specialty_code or dept.name) not in same:
            continue
        if nearby.tiers is not None and org.tier not in nearby.tiers:
            continue
        if nearby.within_km is not None and (far is None or far > nearby.within_km):
            continue
        hits.append((far is None, far or 0.0, org.name, dept.name, dept))
    return (hit[-1] for hit in sorted(hits, key=lambda hit: hit[:-1]))


def _where(county: Directory, departments: list[Dept]) -> tuple[float, float] | None:
    for dept in departments:
        org = county.organizations[dept.organization_id]
        if org.latitude is not None and org.longitude is not None:
            return org.latitude, org.longitude
    return None
