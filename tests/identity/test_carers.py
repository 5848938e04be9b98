"""Carers: let in by one who manages, by code or by consent; shown out by either side."""

import asyncio
import re
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from backend import clock, worker
from backend import db as database
from backend.audit import AuditEvent
from backend.booking import leaving
from backend.errors import Malformed, NotFound
from backend.identity import carers, invitations, patients
from backend.identity.access import Actor
from backend.identity.errors import (
    AlreadyAdded,
    InvitationWrong,
    NotYours,
    SelfAlreadyAdded,
    TooManyCarers,
    TooManyPatients,
)
from backend.identity.models import Carer, CarerInvitation, Consent
from backend.identity.patients import Change
from backend.settings import Settings
from tests.people import Person, a_person, a_receipt, an_account, an_id_number, register, vault_of

RIVALS = 24


@pytest.fixture(autouse=True)
def _noon(noon: clock.Hands) -> None:
    """Every test here happens at the stopped noon."""


async def invite(
    actor: Actor, patient_id: UUID, *, scope: str = "book", expires_at: datetime | None = None
) -> str:
    code, _ = await invitations.invite(
        actor, patient_id, scope=scope, expires_at=expires_at, receipt=a_receipt(actor)
    )
    return code


async def accept(actor: Actor, code: str, relation: str = "child", most: int = 5) -> Carer:
    return await invitations.accept(
        actor, code, relation=relation, most=most, receipt=a_receipt(actor)
    )


async def decide(actor: Actor, row: Carer, **facts: Any) -> Carer:
    told: dict[str, Any] = {"scope": "book", "expires_at": None} | facts
    return await carers.decide(actor, row.patient_id, row.id, receipt=a_receipt(actor), **told)


async def let_in(settings: Settings, person: Person, **facts: Any) -> tuple[Actor, Carer]:
    """Somebody whom `person` has invited."""
    actor = await an_account(settings)
    row = await accept(actor, await invite(person.actor, person.patient_id, **facts))
    return actor, row


async def may(actor: Actor, patient_id: UUID) -> bool:
    try:
        await patients.show(actor, patient_id)
    except NotFound:
        return False
    return True


# --- by code --------------------------------------------------------------------------------------


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


# --- by consent -----------------------------------------------------------------------------------


async def asked(settings: Settings) -> tuple[Actor, Actor, Carer]:
    """Mother, daughter, and what the daughter asks for."""
    mother, daughter = await an_account(settings), await an_account(settings)
    await register(mother, settings)
    return mother, daughter, await register(daughter, settings, relation="child")


async def test_who_asks_is_let_in_by_consent(db: None, settings: Settings) -> None:
    mother, daughter, row = await asked(settings)
    assert not await may(daughter, row.patient_id)
    listed = await carers.list_of(mother, row.patient_id)
    assert {one.state for one, _ in listed} == {"active", "requested"}
    assert (await decide(mother, row)).state == "active"
    assert await may(daughter, row.patient_id)


async def test_who_asks_is_seen_by_their_masked_name(db: None, settings: Settings) -> None:
    """Theirs, not the patient's; who has given no name has none; nobody else's is shown."""
    mother, daughter, row = await asked(settings)

    async def listed() -> list[tuple[str, str | None]]:
        found = await carers.list_of(mother, row.patient_id)
        return sorted((one.state, name) for one, name in found)

    assert await listed() == [("active", None), ("requested", None)]
    await register(daughter, settings, name="李小敏", id_number=an_id_number(order=70))
    assert await listed() == [("active", None), ("requested", "李*敏")]
    assert await AuditEvent.filter(action="carer.listed", patient_id=row.patient_id).count() == 2
    await decide(mother, row)
    assert {name for _, name in await carers.list_of(mother, row.patient_id)} == {None}


async def test_all_who_ask_can_be_seen_and_answered(
    db: None, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those who ask and those who are let in count together, under a race too."""
    monkeypatch.setattr(patients, "CARERS_MOST", 6)
    mother, _, row = await asked(settings)
    codes = [await invite(mother, row.patient_id) for _ in range(RIVALS // 2)]
    rivals = [await an_account(settings) for _ in range(RIVALS)]
    results = await asyncio.gather(
        *(accept(actor, code) for actor, code in zip(rivals, codes, strict=False)),
        *(register(actor, settings, relation="child") for actor in rivals[len(codes) :]),
        return_exceptions=True,
    )
    assert sum(isinstance(result, Carer) for result in results) == 4
    assert sum(isinstance(result, TooManyCarers) for result in results) == RIVALS - 4
    assert len(await carers.list_of(mother, row.patient_id)) == 6


async def test_who_was_refused_makes_room_and_who_asks_has_it(
    db: None, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patients, "CARERS_MOST", 2)
    mother, daughter, row = await asked(settings)
    code = await invite(mother, row.patient_id)
    son = await an_account(settings)
    with pytest.raises(TooManyCarers):
        await accept(son, code)
    assert (await accept(daughter, code)).state == "active"
    await leaving.revoke(mother, row.patient_id, row.id)
    assert (await register(son, settings, relation="child")).state == "requested"


async def test_whose_time_is_over_has_left_their_place(
    db: None, settings: Settings, noon: clock.Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patients, "CARERS_MOST", 2)
    person = await a_person(settings)
    _, row = await let_in(settings, person, expires_at=_in(days=1))
    noon.move(timedelta(days=2))
    await let_in(settings, person)
    with pytest.raises(TooManyCarers):
        await decide(person.actor, row)


async def test_nobody_lets_themself_in(db: None, settings: Settings) -> None:
    _, daughter, row = await asked(settings)
    with pytest.raises(NotFound):
        await decide(daughter, row)
    assert not await may(daughter, row.patient_id)


async def test_nobody_widens_their_own_right(db: None, settings: Settings) -> None:
    person = await a_person(settings)
    manager, row = await let_in(settings, person, scope="manage", expires_at=_in(days=1))
    with pytest.raises(NotFound):
        await decide(manager, row, scope="manage", expires_at=None)


async def test_who_asks_can_be_refused_and_ask_again(db: None, settings: Settings) -> None:
    mother, daughter, row = await asked(settings)
    await leaving.revoke(mother, row.patient_id, row.id)
    assert await patients.list_mine(daughter) == []
    again = await register(daughter, settings, relation="child")
    assert (again.state, again.id) == ("requested", row.id)


async def test_a_right_is_narrowed_and_ends_in_time(
    db: None, settings: Settings, noon: clock.Hands
) -> None:
    mother, daughter, row = await asked(settings)
    await decide(mother, row, scope="view", expires_at=_in(hours=1))
    assert await may(daughter, row.patient_id)
    noon.move(timedelta(minutes=59, seconds=59))
    assert await may(daughter, row.patient_id)
    noon.move(timedelta(seconds=1))
    assert not await may(daughter, row.patient_id)
    assert await patients.list_mine(daughter) == []


async def test_an_end_in_another_zone_is_the_same_instant(
    db: None, settings: Settings, noon: clock.Hands
) -> None:
    """SQLite keeps instants as text: 20:00+08:00 must not sort after 13:00+00:00."""
    mother, daughter, row = await asked(settings)
    await decide(mother, row, expires_at=_in(hours=1).astimezone(clock.SHANGHAI))
    assert (await Carer.get(id=row.id)).expires_at == _in(hours=1)
    noon.move(timedelta(minutes=59))
    assert await may(daughter, row.patient_id)
    noon.move(timedelta(minutes=1))
    assert not await may(daughter, row.patient_id)


def _in(**span: int) -> datetime:
    return clock.now() + timedelta(**span)


async def test_whose_time_is_over_may_be_let_in_anew(
    db: None, settings: Settings, noon: clock.Hands
) -> None:
    person = await a_person(settings)
    actor, row = await let_in(settings, person, expires_at=_in(hours=1))
    noon.move(timedelta(hours=2))
    assert not await may(actor, person.patient_id)
    again = await accept(actor, await invite(person.actor, person.patient_id))
    assert (again.id, again.expires_at) == (row.id, None)
    assert await may(actor, person.patient_id)


async def test_whose_time_is_over_takes_no_room(
    db: None, settings: Settings, noon: clock.Hands
) -> None:
    person = await a_person(settings)
    actor, _ = await let_in(settings, person, expires_at=_in(hours=1))
    noon.move(timedelta(hours=2))
    await register(actor, settings, id_number=an_id_number(order=70), most=1)


# --- the patient's own account --------------------------------------------------------------------


async def test_a_carer_can_not_make_themself_the_patient(db: None, settings: Settings) -> None:
    """Or they could not be shown out any more."""
    person = await a_person(settings)
    actor, row = await let_in(settings, person, scope="view")
    with pytest.raises(SelfAlreadyAdded):
        await patients.change(actor, vault_of(settings), person.patient_id, Change(relation="self"))
    code = await invite(person.actor, person.patient_id)
    with pytest.raises(SelfAlreadyAdded):
        await accept(await an_account(settings), code, relation="self")
    await leaving.revoke(person.actor, person.patient_id, row.id)
    assert not await may(actor, person.patient_id)


async def test_a_manager_can_neither_show_out_nor_cut_the_patient_themself(
    db: None, settings: Settings
) -> None:
    person = await a_person(settings)
    manager, _ = await let_in(settings, person, scope="manage")
    own = await Carer.get(patient_id=person.patient_id, relation="self")
    with pytest.raises(NotYours):
        await leaving.revoke(manager, person.patient_id, own.id)
    for cut in ({"scope": "view"}, {"scope": "manage", "expires_at": _in(seconds=1)}):
        with pytest.raises(NotYours):
            await decide(manager, own, **cut)
    own = await Carer.get(id=own.id)
    assert (own.state, own.scope, own.expires_at) == ("active", "manage", None)


async def test_there_is_no_second_account_of_the_patient_themself(
    db: None, settings: Settings
) -> None:
    """It could never be shown out again, whoever it belongs to."""
    owner = await an_account(settings)
    mine = await register(owner, settings)
    stranger = await an_account(settings)
    asking = await register(stranger, settings, relation="self")
    assert (asking.patient_id, asking.state) == (mine.patient_id, "requested")
    for _ in range(2):
        with pytest.raises(SelfAlreadyAdded, match="已经有"):
            await decide(owner, asking, scope="manage")
        assert not (await Carer.get(id=asking.id)).scope == "manage"
        assert (await decide(owner, asking, scope="book")).state == "active"
    await leaving.revoke(owner, mine.patient_id, asking.id)


async def test_one_of_many_managers_becomes_the_patient_themself(
    db: None, settings: Settings
) -> None:
    host = await a_person(settings)
    await Carer.filter(account_id=host.actor.account_id).update(relation="child")
    rivals = [(await let_in(settings, host, scope="manage"))[0] for _ in range(RIVALS)]
    await asyncio.gather(
        *(
            patients.change(rival, vault_of(settings), host.patient_id, Change(relation="self"))
            for rival in rivals
        ),
        return_exceptions=True,
    )
    assert await Carer.filter(patient_id=host.patient_id, relation="self").count() == 1


async def test_either_side_ends_it_and_at_once(db: None, settings: Settings) -> None:
    person = await a_person(settings)
    first, row = await let_in(settings, person)
    second, other = await let_in(settings, person)
    await leaving.revoke(person.actor, person.patient_id, row.id)
    await leaving.revoke(second, person.patient_id, other.id)
    assert not await may(first, person.patient_id)
    assert not await may(second, person.patient_id)
    for carer_id in (row.id, other.id, uuid4()):
        with pytest.raises(NotFound):
            await leaving.revoke(person.actor, person.patient_id, carer_id)


async def test_a_carer_of_another_patient_is_not_found(db: None, settings: Settings) -> None:
    person, neighbour = await a_person(settings), await a_person(settings)
    _, theirs = await let_in(settings, neighbour)
    for patient_id in (person.patient_id, neighbour.patient_id):
        with pytest.raises(NotFound):
            await leaving.revoke(person.actor, patient_id, theirs.id)
        with pytest.raises(NotFound):
            await carers.decide(
                person.actor, patient_id, theirs.id, scope="view", expires_at=None,
                receipt=a_receipt(person.actor),
            )  # fmt: skip
    assert (await Carer.get(id=theirs.id)).state == "active"


async def test_a_right_is_ended_once_by_many(db: None, settings: Settings) -> None:
    person = await a_person(settings)
    _, row = await let_in(settings, person)
    results = await asyncio.gather(
        *(leaving.revoke(person.actor, person.patient_id, row.id) for _ in range(RIVALS)),
        return_exceptions=True,
    )
    assert sum(result is None for result in results) == 1
    assert sum(isinstance(result, NotFound) for result in results) == RIVALS - 1


async def test_every_decision_is_written_down_for_ever(db: None, settings: Settings) -> None:
    person = await a_person(settings)
    actor, row = await let_in(settings, person)
    await decide(person.actor, row, scope="view")
    await carers.list_of(person.actor, person.patient_id)
    await leaving.revoke(person.actor, person.patient_id, row.id)
    of = {"patient_id": person.patient_id}
    actions = await AuditEvent.filter(**of).values_list("action", "actor_id")
    assert sorted(actions) == sorted(
        [
            ("carer.accepted", actor.id), ("carer.consented", person.actor.id),
            ("carer.invited", person.actor.id), ("carer.listed", person.actor.id),
            ("carer.revoked", person.actor.id),
        ]
    )  # fmt: skip
    given = await Consent.filter(purpose="carer", **of).values_list("granted", flat=True)
    assert sorted(given) == [False, True, True, True]
    assert (await CarerInvitation.get()).used_at == clock.now()


async def test_a_right_that_ends_before_it_begins_is_refused(db: None, settings: Settings) -> None:
    person = await a_person(settings)
    _, row = await let_in(settings, person)
    for over in (clock.now(), _in(days=-1)):
        with pytest.raises(Malformed):
            await decide(person.actor, row, expires_at=over)
        with pytest.raises(Malformed):
            await invite(person.actor, person.patient_id, expires_at=over)
