"""Our own command as a process: started, asked, killed, and always ended."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import httpx

from backend.settings import PREFIX, Settings
from tests.forked import Forked
from tests.serving import NO_ROOTS

ROOT = Path(__file__).resolve().parents[1]
PATIENCE_S = 150.0  # on a busy machine a whole demo takes a minute to start
CHECK_S = 0.05
STOP_S = 20.0

Process = Forked | subprocess.Popen[bytes]


def variables(settings: Settings, **changes: str) -> dict[str, str]:
    """The settings as an operator would write them."""
    said = {
        "DATABASE_URL": settings.database_url,
        "ENCRYPTION_KEYS": settings.encryption_keys.reveal(),
        "INDEX_KEY": settings.index_key.reveal(),
        "LOG_LEVEL": "INFO",
    }
    return {PREFIX + name: value for name, value in (said | changes).items()}


def environ(said: Mapping[str, str]) -> dict[str, str]:
    """This process's environment without settings of its own, and with these."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return {**inherited, "PYTHONPATH": str(ROOT), **said}


def run(
    *arguments: str, said: Mapping[str, str], cwd: Path, anew: bool = False
) -> "subprocess.CompletedProcess[str]":
    """The command, to its end. `anew`: as a shell starts it, which takes a second longer."""
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder) / "out", Path(folder) / "err"
        process = _start(arguments, said, cwd, out, err, anew)
        try:
            code = process.wait(PATIENCE_S)
        finally:
            process.kill()
        return subprocess.CompletedProcess(arguments, code, out.read_text(), err.read_text())


@contextlib.contextmanager
def running(
    *arguments: str, said: Mapping[str, str], cwd: Path, anew: bool = False
) -> Iterator[Process]:
    """The command while the block lasts; it writes to `log` in `cwd`. `anew`: as in `run`."""
    process = start(*arguments, said=said, cwd=cwd, anew=anew)
    try:
        yield process
    finally:
        stop(process)


def start(*arguments: str, said: Mapping[str, str], cwd: Path, anew: bool = False) -> Process:
    """As `running`, for who ends it himself."""
    return _start(arguments, said, cwd, cwd / "log", cwd / "log", anew)


def _start(
    arguments: Sequence[str], said: Mapping[str, str], cwd: Path, out: Path, err: Path, anew: bool
) -> Process:
    if not anew:
        return Forked(arguments, environ(said), cwd, out, err)
    command = [sys.executable, "-m", "backend", *arguments]
    with out.open("ab") as stdout, err.open("ab") as stderr:
        return subprocess.Popen(command, env=environ(said), cwd=cwd, stdout=stdout, stderr=stderr)


def stop(process: Process) -> int:
    """SIGTERM, and SIGKILL for what doesn't listen; its exit code."""
    process.send_signal(signal.SIGTERM)
    try:
        return process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def until(reached: Callable[[], bool], why: str = "did not happen in time") -> None:
    """Wait for something that another process does; fail when it takes too long."""
    deadline = time.monotonic() + PATIENCE_S
    while not reached():
        assert time.monotonic() < deadline, why
        time.sleep(CHECK_S)


def answers(url: str) -> bool:
    """Whether a GET of `url`, on a new connection, is answered with 200."""
    try:
        return httpx.get(url, trust_env=False, verify=NO_ROOTS, timeout=2.0).status_code == 200
    except httpx.HTTPError:
        return False
