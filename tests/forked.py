"""Our command in a process that need not import us again: forked from one that did only that.

Most of what a process of ours costs is Python reading us and what we use: 1.3 of a server's 1.7
seconds. Nothing but imports happens before the fork, and the supervisor's own children
start in the same way; then `python -m backend` goes on as ever.
"""

import gc
import multiprocessing
import os
import runpy
import subprocess
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import tortoise.backends.asyncpg
import tortoise.backends.sqlite  # noqa: F401
import uvloop  # noqa: F401

import backend.demo.run
import backend.doctor
import backend.import_command
import backend.server
import backend.simulating  # noqa: F401

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["__main__", __name__])


class Forked:
    """As a Popen, as far as tests ask."""

    def __init__(
        self, arguments: Sequence[str], environ: Mapping[str, str], cwd: Path, out: Path, err: Path
    ) -> None:
        out.touch()
        err.touch()
        self._process: ForkServerProcess = CONTEXT.Process(
            target=_be, args=(arguments, dict(environ), cwd, out, err)
        )
        self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired("jiamenkou", timeout or 0.0)
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self._process.kill()


def _be(
    arguments: Sequence[str], environ: Mapping[str, str], cwd: Path, out: Path, err: Path
) -> None:
    """What the child does, to its end."""
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(cwd)
    for path, number in ((out, 1), (err, 2)):
        opened = os.open(path, os.O_WRONLY | os.O_APPEND)
        os.dup2(opened, number)
        os.close(opened)
    sys.argv = ["jiamenkou", *arguments]
    runpy.run_module("backend", run_name="__main__", alter_sys=True)


gc.collect()
gc.freeze()
