"""The timetable: who leads, what runs, what an error does."""

import asyncio
import contextlib
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from structlog.testing import CapturingLogger

from backend import receipts, worker
from backend.booking.models import Slot
from backend.clock import Hands
from backend.hub import LEADER, Hub
from backend.receipts import IdempotencyKey
from backend.settings import Settings
from backend.worker import Job, Timetable, every, in_portions, jobs
from tests import processes
from tests.conftest import NOON, make_settings
from tests.serving import until

SETTINGS = make_settings("sqlite://x")


class Count:
    """A job that counts its runs, and fails while it is told to."""

    def __init__(self) -> None:
        self.runs = 0
        self.fails = False

    async def __call__(self) -> int:
        self.runs += 1
        if self.fails:
            raise LookupError("on purpose")
        return self.runs

    def job(self, name: str = "count") -> Job:
        return Job(name, self, every(seconds=1), at_start=True)


async def test_a_job_runs_at_the_start_and_again(hub: Hub) -> None:
    count = Count()
    async with Timetable(SETTINGS, hub, [count.job()]).running():
        await until(lambda: count.runs >= 2)


async def test_what_ran_last_can_be_asked(hub: Hub) -> None:
    count = Count()
    timetable = Timetable(SETTINGS, hub, [count.job()])
    async with timetable.running():
        await until(lambda: "count" in timetable.last)
    assert timetable.last["count"].done == 1


@pytest.mark.parametrize(("quiet", "told"), [(False, 2), (True, 1)])
async def test_a_quiet_job_is_logged_only_when_it_did_something(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, quiet: bool, told: int
) -> None:
    did = iter((0, 3))

    async def work() -> int:
        return next(did, 0)

    timetable = Timetable(SETTINGS, hub, [])
    job = Job("count", work, every(seconds=60), quiet=quiet)
    heard = CapturingLogger()
    monkeypatch.setattr(worker, "log", heard)
    await timetable._run(job)
    await timetable._run(job)
    assert [call.args[0] for call in heard.calls] == ["job.done"] * told
    assert timetable.last["count"].done == 3


async def test_an_error_stops_neither_the_job_nor_the_others(hub: Hub) -> None:
    bad, good = Count(), Count()
    bad.fails = True
    timetable = Timetable(SETTINGS, hub, [bad.job("bad"), good.job("good")])
    async with timetable.running():
        await until(lambda: bad.runs >= 2 and good.runs >= 2)
        assert timetable.last["bad"].done is None


async def test_one_of_several_leads(hub: Hub) -> None:
    """Two on one hub: only one of them does the work."""
    counts = [Count() for _ in range(3)]
    timetables = [Timetable(SETTINGS, hub, [count.job()]) for count in counts]
    async with contextlib.AsyncExitStack() as stack:
        for timetable in timetables:
            await stack.enter_async_context(timetable.running())
        await until(lambda: counts[0].runs >= 2)
        assert [timetable.leads for timetable in timetables] == [True, False, False]
        assert [count.runs for count in counts[1:]] == [0, 0]


async def test_another_takes_over_when_the_leader_stops(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "LEADER_BEAT_S", 0.05)
    first, second = Count(), Count()
    async with contextlib.AsyncExitStack() as leaving:
        await leaving.enter_async_context(Timetable(SETTINGS, hub, [first.job()]).running())
        async with Timetable(SETTINGS, hub, [second.job()]).running():
            await until(lambda: first.runs >= 1)
            await leaving.aclose()
            await until(lambda: second.runs >= 1)


async def test_another_takes_over_when_the_leader_vanishes(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after SIGKILL: nobody releases the claim, it just isn't renewed."""
    monkeypatch.setattr(worker, "LEADER_BEAT_S", 0.05)
    await hub.set(LEADER, b"somebody who is gone", 60)
    count = Count()
    async with Timetable(SETTINGS, hub, [count.job()]).running():
        assert count.runs == 0
        await hub.set(LEADER, b"somebody who is gone", 0.05)  # that long is left of its claim
        await until(lambda: count.runs >= 1)


async def test_who_loses_the_claim_stops_working(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a pause of the whole process that lasted longer than the claim."""
    monkeypatch.setattr(worker, "LEADER_BEAT_S", 0.05)
    timetable = Timetable(SETTINGS, hub, [Count().job()])
    async with timetable.running():
        assert timetable.leads
        await hub.set(LEADER, b"another", 60)
        await until(lambda: not timetable.leads)


async def test_a_hub_that_fails_ends_the_lead_and_not_the_process(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "LEADER_BEAT_S", 0.05)
    timetable = Timetable(SETTINGS, hub, [Count().job()])
    async with timetable.running():
        with monkeypatch.context() as broken:

            async def fail(*_: object) -> bool:
                raise ConnectionError

            broken.setattr(hub, "claim", fail)
            await until(lambda: not timetable.leads)
        await until(lambda: timetable.leads)


async def test_everybody_can_see_whether_somebody_leads(hub: Hub) -> None:
    assert not await hub.get(LEADER)
    async with Timetable(SETTINGS, hub, []).running():
        assert await hub.get(LEADER)
    assert not await hub.get(LEADER)


async def test_jobs_have_ended_when_the_timetable_has(hub: Hub) -> None:
    """The database is taken away next."""
    began, ended = asyncio.Event(), asyncio.Event()

    async def long() -> int:
        began.set()
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.1)
            ended.set()
        return 0

    async with Timetable(SETTINGS, hub, [Job("long", long, every(seconds=1), True)]).running():
        await asyncio.wait_for(began.wait(), 30)
    assert ended.is_set()


async def test_a_job_that_hangs_is_ended(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "JOB_MOST_S", 0.1)

    async def hang() -> int:
        await asyncio.sleep(60)
        return 0

    timetable = Timetable(SETTINGS, hub, [Job("hang", hang, every(seconds=60), at_start=True)])
    async with timetable.running():
        await until(lambda: "hang" in timetable.last)
    assert timetable.last["hang"].done is None


async def test_portions_are_repeated_until_nothing_is_left() -> None:
    left = [3, 2, 0, 7]

    async def portion() -> int:
        return left.pop(0)

    assert await in_portions(portion) == 5


async def test_portions_are_limited() -> None:
    async def endless() -> int:
        return 1

    assert await in_portions(endless) == worker.ROUNDS_MOST


async def test_every_job_of_ours_runs(db: None, settings: Settings, noon: Hands) -> None:
    """On an empty database they find nothing to do, and say so."""
    for job in jobs(settings):
        assert await job.work() == 0, job.name
    assert await Slot.all().count() == 0


async def test_old_receipts_are_swept(db: None, settings: Settings, noon: Hands) -> None:
    for age in (timedelta(days=89), timedelta(days=91)):
        await IdempotencyKey.create(
            id=uuid4(),
            account_id=uuid4(),
            key="k" * 8,
            request_hash="h",
            status=201,
            answer="{}",
            at=NOON - age,
        )
    sweep = next(job for job in jobs(settings) if job.name == "receipts.sweep")
    assert await sweep.work() == 1
    assert await IdempotencyKey.all().count() == 1
    assert receipts.KEPT == timedelta(days=90)


def test_a_worker_of_its_own_needs_redis(settings: Settings, tmp_path: Path) -> None:
    """Issue: refused with the reason. On SQLite, and on PostgreSQL without Redis."""
    refused = processes.run("worker", said=processes.variables(settings), cwd=tmp_path)
    assert refused.returncode == 1
    assert "任务已经在 jiamenkou serve 里" in refused.stderr
    assert "Traceback" not in refused.stderr
