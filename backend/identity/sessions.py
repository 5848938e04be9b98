"""Log-ins: a WeChat code becomes an opaque 256-bit token; only its hash is kept.

Revoking is visible at once in this process and within `TRUST_S` in every other.
"""

import asyncio
import contextvars
import hashlib
import secrets
from datetime import timedelta
from uuid import UUID, uuid4

import structlog
from tortoise.exceptions import IntegrityError

from backend import audit, clock, db, notices
from backend.crypto import Vault
from backend.errors import Busy, NotFound, Unauthenticated
from backend.identity.access import Actor
from backend.identity.accounts import OPENID_COLUMN, openid_index
from backend.identity.care import Care
from backend.identity.models import Account
from backend.identity.models import Session as Session
from backend.loader import Loader
from backend.recent import Recent

log = structlog.get_logger()

TOKEN_BYTES = 32
TRUST_S = 1.0  # how long a verified token is believed without asking the database again
SEEN_EVERY = timedelta(minutes=10)  # last_seen_at is no finer than this
DEVICES_MOST = 20  # the oldest log-in ends when a new one would exceed it


def token_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


class Sessions:
    """Verifies tokens for one process. One look-up serves all who ask together.

    It brings along whom the account may act for, into `care`: what comes next asks just that.
    """

    def __init__(self, care: Care) -> None:
        self._care = care
        self._trusted: Recent[str, Actor] = Recent(TRUST_S)
        self._loader: Loader[str, Actor] = Loader(self._load)
        self._seen: set[UUID] = set()
        self._noting: asyncio.Task[None] | None = None

    async def verify(self, token: str) -> Actor:
        """Raises Unauthenticated: unknown, expired or revoked."""
        hashed = token_hash(token)
        known = self._trusted.get(hashed)
        if known is not None:
            return known
        actor = await self._loader.get(hashed)
        if actor is None:
            raise Unauthenticated
        self._trusted.keep(hashed, actor)
        return actor

    def forget(self) -> None:
        """Ask the database again for everyone: something was revoked here."""
        self._trusted.clear()

    async def close(self) -> None:
        """Finish what is being noted."""
        if self._noting is not None:
            await self._noting

    async def _load(self, hashes: list[str]) -> dict[str, Actor]:
        now = clock.now()
        # Named SQL, not the ORM: a list of any length is one prepared statement.
        rows = await db.fetch(
            "SELECT s.token_hash, s.consortium_id, s.account_id, s.id, s.last_seen_at,"
            " c.patient_id, c.scope, p.name FROM session s"
            " LEFT JOIN carer c ON c.account_id = s.account_id AND c.state = 'active'"
            " AND (c.expires_at IS NULL OR c.expires_at > $2)"
            " LEFT JOIN patient p ON p.id = c.patient_id"
            f" WHERE {db.among('s.token_hash', '$1', 'text')}"
            " AND s.revoked_at IS NULL AND s.expires_at > $2",
            hashes,
            now,
        )
        actors: dict[str, Actor] = {}
        for row in rows:
            account_id = db.as_uuid(row["account_id"])
            if row["token_hash"] not in actors:
                session_id = db.as_uuid(row["id"])
                if now - db.as_instant(row["last_seen_at"]) > SEEN_EVERY:
                    self._seen.add(session_id)
                actors[row["token_hash"]] = Actor(
                    db.as_uuid(row["consortium_id"]), "resident", account_id, session_id
                )
            if row["patient_id"] is not None:
                pair = (account_id, db.as_uuid(row["patient_id"]))
                self._care.learn(pair, row["name"], row["scope"])
        if self._seen and (self._noting is None or self._noting.done()):
            # Beside the request: nobody waits for a write that only dates a list of devices.
            self._noting = asyncio.create_task(self._note_seen(), context=contextvars.Context())
        return actors

    async def _note_seen(self) -> None:
        while self._seen:
            seen, self._seen = self._seen, set()
            try:
                await Session.filter(id__in=list(seen)).update(last_seen_at=clock.now())
            except Exception as error:  # the next visit notes it
                log.warning("session.not_noted", sessions=len(seen), error=type(error).__name__)


async def log_in(
    verified: Sessions, consortium_id: UUID, vault: Vault, *, openid: str, device: str, days: int
) -> tuple[str, Session, Account]:
    """The token, shown this once, its log-in and the account, made on the first visit.

    `days` is how long the log-in lasts. What is one too many ends, in `verified` at once.
    """
    token = secrets.token_urlsafe(TOKEN_BYTES)
    account = await account_of(consortium_id, vault, openid)
    now = clock.now()
    async with db.transaction():
        # Log-ins of one account queue here, or two could wait for each other's oldest one.
        living = Account.filter(id=account.id, erased_at=None)
        if await living.select_for_update(no_key=True).first() is None:
            raise Busy  # erased at this very moment: the next log-in makes a new account
        session = await Session.create(
            id=uuid4(),
            consortium_id=consortium_id,
            account_id=account.id,
            token_hash=token_hash(token),
            device=device,
            created_at=now,
            last_seen_at=now,
            expires_at=now + timedelta(days=days),
        )
        actor = Actor(consortium_id, "resident", account.id, session.id)
        others, ended = await _end_oldest(actor)
        if others and device not in others:
            await notices.leave(consortium_id, [account.id], "device_added", subject_id=session.id)
        await audit.record(actor, "session.opened", entity_id=session.id)
    if ended:
        verified.forget()
    log.info("session.opened", account_id=str(account.id), session_id=str(session.id))
    return token, session, account


async def account_of(consortium_id: UUID, vault: Vault, openid: str) -> Account:
    """The account of somebody whom WeChat vouches for, made on the first visit."""
    index = openid_index(vault, openid)
    found = await Account.get_or_none(consortium_id=consortium_id, openid_index=index)
    if found is not None:
        return found
    try:
        return await Account.create(
            id=uuid4(),
            consortium_id=consortium_id,
            openid_index=index,
            openid_sealed=vault.seal(openid, bound_to=OPENID_COLUMN),
            created_at=clock.now(),
        )
    except IntegrityError:  # the same person's other tap was faster
        return await Account.get(consortium_id=consortium_id, openid_index=index)


async def _end_oldest(actor: Actor) -> tuple[set[str], bool]:
    """End what is too much, and say so in the audit.

    Returns the devices of the others that were logged in, and whether one of them was ended.
    """
    rows = (
        await Session.filter(account_id=actor.account_id, revoked_at=None)
        .order_by("-created_at")
        .values_list("id", "device", "expires_at")
    )
    now = clock.now()
    extra = [row[0] for row in rows[DEVICES_MOST:]]
    living = {id: device for id, device, ends_at in rows if ends_at > now}
    ended = [id for id in extra if id in living]
    if extra:
        await Session.filter(id__in=extra).update(revoked_at=now)
    for id in ended:
        await audit.record(actor, "session.revoked", entity_id=id, ended=1)
    return {device for id, device in living.items() if id != actor.session_id}, bool(ended)


async def devices(actor: Actor) -> list[Session]:
    """Where the account is logged in, the latest first."""
    return (
        await Session.filter(
            account_id=actor.account_id, revoked_at=None, expires_at__gt=clock.now()
        )
        .order_by("-last_seen_at", "id")
        .limit(DEVICES_MOST)
    )


async def revoke(actor: Actor, session_id: UUID | None) -> None:
    """End one log-in of the account, or (None) all but the one that asks. Raises NotFound."""
    wanted = Session.filter(account_id=actor.account_id, revoked_at=None)
    if session_id is not None:
        wanted = wanted.filter(id=session_id)
    elif actor.session_id is not None:
        wanted = wanted.exclude(id=actor.session_id)
    async with db.transaction():
        ended = await wanted.update(revoked_at=clock.now())
        if not ended and session_id is not None:
            raise NotFound
        await audit.record(actor, "session.revoked", entity_id=session_id, ended=ended)


async def ended_among(session_ids: list[UUID]) -> set[UUID]:
    """Which of these log-ins are over. Asked every second for thousands: the few are told."""
    rows = await db.fetch(
        f"SELECT id FROM session WHERE {db.among('id', '$1')}"
        " AND (revoked_at IS NOT NULL OR expires_at <= $2)",
        session_ids,
        clock.now(),
    )
    return {db.as_uuid(row["id"]) for row in rows}
