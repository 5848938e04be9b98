"""What `make test` runs: the whole suite on every database that can be had, side by side.

    python -m tests.run [--soak] [pytest's own arguments]

SQLite with the in-process hub always; PostgreSQL with Redis where they answer or can be started.
With CI=true a database that can't be had is a failure.
"""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from tests.engines import Engine, postgres, redis_server

ROOT = Path(__file__).resolve().parents[1]
NOT_TESTED = "未测 / not tested"
SUITE_S = 900.0  # far above the promised 300; a suite that hangs must end
TEST_S = 120  # a test that hangs ends the suite with a traceback that names it
SOAK_S = 6 * 3600.0
STOP_S = 10.0


@dataclass(slots=True)
class Suite:
    """One pytest process. Its output is a file; `report` is its JUnit file."""

    name: str
    process: subprocess.Popen[bytes]
    output: Path
    report: Path

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def last_line(self) -> str:
        """Pytest's own summary."""
        lines = self.output.read_text(errors="replace").splitlines()
        sums = [line for line in lines if line.startswith("=") and " in " in line]
        return sums[-1] if sums else "没有跑完 / broken off"

    def counts(self) -> tuple[int, int, int]:
        """(passed, failed, skipped); a suite that wrote no report has failed."""
        try:
            found = ElementTree.parse(self.report).getroot()  # noqa: S314  pytest wrote it
        except (OSError, ElementTree.ParseError):
            return 0, 1, 0
        total = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
        for suite in found.iter("testsuite"):
            for kind in total:
                total[kind] += int(suite.get(kind, 0))
        failed, skipped = total["failures"] + total["errors"], total["skipped"]
        return max(0, total["tests"] - failed - skipped), failed, skipped


def main(arguments: list[str]) -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what we started ends
    ci = os.environ.get("CI", "").lower() == "true"
    soak = "--soak" in arguments
    arguments = [argument for argument in arguments if argument != "--soak"]
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        database = stack.enter_context(postgres(os.environ))
        shared = stack.enter_context(redis_server(os.environ))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="jiamenkou-run-")))
        limit = [f"faulthandler_timeout={TEST_S}", "faulthandler_exit_on_timeout=true"]
        limits = [] if soak else [part for option in limit for part in ("-o", option)]
        chosen = ["-m", "soak" if soak else "not soak and not browser", *limits, *arguments]
        suites = stack.enter_context(_suites(folder, database, shared, chosen))
        _follow(suites, SOAK_S if soak else SUITE_S)
        return _sum_up(suites, {"PostgreSQL": database, "Redis": shared}, ci, began)


@contextlib.contextmanager
def _suites(
    folder: Path, database: Engine, shared: Engine, arguments: list[str]
) -> Iterator[list[Suite]]:
    """The processes, side by side; all of them have ended when the block is left."""
    suites = [_start(folder, "sqlite", ["--engine", "sqlite", *arguments])]
    if database.url and shared.url:
        where = ["--postgres-url", database.url, "--redis-url", shared.url]
        suites.append(_start(folder, "postgres", ["--engine", "postgres", *where, *arguments]))
    try:
        yield suites
    finally:
        for suite in suites:
            suite.stop()


def _start(folder: Path, name: str, arguments: list[str]) -> Suite:
    output, report = folder / f"{name}.txt", folder / f"{name}.xml"
    with output.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", f"--junitxml={report}", "-p", "no:cacheprovider",
             *arguments],
            cwd=ROOT, stdout=file, stderr=file, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    return Suite(name, process, output, report)


def _follow(suites: list[Suite], most_s: float) -> None:
    """Show the first suite as it goes, the others when they have ended."""
    deadline = time.monotonic() + most_s
    for suite in suites:
        say(f"\n=== {suite.name} ===")
        with suite.output.open("rb") as lines:
            while suite.process.poll() is None and time.monotonic() < deadline:
                _copy(lines.read())
                time.sleep(0.2)
            if suite.process.poll() is None:
                say(f"{most_s:.0f} 秒内没有结束 / timed out")
                suite.stop()
            _copy(lines.read())


def _copy(text: bytes) -> None:
    sys.stdout.buffer.write(text)
    sys.stdout.buffer.flush()


def _sum_up(suites: list[Suite], engines: dict[str, Engine], ci: bool, began: float) -> int:
    """The closing lines: which databases, pytest's own words for each, and the sum."""
    counts = [suite.counts() for suite in suites]
    failed = sum(count[1] for count in counts)
    say("\n=== 小结 / summary ===")
    say("SQLite，进程内 hub: 已测 / tested")
    for name, engine in engines.items():
        tested = "已测 / tested" if len(suites) > 1 else NOT_TESTED
        say(f"{name}: {tested}({engine.how})")
    absent = [name for name, engine in engines.items() if engine.url is None]
    if absent and ci:
        say(f"CI=true 时必须有 {'、'.join(absent)} / required with CI=true")
    for suite in suites:
        say(f"{suite.name}: {suite.last_line()}")
    say(f"{time.monotonic() - began:.0f} s, {sum(count[2] for count in counts)} skipped")
    say(f"{sum(count[0] for count in counts)} passed, {failed} failed")
    broken = any(suite.process.returncode for suite in suites)
    return 1 if failed or broken or (absent and ci) else 0


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
