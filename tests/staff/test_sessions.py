"""Log-ins: uniform refusals, the lock, the second factor once, and their ends."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from argon2 import PasswordHasher

from backend import clock
from backend.audit import AuditEvent
from backend.consortium import directory
from backend.consortium.models import Organization
from backend.errors import NotFound, Unauthenticated
from backend.hub import Hub, InProcessHub
from backend.settings import Settings
from backend.staff import accounts, passwords, sessions, totp
from backend.staff.errors import (
    CodeWrong,
    Locked,
    LogInWrong,
    OneTimeOver,
    PasswordWeak,
    PasswordWrong,
)
from backend.staff.models import Staff, StaffRole, StaffSession
from tests.clinics import a_clinic
from tests.people import a_staff, a_staff_account, vault_of

PASSWORD = "rain river lamp"
KEY = totp.new_key()


async def a_member(settings: Settings, username: str = "limin", **facts: object) -> Staff:
    """With the password and key of this file."""
    sealed = vault_of(settings).seal(KEY, bound_to=totp.COLUMN)
    kept = await passwords.hashed(PASSWORD)
    told = {"username": username, "password_hash": kept, "totp_sealed": sealed} | facts
    return await a_staff_account(settings, "auditor", **told)


async def first(
    settings: Settings, *, username: str = "limin", password: str = PASSWORD, hub: Hub | None = None
) -> str:
    return await sessions.log_in(
        settings.consortium_id, hub or InProcessHub(), username=username, password=password,
        device="Chrome",
    )  # fmt: skip


async def second(settings: Settings, token: str, code: str | None = None) -> str:
    half = await sessions.verify(settings.consortium_id, token)
    said = totp.code_at(KEY, clock.now()) if code is None else code
    return await sessions.pass_second_factor(half, vault_of(settings), code=said)


async def wrong(
    settings: Settings, times: int, username: str = "limin", hub: Hub | None = None
) -> None:
    for _ in range(times):
        with pytest.raises(LogInWrong):
            await first(settings, username=username, password="wrong", hub=hub)


async def told(action: str) -> int:
    return await AuditEvent.filter(action=action).count()


async def test_before_the_second_factor_one_may_nothing(
    settings: Settings, db: None, noon: clock.Hands
) -> None:
    await a_member(settings)
    half = await first(settings)
    login = await sessions.verify(settings.consortium_id, half)
    assert not login.passed
    assert login.actor.grants == ()
    whole = await second(settings, half)
    login = await sessions.verify(settings.consortium_id, whole)
    assert login.passed
    assert login.actor.may("audit.read")
    with pytest.raises(Unauthenticated):  # a new token: nobody may have planted the one before
        await sessions.verify(settings.consortium_id, half)
    assert await told("staff.logged_in") == 1


async def test_nobody_learns_who_works_here(
    settings: Settings, db: None, noon: clock.Hands
) -> None:
    """The same answers in the same order for a name that exists and one that does not."""
    await a_member(settings)
    await a_member(settings, "gone", disabled_at=clock.now())
    answers = {}
    for name in ("limin", "nobody", "gone"):
        hub, seen = InProcessHub(), []
        for _ in range(7):
            try:
                await first(settings, username=name, password="wrong", hub=hub)
            except (LogInWrong, Locked) as refused:
                seen.append((refused.status, refused.code, refused.detail))
        answers[name] = seen
    assert answers["limin"] == answers["nobody"] == answers["gone"]
    assert [code for _, code, _ in answers["limin"]] == ["log-in-wrong"] * 5 + [
        "account-locked"
    ] * 2


async def test_unknown_names_cost_as_much_as_known_ones(
    settings: Settings, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted in looks at a hash, which is where the time goes."""
    await a_member(settings)
    looks: list[str] = []
    real = passwords._fits
    monkeypatch.setattr(
        passwords, "_fits", lambda kept, said: looks.append(said) or real(kept, said)
    )
    await wrong(settings, 1)
    await wrong(settings, 1, "nobody")
    assert len(looks) == 2


async def test_the_lock_holds_a_quarter_of_an_hour(
    settings: Settings, db: None, noon: clock.Hands
) -> None:
    await a_member(settings)
    await wrong(settings, 5)
    with pytest.raises(Locked):
        await first(settings)
    noon.move(timedelta(minutes=15) - timedelta(seconds=1))
    with pytest.raises(Locked):
        await first(settings)
    noon.move(timedelta(seconds=1))
    await second(settings, await first(settings))
    assert await told("staff.login_failed") == 5
    assert await told("staff.locked") == 1
    await wrong(settings, 4)  # forgiven, so these are not the fifth
    await first(settings)


async def test_rivals_get_five_looks_altogether(
    settings: Settings, db: None, noon: clock.Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    """30 guesses at once: each counts before it is judged."""
    await a_member(settings)
    looks: list[str] = []
    monkeypatch.setattr(passwords, "_fits", lambda kept, said: bool(looks.append(said)))
    done = await asyncio.gather(
        *(first(settings, password=f"guess {n}") for n in range(30)), return_exceptions=True
    )
    assert sum(isinstance(one, LogInWrong) for one in done) == 5
    assert sum(isinstance(one, Locked) for one in done) == 25
    assert len(looks) == 5


async def test_who_knows_the_password_gets_no_more_codes(
    settings: Settings, db: None, noon: clock.Hands
) -> None:
    """Wrong codes count on over new log-ins."""
    await a_member(settings)
    for _ in range(5):
        with pytest.raises(CodeWrong):
            await second(settings, await first(settings), "000000")
    with pytest.raises(Locked):
        await first(settings)


async def test_a_code_is_good_once(settings: Settings, db: None, noon: clock.Hands) -> None:
    await a_member(settings)
    await second(settings, await first(settings))
    again = await first(settings)
    with pytest.raises(CodeWrong):
        await second(settings, again)
    noon.move(timedelta(seconds=30))
    await second(settings, again)


async def test_of_twenty_with_one_code_one_gets_in(
    settings: Settings, db: None, noon: clock.Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "FAILURES_MOST", 100)
    await a_member(settings)
    halves = [await first(settings) for _ in range(20)]
    done = await asyncio.gather(
        *(second(settings, half) for half in halves), return_exceptions=True
    )
    assert sum(isinstance(one, str) for one in done) == 1
    assert sum(isinstance(one, CodeWrong) for one in done) == 19


async def test_setting_up_shows_one_key_until_it_is_confirmed(
    settings: Settings, db: None, noon: clock.Hands
) -> None:
    await a_member(settings, totp_sealed=None, totp_confirmed_at=None)
    vault = vault_of(settings)
    half = await first(settings)
    login = await sessions.verify(settings.consortium_id, half)
    key = await sessions.enrolment(login, vault)
    assert await sessions.enrolment(login, vault) == key
    code = totp.code_at(key, clock.now())
    whole = await sessions.pass_second_factor(login, vault, code=f" {code[:3]} {code[3:]} ")
    login = await sessions.verify(settings.consortium_id, whole)
    assert login.enrolled
    with pytest.raises(NotFound):
        await sessions.enrolment(login, vault)
    assert await told("staff.enrolled") == 1
    assert key not in str(await Staff.all().values())


async def test_a_one_time_password_is_over_after_three_days(
    settings: Settings, db: None, noon: clock.Hands
) -> None:
    admin = a_staff(settings, "consortium_admin")
    new = accounts.NewMember(username="limin", name="李敏", role="auditor")
    staff_id, one_time = await accounts.create(admin, new)
    noon.move(accounts.ONE_TIME_FOR - timedelta(seconds=1))
    await first(settings, password=one_time)
    assert not (await accounts.member(admin, staff_id)).expired
    noon.move(timedelta(seconds=1))
    with pytest.raises(LogInWrong):  # only who has it right is told that it is over
        await first(settings, password="wrong")
    with pytest.raises(OneTimeOver):
        await first(settings, password=one_time)
    assert (await accounts.member(admin, staff_id)).expired
    again = await accounts.reset(admin, staff_id)
    await first(settings, password=again)
    await Staff.filter(id=staff_id).update(must_change=False)  # one's own is good for longer
    noon.move(accounts.ONE_TIME_FOR)
    await first(settings, password=again)


async def test_a_first_log_in_only_changes_the_password(
    settings: Settings, db: None, noon: clock.Hands
) -> None:
    await a_member(settings, must_change=True)
    whole = await second(settings, await first(settings))
    login = await sessions.verify(settings.consortium_id, whole)
    assert login.actor.grants == ()
    with pytest.raises(PasswordWeak):
        await sessions.change_password(login, present=PASSWORD, password="limin-2026-x")
    with pytest.raises(PasswordWeak):
        await sessions.change_password(login, present=PASSWORD, password=PASSWORD)
    with pytest.raises(PasswordWrong):
        await sessions.change_password(login, present="wrong", password="bridge tofu soup")
    await sessions.change_password(login, present=PASSWORD, password="bridge tofu soup")
    login = await sessions.verify(settings.consortium_id, whole)
    assert login.actor.may("audit.read")
    await wrong(settings, 1)  # the old one is over
    await first(settings, password="bridge tofu soup")


async def test_a_new_password_ends_the_other_log_ins(
    settings: Settings, db: None, noon: clock.Hands
) -> None:
    await a_member(settings)
    one = await second(settings, await first(settings))
    noon.move(timedelta(seconds=30))
    other = await second(settings, await first(settings))
    login = await sessions.verify(settings.consortium_id, one)
    assert len(await sessions.opened(login)) == 2
    await sessions.change_password(login, present=PASSWORD, password="bridge tofu soup")
    assert len(await sessions.opened(login)) == 1
    with pytest.raises(Unauthenticated):
        await sessions.verify(settings.consortium_id, other)


async def test_nobody_ends_the_log_in_of_another(settings: Settings, db: None) -> None:
    await a_member(settings)
    await a_member(settings, "other")
    mine = await sessions.verify(settings.consortium_id, await first(settings))
    theirs = await sessions.verify(settings.consortium_id, await first(settings, username="other"))
    with pytest.raises(NotFound):
        await sessions.end(theirs, mine.session_id)
    await sessions.end(mine)
    with pytest.raises(NotFound):
        await sessions.end(mine)


async def test_half_a_log_in_does_not_wait_long(
    settings: Settings, db: None, noon: clock.Hands
) -> None:
    await a_member(settings)
    half = await first(settings)
    noon.move(timedelta(minutes=10))
    with pytest.raises(Unauthenticated):
        await sessions.verify(settings.consortium_id, half)


async def test_a_log_in_of_another_county_is_unknown(settings: Settings, db: None) -> None:
    await a_member(settings)
    half = await first(settings)
    with pytest.raises(Unauthenticated):
        await sessions.verify(UUID(int=7), half)


async def test_an_old_hash_is_renewed(settings: Settings, db: None) -> None:
    old = PasswordHasher(2, 16, 1).hash(PASSWORD)
    row = await a_member(settings, password_hash=old)
    await first(settings)
    await row.refresh_from_db()
    assert row.password_hash != old
    await first(settings)


async def test_a_role_covers_what_stands_below(settings: Settings, db: None) -> None:
    """County hospital → township → village; not the sibling, and nothing above."""
    hospital = (await a_clinic(settings, tier="county")).organization
    township = (await a_clinic(settings)).organization
    village = (await a_clinic(settings, tier="village")).organization
    sibling = (await a_clinic(settings)).organization
    await Organization.filter(id=village.id).update(parent_id=township.id)
    await Organization.filter(id__in=[township.id, sibling.id]).update(parent_id=hospital.id)
    directory.forget()
    staff = await a_staff_account(settings, "institution_admin", township)
    (grant,) = await sessions.grants_of(
        settings.consortium_id, [("institution_admin", township.id)]
    )
    assert grant.organization_ids == {township.id, village.id}
    await StaffRole.filter(staff_id=staff.id).update(ended_at=clock.now())


async def test_the_oldest_of_many_ends(
    settings: Settings, db: None, noon: clock.Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "SESSIONS_MOST", 2)
    await a_member(settings)
    tokens = []
    for _ in range(3):
        tokens.append(await second(settings, await first(settings)))
        noon.move(timedelta(seconds=30))
    with pytest.raises(Unauthenticated):
        await sessions.verify(settings.consortium_id, tokens[0])
    await sessions.verify(settings.consortium_id, tokens[1])
    assert await StaffSession.filter(ended_at=None).count() == 2


async def test_log_ins_of_long_ago_are_forgotten(
    settings: Settings, db: None, noon: clock.Hands
) -> None:
    await a_member(settings)
    await second(settings, await first(settings))
    noon.move(timedelta(days=30))
    assert await sessions.sweep() == 0
    noon.move(timedelta(hours=8))
    await first(settings)
    assert await sessions.sweep() == 1
    assert await StaffSession.all().count() == 1
    assert await told("staff.logged_in") == 1
