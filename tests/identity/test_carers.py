"""Carers: let in by one who manages, shown out by either side."""

import asyncio
from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from backend import clock
from backend.audit import AuditEvent
from backend.booking import leaving
from backend.errors import Malformed, NotFound
from backend.identity import carers, patients
from backend.identity.access import Actor
from backend.identity.errors import (
    NotYours,
    SelfAlreadyAdded,
    TooManyCarers,
)
from backend.identity.models import Carer, CarerInvitation, Consent
from backend.identity.patients import Change
from backend.settings import Settings
from tests.carers import accept, decide, invite, let_in, may
from tests.people import a_person, a_receipt, an_account, an_id_number, register, vault_of

RIVALS = 24


@pytest.fixture(autouse=True)
def _noon(noon: clock.Hands) -> None:
    """Every test here happens at the stopped noon."""


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
