"""Simulations that are started, watched, cancelled and found again, on either database."""

import asyncio
import math
import threading
import time
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from backend import clock
from backend.audit import AuditEvent
from backend.errors import Malformed, NotFound
from backend.identity.access import Actor
from backend.replay import running, runs, simulate
from backend.replay.errors import SimulationRunning, TooManySimulations
from backend.replay.models import Simulation
from backend.replay.running import Runner
from backend.replay.simulate import Variant, Watch
from backend.settings import Settings
from tests.booking.test_standing import DAY, missed
from tests.clinics import a_clinic
from tests.people import a_person, a_staff

pytestmark = pytest.mark.usefixtures("db", "noon")
WAIT_S, LOOK_S = 10.0, 0.01
RIVALS = 20


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "BEAT_S", 0.02)


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Replays that end only when they are told to; set once one has ended."""
    ended = threading.Event()

    def compare(*_: Any, watch: Watch, **__: Any) -> None:
        try:
            while True:
                watch.look(math.inf)
        finally:
            ended.set()

    monkeypatch.setattr(running, "compare", compare)
    return ended


async def begin(actor: Actor, runner: Runner, **changed: Any) -> UUID:
    yesterday = clock.today() - DAY
    return await runs.start(actor, runner, yesterday - DAY, yesterday, Variant(**changed))


async def over(run_id: UUID) -> Simulation:
    return await until(run_id, lambda row: row.state != runs.RUNNING)


async def until(run_id: UUID, is_so: Any) -> Simulation:
    ends = time.monotonic() + WAIT_S
    while not is_so(row := await Simulation.get(id=run_id)):
        assert time.monotonic() < ends, row.state
        await asyncio.sleep(LOOK_S)
    return row


async def audited(run_id: UUID) -> list[str]:
    rows = await AuditEvent.filter(entity_id=run_id).order_by("id")
    return [row.action.removeprefix("policy.") for row in rows]


async def test_a_result_is_kept_for_whoever_may_look(settings: Settings) -> None:
    hospital = await a_clinic(settings, tier="county")
    for _ in range(3):
        await missed(settings, hospital, await a_person(settings))
    admin, other = (a_staff(settings, "consortium_admin") for _ in range(2))
    run_id = await begin(admin, Runner(), share=100, release="draw")
    await over(run_id)
    found = await runs.show(other, run_id)
    assert (found.state, found.mine, found.variant.share) == ("done", False, 100)
    assert found.result is not None
    assert (found.result.asks, found.result.deviation) == (3, 0.0)
    assert found.result.baseline.rows[0].got == 3
    assert [run.id for run in await runs.latest(admin)] == [run_id]
    assert list(await runs.latest(other)) == []
    assert await audited(run_id) == ["simulation_started", "simulated"]
    assert not await runs.cancel(admin, run_id)


async def test_one_of_a_person_and_a_few_of_a_process(
    settings: Settings, endless: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "AT_ONCE", RIVALS)
    runner, admin = Runner(), a_staff(settings, "consortium_admin")
    tried = await asyncio.gather(*(begin(admin, runner) for _ in range(RIVALS)),
                                 return_exceptions=True)  # fmt: skip
    begun = [one for one in tried if isinstance(one, UUID)]
    refused = [one for one in tried if isinstance(one, SimulationRunning)]
    assert (len(begun), len(refused)) == (1, RIVALS - 1)
    monkeypatch.setattr(running, "AT_ONCE", 3)
    others = (a_staff(settings, "consortium_admin") for _ in range(RIVALS))
    tried = await asyncio.gather(*(begin(one, runner) for one in others), return_exceptions=True)
    assert Counter(type(one) for one in tried) == {UUID: 2, TooManySimulations: RIVALS - 2}
    assert await Simulation.all().count() == 3
    await until(begun[0], lambda row: row.percent > 0)
    await runner.close()
    assert (await over(begun[0])).failure == running.STOPPED
    assert await audited(begun[0]) == ["simulation_started", "simulation_failed"]
    assert endless.wait(WAIT_S)


async def test_cancelling_in_the_table_ends_the_work(
    settings: Settings, endless: threading.Event
) -> None:
    """Another host knows the row only."""
    await missed(settings, await a_clinic(settings, tier="county"), await a_person(settings))
    runner, admin = Runner(), a_staff(settings, "consortium_admin")
    run_id = await begin(admin, runner)
    await until(run_id, lambda row: row.percent > 0)
    with pytest.raises(NotFound):
        await runs.cancel(a_staff(settings, "consortium_admin"), run_id)
    assert await runs.cancel(admin, run_id)
    assert await asyncio.to_thread(endless.wait, WAIT_S)
    assert (await runs.show(admin, run_id)).state == "cancelled"
    assert await audited(run_id) == ["simulation_started", "simulation_cancelled"]
    again = await begin(admin, runner)
    assert again != run_id
    await runner.close()


async def test_what_no_process_works_on_is_ended(settings: Settings, noon: clock.Hands) -> None:
    admin, now = a_staff(settings, "consortium_admin"), clock.now()
    lost = await Simulation.create(
        id=admin.id, consortium_id=settings.consortium_id, staff_id=admin.id, state="running",
        from_on=clock.today(), to_on=clock.today(), variant={}, started_at=now, beat_at=now,
    )  # fmt: skip
    with pytest.raises(SimulationRunning):
        await begin(admin, Runner())
    assert await runs.sweep() == 0
    noon.move(timedelta(minutes=1))
    assert (await runs.show(admin, lost.id)).failure == runs.LOST
    await over(await begin(admin, Runner()))
    assert (await Simulation.get(id=lost.id)).state == "failed"
    assert await audited(lost.id) == ["simulation_failed"]
    noon.move(runs.KEPT + timedelta(days=1))
    assert await runs.sweep() == 2
    assert await Simulation.all().count() == 0


async def test_what_takes_too_long_or_breaks_says_so(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await missed(settings, await a_clinic(settings, tier="county"), await a_person(settings))
    admin = a_staff(settings, "consortium_admin")
    with monkeypatch.context() as patched:
        patched.setattr(simulate, "SECONDS_MOST", -1.0)
        patched.setattr(simulate, "CHECKED_EACH", 1)
        assert (await over(await begin(admin, Runner()))).failure == running.TOO_LONG
    with monkeypatch.context() as patched:
        patched.setattr("backend.replay.demand.ASKS_MOST", 0)
        assert (await over(await begin(admin, Runner()))).failure == running.TOO_MUCH
    monkeypatch.setattr(running, "compare", lambda *_, **__: 1 // 0)
    assert (await over(await begin(admin, Runner()))).failure == running.BROKEN
    for first, last in ((0, -1), (-70, -1), (-1, 0)):
        days = (clock.today() + timedelta(first), clock.today() + timedelta(last))
        with pytest.raises(Malformed):
            await runs.start(admin, Runner(), *days, Variant())


async def test_outsiders_get_404(settings: Settings) -> None:
    hospital = await a_clinic(settings)
    run_id = await begin(a_staff(settings, "consortium_admin"), Runner())
    await over(run_id)
    for who in (
        a_staff(settings, "institution_admin", hospital.organization),
        a_staff(settings, "consortium_admin", hospital.organization),
        a_staff(settings, "auditor"),
        Actor.operator(settings.consortium_id),
        (await a_person(settings)).actor,
    ):
        for ask in (runs.show(who, run_id), runs.cancel(who, run_id), runs.latest(who),
                    begin(who, Runner())):  # fmt: skip
            with pytest.raises(NotFound):
                await ask
