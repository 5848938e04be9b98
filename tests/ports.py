"""Ports for processes that tests start."""

import contextlib
import random
import socket

# Below those that Linux gives out: whoever asks it for a port, or just connects, would take one
# that is free now and is listened on a second later.
LOWEST, HIGHEST = 15_000, 32_000
TRIES = 100


def free_port(count: int = 1) -> int:
    """A port that is free now, and the `count - 1` after it."""
    dice = random.SystemRandom()
    for _ in range(TRIES):
        first = dice.randrange(LOWEST, HIGHEST)
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for port in range(first, first + count):
                stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            return first
    raise AssertionError("no free ports")
