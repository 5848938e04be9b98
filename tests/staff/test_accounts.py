"""Who may keep whose account, and what an administrator can't do."""

import asyncio
from dataclasses import dataclass

import pytest

from backend.audit import AuditEvent
from backend.consortium import directory
from backend.consortium.models import Organization
from backend.errors import Malformed, NotFound
from backend.identity.access import Actor
from backend.settings import Settings
from backend.staff import accounts
from backend.staff.accounts import NewMember
from backend.staff.errors import (
    DoctorUnknown,
    ManagedElsewhere,
    NotAboutYourself,
    NotGrantable,
    RoleTaken,
    UsernameTaken,
)
from backend.staff.models import Staff, StaffRole
from tests.clinics import Clinic, a_clinic
from tests.people import a_staff, a_staff_account, vault_of


@dataclass
class County:
    hospital: Clinic
    township: Clinic
    boss: Actor
    admin: Actor  # of the township


@pytest.fixture
async def county(settings: Settings, db: None) -> County:
    hospital = await a_clinic(settings, tier="county", name="县人民医院")
    township = await a_clinic(settings)
    await Organization.filter(id=township.organization.id).update(
        parent_id=hospital.organization.id
    )
    directory.forget()
    return County(
        hospital,
        township,
        a_staff(settings, "consortium_admin"),
        a_staff(settings, "institution_admin", township.organization),
    )


def new(county: County, **facts: object) -> NewMember:
    told = {
        "username": "zhou", "name": "周小雨", "role": "institution_admin",
        "organization_id": county.township.organization.id,
    } | facts  # fmt: skip
    return NewMember(**told)  # type: ignore[arg-type]


async def test_an_administrator_adds_people_of_the_institution(county: County) -> None:
    staff_id, one_time = await accounts.create(county.admin, new(county))
    row = await Staff.get(id=staff_id)
    assert row.must_change
    assert one_time not in row.password_hash
    person = await accounts.member(county.admin, staff_id)
    assert [role.organization for role in person.roles] == [county.township.organization.name]
    actions = await AuditEvent.filter(entity_id=staff_id).values_list("action", flat=True)
    assert sorted(map(str, actions)) == ["staff.created", "staff.role_granted"]


async def test_what_lies_beyond_the_institution_is_not_theirs_to_grant(county: County) -> None:
    for facts, refusal in (
        ({"organization_id": county.hospital.organization.id}, NotFound),
        ({"organization_id": None, "role": "consortium_admin"}, NotGrantable),
        ({"organization_id": None, "role": "auditor"}, NotGrantable),
        ({"role": "consortium_admin"}, Malformed),
        ({"role": "root"}, Malformed),
    ):
        with pytest.raises(refusal):
            await accounts.create(county.admin, new(county, **facts))
    assert await Staff.all().count() == 0


@pytest.mark.parametrize("role", ["doctor", "auditor"])
async def test_whoever_manages_nobody_sees_nobody(
    county: County, settings: Settings, role: str
) -> None:
    staff_id, _ = await accounts.create(county.boss, new(county))
    other = (await a_clinic(settings)).organization
    for outsider in (
        a_staff(settings, role, county.township.organization),
        a_staff(settings, "institution_admin", other),
        Actor(settings.consortium_id, "resident", staff_id),
    ):
        for deed in (
            accounts.member(outsider, staff_id),
            accounts.reset(outsider, staff_id),
            accounts.disable(outsider, staff_id),
            accounts.grant(outsider, staff_id, role="auditor", organization_id=other.id),
            accounts.end_role(outsider, staff_id, (await StaffRole.get(staff_id=staff_id)).id),
        ):
            with pytest.raises(NotFound):
                await deed
        if not outsider.may("staff.manage"):
            with pytest.raises(NotFound):
                await accounts.members(outsider)
        else:
            assert await accounts.members(outsider) == []


async def test_the_people_of_another_county_do_not_exist(county: County) -> None:
    staff_id, _ = await accounts.create(county.boss, new(county))
    far = Actor(staff_id, "operator")
    assert await accounts.members(far) == []
    with pytest.raises(NotFound):
        await accounts.member(far, staff_id)


async def test_who_has_roles_above_is_managed_above(county: County) -> None:
    staff_id, _ = await accounts.create(county.boss, new(county))
    await accounts.grant(
        county.boss, staff_id, role="auditor", organization_id=county.hospital.organization.id
    )
    assert len((await accounts.member(county.admin, staff_id)).roles) == 2
    for deed in (accounts.reset(county.admin, staff_id), accounts.disable(county.admin, staff_id)):
        with pytest.raises(ManagedElsewhere):
            await deed
    above = await StaffRole.get(staff_id=staff_id, role="auditor")
    with pytest.raises(NotFound):
        await accounts.end_role(county.admin, staff_id, above.id)
    await accounts.reset(county.boss, staff_id)


async def test_nobody_locks_themselves_out(county: County, settings: Settings) -> None:
    me = await a_staff_account(settings, "institution_admin", county.township.organization)
    actor = Actor(settings.consortium_id, "staff", me.id, grants=county.admin.grants)
    role = await StaffRole.get(staff_id=me.id)
    for deed in (
        accounts.reset(actor, me.id),
        accounts.disable(actor, me.id),
        accounts.end_role(actor, me.id, role.id),
        accounts.grant(
            actor, me.id, role="auditor", organization_id=county.township.organization.id
        ),
    ):
        with pytest.raises(NotAboutYourself):
            await deed


async def test_a_doctor_is_one_of_the_workbook_who_works_there(county: County) -> None:
    here = county.township.practitioner.code
    there = county.hospital.practitioner.code
    for code in ("", "99999", there):
        with pytest.raises(DoctorUnknown):
            await accounts.create(county.admin, new(county, role="doctor", doctor=code))
    staff_id, _ = await accounts.create(county.admin, new(county, role="doctor", doctor=here))
    row = await Staff.get(id=staff_id)
    assert row.practitioner_id == county.township.practitioner.id


async def test_of_twenty_with_one_name_one_is_made(county: County) -> None:
    done = await asyncio.gather(
        *(accounts.create(county.boss, new(county)) for _ in range(20)), return_exceptions=True
    )
    assert sum(isinstance(one, UsernameTaken) for one in done) == 19
    assert await StaffRole.all().count() == 1


async def test_of_twenty_equal_grants_one_stands(county: County) -> None:
    staff_id, _ = await accounts.create(county.boss, new(county))
    at = county.hospital.organization.id
    done = await asyncio.gather(
        *(
            accounts.grant(county.boss, staff_id, role="auditor", organization_id=at)
            for _ in range(20)
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(one, RoleTaken) for one in done) == 19
    assert await StaffRole.filter(role="auditor").count() == 1


async def test_a_role_can_come_again_after_its_end(county: County) -> None:
    staff_id, _ = await accounts.create(county.boss, new(county))
    row = await StaffRole.get(staff_id=staff_id)
    await accounts.end_role(county.boss, staff_id, row.id)
    with pytest.raises(NotFound):
        await accounts.end_role(county.boss, staff_id, row.id)
    await accounts.grant(county.boss, staff_id, role=row.role, organization_id=row.organization_id)


@pytest.mark.parametrize("username", ["", "zh", "9zhou", "Zhou Min", "zhou<script>", "a" * 33])
async def test_usernames_are_plain(county: County, username: str) -> None:
    with pytest.raises(Malformed) as refused:
        await accounts.create(county.boss, new(county, username=username))
    assert refused.value.extra["field"] == "username"


async def test_only_whoever_runs_the_server_equips(county: County, settings: Settings) -> None:
    staff_id, _ = await accounts.create(county.boss, new(county))
    with pytest.raises(NotFound):
        await accounts.equip(
            county.boss, vault_of(settings), staff_id, password="x" * 12, totp_key="A" * 32
        )
