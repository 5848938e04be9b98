"""The job timetable: one line a job. APScheduler ticks, the rooms do the work.

Runs in one process at a time: the only one, or the leader that holds the claim in Redis. Every job
may run twice without harm, so a moment with two leaders costs nothing.
"""

import asyncio
import contextlib
import secrets
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from backend import clock, db, lease, notices, receipts
from backend.appeal import amnesties
from backend.booking import flow, holds, schedules
from backend.booking.waitlist import expiring
from backend.chat import checking, emptying, ending, files, overdue
from backend.clinic import noshows
from backend.clock import SHANGHAI
from backend.crypto import Vault
from backend.draw import drawing
from backend.hub import LEADER, Hub, open_hub
from backend.identity import invitations
from backend.inbox import scanning
from backend.privacy import erasing
from backend.replay import runs
from backend.satisfaction import mixing
from backend.settings import Settings
from backend.staff import sessions as staff_sessions
from backend.suspension import cases, suspensions, undoing
from backend.wechat import events
from backend.wechat.client import WeChat

log = structlog.get_logger()

LEADER_TTL_S = 6.0
LEADER_BEAT_S = 2.0
JOB_MOST_S = 300.0
LATE_MOST_S = 60  # a tick missed by more is left out; the next one does the work
STOP_MOST_S = 5.0  # for jobs to end once they are cancelled
ROUNDS_MOST = 200  # of a job that works in portions


@dataclass(frozen=True, slots=True)
class Job:
    """`work` returns how many things it did; a `quiet` job that did nothing is not logged."""

    name: str
    work: Callable[[], Awaitable[int]]
    when: BaseTrigger
    at_start: bool = False
    quiet: bool = False


@dataclass(slots=True)
class Run:
    """A job's last run."""

    at: datetime
    done: int | None  # None: it failed
    took_s: float


def jobs(settings: Settings, hub: Hub | None = None) -> list[Job]:
    """What is done, and when (wall-clock times in China). `hub`: to tell who watches."""
    county = settings.consortium_id
    vault = Vault(settings.keys, settings.index_key_bytes)
    return [
        Job("schedules.publish", lambda: _publish(county), at(minute=5), at_start=True),
        Job("holds.expire", lambda: _expire(county), every(seconds=30)),
        Job("pools.flow_back", lambda: flow.flow_back(county), every(seconds=60), quiet=True),
        Job("noshows.mark", lambda: noshows.mark(county), every(seconds=300), quiet=True),
        Job("noshows.close", lambda: noshows.close(county), at(hour=23, minute=30)),
        Job(
            "suspensions.resume",
            lambda: _finish_suspensions(county),
            every(seconds=5),
            at_start=True,
            quiet=True,
        ),
        Job("suspensions.reached", lambda: _note_reached(county), every(seconds=20), quiet=True),
        Job("waitlist.expire", lambda: _expire_waits(county), every(seconds=60), quiet=True),
        Job("draws.draw", lambda: drawing.draw_due(county, vault), every(seconds=30), quiet=True),
        Job("inbox.scan", scanning.scan, every(seconds=3), quiet=True),
        Job("inbox.mend", lambda: in_portions(_mend), at(minute=20), at_start=True),
        Job("chat.escalate", lambda: _escalate(county, hub), every(seconds=10), quiet=True),
        Job("chat.close_unanswered", lambda: _close_chats(county), at(minute=25), quiet=True),
        Job("chat.check", lambda: _check_texts(settings, vault, hub), every(seconds=5), quiet=True),
        Job("chat.end_idle", lambda: _end_idle(county), at(minute=45), quiet=True),
        Job(
            "chat.empty", lambda: in_portions(lambda: emptying.sweep(county)), at(hour=4, minute=10)
        ),
        Job("notices.sweep", lambda: in_portions(notices.sweep), at(hour=3, minute=40)),
        Job("invitations.sweep", lambda: in_portions(invitations.sweep), at(hour=3, minute=45)),
        Job("simulations.sweep", runs.sweep, every(seconds=60), quiet=True),
        Job("staff.sweep", lambda: in_portions(staff_sessions.sweep), at(hour=3, minute=55)),
        Job("events.sweep", lambda: in_portions(events.sweep), at(hour=3, minute=50)),
        Job("erasing.sweep", lambda: in_portions(lambda: erasing.sweep(county)), at(hour=4)),
        Job("amnesties.sweep", lambda: amnesties.sweep(county), at(minute=35), quiet=True),
        Job("files.sweep", lambda: in_portions(files.sweep), at(hour=3, minute=35)),
        Job("surveys.mix", lambda: mixing.mix(county), at(hour=3, minute=25), quiet=True),
        Job("receipts.sweep", lambda: in_portions(receipts.sweep), at(hour=3, minute=30)),
    ]


async def _publish(county: UUID) -> int:
    return (await schedules.publish(county)).slots


async def _finish_suspensions(county: UUID) -> int:
    return await suspensions.resume(county) + await undoing.resume(county)


async def _note_reached(county: UUID) -> int:
    return await cases.note_reached(county)


async def _escalate(county: UUID, hub: Hub | None) -> int:
    return await in_portions(lambda: overdue.escalate(county, hub))


async def _close_chats(county: UUID) -> int:
    return await in_portions(lambda: ending.close_unanswered(county))


async def _check_texts(settings: Settings, vault: Vault, hub: Hub | None) -> int:
    if hub is None or not settings.wechat_appid or not await checking.due():
        return 0
    async with WeChat(
        base_url=settings.wechat_base_url,
        appid=settings.wechat_appid,
        secret=settings.wechat_secret,
        hub=hub,
    ) as wechat:
        return await checking.check_due(wechat, vault, hub)


async def _end_idle(county: UUID) -> int:
    return await in_portions(lambda: emptying.end_idle(county))


async def _mend() -> int:
    return await scanning.scan(scanning.LATEST)


async def _expire(county: UUID) -> int:
    return len(await holds.expire(county))


async def _expire_waits(county: UUID) -> int:
    return await in_portions(lambda: expiring.expire(county))


def at(**fields: int) -> BaseTrigger:
    return CronTrigger(timezone=SHANGHAI, **fields)


def every(*, seconds: int) -> BaseTrigger:
    return IntervalTrigger(seconds=seconds, timezone=SHANGHAI)


async def in_portions(work: Callable[[], Awaitable[int]]) -> int:
    """Repeat until there is nothing left, `ROUNDS_MOST` times at most."""
    total = 0
    for _ in range(ROUNDS_MOST):
        done = await work()
        total += done
        if not done:
            break
    return total


class Timetable:
    """The jobs of one process, while it leads. `last` holds each job's last run, by name."""

    def __init__(self, settings: Settings, hub: Hub, timetable: list[Job] | None = None) -> None:
        self.last: dict[str, Run] = {}
        self._jobs = jobs(settings, hub) if timetable is None else timetable
        self._hub = hub
        self._holder = secrets.token_hex(8)
        self._scheduler: AsyncIOScheduler | None = None
        self._under_way: set[asyncio.Task[object]] = set()

    @property
    def leads(self) -> bool:
        """Whether the jobs run here."""
        return self._scheduler is not None

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Lead, or stand by to, inside the block."""
        await self._beat()
        beats = asyncio.create_task(self._keep_beating())
        try:
            yield
        finally:
            beats.cancel()
            await asyncio.wait({beats})
            self._lose()
            # Whoever leaves the block may take the database away.
            if self._under_way:
                await asyncio.wait(self._under_way, timeout=STOP_MOST_S)
            # A hub that is away frees the claim by its time to live.
            with contextlib.suppress(Exception):
                await self._hub.release(LEADER, self._holder)

    async def _keep_beating(self) -> None:
        while True:
            await asyncio.sleep(LEADER_BEAT_S)
            await self._beat()

    async def _beat(self) -> None:
        try:
            mine = await self._hub.claim(LEADER, self._holder, LEADER_TTL_S)
        except Exception as error:
            log.warning("leader.unknown", why=type(error).__name__)
            mine = False
        if mine and not self.leads:
            self._gain()
        elif not mine and self.leads:
            self._lose()

    def _gain(self) -> None:
        log.info("leader.gained")
        self._scheduler = AsyncIOScheduler(
            timezone=SHANGHAI,
            job_defaults={
                "coalesce": True,
                "max_instances": 1,
                "misfire_grace_time": LATE_MOST_S,
            },
        )
        for job in self._jobs:
            first = {"next_run_time": datetime.now(SHANGHAI)} if job.at_start else {}
            self._scheduler.add_job(self._run, job.when, args=[job], id=job.name, **first)
        self._scheduler.start()

    def _lose(self) -> None:
        if self._scheduler is not None:
            log.info("leader.lost")
            self._scheduler.shutdown(wait=False)
            self._scheduler = None

    async def _run(self, job: Job) -> None:
        """One run. An error is logged; it ends neither this job's next run nor any other job."""
        at, began = clock.now(), time.monotonic()
        task = asyncio.current_task()
        if task is not None:
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        done: int | None = None
        try:
            async with asyncio.timeout(JOB_MOST_S):
                done = await job.work()
        except Exception:
            log.exception("job.failed", job=job.name)
        took_s = round(time.monotonic() - began, 3)
        self.last[job.name] = Run(at, done, took_s)
        if done is not None and (done or not job.quiet):
            log.info("job.done", job=job.name, done=done, took_s=took_s)


async def work(settings: Settings) -> None:
    """`jiamenkou worker`: the jobs as a process, until SIGTERM or SIGINT.

    Raises:
        lease.Taken: here the jobs run inside the server.
    """
    if lease.is_sole(settings):
        raise lease.Taken(
            "没有 Redis 时只能运行一个进程，任务已经在 jiamenkou serve 里；"
            "需要单独的任务进程时，请使用 PostgreSQL 并设置 JIAMENKOU_REDIS_URL。"
            " / Without Redis the jobs run inside the server."
        )
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    hub = open_hub(settings)
    await db.connect(settings)
    try:
        async with Timetable(settings, hub).running():
            log.info("worker.ready")
            await stop.wait()
            log.info("worker.stopping")
    finally:
        await db.disconnect()
        await hub.close()
