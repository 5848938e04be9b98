"""Find care: organizations, departments, doctors, prices. Open to everybody, without a log-in."""

from uuid import UUID

from backend import clock, errors
from backend.api import paging
from backend.api.route import Call, route
from backend.api.views.directory import (
    AnnouncementsView,
    AnnouncementView,
    DepartmentQuery,
    DepartmentsView,
    DepartmentView,
    FeesView,
    FeeView,
    OrganizationQuery,
    OrganizationsView,
    OrganizationView,
    PractitionerQuery,
    PractitionersView,
    PractitionerView,
    RoleView,
    WordQuery,
    WordsView,
)
from backend.booking import fees, wording
from backend.consortium import announcements
from backend.consortium.directory import Dept, Directory, Doctor, directory, distance_km
from backend.identity import terms

FRESH_S = 10.0


def degrees(near: str | None) -> tuple[float, float] | None:
    """`latitude,longitude`. Raises Malformed: not on this planet."""
    if near is None:
        return None
    latitude, longitude = (float(part) for part in near.split(","))
    if abs(latitude) > 90 or abs(longitude) > 180:
        raise errors.Malformed("位置不对，请重新定位。", field="near")
    return latitude, longitude


@route(
    "GET",
    "/organizations",
    query=OrganizationQuery,
    answer=OrganizationsView,
    public=True,
    cached_s=FRESH_S,
)
async def list_organizations(call: Call) -> OrganizationsView:
    """By tier and name; with `near`, the nearest first."""
    wanted: OrganizationQuery = call.query
    county = await directory(call.actor.consortium_id)
    found = county.find_organizations(tier=wanted.tier, near=degrees(wanted.near), q=wanted.q)
    page, following = paging.cut(found, wanted.cursor, wanted.limit)
    return OrganizationsView([OrganizationView.of(*hit) for hit in page], following)


@route(
    "GET",
    "/organizations/<organization_id:uuid>",
    answer=OrganizationView,
    public=True,
    cached_s=FRESH_S,
    problems=(errors.NotFound,),
)
async def show_organization(call: Call, organization_id: UUID) -> OrganizationView:
    """One institution."""
    county = await directory(call.actor.consortium_id)
    if organization_id not in county.organizations:
        raise errors.NotFound
    return OrganizationView.of(county.organizations[organization_id], None)


@route(
    "GET",
    "/organizations/<organization_id:uuid>/fees",
    answer=FeesView,
    public=True,
    cached_s=FRESH_S,
    problems=(errors.NotFound,),
)
async def list_fees(call: Call, organization_id: UUID) -> FeesView:
    """The price list of an institution (价格公示)."""
    found = await fees.of_organization(call.actor.consortium_id, organization_id)
    return FeesView(
        [
            FeeView(
                row.kind,  # type: ignore[arg-type]
                row.title,
                row.amount_fen,
                wording.yuan(row.amount_fen),
                row.item,
                row.basis,
            )
            for row in found
        ]
    )


@route(
    "GET",
    "/departments",
    query=DepartmentQuery,
    answer=DepartmentsView,
    public=True,
    cached_s=FRESH_S,
)
async def list_departments(call: Call) -> DepartmentsView:
    """By name or by a symptom word (头晕, 咳嗽 …), the better match first; then the nearer."""
    wanted: DepartmentQuery = call.query
    county = await directory(call.actor.consortium_id)
    near = degrees(wanted.near)
    found = county.find_departments(
        organization_id=wanted.organization, q=wanted.q, tier=wanted.tier, near=near
    )
    page, following = paging.cut(found, wanted.cursor, wanted.limit)
    return DepartmentsView([_department(dept, county, near) for dept in page], following)


def _department(dept: Dept, county: Directory, near: tuple[float, float] | None) -> DepartmentView:
    org = county.organizations[dept.organization_id]
    return DepartmentView.of(dept, org, distance_km(near, org))


@route(
    "GET",
    "/departments/<department_id:uuid>",
    answer=DepartmentView,
    public=True,
    cached_s=FRESH_S,
    problems=(errors.NotFound,),
)
async def show_department(call: Call, department_id: UUID) -> DepartmentView:
    """One department."""
    county = await directory(call.actor.consortium_id)
    if department_id not in county.departments:
        raise errors.NotFound
    return _department(county.departments[department_id], county, None)


@route(
    "GET",
    "/symptom-words",
    query=WordQuery,
    answer=WordsView,
    public=True,
    cached_s=FRESH_S,
)
async def list_words(call: Call) -> WordsView:
    """Words by which many departments are found (头晕, 咳嗽 …), the most common first."""
    wanted: WordQuery = call.query
    county = await directory(call.actor.consortium_id)
    return WordsView(county.common_words(wanted.limit))


@route(
    "GET",
    "/practitioners",
    query=PractitionerQuery,
    answer=PractitionersView,
    public=True,
    cached_s=FRESH_S,
)
async def list_practitioners(call: Call) -> PractitionersView:
    """By name, title or what they are good at; with every place where they work."""
    wanted: PractitionerQuery = call.query
    county = await directory(call.actor.consortium_id)
    found = county.find_doctors(department_id=wanted.department, q=wanted.q, on=clock.today())
    page, following = paging.cut(found, wanted.cursor, wanted.limit)
    return PractitionersView([_doctor(doctor, county) for doctor in page], following)


@route(
    "GET",
    "/practitioners/<practitioner_id:uuid>",
    answer=PractitionerView,
    public=True,
    cached_s=FRESH_S,
    problems=(errors.NotFound,),
)
async def show_practitioner(call: Call, practitioner_id: UUID) -> PractitionerView:
    """One doctor, with every place where they work."""
    county = await directory(call.actor.consortium_id)
    if practitioner_id not in county.doctors:
        raise errors.NotFound
    return _doctor(county.doctors[practitioner_id], county)


def _doctor(doctor: Doctor, county: Directory) -> PractitionerView:
    roles = [
        RoleView(
            role.organization_id,
            county.organizations[role.organization_id].name,
            role.department_id,
            county.departments[role.department_id].name,
            role.kind,  # type: ignore[arg-type]
            role.from_on,
            role.to_on,
        )
        for role in doctor.roles
    ]
    return PractitionerView(doctor.id, doctor.name, doctor.title, doctor.good_at, roles)


@route("GET", "/announcements", answer=AnnouncementsView, public=True, cached_s=FRESH_S)
async def list_announcements(call: Call) -> AnnouncementsView:
    """The county, its emergency number, and the announcements of today, the latest first."""
    county = await directory(call.actor.consortium_id)
    organizations = county.organizations
    return AnnouncementsView(
        county.name,
        county.emergency_phone,
        terms.VERSION,
        [
            AnnouncementView(
                row.id,
                row.title,
                row.text,
                organizations[row.organization_id].name if row.organization_id else None,
                row.from_on,
                row.to_on,
            )
            for row in await announcements.current(call.actor.consortium_id)
            if row.organization_id is None or row.organization_id in organizations
        ],
    )
