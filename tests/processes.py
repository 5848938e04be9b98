"""Our own command as a process: started, asked, killed, and always ended."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import httpx

from backend.settings import PREFIX, Settings
from tests.serving import NO_ROOTS

ROOT = Path(__file__).resolve().parents[1]
PATIENCE_S = 150.0  # on a busy machine a whole demo takes a minute to start
CHECK_S = 0.05
STOP_S = 20.0


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


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "backend", *arguments]


def run(*arguments: str, said: Mapping[str, str], cwd: Path) -> "subprocess.CompletedProcess[str]":
    """The command, to its end."""
    return subprocess.run(
        command(*arguments),
        env=environ(said),
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


@contextlib.contextmanager
def running(
    *arguments: str, said: Mapping[str, str], cwd: Path
) -> "Iterator[subprocess.Popen[bytes]]":
    """The command while the block lasts; it writes to `log` in `cwd`."""
    with (cwd / "log").open("ab") as log:
        process = subprocess.Popen(
            command(*arguments), env=environ(said), cwd=cwd, stdout=log, stderr=log
        )
    try:
        yield process
    finally:
        stop(process)


def stop(process: "subprocess.Popen[bytes]") -> int:
    """SIGTERM, and SIGKILL for what doesn't listen; its exit code."""
    if process.poll() is None:
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
