"""Taking places fast: those who wait together are written together; told only after commit.

A wish goes alone and at once while nobody else waits; those that come meanwhile travel as one batch
(PostgreSQL: one statement; SQLite: one transaction on the only writer). The batch takes only clean
wishes: first booking of that day, room left, rights in order. Whatever is not clean gets judged
one by one, with its exact reason (`appointments.py`). The invariants are the database's own, see
the migrations.
"""

import asyncio
import contextlib
import contextvars
import sqlite3
from collections import deque
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, TypeVar, cast
from uuid import UUID

import msgspec
import structlog
from tortoise.exceptions import IntegrityError

from backend import clock, db
from backend.booking import sql
from backend.booking.errors import AlreadyBooked, SlotFull
from backend.booking.places import Place
from backend.booking.tickets import Ticket
from backend.errors import Busy, NotFound, Problem
from backend.loader import Loader
from backend.receipts import Answer, Receipt
from backend.recent import Recent

log = structlog.get_logger()

BATCH_MOST = 256
SQLITE_STEP = 8  # a batch there has a multiple of so many rows
POSTGRES_LANES = 2  # batches under way at once; SQLite has one writer
FULL_FOR_S = 0.5  # how long a full slot is only read, not queued for; freed places end it


class Claim(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """Who wants which place for whom, in which request."""

    place: Place
    patient_id: UUID
    account_id: UUID
    receipt: Receipt


class Wish(Claim, frozen=True, eq=False, kw_only=True):
    """One place wanted, with everything that is written when it is granted."""

    appointment_id: UUID
    status: str
    held_until: datetime | None
    ticket: Ticket
    answer: str
    request_id: str | None


class Taken:
    """The place is the wisher's, committed."""


class Unclear:
    """Not clean: judge it alone."""


class Refused(msgspec.Struct, frozen=True):
    """Not the exception itself: a frame that holds the exception which passed through it is garbage
    that only the collector finds, and that was a third of the price of a sold-out answer."""

    problem: type[Problem]
    detail: str | None = None
    extra: dict[str, Any] = msgspec.field(default_factory=dict)


Outcome = Taken | Unclear | Answer | Refused
TAKEN, UNCLEAR = Taken(), Unclear()
C = TypeVar("C", bound=Claim)


class Taking:
    """The queue of one process. `most` bounds it."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._queue: deque[tuple[Wish, asyncio.Future[Outcome]]] = deque()
        self._alone = 0
        self._lanes: set[asyncio.Task[None]] = set()
        self._full: Recent[UUID, bool] = Recent(FULL_FOR_S)
        self._judge: Loader[Claim, Outcome] = Loader(_judged)

    async def refusal(self, claim: Claim) -> Outcome:
        """The answer where the slot is believed full, read and not queued; else Unclear."""
        if not self._full.get(claim.place.slot_id):
            return UNCLEAR
        outcome = await self._judge.get(claim) or UNCLEAR
        if isinstance(outcome, Unclear):  # a place came back meanwhile
            self.freed(claim.place.slot_id)
        return outcome

    async def take(self, wish: Wish) -> Outcome:
        """Raises Busy when the queue is full."""
        self._check_room()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Outcome] = loop.create_future()
        self._queue.append((wish, future))
        if len(self._lanes) < (1 if db.is_sqlite() else POSTGRES_LANES):
            # A context of its own: a task must not inherit its spawner's transaction.
            self._lanes.add(loop.create_task(self._drain(), context=contextvars.Context()))
        return await future

    def freed(self, slot_id: UUID) -> None:
        """A place came back: believe nothing about this slot."""
        self._full.forget(slot_id)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """In line too, for what is judged by itself: a family, a move. Raises Busy."""
        self._check_room()
        self._alone += 1
        try:
            yield
        finally:
            self._alone -= 1

    def _check_room(self) -> None:
        if self.waiting >= self._most:
            raise Busy

    @property
    def waiting(self) -> int:
        return len(self._queue) + self._alone

    async def close(self) -> None:
        """Finish what is under way."""
        await asyncio.gather(*tuple(self._lanes), return_exceptions=True)

    async def _drain(self) -> None:
        try:
            while self._queue:
                await self._serve(self._next_batch())
        finally:
            # In the very step that saw the queue empty: a wish that comes next opens a new lane.
            self._lanes.discard(cast(Any, asyncio.current_task()))

    async def _serve(self, batch: list[tuple[Wish, asyncio.Future[Outcome]]]) -> None:
        try:
            outcomes = await self._write([wish for wish, _ in batch])
        except BaseException as error:
            log.warning("booking.batch_failed", wishes=len(batch), error=type(error).__name__)
            for _, future in batch:
                if not future.done():
                    future.set_exception(error if isinstance(error, Exception) else Busy())
            if not isinstance(error, Exception):
                raise
            return
        for wish, future in batch:
            if not future.done():
                future.set_result(outcomes[wish])

    def _next_batch(self) -> list[tuple[Wish, asyncio.Future[Outcome]]]:
        """At most one wish per key and per patient: the second would stumble over the first."""
        batch: list[tuple[Wish, asyncio.Future[Outcome]]] = []
        later: list[tuple[Wish, asyncio.Future[Outcome]]] = []
        keys: set[Any] = set()
        while self._queue and len(batch) < BATCH_MOST:
            wish, future = self._queue.popleft()
            names = {(wish.account_id, wish.receipt.key), wish.patient_id}
            if names & keys:
                later.append((wish, future))
                continue
            keys |= names
            batch.append((wish, future))
        self._queue.extendleft(reversed(later))
        return batch

    async def _write(self, wishes: list[Wish]) -> dict[Wish, Outcome]:
        try:
            taken = await (_on_sqlite(wishes) if db.is_sqlite() else _on_postgres(wishes))
        except IntegrityError:  # a key or a limit broke under a race: nothing was written
            return dict.fromkeys(wishes, UNCLEAR)
        except Exception as error:
            if db.retryable(error):
                return dict.fromkeys(wishes, UNCLEAR)
            raise
        outcomes: dict[Wish, Outcome] = {
            wish: TAKEN for wish in wishes if wish.appointment_id in taken
        }
        rest = [wish for wish in wishes if wish not in outcomes]
        if rest:
            judged = await _judged(rest)
            self._remember_full(judged)
            outcomes |= judged
        return outcomes

    def _remember_full(self, judged: dict[Wish, Outcome]) -> None:
        for wish, outcome in judged.items():
            if isinstance(outcome, Refused) and outcome.problem is SlotFull:
                self._full.keep(wish.place.slot_id, True)


async def _on_postgres(wishes: list[Wish]) -> set[UUID]:
    columns: list[list[Any]] = [
        [wish.appointment_id for wish in wishes],
        [wish.place.slot_id for wish in wishes],
        [wish.patient_id for wish in wishes],
        [wish.account_id for wish in wishes],
        [wish.status for wish in wishes],
        [wish.held_until for wish in wishes],
        [wish.place.policy.version for wish in wishes],
        [wish.receipt.key for wish in wishes],
        [wish.receipt.request_hash for wish in wishes],
        [wish.answer for wish in wishes],
        [wish.request_id for wish in wishes],
    ]
    rows = await db.fetch(sql.TAKE_ON_POSTGRES, *columns, clock.now())
    return {row["id"] for row in rows}


async def _on_sqlite(wishes: list[Wish]) -> set[UUID]:
    values: list[Any] = [clock.now()]
    for wish in wishes:
        values += (
            wish.appointment_id, wish.place.slot_id, wish.patient_id, wish.account_id,
            wish.status, wish.held_until, wish.place.policy.version, wish.receipt.key,
            wish.receipt.request_hash, wish.answer, wish.request_id,
        )  # fmt: skip
    # Filled up with empty wishes, so that there are few different statements.
    rows = -(-len(wishes) // SQLITE_STEP) * SQLITE_STEP
    values += [None] * len(sql.WISHED) * (rows - len(wishes))
    take, bound = sql.take_on_sqlite(rows), db.plain(values)
    ids = [str(wish.appointment_id) for wish in wishes]

    def write(connection: sqlite3.Connection) -> list[str]:
        before = connection.total_changes
        try:
            connection.execute(take, bound)
        except sqlite3.OperationalError as unknown:
            if sql.BATCH_ON_SQLITE not in str(unknown):
                raise
            connection.executescript(sql.PREPARE_ON_SQLITE)  # the first batch of this connection
            connection.execute(take, bound)
        if connection.total_changes - before == sql.CHANGED_ON_SQLITE * len(wishes):
            return ids
        return [id for (id,) in connection.execute(sql.TAKEN_ON_SQLITE, db.plain([ids]))]

    try:
        taken = await db.on_writer(write)
    except sqlite3.IntegrityError as broken:
        raise IntegrityError(broken) from broken
    return {db.as_uuid(id) for id in taken}


async def _judged(wishes: Sequence[C]) -> dict[C, Outcome]:
    """Why wishes were not granted, in one read for all of them."""
    columns = [
        (
            wish.place.slot_id,
            wish.place.schedule_id,
            wish.patient_id,
            wish.account_id,
            wish.receipt.key,
        )
        for wish in wishes
    ]
    rows = await db.fetch(sql.judge(), clock.now(), *sql.bind_judged(columns))
    return {wishes[row["turn"]]: _judge(wishes[row["turn"]], row) for row in rows}


def _judge(wish: Claim, found: db.Row) -> Outcome:
    if not found["may"]:
        return Refused(NotFound, "没有找到这位就诊人。")
    if found["request_hash"] is not None:
        if found["request_hash"] != wish.receipt.request_hash:
            return UNCLEAR
        return Answer(found["status"], found["answer"])
    if found["earlier"] is not None:
        return Refused(AlreadyBooked, extra={"appointment_id": db.as_uuid(found["earlier"])})
    if found["open"] and found["free"] <= 0 and not found["dead"]:
        return Refused(SlotFull, extra={"slot_id": wish.place.slot_id})
    return UNCLEAR
