"""Codes that let a carer in: once, within their time, and never further than who gave them."""

import asyncio
import re
from datetime import timedelta
from uuid import uuid4

import pytest

from backend import clock, worker
from backend import db as database
from backend.audit import AuditEvent
from backend.booking import leaving
from backend.errors import NotFound
from backend.identity import carers, invitations
from backend.identity.access import Actor
from backend.identity.errors import (
    AlreadyAdded,
    InvitationWrong,
    TooManyPatients,
)
from backend.identity.models import Carer, CarerInvitation, Consent
from backend.settings import Settings
from tests.carers import accept, decide, invite, let_in, may
from tests.people import a_person, an_account, an_id_number, register

RIVALS = 24


@pytest.fixture(autouse=True)
def _noon(noon: clock.Hands) -> None:
    """Every test here happens at the stopped noon."""


async def test_a_code_lets_one_in_as_it_says(db: None, settings: Settings) -> None:
    person = await a_person(settings)
    until = clock.now() + timedelta(days=30)
    actor, row = await let_in(settings, person, scope="view", expires_at=until)
    assert (row.state, row.scope, row.relation, row.expires_at) == (
        "active", "view", "child", until,
    )  # fmt: skip
    assert await may(actor, person.patient_id)


async def test_a_code_is_long_and_only_its_hash_is_kept(db: None, settings: Settings) -> None:
    person = await a_person(settings)
    code = await invite(person.actor, person.patient_id)
    assert re.fullmatch(r"[\w-]{22}", code)  # 128 bits
    for table in ("carer_invitation", "audit_event", "consent"):
        assert code not in str(await database.fetch(f"SELECT * FROM {table}"))


async def test_a_code_is_used_once_by_many(db: None, settings: Settings) -> None:
    person = await a_person(settings)
    code = await invite(person.actor, person.patient_id)
    rivals = [await an_account(settings) for _ in range(RIVALS)]
    results = await asyncio.gather(
        *(accept(actor, code) for actor in rivals), return_exceptions=True
    )
    assert sum(isinstance(result, Carer) for result in results) == 1
    assert sum(isinstance(result, InvitationWrong) for result in results) == RIVALS - 1
    assert await Carer.filter(patient_id=person.patient_id).count() == 2


async def test_a_code_is_good_for_48_hours(db: None, settings: Settings, noon: clock.Hands) -> None:
    person = await a_person(settings)
    codes = [await invite(person.actor, person.patient_id) for _ in range(2)]
    noon.move(timedelta(hours=48, seconds=-1))
    await accept(await an_account(settings), codes[0])
    noon.move(timedelta(seconds=1))
    with pytest.raises(InvitationWrong):
        await accept(await an_account(settings), codes[1])


async def test_a_refused_code_is_not_used_up(db: None, settings: Settings) -> None:
    person = await a_person(settings)
    code = await invite(person.actor, person.patient_id)
    with pytest.raises(AlreadyAdded):
        await accept(person.actor, code)
    full = await an_account(settings)
    await register(full, settings, id_number=an_id_number(order=70))
    with pytest.raises(TooManyPatients):
        await accept(full, code, most=1)
    await accept(await an_account(settings), code)


@pytest.mark.parametrize("code", ["", "x", "a" * 22, "é", "' OR 1=1 --"])
async def test_a_guessed_code_lets_nobody_in(db: None, settings: Settings, code: str) -> None:
    person = await a_person(settings)
    await invite(person.actor, person.patient_id)
    with pytest.raises(InvitationWrong):
        await accept(await an_account(settings), code)


async def test_a_code_ends_with_the_right_of_who_gave_it(db: None, settings: Settings) -> None:
    person = await a_person(settings)
    manager, row = await let_in(settings, person, scope="manage")
    code = await invite(manager, person.patient_id)
    await leaving.revoke(person.actor, person.patient_id, row.id)
    with pytest.raises(InvitationWrong):
        await accept(await an_account(settings), code)


async def test_a_code_ends_with_the_time_of_who_gave_it(
    db: None, settings: Settings, noon: clock.Hands
) -> None:
    person = await a_person(settings)
    until = clock.now() + timedelta(hours=1)
    manager, _ = await let_in(settings, person, scope="manage", expires_at=until)
    code = await invite(manager, person.patient_id)
    noon.move(timedelta(hours=1))
    with pytest.raises(InvitationWrong):
        await accept(await an_account(settings), code)


async def test_a_code_of_another_county_is_worth_nothing(db: None, settings: Settings) -> None:
    person = await a_person(settings)
    code = await invite(person.actor, person.patient_id)
    stranger = await an_account(settings)
    elsewhere = Actor(uuid4(), "resident", stranger.id)
    with pytest.raises(InvitationWrong):
        await accept(elsewhere, code)


@pytest.mark.parametrize("scope", ["view", "book"])
async def test_only_who_manages_invites_consents_and_sees_the_others(
    db: None, settings: Settings, scope: str
) -> None:
    person = await a_person(settings)
    actor, row = await let_in(settings, person, scope=scope)
    other, third = await let_in(settings, person)
    for deed in (
        invite(actor, person.patient_id),
        carers.list_of(actor, person.patient_id),
        decide(actor, third, scope="manage"),
        decide(actor, row, scope="manage"),
        leaving.revoke(actor, person.patient_id, third.id),
    ):
        with pytest.raises(NotFound):
            await deed
    assert await may(other, person.patient_id)


# --- taken back, and looked at first --------------------------------------------------------------


async def test_a_code_is_taken_back_by_anyone_who_manages(db: None, settings: Settings) -> None:
    person = await a_person(settings)
    manager, _ = await let_in(settings, person, scope="manage")
    codes = [await invite(person.actor, person.patient_id) for _ in range(2)]
    later, first = await invitations.list_of(manager, person.patient_id)
    assert {later.invited_by, first.invited_by} == {person.actor.account_id}
    for unused in (first, later):
        await invitations.withdraw(manager, person.patient_id, unused.id)
    assert await invitations.list_of(person.actor, person.patient_id) == []
    for code in codes:
        with pytest.raises(InvitationWrong):
            await invitations.open_code(await an_account(settings), code)
        with pytest.raises(InvitationWrong):
            await accept(await an_account(settings), code)
    with pytest.raises(NotFound):
        await invitations.withdraw(manager, person.patient_id, first.id)
    row = await AuditEvent.get(action="carer.uninvited", entity_id=first.id)
    assert (row.actor_id, row.patient_id) == (manager.account_id, person.patient_id)
    granted = Consent.filter(account_id=manager.account_id, patient_id=person.patient_id)
    assert await granted.filter(granted=False).count() == 2


async def test_what_is_used_or_over_is_not_listed_and_not_taken_back(
    db: None, settings: Settings, noon: clock.Hands
) -> None:
    person = await a_person(settings)
    manager, carer = await let_in(settings, person, scope="manage")
    used = await CarerInvitation.get(patient_id=person.patient_id)
    await invite(manager, person.patient_id)
    (of_manager,) = await invitations.list_of(person.actor, person.patient_id)
    await leaving.revoke(person.actor, person.patient_id, carer.id)
    assert await invitations.list_of(person.actor, person.patient_id) == []
    await invite(person.actor, person.patient_id)
    (late,) = await invitations.list_of(person.actor, person.patient_id)
    noon.move(timedelta(hours=48))
    assert await invitations.list_of(person.actor, person.patient_id) == []
    assert late.expires_at == clock.now()
    for gone in (used, of_manager, late):
        with pytest.raises(NotFound):
            await invitations.withdraw(person.actor, person.patient_id, gone.id)


async def test_what_nobody_used_in_time_is_forgotten(
    db: None, settings: Settings, noon: clock.Hands
) -> None:
    """From its end on; what was used stays, as it says who let whom in."""
    person = await a_person(settings)
    await let_in(settings, person)
    for _ in range(3):
        await invite(person.actor, person.patient_id)
    noon.move(timedelta(hours=48, seconds=-1))
    await invite(person.actor, person.patient_id)
    sweep = next(job for job in worker.jobs(settings) if job.name == "invitations.sweep")
    assert await sweep.work() == 0
    noon.move(timedelta(seconds=1))
    assert await sweep.work() == 3
    left = await CarerInvitation.all()
    assert sorted(row.used_at is None for row in left) == [False, True]
    assert await sweep.work() == 0


async def test_only_so_many_are_forgotten_a_call(
    db: None, settings: Settings, noon: clock.Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invitations, "SWEEP_MOST", 2)
    person = await a_person(settings)
    for _ in range(3):
        await invite(person.actor, person.patient_id)
    noon.move(timedelta(hours=48))
    assert [await invitations.sweep() for _ in range(3)] == [2, 1, 0]


async def test_a_code_is_used_or_taken_back_but_never_both(db: None, settings: Settings) -> None:
    person = await a_person(settings)
    for _ in range(RIVALS):
        code = await invite(person.actor, person.patient_id)
        (unused,) = await invitations.list_of(person.actor, person.patient_id)
        rival = await an_account(settings)
        used, withdrawn = await asyncio.gather(
            accept(rival, code),
            invitations.withdraw(person.actor, person.patient_id, unused.id),
            return_exceptions=True,
        )
        assert isinstance(used, Carer) != (withdrawn is None), (used, withdrawn)
        assert await may(rival, person.patient_id) == isinstance(used, Carer)


async def test_nobody_takes_back_what_is_not_theirs(db: None, settings: Settings) -> None:
    person, stranger = await a_person(settings), await a_person(settings)
    code = await invite(person.actor, person.patient_id)
    (unused,) = await invitations.list_of(person.actor, person.patient_id)
    helper, _ = await let_in(settings, person, scope="book")
    for actor, patient_id in (
        (helper, person.patient_id),
        (stranger.actor, person.patient_id),
        (stranger.actor, stranger.patient_id),
    ):
        with pytest.raises(NotFound):
            await invitations.withdraw(actor, patient_id, unused.id)
    for actor in (helper, stranger.actor):
        with pytest.raises(NotFound):
            await invitations.list_of(actor, person.patient_id)
    await accept(await an_account(settings), code)


async def test_who_invites_and_for_whom_is_seen_first(db: None, settings: Settings) -> None:
    person = await a_person(settings)  # 王桂兰
    until = clock.now() + timedelta(days=30)
    code = await invite(person.actor, person.patient_id, scope="view", expires_at=until)
    guest = await an_account(settings)
    seen = await invitations.open_code(guest, code)
    assert seen == invitations.Offer(
        "王*兰", "王*兰", "self", "view", until, clock.now() + timedelta(hours=48)
    )
    row = await AuditEvent.get(action="carer.invitation_opened")
    assert (row.actor_id, row.patient_id) == (guest.account_id, person.patient_id)
    assert not await may(guest, person.patient_id)
    await accept(guest, code)


async def test_an_inviter_without_a_name_is_told_by_the_relation(
    db: None, settings: Settings
) -> None:
    person = await a_person(settings)
    daughter, _ = await let_in(settings, person, scope="manage")
    code = await invite(daughter, person.patient_id)
    seen = await invitations.open_code(await an_account(settings), code)
    assert (seen.patient, seen.inviter, seen.inviter_relation) == ("王*兰", None, "child")
    await register(daughter, settings, name="李敏")
    seen = await invitations.open_code(await an_account(settings), code)
    assert (seen.patient, seen.inviter) == ("王*兰", "李*")


async def test_a_code_that_lets_nobody_in_shows_nothing(
    db: None, settings: Settings, noon: clock.Hands
) -> None:
    person, guest = await a_person(settings), await an_account(settings)
    used, late = [await invite(person.actor, person.patient_id) for _ in range(2)]
    await accept(await an_account(settings), used)
    manager, row = await let_in(settings, person, scope="manage")
    left = await invite(manager, person.patient_id)
    await leaving.revoke(person.actor, person.patient_id, row.id)
    elsewhere = Actor(uuid4(), "resident", guest.id)
    for actor, code in ((guest, used), (guest, left), (guest, "a" * 22), (elsewhere, late)):
        with pytest.raises(InvitationWrong):
            await invitations.open_code(actor, code)
    noon.move(timedelta(hours=48))
    with pytest.raises(InvitationWrong):
        await invitations.open_code(guest, late)
    assert await AuditEvent.filter(action="carer.invitation_opened").count() == 0
