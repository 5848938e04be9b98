"""What `make test` runs: the whole suite, as much of it side by side as a small machine bears.

    python -m tests.run [--soak] [pytest's own arguments]

SQLite with the in-process hub always; PostgreSQL with Redis where they answer or can be started;
then the mini-program: its logic in Node, its journeys in Chromium. What can't be had is named at
the end, and with CI=true it is a failure. With arguments only the databases are tested.
"""

import contextlib
import functools
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from tests import tools
from tests.engines import Engine, postgres, redis_server

ROOT = Path(__file__).resolve().parents[1]
NOT_TESTED = "未测 / not tested"
NODE = ROOT / "miniprogram_stub" / "node.py"
SIDE_BY_SIDE = max(2, os.cpu_count() or 1) + 2  # each waits for somebody part of its time
TESTED_BY = {"PostgreSQL": "postgres", "Redis": "postgres", "Node": "vitest", "Chromium": "browser"}
SUITE_S = 1800.0  # far above the promised 300; a suite that hangs must end
# Side by side each would get the same, and the longest would run on alone in the end.
NICE = {"postgres": 0, "sqlite": 2, "browser": 6, "apart": 10, "vitest": 10}
TEST_S = 300  # a test that hangs ends the suite with a traceback that names it
SOAK_S = 6 * 3600.0
STOP_S = 10.0
MEMORY = Path("/dev/shm")  # noqa: S108  in a folder of our own there
MEMORY_LEAST = 2 << 30  # a container's usual 64 MiB are too few
NO_BYTECODE = "PYTHONDONTWRITEBYTECODE"
COMPILED_S = 15.0  # until the first suite of a new checkout has collected its tests
SUM = re.compile(r"=.* in |Tests  ")


@dataclass(slots=True)
class Suite:
    """One process that tests. Its output is a file; `report` is its JUnit file."""

    name: str
    command: list[str]
    output: Path
    report: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.output.open("wb") as file:
            self.process = subprocess.Popen(
                self.command, cwd=ROOT, env=environ(),
                stdout=file, stderr=file, stdin=subprocess.DEVNULL,
                preexec_fn=functools.partial(os.nice, NICE[self.name]),
            )  # fmt: skip

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def has_ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def stop(self) -> None:
        if self.process is not None and self.is_running:
            self.process.terminate()
            try:
                self.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    @property
    def has_failed(self) -> bool:
        return self.process is None or self.process.returncode != 0

    def last_line(self) -> str:
        """The summary of pytest, or of vitest."""
        if not self.output.exists():
            return "没有开始 / not begun"
        lines = [line.strip() for line in self.output.read_text(errors="replace").splitlines()]
        sums = [line for line in lines if SUM.match(line)]
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


def environ() -> dict[str, str]:
    """Some hundred processes start in these tests: without bytecode each would compile us anew,
    which takes it a second, so what a container's image says of that doesn't count here."""
    kept = {name: value for name, value in os.environ.items() if name != NO_BYTECODE}
    return {**kept, "NO_COLOR": "1"}


def main(arguments: list[str]) -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what we started ends
    ci = os.environ.get("CI", "").lower() == "true"
    soak = "--soak" in arguments
    arguments = [argument for argument in arguments if argument != "--soak"]
    began = time.monotonic()
    whole = not (soak or arguments)
    with contextlib.ExitStack() as stack:
        database = stack.enter_context(postgres(os.environ))
        shared = stack.enter_context(redis_server(os.environ))
        engines = {"PostgreSQL": database, "Redis": shared}
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="jiamenkou-run-", dir=_memory()))
        )
        limit = [f"faulthandler_timeout={TEST_S}", "faulthandler_exit_on_timeout=true"]
        limits = [] if soak else [part for option in limit for part in ("-o", option)]
        marks = "soak" if soak else "not soak and not browser"
        chosen = ["-m", marks, *limits, *(arguments or ["--ignore=tests/browser"])]
        suites = _databases(folder, engines, chosen, whole=whole)
        for suite in suites:
            stack.callback(suite.stop)
        _start_more(suites[:1] if whole and is_new() else suites)
        if whole:  # while they run, the pages are built; npm may wait for its registry
            second = threading.Timer(COMPILED_S, _start_more, [suites])
            stack.callback(second.cancel)
            second.start()
            engines["Node"], engines["Chromium"] = _mini_program()
            second.cancel()
            second.join()
            others = _others(folder, engines, chosen, limits)
            suites += others
            for suite in others:
                stack.callback(suite.stop)
        _follow(suites, SOAK_S if soak else SUITE_S)
        return _sum_up(suites, engines, ci, began)


def is_new() -> bool:
    """A new checkout: of suites that begin together each would compile all tests, for 7 s."""
    return not any((ROOT / "tests").glob("__pycache__/test_*"))


def _memory() -> Path | None:
    """Where files cost no disk: each commit of SQLite's waits for one. None: the usual place."""
    with contextlib.suppress(OSError):
        if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= MEMORY_LEAST:
            return MEMORY
    return None


def _mini_program() -> tuple[Engine, Engine]:
    """Node and Chromium, the pages being built. A page that does not build ends it all."""
    node = tools.node()
    if node.url is None:
        return node, Engine(None, "没有 Node，小程序没有构建")
    if not tools.build():
        raise SystemExit("小程序没有构建成功，原因见上。 / The mini-program does not build.")
    return node, tools.chromium(os.environ)


def _databases(
    folder: Path, engines: dict[str, Engine], chosen: list[str], *, whole: bool
) -> list[Suite]:
    """The longer one first. `whole`: what needs no database is a suite of its own: `_others`."""
    part = ["--part", "engine"] if whole else []
    suites = [_pytest(folder, "sqlite", "--engine", "sqlite", *part, *chosen)]
    database, shared = engines["PostgreSQL"], engines["Redis"]
    if database.url and shared.url:
        where = ["--postgres-url", database.url, "--redis-url", shared.url]
        suites.insert(0, _pytest(folder, "postgres", "--engine", "postgres", *where, *chosen))
    return suites


def _others(
    folder: Path, engines: dict[str, Engine], chosen: list[str], limits: list[str]
) -> list[Suite]:
    """In the order in which they start: the long one first."""
    suites = [_pytest(folder, "apart", "--part", "apart", *chosen)]
    if engines["Chromium"].url:
        suites.insert(0, _pytest(folder, "browser", "-m", "browser", "tests/browser", *limits))
    if engines["Node"].url:
        command = [str(NODE), "test", "--", "--reporter=default", "--reporter=junit"]
        suites.append(_suite(folder, "vitest", command, "--outputFile.junit="))
    return suites


def _pytest(folder: Path, name: str, *arguments: str) -> Suite:
    own = ["-p", "no:cacheprovider", f"--basetemp={folder / name}"]
    kept = ["-o", "tmp_path_retention_policy=none"]  # the folder may be memory
    return _suite(folder, name, ["-m", "pytest", *own, *kept, *arguments], "--junitxml=")


def _suite(folder: Path, name: str, command: list[str], report: str) -> Suite:
    file = folder / f"{name}.xml"
    command = [sys.executable, *command, report + str(file)]
    return Suite(name, command, folder / f"{name}.txt", file)


def _follow(suites: list[Suite], most_s: float) -> None:
    """Show one suite after the other as it goes; start the next as soon as there is room."""
    deadline = time.monotonic() + most_s
    for suite in suites:
        say(f"\n=== {suite.name} ===")
        shown = 0
        while not suite.has_ended and time.monotonic() < deadline:
            _start_more(suites)
            shown += _copy(suite.output, shown)
            time.sleep(0.2)
        if not suite.has_ended:
            say(f"{most_s:.0f} 秒内没有结束 / timed out")
            suite.stop()
        _copy(suite.output, shown)


def _start_more(suites: list[Suite]) -> None:
    waiting = [suite for suite in suites if suite.process is None]
    room = SIDE_BY_SIDE - sum(suite.is_running for suite in suites)
    for suite in waiting[: max(0, room)]:
        suite.start()


def _copy(output: Path, shown: int) -> int:
    """What it wrote beyond `shown` bytes; returns how many that were."""
    if not output.exists():
        return 0
    with output.open("rb") as file:
        file.seek(shown)
        text = file.read()
    sys.stdout.buffer.write(text)
    sys.stdout.buffer.flush()
    return len(text)


def _sum_up(suites: list[Suite], engines: dict[str, Engine], ci: bool, began: float) -> int:
    """The closing lines: what was there to test with, each suite's own words, and the sum."""
    counts = [suite.counts() for suite in suites]
    failed = sum(count[1] for count in counts)
    say("\n=== 小结 / summary ===")
    say("SQLite，进程内 hub: 已测 / tested")
    names = {suite.name for suite in suites}
    for name, engine in engines.items():
        tested = "已测 / tested" if TESTED_BY[name] in names else NOT_TESTED
        say(f"{name}: {tested}({engine.how})")
    absent = [name for name, engine in engines.items() if engine.url is None]
    if absent and ci:
        say(f"CI=true 时必须有 {'、'.join(absent)} / required with CI=true")
    for suite in suites:
        say(f"{suite.name}: {suite.last_line()}")
    say(f"{time.monotonic() - began:.0f} s, {sum(count[2] for count in counts)} skipped")
    say(f"{sum(count[0] for count in counts)} passed, {failed} failed")
    broken = any(suite.has_failed for suite in suites)
    return 1 if failed or broken or (absent and ci) else 0


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
