"""Where the time of one answer goes: our server under load, watched by py-spy, grouped by layer.

    python -m benchmarks.profiling [--seconds 8] [--postgres-url postgres://…] [--no-results]

Shares are of samples in which our process worked; microseconds are those shares of the processor
time that it spent for each answer. A function counts where it runs itself, not for what it calls;
what runs inside SQL or the kernel on its behalf counts to the line that waits for it.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from benchmarks import load, report, seed, servers
from benchmarks.run import POSTGRES_USUAL

RATE_HZ = 400
WORKLOADS = {"booking": (f"random-{seed.RELEASED_DAY}", 201), "full": ("full", 409)}
TITLES = {"booking": "a booking", "full": "a sold-out answer"}
# The first that fits a frame's file (or function) counts.
LAYERS = (
    ("waiting for events", ("selectors.py",)),
    ("database driver", ("asyncpg/",)),
    ("ORM", ("tortoise/", "pypika_tortoise/", "backend/db.py")),
    ("log-in and rights", ("backend/identity/",)),
    ("look-ups together", ("backend/loader.py",)),
    ("batching and judging", ("backend/booking/taking.py", "backend/booking/sql.py")),
    ("booking rules and view", ("backend/booking/", "backend/api/views/", "backend/clock.py")),
    ("JSON and forms", ("backend/api/wire.py", "json/", "msgspec")),
    ("logs", ("structlog/", "backend/logs.py")),
    ("figures and limits", ("prometheus_client/", "backend/api/figures.py", "backend/throttle.py",
                            "backend/hub.py")),
    ("our edge", ("backend/api/", "backend/receipts.py")),
    ("HTTP checks", ("backend/protocol.py",)),
    ("Sanic", ("sanic/", "sanic_routing/", "http1_request_header", "http1_response_header",
               "handle_request", "connection_task")),
    ("event loop and sockets", ("asyncio/",)),
)  # fmt: skip


def layer(frame: str) -> str:
    return next(
        (name for name, places in LAYERS if any(place in frame for place in places)), "the rest"
    )


def shares(recorded: Path) -> dict[str, float]:
    """Of the samples in which the process worked, by layer of the innermost frame."""
    found: Counter[str] = Counter()
    for line in recorded.read_text().splitlines():
        stack, _, count = line.rpartition(" ")
        found[layer(stack.rpartition(";")[2])] += int(count)
    found.pop("waiting for events", None)
    total = sum(found.values())
    return {name: count / total for name, count in found.most_common()}


def watch(
    server: servers.Server, url: str, folder: Path, name: str, seconds: float
) -> tuple[str, int]:
    """A table of one workload, and how many samples it rests on."""
    requests, expect = WORKLOADS[name]
    # What it costs is taken without the profiler, which slows what it watches.
    before = server.cpu_s()
    done = load.wrk(server, folder / requests, seconds=seconds / 2, expect=expect)
    cpu_us = (server.cpu_s() - before) / done.statuses[expect] * 1e6
    asyncio.run(seed.reset(url))
    recorded = folder / f"{name}.raw"
    spy = subprocess.Popen(
        [
            str(servers.PEER_ENVIRONMENT / "bin" / "py-spy"), "record", "--rate", str(RATE_HZ),
            "--duration", str(round(seconds)), "--format", "raw", "--output", str(recorded),
            "--pid", str(server.pid),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )  # fmt: skip
    load.wrk(server, folder / requests, seconds=seconds, expect=expect)
    _, complaint = spy.communicate(timeout=seconds + load.SPARE_S)
    if spy.returncode:
        raise RuntimeError(f"py-spy: {complaint.decode(errors='replace')}")
    samples = sum(int(line.rpartition(" ")[2]) for line in recorded.read_text().splitlines())
    lines = [f"For {TITLES[name]} our process works {cpu_us:.0f} µs.", ""]
    lines += ["| | share | µs |", "|---|---|---|"]
    lines += [
        f"| {title} | {share:.0%} | {share * cpu_us:.0f} |"
        for title, share in shares(recorded).items()
        if share >= 0.005
    ]
    return "\n".join(lines), samples


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument(
        "--postgres-url", default=os.environ.get("TEST_POSTGRES_URL", POSTGRES_USUAL)
    )
    parser.add_argument("--no-results", action="store_true")
    chosen = parser.parse_args()
    servers.peer_environment()
    name = f"jiamenkou_bench_{os.getpid()}_profile"
    texts = []
    try:
        url = asyncio.run(seed.create_postgres(chosen.postgres_url, name))
        with tempfile.TemporaryDirectory(prefix="jiamenkou-bench-") as made:
            folder = Path(made)
            seed.write_requests(folder)
            with servers.ours("ours", url, folder) as server:
                for workload in WORKLOADS:
                    asyncio.run(seed.reset(url))
                    text, samples = watch(server, url, folder, workload, chosen.seconds)
                    texts.append(f"{text}\n\n{samples} samples.")
                    print(texts[-1] + "\n", flush=True)
    finally:
        asyncio.run(seed.drop_postgres(chosen.postgres_url, name))
    if not chosen.no_results:
        report.rewrite("profile", "\n\n".join(texts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
