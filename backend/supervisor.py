"""Several serving processes on one socket. Whoever dies is replaced; nobody outlives the parent."""

import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import structlog

log = structlog.get_logger()

CHECK_S = 0.1
BACKOFF_LEAST_S = 0.1
BACKOFF_MOST_S = 10.0
STEADY_S = 30.0  # a child that lived this long starts the next one without waiting
STOP_MOST_S = 15.0  # longer than a server drains; then SIGKILL
PR_SET_PDEATHSIG = 1
STOPPING = (signal.SIGTERM, signal.SIGINT)


@dataclass(slots=True)
class _Place:
    """One of the children, and when to start it again."""

    pid: int = 0
    started: float = 0.0
    due: float = 0.0
    backoff_s: float = 0.0
    asked: bool = False  # to end


@dataclass(slots=True)
class Supervisor:
    """`child` is what each process does; it returns its exit code.

    Forks, so call `run` before there is an event loop or a thread.
    """

    child: Callable[[], int]
    places: list[_Place] = field(default_factory=list)
    stopping_since: float = 0.0

    def run(self, count: int) -> int:
        """Keep `count` children alive until SIGTERM or SIGINT; 0 when all of them ended well."""
        self.places = [_Place() for _ in range(count)]
        for number in STOPPING:
            signal.signal(number, self._stop)
        ended_well = True
        while not self.stopping_since or any(place.pid for place in self.places):
            ended_well &= self._reap()
            if not self.stopping_since:
                self._fill()
            else:
                self._end_all()
            time.sleep(CHECK_S)
        return 0 if ended_well else 1

    def _stop(self, _number: int, _frame: Any) -> None:
        """Only note it: a child that was just started may have no place yet."""
        self.stopping_since = self.stopping_since or time.monotonic()

    def _end_all(self) -> None:
        """Ask each child once to end; kill those that take too long."""
        late = time.monotonic() - self.stopping_since > STOP_MOST_S
        for place in self.places:
            if place.pid and (late or not place.asked):
                place.asked = True
                with contextlib.suppress(ProcessLookupError):
                    os.kill(place.pid, signal.SIGKILL if late else signal.SIGTERM)

    def _reap(self) -> bool:
        """Note who ended. False: somebody ended badly although asked to stop."""
        well = True
        for place in self.places:
            pid, status = os.waitpid(place.pid, os.WNOHANG) if place.pid else (0, 0)
            if not pid:
                continue
            code, now = os.waitstatus_to_exitcode(status), time.monotonic()
            well = well and not (self.stopping_since and code)
            steady = now - place.started > STEADY_S
            longer = min(max(place.backoff_s * 2, BACKOFF_LEAST_S), BACKOFF_MOST_S)
            place.backoff_s = 0.0 if steady else longer
            place.pid, place.due = 0, now + place.backoff_s
            log.warning("process.ended", pid=pid, exit_code=code, wait_s=place.backoff_s)
        return well

    def _fill(self) -> None:
        for place in self.places:
            if not self.stopping_since and not place.pid and place.due <= time.monotonic():
                place.started = time.monotonic()
                place.pid = self._fork()

    def _fork(self) -> int:
        """A child that runs `self.child` and dies with its parent."""
        parent = os.getpid()
        # A signal that came between fork and reset would be lost on the parent's handler.
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
        pid = os.fork()
        if pid == 0:
            for number in STOPPING:
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
            os._exit(self._be_child(parent))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
        log.info("process.started", pid=pid)
        return pid

    def _be_child(self, parent: int) -> int:
        die_with(parent)
        try:
            return self.child()
        except Exception:
            log.exception("process.failed")
            return 1
        finally:
            sys.stdout.flush()
            sys.stderr.flush()


def die_with(parent: int) -> None:
    """Get SIGTERM when `parent` ends, even by SIGKILL. Linux only; elsewhere nothing happens."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it ended before it could be watched
        os._exit(1)
