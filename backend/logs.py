"""Structured logs. Ids, never health data; private keys are hidden wherever they appear."""

import logging
import random
import sys
from collections.abc import MutableMapping
from contextvars import ContextVar
from typing import Any

import msgspec
import structlog

# Names under which somebody might log what must never be logged.
PRIVATE = frozenset(
    {
        "name", "phone", "id_number", "identifier", "openid", "unionid", "session_key", "token",
        "secret", "password", "code", "authorization", "body", "key", "address",
    }
)  # fmt: skip
HIDDEN = "[hidden]"

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The id of the request being answered; empty outside of one."""


def new_request_id() -> str:
    """16 hexadecimal digits, to find a line again and not to keep a secret.

    No system call for each request, and others in each forked process, for which Python seeds this.
    """
    return f"{random.getrandbits(64):016x}"


def add_request_id(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """A structlog processor: every line of one request carries its id."""
    if current := request_id.get():
        event["request_id"] = current
    return event


def hide_private(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """A structlog processor: the value of every private key becomes `[hidden]`."""
    for key in event.keys() & PRIVATE:
        event[key] = HIDDEN
    return event


def _encode(event: Any, **_options: Any) -> bytes:
    return msgspec.json.encode(event, enc_hook=str)


def configure(*, json: bool, level: str = "INFO") -> None:
    """One line an event on stderr: JSON for machines, colours for a terminal."""
    renderer: Any = (
        structlog.processors.JSONRenderer(serializer=_encode)
        if json
        else structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    )
    chain: list[Any] = [
        add_request_id,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        hide_private,
    ]
    if json:
        # Local variables stay out of tracebacks: they hold patients' names and numbers.
        frames = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        chain.append(structlog.processors.ExceptionRenderer(frames))
    structlog.configure(
        processors=[*chain, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=(
            structlog.BytesLoggerFactory(sys.stderr.buffer)
            if json
            else structlog.PrintLoggerFactory(sys.stderr)
        ),
        cache_logger_on_first_use=True,
    )
