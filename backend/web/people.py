"""Who works here: add, reset, shut, and give or take roles."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from backend.consortium.directory import Directory, directory
from backend.staff import accounts
from backend.staff.accounts import MANAGE, NewMember
from backend.staff.wording import ROLES
from backend.web.page import Go, Show, go, page, show
from backend.web.view import View

TIERS = {"county": "县级医院", "township": "乡镇卫生院", "village": "村卫生室"}


class Search(msgspec.Struct, forbid_unknown_fields=True):
    q: Annotated[str, Meta(max_length=40)] = ""


class NewPerson(msgspec.Struct):
    name: Annotated[str, Meta(max_length=30)]
    username: Annotated[str, Meta(max_length=32)]
    role: Annotated[str, Meta(max_length=20)]
    organization_id: UUID | None = None
    doctor: Annotated[str, Meta(max_length=32)] = ""


class NewRole(msgspec.Struct):
    role: Annotated[str, Meta(max_length=20)]
    organization_id: UUID | None = None


@page("GET", "/people", right=MANAGE, query=Search)
async def people(view: View) -> Show:
    """Everybody whom one manages."""
    found = await accounts.members(view.actor, q=view.query.q or None)
    return show("people.html", people=found)


@page("GET", "/people/new", right=MANAGE)
async def ask(view: View) -> Show:
    return show("person_new.html", **await _choices(view))


@page("POST", "/people", right=MANAGE, form=NewPerson, on_fault=ask)
async def add(view: View, form: NewPerson) -> Show:
    """Shows the one-time password: this answer is the only place where it stands."""
    new = NewMember(
        username=form.username,
        name=form.name,
        role=form.role,
        organization_id=form.organization_id,
        doctor=form.doctor or None,
    )
    staff_id, one_time = await accounts.create(view.actor, new)
    person = await accounts.member(view.actor, staff_id)
    return show("person_password.html", person=person, one_time=one_time, fresh=True)


@page("GET", "/people/<staff_id:uuid>", right=MANAGE)
async def person(view: View, staff_id: UUID) -> Show:
    found = await accounts.member(view.actor, staff_id)
    return show("person.html", person=found, **await _choices(view))


@page("POST", "/people/<staff_id:uuid>/reset", right=MANAGE, on_fault=person)
async def reset(view: View, staff_id: UUID) -> Show:
    one_time = await accounts.reset(view.actor, staff_id)
    found = await accounts.member(view.actor, staff_id)
    return show("person_password.html", person=found, one_time=one_time, fresh=False)


@page("POST", "/people/<staff_id:uuid>/disable", right=MANAGE, on_fault=person)
async def disable(view: View, staff_id: UUID) -> Go:
    await accounts.disable(view.actor, staff_id)
    return go(f"/people/{staff_id}", "账号已停用，所有登录都已退出。")


@page("POST", "/people/<staff_id:uuid>/enable", right=MANAGE, on_fault=person)
async def enable(view: View, staff_id: UUID) -> Go:
    await accounts.disable(view.actor, staff_id, disabled=False)
    return go(f"/people/{staff_id}", "账号已恢复使用。")


@page("POST", "/people/<staff_id:uuid>/roles", right=MANAGE, form=NewRole, on_fault=person)
async def grant(view: View, staff_id: UUID, form: NewRole) -> Go:
    await accounts.grant(view.actor, staff_id, role=form.role, organization_id=form.organization_id)
    return go(f"/people/{staff_id}", f"已授予「{ROLES[form.role]}」。")


@page("POST", "/people/<staff_id:uuid>/roles/<role_id:uuid>/end", right=MANAGE, on_fault=person)
async def end_role(view: View, staff_id: UUID, role_id: UUID) -> Go:
    """The person may be gone from one's list with it."""
    await accounts.end_role(view.actor, staff_id, role_id)
    return go("/people", "角色已收回。")


async def _choices(view: View) -> dict[str, Any]:
    """The roles and institutions from which one may choose."""
    managed = view.actor.where(MANAGE)
    county = await directory(view.actor.consortium_id)
    wide = managed is None
    roles = [(role, text) for role, text in ROLES.items() if wide or role != "consortium_admin"]
    return {"roles": roles, "organizations": _organizations(county, managed), "wide": wide}


def _organizations(county: Directory, managed: frozenset[UUID] | None) -> list[tuple[Any, str]]:
    """By tier and name."""
    found = county.find_organizations(tier=None, near=None, q=None)
    return [
        (org.id, f"{org.name}（{TIERS[org.tier]}）")
        for org, _ in found
        if managed is None or org.id in managed
    ]
