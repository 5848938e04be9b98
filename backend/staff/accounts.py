"""Who works here: accounts and their roles, kept by those with the right `staff.manage`.

An institution's administrator manages the people of that institution and of all below it; roles
for the whole consortium are the consortium administrator's to grant.
"""

import re
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import msgspec
from tortoise.exceptions import IntegrityError
from tortoise.expressions import Q

from backend import audit, clock, db
from backend.consortium.directory import Directory, directory
from backend.consortium.models import Organization, Practitioner
from backend.crypto import Vault
from backend.errors import Malformed, NotFound
from backend.identity.access import Actor
from backend.staff import passwords, totp
from backend.staff.errors import (
    DoctorUnknown,
    ManagedElsewhere,
    NotAboutYourself,
    NotGrantable,
    RoleTaken,
    UsernameTaken,
)
from backend.staff.models import ROLES, Staff, StaffRole, StaffSession

MANAGE = "staff.manage"
ONE_TIME_FOR = timedelta(hours=72)  # a one-time password that nobody used lies about somewhere
USERNAME = re.compile(r"[a-z][a-z0-9._-]{2,31}")
LISTED_MOST = 500


class Role(msgspec.Struct, frozen=True):
    """`organization_id` and `organization`: None where it holds for the whole consortium."""

    id: UUID
    role: str
    organization_id: UUID | None
    organization: str | None


class Member(msgspec.Struct, frozen=True):
    """One who works here. `locked`: now, for too many wrong secrets. `expired`: their
    one-time password."""

    id: UUID
    username: str
    name: str
    doctor: str | None
    enrolled: bool
    must_change: bool
    expired: bool
    locked: bool
    disabled: bool
    roles: tuple[Role, ...]


class NewMember(msgspec.Struct, frozen=True, kw_only=True):
    """`doctor`: 工号 of the practitioner whom this person is."""

    username: str
    name: str
    role: str
    organization_id: UUID | None = None
    doctor: str | None = None


async def create(actor: Actor, new: NewMember) -> tuple[UUID, str]:
    """A new account and its one-time password, shown this once.

    Raises:
        NotFound: the actor manages nobody, or not there.
        Malformed (with `field`), DoctorUnknown, NotGrantable, UsernameTaken.
    """
    username = new.username.strip().lower()
    if not USERNAME.fullmatch(username):
        raise Malformed(
            "用户名要 3 到 32 个字符：小写字母开头，可以有数字、点、横线。", field="username"
        )
    if not new.name.strip():
        raise Malformed("请填写姓名。", field="name")
    await _check_grant(actor, new.role, new.organization_id)
    practitioner_id = await _doctor(actor, new.doctor)
    if new.role == "doctor" and practitioner_id is None:
        raise DoctorUnknown("医生的账号要填写工号。", field="doctor")
    one_time = passwords.one_time()
    kept = await passwords.hashed(one_time)
    try:
        async with db.transaction():
            row = await Staff.create(
                id=uuid4(),
                consortium_id=actor.consortium_id,
                username=username,
                name=new.name.strip(),
                practitioner_id=practitioner_id,
                password_hash=kept,
                one_time_until=clock.now() + ONE_TIME_FOR,
                created_at=clock.now(),
            )
            await audit.record(actor, "staff.created", entity_id=row.id)
            await _grant(actor, row.id, new.role, new.organization_id)
    except IntegrityError as taken:
        raise UsernameTaken(field="username") from taken
    return row.id, one_time


async def _check_grant(actor: Actor, role: str, organization_id: UUID | None) -> None:
    """Raises NotFound, Malformed, NotGrantable."""
    actor.must(MANAGE, organization_id)
    if role not in ROLES:
        raise Malformed("没有这个角色。", field="role")
    if role == "consortium_admin" and organization_id is not None:
        raise Malformed("医共体管理员不属于某个机构，请不要选机构。", field="organization_id")
    if organization_id is None:
        if actor.where(MANAGE) is not None:
            raise NotGrantable
        if role in ("doctor", "institution_admin"):
            raise Malformed("请选择机构。", field="organization_id")
    elif not await Organization.exists(id=organization_id, consortium_id=actor.consortium_id):
        raise NotFound


async def _doctor(actor: Actor, code: str | None) -> UUID | None:
    """The practitioner of a 工号, who works in an institution that the actor manages."""
    if not code or not code.strip():
        return None
    found = await Practitioner.get_or_none(
        consortium_id=actor.consortium_id, code=code.strip(), active=True
    )
    managed = actor.where(MANAGE)
    if found is not None and managed is not None:
        known = (await directory(actor.consortium_id)).doctors.get(found.id)
        if known is None or managed.isdisjoint(role.organization_id for role in known.roles):
            found = None
    if found is None:
        raise DoctorUnknown(field="doctor")
    return UUID(str(found.id))


async def _grant(actor: Actor, staff_id: UUID, role: str, organization_id: UUID | None) -> None:
    made = await StaffRole.create(
        id=uuid4(),
        consortium_id=actor.consortium_id,
        staff_id=staff_id,
        role=role,
        organization_id=organization_id,
        granted_by=actor.id,
        granted_at=clock.now(),
    )
    await audit.record(
        actor, "staff.role_granted", entity_id=staff_id, role=role, role_id=str(made.id),
        organization_id=str(organization_id) if organization_id else None,
    )  # fmt: skip


async def grant(actor: Actor, staff_id: UUID, *, role: str, organization_id: UUID | None) -> None:
    """One more role.

    Raises:
        NotFound, Malformed, NotGrantable, RoleTaken, NotAboutYourself.
        DoctorUnknown: a doctor's role for somebody without 工号.
    """
    await _check_grant(actor, role, organization_id)
    row = await _seen(actor, staff_id)
    _not_oneself(actor, staff_id)
    if role == "doctor" and row.practitioner_id is None:
        raise DoctorUnknown("这个账号没有登记工号，不能授予医生角色。", field="role")
    try:
        async with db.transaction():
            await _grant(actor, staff_id, role, organization_id)
    except IntegrityError as taken:
        raise RoleTaken from taken


async def end_role(actor: Actor, staff_id: UUID, role_id: UUID) -> None:
    """Take a role away; it is gone with the person's next request.

    Raises:
        NotFound: no such role, or not for the actor to end.
        NotAboutYourself.
    """
    await _seen(actor, staff_id)
    _not_oneself(actor, staff_id)
    row = await StaffRole.get_or_none(id=role_id, staff_id=staff_id, ended_at=None)
    if row is None or not _covers(actor, row.organization_id):
        raise NotFound
    async with db.transaction():
        living = StaffRole.filter(id=role_id, ended_at=None)
        if not await living.update(ended_at=clock.now()):
            raise NotFound
        await audit.record(
            actor, "staff.role_ended", entity_id=staff_id, role=row.role, role_id=str(role_id)
        )


async def reset(actor: Actor, staff_id: UUID) -> str:
    """A new one-time password, and a new second factor at the next log-in; all log-ins end.

    For who forgot the one or lost the other.

    Raises:
        NotFound, ManagedElsewhere, NotAboutYourself.
    """
    await _managed(actor, staff_id)
    one_time = passwords.one_time()
    kept = await passwords.hashed(one_time)
    async with db.transaction():
        await Staff.filter(id=staff_id).update(
            password_hash=kept,
            must_change=True,
            one_time_until=clock.now() + ONE_TIME_FOR,
            totp_sealed=None,
            totp_confirmed_at=None,
            failures=0,
            locked_until=None,
        )
        await _end_sessions(staff_id)
        await audit.record(actor, "staff.reset", entity_id=staff_id)
    return one_time


async def equip(
    actor: Actor, vault: Vault, staff_id: UUID, *, password: str, totp_key: str
) -> None:
    """Both secrets at once, as if the person had logged in already: for a demonstration.

    Raises NotFound: only whoever runs commands on the server may.
    """
    if actor.kind != "operator":
        raise NotFound
    await _seen(actor, staff_id)
    kept = await passwords.hashed(password)
    async with db.transaction():
        await Staff.filter(id=staff_id).update(
            password_hash=kept,
            must_change=False,
            totp_sealed=vault.seal(totp_key, bound_to=totp.COLUMN),
            totp_confirmed_at=clock.now(),
        )
        await audit.record(actor, "staff.equipped", entity_id=staff_id)


async def disable(actor: Actor, staff_id: UUID, *, disabled: bool = True) -> None:
    """Shut an account, at once, or open it again.

    Raises:
        NotFound, ManagedElsewhere, NotAboutYourself.
    """
    await _managed(actor, staff_id)
    async with db.transaction():
        await Staff.filter(id=staff_id).update(disabled_at=clock.now() if disabled else None)
        if disabled:
            await _end_sessions(staff_id)
        action = "staff.disabled" if disabled else "staff.enabled"
        await audit.record(actor, action, entity_id=staff_id)


async def _end_sessions(staff_id: UUID) -> None:
    await StaffSession.filter(staff_id=staff_id, ended_at=None).update(ended_at=clock.now())


async def members(actor: Actor, *, q: str | None = None) -> list[Member]:
    """Everybody whom the actor manages, by name; those of `q` in name or username. Two queries.

    Raises NotFound: the actor manages nobody.
    """
    actor.must(MANAGE)
    rows = Staff.filter(consortium_id=actor.consortium_id)
    if q:
        rows = rows.filter(Q(name__contains=q) | Q(username__contains=q.lower()))
    managed = actor.where(MANAGE)
    if managed is not None:
        within = StaffRole.filter(organization_id__in=list(managed), ended_at=None)
        rows = rows.filter(id__in=await within.values_list("staff_id", flat=True))
    found = await rows.order_by("name", "username").limit(LISTED_MOST)
    return await _members(actor, found)


async def member(actor: Actor, staff_id: UUID) -> Member:
    """One of them. Raises NotFound."""
    return (await _members(actor, [await _seen(actor, staff_id)]))[0]


async def by_username(actor: Actor, username: str) -> Member:
    """One of them. Raises NotFound."""
    row = await Staff.get_or_none(
        consortium_id=actor.consortium_id, username=username.strip().lower()
    )
    if row is None:
        raise NotFound("没有这个用户名。")
    return await member(actor, row.id)


async def _members(actor: Actor, rows: list[Staff]) -> list[Member]:
    ids = [row.id for row in rows]
    known = await directory(actor.consortium_id)
    roles: dict[UUID, list[Role]] = {}
    living = StaffRole.filter(staff_id__in=ids, ended_at=None).order_by("granted_at", "id")
    for row in await living:
        roles.setdefault(row.staff_id, []).append(_role(row, known))
    now = clock.now()
    return [_member(row, tuple(roles.get(row.id, ())), known, now) for row in rows]


def _role(row: StaffRole, known: Directory) -> Role:
    at = row.organization_id
    org = known.organizations.get(at) if at is not None else None
    return Role(row.id, row.role, at, None if at is None else org.name if org else "已停用的机构")


def _member(row: Staff, roles: tuple[Role, ...], known: Directory, now: datetime) -> Member:
    doctor = known.doctors.get(row.practitioner_id) if row.practitioner_id else None
    return Member(
        row.id, row.username, row.name, f"{doctor.name} {doctor.title}" if doctor else None,
        row.totp_confirmed_at is not None, row.must_change, row.must_change and _is_over(row, now),
        row.locked_until is not None and row.locked_until > now,
        row.disabled_at is not None, roles,
    )  # fmt: skip


def _is_over(row: Staff, now: datetime) -> bool:
    return row.one_time_until is not None and row.one_time_until <= now


async def _seen(actor: Actor, staff_id: UUID) -> Staff:
    """Somebody with a role where the actor manages. Raises NotFound."""
    actor.must(MANAGE)
    row = await Staff.get_or_none(id=staff_id, consortium_id=actor.consortium_id)
    if row is None:
        raise NotFound
    managed = actor.where(MANAGE)
    if managed is not None and not await StaffRole.exists(
        staff_id=staff_id, organization_id__in=list(managed), ended_at=None
    ):
        raise NotFound
    return row


async def _managed(actor: Actor, staff_id: UUID) -> None:
    """Somebody else whose every role is the actor's to grant.

    Raises NotFound, ManagedElsewhere, NotAboutYourself.
    """
    await _seen(actor, staff_id)
    _not_oneself(actor, staff_id)
    roles = StaffRole.filter(staff_id=staff_id, ended_at=None)
    for organization_id in await roles.values_list("organization_id", flat=True):
        if not _covers(actor, organization_id):  # type: ignore[arg-type]
            raise ManagedElsewhere


def _covers(actor: Actor, organization_id: UUID | None) -> bool:
    managed = actor.where(MANAGE)
    return managed is None or organization_id in managed


def _not_oneself(actor: Actor, staff_id: UUID) -> None:
    if actor.id == staff_id:
        raise NotAboutYourself
