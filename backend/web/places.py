"""Choices that several pages offer: institutions and doctors, by the rights of whoever looks."""

from uuid import UUID

from backend.consortium.directory import Directory, Org, directory
from backend.web.view import View

Options = list[tuple[str, str]]


async def county_of(view: View) -> Directory:
    return await directory(view.actor.consortium_id)


async def institutions(view: View, right: str) -> list[Org]:
    """Where the right holds, by tier and name."""
    county, places = await county_of(view), view.actor.where(right)
    found = county.find_organizations(tier=None, near=None, q=None)
    return [org for org, _ in found if places is None or org.id in places]


def options_of(places: list[Org]) -> Options:
    return [(str(org.id), org.name) for org in places]


async def doctors(view: View, organization_id: UUID) -> Options:
    """Whoever has a role in the institution, by name."""
    county = await county_of(view)
    there = [
        doctor
        for doctor in county.doctors.values()
        if any(role.organization_id == organization_id for role in doctor.roles)
    ]
    there.sort(key=lambda doctor: (doctor.name, str(doctor.id)))
    return [(str(doctor.id), f"{doctor.name} {doctor.title}".strip()) for doctor in there]
