"""Log-ins: only a hash is kept; they expire, can be ended, and one too many ends the oldest."""

import asyncio
import hashlib
from datetime import timedelta
from uuid import uuid4

import pytest

from backend import clock, recent
from backend import db as database
from backend.audit import AuditEvent
from backend.errors import NotFound, Unauthenticated
from backend.identity import sessions
from backend.identity.care import Care
from backend.identity.models import Account, Session
from backend.identity.sessions import DEVICES_MOST, SEEN_EVERY, Sessions
from backend.settings import Settings
from tests.people import log_in, vault_of

RIVALS = 24


@pytest.fixture(autouse=True)
def _noon(noon: clock.Hands) -> None:
    """Every test here happens at the stopped noon."""


async def test_a_log_in_opens_the_account_of_its_openid(db: None, settings: Settings) -> None:
    first, actor = await log_in(settings, "openid-1")
    second, same = await log_in(settings, "openid-1")
    _, other = await log_in(settings, "openid-2")
    assert first != second
    assert actor.id == same.id != other.id
    verified = await Sessions(Care()).verify(first)
    assert (verified.id, verified.session_id) == (actor.id, actor.session_id)


async def test_a_token_is_long_and_only_its_hash_is_kept(db: None, settings: Settings) -> None:
    token, _ = await log_in(settings)
    row = await Session.get()
    assert len(token) >= 43  # 256 bits in base64url
    assert row.token_hash == hashlib.sha256(token.encode()).hexdigest()
    for table in ("session", "account", "audit_event"):
        assert token not in str(await database.fetch(f"SELECT * FROM {table}"))


async def test_an_openid_is_kept_sealed(db: None, settings: Settings) -> None:
    await log_in(settings, "openid-secret")
    assert "openid-secret" not in str(await database.fetch("SELECT * FROM account"))
    row = await Account.get()
    assert vault_of(settings).open(row.openid_sealed, bound_to="account.openid") == "openid-secret"


async def test_the_first_taps_of_one_person_make_one_account(db: None, settings: Settings) -> None:
    await asyncio.gather(*(log_in(settings, "openid-eager") for _ in range(RIVALS)))
    assert await Account.all().count() == 1


async def test_a_log_in_lasts_its_days_to_the_second(
    db: None, settings: Settings, noon: clock.Hands
) -> None:
    token, _ = await log_in(settings)
    noon.move(timedelta(days=30, seconds=-1))
    await Sessions(Care()).verify(token)
    noon.move(timedelta(seconds=1))
    with pytest.raises(Unauthenticated):
        await Sessions(Care()).verify(token)


@pytest.mark.parametrize("token", ["", "x", "a" * 43, "é" * 20, "a" * 8000, "\x00"])
async def test_what_is_no_token_is_refused(db: None, settings: Settings, token: str) -> None:
    await log_in(settings)
    with pytest.raises(Unauthenticated):
        await Sessions(Care()).verify(token)


async def test_a_hash_is_no_token(db: None, settings: Settings) -> None:
    """Whoever reads the table can't log in with what stands there."""
    await log_in(settings)
    with pytest.raises(Unauthenticated):
        await Sessions(Care()).verify((await Session.get()).token_hash)


async def test_an_ended_log_in_is_over_here_at_once_and_elsewhere_within_its_trust(
    db: None, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, actor = await log_in(settings)
    here, elsewhere = Sessions(Care()), Sessions(Care())
    await here.verify(token)
    await elsewhere.verify(token)
    await sessions.revoke(actor, actor.session_id)
    here.forget()
    with pytest.raises(Unauthenticated):
        await here.verify(token)
    later = recent.monotonic() + 1.0
    monkeypatch.setattr(recent, "monotonic", lambda: later)
    with pytest.raises(Unauthenticated):
        await elsewhere.verify(token)


async def test_all_others_can_be_ended_at_once(db: None, settings: Settings) -> None:
    tokens = [await log_in(settings) for _ in range(4)]
    stranger, _ = await log_in(settings, "openid-other")
    token, actor = tokens[2]
    await sessions.revoke(actor, None)
    assert [row.id for row in await sessions.devices(actor)] == [actor.session_id]
    await Sessions(Care()).verify(token)
    await Sessions(Care()).verify(stranger)
    for ended, _ in tokens[:2] + tokens[3:]:
        with pytest.raises(Unauthenticated):
            await Sessions(Care()).verify(ended)


async def test_nobody_ends_somebody_elses_log_in(db: None, settings: Settings) -> None:
    token, actor = await log_in(settings)
    _, outsider = await log_in(settings, "openid-other")
    for session_id in (actor.session_id, uuid4()):
        with pytest.raises(NotFound):
            await sessions.revoke(outsider, session_id)
    await Sessions(Care()).verify(token)
    await sessions.revoke(actor, actor.session_id)
    with pytest.raises(NotFound):
        await sessions.revoke(actor, actor.session_id)


async def test_a_device_too_many_ends_the_oldest(
    db: None, settings: Settings, noon: clock.Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once where it is ended, and never without a trace."""
    monkeypatch.setattr(sessions, "TRUST_S", 60.0)
    here, tokens = Sessions(Care()), []
    for _ in range(DEVICES_MOST + 2):
        tokens.append(await log_in(settings, verified=here))
        await here.verify(tokens[-1][0])
        noon.move(timedelta(minutes=1))
    living = await sessions.devices(tokens[-1][1])
    assert len(living) == DEVICES_MOST
    for token, _ in tokens[:2]:
        with pytest.raises(Unauthenticated):
            await here.verify(token)
    await here.verify(tokens[2][0])
    ended = await AuditEvent.filter(action="session.revoked").order_by("at", "id")
    assert [(row.entity_id, row.actor_id) for row in ended] == [
        (actor.session_id, actor.account_id) for _, actor in tokens[:2]
    ]


async def test_the_cap_on_devices_holds_under_a_race(db: None, settings: Settings) -> None:
    await log_in(settings)
    await asyncio.gather(*(log_in(settings) for _ in range(DEVICES_MOST + RIVALS)))
    assert await Session.filter(revoked_at=None).count() == DEVICES_MOST


async def test_when_a_device_was_seen_is_no_finer_than_ten_minutes(
    db: None, settings: Settings, noon: clock.Hands
) -> None:
    token, _ = await log_in(settings)
    sessions = Sessions(Care())
    noon.move(SEEN_EVERY)
    await sessions.verify(token)
    await sessions.close()
    assert (await Session.get()).last_seen_at == noon.instant - SEEN_EVERY
    sessions.forget()
    noon.move(timedelta(seconds=1))
    await sessions.verify(token)
    await sessions.close()
    assert (await Session.get()).last_seen_at == noon.instant


async def test_log_ins_and_their_ends_are_written_down(db: None, settings: Settings) -> None:
    _, actor = await log_in(settings)
    await sessions.revoke(actor, actor.session_id)
    rows = (
        await AuditEvent.filter(actor_id=actor.id).order_by("at").values_list("action", flat=True)
    )
    assert sorted(rows) == ["session.opened", "session.revoked"]


async def test_many_who_verify_together_ask_once(
    db: None, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = [(await log_in(settings, f"openid-{n}"))[0] for n in range(RIVALS)]
    asked = 0
    load = Sessions._load

    async def counted(self: Sessions, hashes: list[str]) -> object:
        nonlocal asked
        asked += 1
        return await load(self, hashes)

    monkeypatch.setattr(Sessions, "_load", counted)
    verifier = Sessions(Care())
    found = await asyncio.gather(*(verifier.verify(token) for token in tokens * 2))
    assert len({actor.id for actor in found}) == RIVALS
    assert asked <= 3
