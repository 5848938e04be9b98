"""Log-ins of staff: a password, a second factor, an opaque 256-bit token of which the hash is kept.

A log-in ends after 15 minutes without a request and after 8 hours in any case. Nothing is
remembered between requests: staff are few, and what an administrator ends is over at once.
"""

import secrets
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
import structlog
from tortoise.queryset import QuerySet

from backend import audit, clock, db
from backend.consortium.directory import directory
from backend.crypto import Vault
from backend.errors import NotFound, Unauthenticated
from backend.hub import Hub
from backend.identity.access import Actor, Grant
from backend.identity.sessions import TOKEN_BYTES, token_hash
from backend.staff import passwords, totp
from backend.staff.errors import (
    CodeWrong,
    Locked,
    LogInWrong,
    OneTimeOver,
    PasswordWeak,
    PasswordWrong,
)
from backend.staff.models import Staff, StaffSession
from backend.staff.rights import RIGHTS

log = structlog.get_logger()

IDLE = timedelta(minutes=15)
ABSOLUTE = timedelta(hours=8)
UNFINISHED = timedelta(minutes=10)  # between password and second factor
SEEN_EVERY = timedelta(seconds=30)  # last_seen_at is no finer than this
FAILURES_MOST = 5
LOCK = timedelta(minutes=15)
KEPT = timedelta(days=30)  # a log-in that is over
SWEEP_MOST = 5000  # rows a tick
SESSIONS_MOST = 10  # the oldest log-in of a person ends when a new one would exceed it


class LogIn(msgspec.Struct, frozen=True):
    """A living log-in. `actor` has no right before the second factor and the person's own password.

    `enrolled`: the second factor is set up.
    """

    actor: Actor
    staff_id: UUID
    session_id: UUID
    name: str
    username: str
    passed: bool
    must_change: bool
    enrolled: bool

    @property
    def whole(self) -> bool:
        """Whether nothing stands between the person and the work."""
        return self.passed and not self.must_change


class Opened(msgspec.Struct, frozen=True):
    """A log-in, as its owner sees it in a list."""

    id: UUID
    device: str
    created_at: datetime
    last_seen_at: datetime


async def log_in(
    consortium_id: UUID, hub: Hub, *, username: str, password: str, device: str
) -> str:
    """The token of a log-in that still needs its second factor. Shown this once.

    Unknown name and wrong password take the same time and get the same answer; an attempt counts
    before it is judged, so no number of them at once gets more than `FAILURES_MOST` looks.

    Raises:
        LogInWrong, Locked; OneTimeOver: said to nobody but who has the right password.
    """
    name = username.strip().lower()
    staff = await Staff.get_or_none(consortium_id=consortium_id, username=name, disabled_at=None)
    nobody = Actor(consortium_id, "anonymous")
    if staff is None:
        await _count_stranger(hub, consortium_id, name)
        await passwords.fits(None, password)
        log.info("staff.login_failed", known=False)
        raise LogInWrong
    last = await _attempt(nobody, staff.id)
    if not await passwords.fits(staff.password_hash, password):
        await _failed(nobody, staff.id, last=last, factor="password")
        raise LogInWrong
    until = staff.one_time_until
    if staff.must_change and until is not None and until <= clock.now():
        await _failed(nobody, staff.id, last=last, factor="one_time")
        raise OneTimeOver
    return await _open(staff, password, device)


async def _count_stranger(hub: Hub, consortium_id: UUID, name: str) -> None:
    """Names that do not exist are locked as well. Raises Locked."""
    key = f"staff-stranger:{consortium_id}:{token_hash(name)[:32]}"
    if await hub.count(key, int(LOCK.total_seconds())) > FAILURES_MOST:
        raise Locked


async def _attempt(nobody: Actor, staff_id: UUID) -> bool:
    """Count one look at a secret, before it is taken. Whether it is the last one that counts.

    Raises Locked.
    """
    now = clock.now()
    async with db.transaction():
        row = await Staff.filter(id=staff_id, disabled_at=None).select_for_update().first()
        if row is None:
            raise LogInWrong
        if row.locked_until is not None and row.locked_until > now:
            raise Locked
        failures = (0 if row.locked_until is not None else row.failures) + 1
        last = failures >= FAILURES_MOST
        await Staff.filter(id=staff_id).update(
            failures=failures, locked_until=now + LOCK if last else None
        )
    return last


async def _failed(nobody: Actor, staff_id: UUID, *, last: bool, factor: str) -> None:
    """Say so in the audit. The attempt itself is counted already."""
    async with db.transaction():
        await audit.record(nobody, "staff.login_failed", entity_id=staff_id, factor=factor)
        if last:
            await audit.record(nobody, "staff.locked", entity_id=staff_id)
    log.info("staff.login_failed", known=True, factor=factor, locked=last)


async def _open(staff: Staff, password: str, device: str) -> str:
    """The first half of a log-in. The attempt that was right is taken back; older ones stay.

    They are forgiven by the second factor only: else whoever knows the password could guess codes
    for ever.
    """
    token = secrets.token_urlsafe(TOKEN_BYTES)
    rehashed = await passwords.hashed(password) if passwords.is_stale(staff.password_hash) else None
    now = clock.now()
    async with db.transaction():
        row = await Staff.filter(id=staff.id).select_for_update().first()
        if row is None or row.disabled_at is not None or row.password_hash != staff.password_hash:
            raise LogInWrong
        changes: dict[str, Any] = {"failures": max(0, row.failures - 1), "locked_until": None}
        if rehashed is not None:
            changes["password_hash"] = rehashed
        await Staff.filter(id=staff.id).update(**changes)
        await StaffSession.create(
            id=uuid4(),
            consortium_id=staff.consortium_id,
            staff_id=staff.id,
            token_hash=token_hash(token),
            device=device[:80],
            created_at=now,
            last_seen_at=now,
            expires_at=now + UNFINISHED,
        )
    return token


async def verify(consortium_id: UUID, token: str, *, noticed: bool = True) -> LogIn:
    """Whose token it is. `noticed`: the request counts as a sign of life.

    One query, and one write each half minute.

    Raises:
        Unauthenticated: unknown, ended, idle or too old, or the person is disabled.
    """
    now = clock.now()
    rows = await db.fetch(
        "SELECT s.id, s.staff_id, s.last_seen_at, s.passed_at, p.name, p.username, p.must_change,"
        " p.practitioner_id, p.totp_confirmed_at, r.role, r.organization_id"
        " FROM staff_session s JOIN staff p ON p.id = s.staff_id"
        " LEFT JOIN staff_role r ON r.staff_id = p.id AND r.ended_at IS NULL"
        " WHERE s.token_hash = $1 AND s.consortium_id = $2 AND s.ended_at IS NULL"
        " AND s.expires_at > $3 AND s.last_seen_at > $4 AND p.disabled_at IS NULL",
        token_hash(token),
        consortium_id,
        now,
        now - IDLE,
    )
    if not rows:
        raise Unauthenticated("登录已过期，请重新登录。")
    row = rows[0]
    session_id, staff_id = db.as_uuid(row["id"]), db.as_uuid(row["staff_id"])
    if noticed and now - db.as_instant(row["last_seen_at"]) > SEEN_EVERY:
        await StaffSession.filter(id=session_id, ended_at=None).update(last_seen_at=now)
    passed, must_change = row["passed_at"] is not None, bool(row["must_change"])
    whole = passed and not must_change
    doctor = row["practitioner_id"]
    actor = Actor(
        consortium_id,
        "staff",
        staff_id,
        session_id,
        await grants_of(consortium_id, _roles(rows)) if whole else (),
        db.as_uuid(doctor) if whole and doctor is not None else None,
    )
    return LogIn(
        actor, staff_id, session_id, row["name"], row["username"], passed, must_change,
        row["totp_confirmed_at"] is not None,
    )  # fmt: skip


def _roles(rows: list[db.Row]) -> list[tuple[str, UUID | None]]:
    return [
        (
            row["role"],
            None if row["organization_id"] is None else db.as_uuid(row["organization_id"]),
        )
        for row in rows
        if row["role"] in RIGHTS
    ]


async def grants_of(consortium_id: UUID, roles: list[tuple[str, UUID | None]]) -> tuple[Grant, ...]:
    """Roles as grants: one for an institution covers all that stand below it."""
    found = await directory(consortium_id)
    parents = {org.id: org.parent_id for org in found.organizations.values()}
    return tuple(
        Grant(role, None if at is None else covered(at, parents), RIGHTS[role])
        for role, at in sorted(roles, key=str)
    )


def covered(organization_id: UUID, parents: dict[UUID, UUID | None]) -> frozenset[UUID]:
    """The institution and all below it. `parents`: each institution's parent."""
    found = {organization_id}
    while below := {one for one, parent in parents.items() if parent in found} - found:
        found |= below
    return frozenset(found)


async def enrolment(login: LogIn, vault: Vault) -> str:
    """The key of the second factor that is being set up, the same until it is confirmed.

    Raises:
        NotFound: it is set up already; a key is never shown again.
    """
    if login.enrolled:
        raise NotFound
    sealed = vault.seal(totp.new_key(), bound_to=totp.COLUMN)
    await Staff.filter(id=login.staff_id, totp_sealed=None).update(totp_sealed=sealed)
    row = await Staff.get(id=login.staff_id)
    if row.totp_confirmed_at is not None or row.totp_sealed is None:
        raise NotFound
    return vault.open(row.totp_sealed, bound_to=totp.COLUMN)


async def pass_second_factor(login: LogIn, vault: Vault, *, code: str) -> str:
    """Finish a log-in with a code from the authenticator; the first one confirms its set-up.

    Returns the token that holds from now on: the one before is dead, so whoever planted or saw it
    has nothing.

    Raises:
        CodeWrong, Locked.
        Unauthenticated: it was ended, or finished, meanwhile.
    """
    nobody = Actor(login.actor.consortium_id, "anonymous")
    last = await _attempt(nobody, login.staff_id)
    row = await Staff.get(id=login.staff_id)
    key = vault.open(row.totp_sealed, bound_to=totp.COLUMN) if row.totp_sealed else None
    now = clock.now()
    code = "".join(code.split())
    step = totp.step_of(key, code, at=now, after=row.totp_last_step) if key else None
    if step is None or not await _take_step(login.staff_id, step, row.totp_sealed):
        await _failed(nobody, login.staff_id, last=last, factor="totp")
        raise CodeWrong(field="code")
    return await _finish(login, enrolled=row.totp_confirmed_at is None)


async def _take_step(staff_id: UUID, step: int, sealed: str | None) -> bool:
    """Whether the code of this step was still good: of two who use it at once, one gets in."""
    unused = Staff.filter(id=staff_id, totp_last_step__lt=step, totp_sealed=sealed)
    return bool(await unused.update(totp_last_step=step))


async def _finish(login: LogIn, *, enrolled: bool) -> str:
    token = secrets.token_urlsafe(TOKEN_BYTES)
    now = clock.now()
    async with db.transaction():
        waiting = StaffSession.filter(id=login.session_id, passed_at=None, ended_at=None)
        if not await waiting.update(
            token_hash=token_hash(token),
            passed_at=now,
            last_seen_at=now,
            expires_at=now + ABSOLUTE,
        ):
            raise Unauthenticated
        changes: dict[str, Any] = {"failures": 0, "locked_until": None}
        if enrolled:
            changes["totp_confirmed_at"] = now
            await audit.record(login.actor, "staff.enrolled", entity_id=login.staff_id)
        await Staff.filter(id=login.staff_id).update(**changes)
        await _end_oldest(login)
        await audit.record(login.actor, "staff.logged_in", entity_id=login.session_id)
    log.info("staff.logged_in", staff_id=str(login.staff_id), session_id=str(login.session_id))
    return token


async def _end_oldest(login: LogIn) -> None:
    living = _living(login.staff_id).order_by("-created_at", "id")
    ids = [row.id for row in await living.limit(SESSIONS_MOST * 2)]
    if len(ids) > SESSIONS_MOST:
        await StaffSession.filter(id__in=ids[SESSIONS_MOST:]).update(ended_at=clock.now())


def _living(staff_id: UUID) -> QuerySet[StaffSession]:
    now = clock.now()
    return StaffSession.filter(
        staff_id=staff_id, ended_at=None, expires_at__gt=now, last_seen_at__gt=now - IDLE
    )


async def opened(login: LogIn) -> list[Opened]:
    """Where this person is logged in now, the latest first."""
    rows = await _living(login.staff_id).order_by("-last_seen_at", "id").limit(SESSIONS_MOST * 2)
    return [Opened(row.id, row.device, row.created_at, row.last_seen_at) for row in rows]


async def end(login: LogIn, session_id: UUID | None = None) -> None:
    """Log out, or end another log-in of one's own.

    Raises:
        NotFound: no such living log-in of this person.
    """
    wanted = session_id or login.session_id
    async with db.transaction():
        mine = StaffSession.filter(id=wanted, staff_id=login.staff_id, ended_at=None)
        if not await mine.update(ended_at=clock.now()):
            raise NotFound
        await audit.record(login.actor, "staff.logged_out", entity_id=wanted)


async def sweep() -> int:
    """Forget log-ins that were over a month ago; a limited number a call. Returns how many.

    The audit keeps who logged in, and when.
    """
    over = StaffSession.filter(expires_at__lte=clock.now() - KEPT)
    ids: list[UUID] = await over.limit(SWEEP_MOST).values_list("id", flat=True)  # type: ignore[assignment]
    return await over.filter(id__in=ids).delete()


async def change_password(login: LogIn, *, present: str, password: str) -> None:
    """One's own, with the present one; every other log-in of this person ends.

    Raises:
        PasswordWrong, PasswordWeak (with `field`), Locked.
    """
    row = await Staff.get(id=login.staff_id)
    passwords.check(password, row.username)
    if passwords.normal(present) == passwords.normal(password):
        raise PasswordWeak("新密码要和现在的不同。", field="password")
    nobody = Actor(login.actor.consortium_id, "anonymous")
    last = await _attempt(nobody, login.staff_id)
    if not await passwords.fits(row.password_hash, present):
        await _failed(nobody, login.staff_id, last=last, factor="password")
        raise PasswordWrong(field="present")
    kept = await passwords.hashed(password)
    async with db.transaction():
        mine = Staff.filter(id=login.staff_id, password_hash=row.password_hash)
        if not await mine.update(
            password_hash=kept, must_change=False, failures=0, locked_until=None
        ):
            raise PasswordWrong(field="present")
        others = StaffSession.filter(staff_id=login.staff_id, ended_at=None)
        await others.exclude(id=login.session_id).update(ended_at=clock.now())
        await audit.record(login.actor, "staff.password_changed", entity_id=login.staff_id)
