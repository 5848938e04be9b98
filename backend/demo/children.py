"""Processes that the demo starts, watches and ends."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from backend.refused import Refused
from backend.settings import PREFIX

PACKAGES = Path(__file__).resolve().parents[2]
STOP_S = 15.0  # longer than a server drains
LINES_SHOWN = 15  # of the log of a child that ended
LOG_SHOWN = 8_192  # bytes


class DemoFailed(Refused):
    """The demo can't start, or something in it ended by itself."""


@dataclass(frozen=True, slots=True)
class Child:
    """One of our own commands; what it writes goes to `log`."""

    name: str
    log: Path
    process: subprocess.Popen[bytes]

    def insist(self) -> None:
        """Raises DemoFailed when it has ended, with the end of its log."""
        code = self.process.poll()
        if code is not None:
            end = self.log.read_bytes()[-LOG_SHOWN:].decode(errors="replace").splitlines()
            last = "\n".join(end[-LINES_SHOWN:])
            raise DemoFailed(f"{self.name} 意外停止（退出码 {code}），日志 {self.log}:\n{last}")

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextlib.contextmanager
def started(
    home: Path, commands: Mapping[str, list[str]], variables: Mapping[str, str]
) -> Iterator[list[Child]]:
    """Children by name and arguments, all of them ended when the block is left, last one first."""
    children: list[Child] = []
    try:
        for name, arguments in commands.items():
            children.append(_start(home, name, arguments, variables))
        yield children
    finally:
        for child in reversed(children):
            child.stop()


def _start(home: Path, name: str, arguments: list[str], variables: Mapping[str, str]) -> Child:
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(PREFIX)}
    path = home / f"{name}.log"
    with path.open("wb") as log:
        process = subprocess.Popen(  # noqa: S603  our own command
            [sys.executable, "-m", "backend", "--with-parent", str(os.getpid()), *arguments],
            cwd=home,  # no other .env gets in
            env={**inherited, **variables, "PYTHONPATH": str(PACKAGES)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C comes to us, and is passed on in order
        )
    return Child(name, path, process)
