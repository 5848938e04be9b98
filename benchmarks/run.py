"""`make bench`: every ratio of our speed, against peers and limits, in one run.

    python -m benchmarks.run [--quick] [--rounds N] [--postgres-url postgres://…] [--no-results]

Round by round, each contender works for a few seconds while all others stand idle; a ratio is taken
within its round, and the median of the rounds counts. Needs wrk, pgbench and a PostgreSQL whose
user may create databases; makes databases of its own and drops them. Ends by itself.

Exit code 1: a gate is missed (or something did not work); 2: a tool or the database is missing.
"""

import argparse
import asyncio
import contextlib
import os
import signal
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import asyncpg

from benchmarks import load, report, seed, servers
from benchmarks.servers import Server

POSTGRES_USUAL = "postgres://postgres@127.0.0.1:5432/postgres"
ROUNDS, SECONDS = 5, 3.0
QUICK_ROUNDS, QUICK_SECONDS = 2, 1.0
HERD_CLIENTS = 2000
WEATHER_S = 2.0
# With busier neighbours, ratios against pgbench lean to it: it has 32 processes, we have one.
QUIET = 0.15
WARM_UP_S = 3.0  # a cold ORM on a busy machine needs more than one second for its first answer
LIMIT_S = 900  # far above what a run takes; a run that hangs must end
SETTINGS = ("server_version", "fsync", "synchronous_commit", "shared_buffers", "wal_sync_method")


def neighbours() -> float:
    """The share of the machine that others use, while everything of ours stands idle."""
    before = _ticks()
    time.sleep(WEATHER_S)
    idle, total = (now - then for now, then in zip(_ticks(), before, strict=True))
    return 1 - idle / total


def _ticks() -> tuple[int, int]:
    """(idle, all) of all processors together."""
    fields = [int(number) for number in Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]
    return fields[3] + fields[4], sum(fields)


@dataclass(slots=True)
class Arena:
    """Everything that is up for the length of a run."""

    folder: Path
    seconds: float
    hello: Server
    ours: Server
    ours_url: str
    sqlite: Server
    sqlite_path: Path
    peer: Server
    peer_url: str
    cpu_us: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def round(self, number: int) -> dict[str, float]:
        """One after the other; a rate (or for a herd, its p99 in ms) by the name of the figure."""
        day = f"random-{seed.RELEASED_DAY}"
        first = (seed.RELEASED_DAY - 1) * seed.SLOTS_A_DAY
        released = (first, first + seed.SLOTS_A_DAY - 1)
        sqlite_day = f"random-{seed.FIRST_SQLITE_DAY + number}"
        # Contenders for one ratio stand side by side, so that they meet the same weather.
        steps: dict[str, Callable[[], float]] = {
            "pgbench": lambda: self.alone(32, released),
            "booking": lambda: self.books(self.ours, self.ours_url, day, "booking"),
            "peer": lambda: self.books(self.peer, self.peer_url, day),
            "pgbench_hot": lambda: self.alone(8, (seed.HOT_SLOT, seed.HOT_SLOT)),
            "hot": lambda: self.books(self.ours, self.ours_url, "hot", "hot"),
            "uncached": lambda: self.asks(self.ours, "uncached", "uncached"),
            "peer_list": lambda: self.asks(self.peer, "uncached"),
            "full": lambda: self.refuses("full"),
            "hello": lambda: self.asks(self.hello, "hello"),
            "cached": lambda: self.asks(self.ours, "cached", "cached"),
            "sqlite": lambda: self.books_on_sqlite(sqlite_day),
            "herd": lambda: self.herd(self.ours, self.ours_url),
            "peer_herd": lambda: self.herd(self.peer, self.peer_url),
        }
        found = {}
        for name, step in steps.items():
            found[name] = step()
            what, unit = report.FIGURES[name]
            print(f"  {what:55} {found[name]:10,.0f}{unit}", flush=True)
        return found

    def books(self, server: Server, url: str, requests: str, name: str | None = None) -> float:
        """Bookings a second, all of them in the books afterwards."""
        asyncio.run(seed.reset(url))
        with self._timed(server, name) as answered:
            done = load.wrk(server, self.folder / requests, seconds=self.seconds, expect=201)
            answered.append(done.statuses[201])
        written = asyncio.run(seed.written(url))
        _agree(server.name, done.statuses[201], written)
        return done.rate

    def books_on_sqlite(self, requests: str) -> float:
        before = seed.written_on_sqlite(self.sqlite_path)
        with self._timed(self.sqlite, "sqlite") as answered:
            done = load.wrk(self.sqlite, self.folder / requests, seconds=self.seconds, expect=201)
            answered.append(done.statuses[201])
        written = seed.written_on_sqlite(self.sqlite_path) - before
        _agree("SQLite", done.statuses[201], written)
        return done.rate

    def alone(self, clients: int, slots: tuple[int, int]) -> float:
        asyncio.run(seed.reset(self.ours_url))
        done = load.pgbench(
            self.ours_url, self.folder, clients=clients, slots=slots, seconds=self.seconds
        )
        assert asyncio.run(seed.written(self.ours_url)), "pgbench booked nothing"
        return done.rate

    def refuses(self, requests: str) -> float:
        with self._timed(self.ours, requests) as answered:
            done = load.wrk(self.ours, self.folder / requests, seconds=self.seconds, expect=409)
            answered.append(done.statuses[409])
        return done.rate

    def asks(self, server: Server, requests: str, name: str | None = None) -> float:
        with self._timed(server, name or requests) as answered:
            done = load.wrk(
                server, self.folder / requests, seconds=self.seconds, expect=200, repeat=True
            )
            answered.append(done.statuses[200])
        return done.rate

    def herd(self, server: Server, url: str) -> float:
        """p99 in ms."""
        asyncio.run(seed.reset(url))
        done = load.herd(
            server,
            seed.uid(seed.SLOT, seed.HERD_SLOT),
            clients=HERD_CLIENTS,
            winners=seed.HERD_PLACES,
        )
        return done.p99_ms

    @contextlib.contextmanager
    def _timed(self, server: Server, name: str | None) -> Iterator[list[int]]:
        """Note the processor time that the server spends on each answer inside the block."""
        before, answered = server.cpu_s(), []
        yield answered
        if name is not None and server is not self.peer:
            self.cpu_us[name].append((server.cpu_s() - before) / sum(answered) * 1e6)


def _agree(name: str, answered: int, written: int) -> None:
    """What was answered is written; at the end some clients leave before their answer."""
    assert answered <= written <= answered + 2 * load.CONNECTIONS, (
        f"{name}: {answered} answered, {written} written"
    )


@contextlib.contextmanager
def arena(admin_url: str, folder: Path, seconds: float) -> Iterator[Arena]:
    """The databases and the servers; all of them are gone after the block."""
    with contextlib.ExitStack() as stack:
        urls = []
        for side in ("ours", "peer"):
            name = f"jiamenkou_bench_{os.getpid()}_{side}"
            stack.callback(lambda name=name: asyncio.run(seed.drop_postgres(admin_url, name)))
            urls.append(asyncio.run(seed.create_postgres(admin_url, name)))
        sqlite_path = folder / "county.sqlite3"
        sqlite_url = seed.create_sqlite(sqlite_path)
        seed.write_requests(folder)
        yield Arena(
            folder=folder,
            seconds=seconds,
            hello=stack.enter_context(servers.hello(folder)),
            ours=stack.enter_context(servers.ours("ours", urls[0], folder)),
            ours_url=urls[0],
            sqlite=stack.enter_context(servers.ours("ours on SQLite", sqlite_url, folder)),
            sqlite_path=sqlite_path,
            peer=stack.enter_context(servers.fastapi_orm(urls[1], folder)),
            peer_url=urls[1],
        )


def warm_up(found: Arena) -> None:
    """Connections, prepared statements and caches are made before anything is measured."""
    seconds, found.seconds = found.seconds, WARM_UP_S
    found.round(-1)
    found.seconds = seconds
    found.cpu_us.clear()


async def database_facts(url: str) -> dict[str, str]:
    connection = await asyncpg.connect(url, timeout=5)
    try:
        return {name: await connection.fetchval(f"SHOW {name}") for name in SETTINGS}
    finally:
        await connection.close()


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="two short rounds")
    parser.add_argument("--rounds", type=int, choices=range(1, seed.ROUNDS_MOST + 1))
    parser.add_argument("--seconds", type=float, help="for each contender in each round")
    parser.add_argument(
        "--postgres-url", default=os.environ.get("TEST_POSTGRES_URL", POSTGRES_USUAL)
    )
    parser.add_argument("--no-results", action="store_true", help="leave RESULTS.md as it is")
    chosen = parser.parse_args()
    rounds = chosen.rounds or (QUICK_ROUNDS if chosen.quick else ROUNDS)
    seconds = chosen.seconds or (QUICK_SECONDS if chosen.quick else SECONDS)
    try:
        load.insist_on_tools()
        facts = asyncio.run(database_facts(chosen.postgres_url))
    except load.ToolMissing as missing:
        print(missing, file=sys.stderr)
        return 2
    except (OSError, asyncpg.PostgresError) as error:
        print(f"PostgreSQL is needed at {chosen.postgres_url}: {error}", file=sys.stderr)
        return 2
    if facts["fsync"] != "on" or facts["synchronous_commit"] != "on":
        print("This PostgreSQL does not commit durably: nothing would be comparable.")
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what we started ends
    signal.signal(signal.SIGALRM, lambda *_: sys.exit(f"stopped after {LIMIT_S} s"))
    signal.alarm(LIMIT_S)
    servers.peer_environment()
    keep = not (chosen.no_results or chosen.quick)
    return measure(chosen.postgres_url, facts, rounds, seconds, keep=keep)


def measure(
    admin_url: str, facts: dict[str, str], rounds: int, seconds: float, *, keep: bool
) -> int:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="jiamenkou-bench-") as folder:
        print("Filling the databases …", flush=True)
        with arena(admin_url, Path(folder), seconds) as found:
            idle_mib = found.ours.memory_mib()
            print("Warming up …", flush=True)
            warm_up(found)
            measured, weather = [], []
            for number in range(rounds):
                weather.append(neighbours())
                print(
                    f"Round {number + 1} of {rounds}, others use {weather[-1]:.0%} of the machine",
                    flush=True,
                )
                measured.append(found.round(number))
            cpu_us = {name: statistics.median(each) for name, each in found.cpu_us.items()}
            busy_mib = found.ours.memory_mib()
    took_s = time.monotonic() - began
    text = "\n\n".join(
        (
            f"{datetime.now(UTC):%Y-%m-%d}: {rounds} rounds of {seconds:g} s,"
            f" {took_s / 60:.0f} minutes in all. Medians; ratios are taken within each round.",
            "Others used "
            + ", ".join(f"{share:.0%}" for share in weather)
            + " of the machine before the rounds."
            + (
                ""
                if max(weather) <= QUIET
                else " **That is not a quiet machine: measure again before relying on a ratio.**"
            ),
            report.table(measured),
            report.figures(measured, cpu_us),
            f"One process of ours: {idle_mib:.0f} MiB idle, {busy_mib:.0f} MiB after the run.",
            report.machine(facts, servers.PEER_ENVIRONMENT / "bin" / "python"),
        )
    )
    print("\n" + text)
    if keep:
        report.rewrite("figures", text)
        print(f"\nwritten to {report.RESULTS.relative_to(servers.ROOT)}")
    missed = [gate.name for gate, _, passed in report.verdicts(measured) if not passed]
    for name in missed:
        print(f"missed: {name}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
