"""How calls travel to WeChat and what counts as an answer.

Replies are strangers' bytes: identity encoding, a byte cap, a time limit for the whole call, no
redirects, no proxies from the environment, and strict types. Nothing is repeated here; whoever
calls knows whether repeating is safe.
"""

import asyncio
import functools
import logging
import ssl
from collections.abc import Mapping
from typing import Any, TypeVar

import httpx
import msgspec
import structlog

from backend.errors import Upstream

log = structlog.get_logger()

# httpx logs every URL at INFO, and WeChat wants secrets and tokens in the URL.
for _noisy in ("httpx", "httpcore"):
    logging.getLogger(_noisy).setLevel(logging.WARNING)

CONNECT_S = 3.0
CALL_S = 4.0
"""From the first byte out to the last byte in; somebody waits, and their request ends at 4.5 s."""

REPLY_MOST = 1024 * 1024
"""Bytes. Real replies stay under 10 KiB."""

CONNECTIONS_MOST = 50
ERRMSG_MOST = 200

# Trying again gives the same answer until a person changes something. All others may pass.
PERMANENT = frozenset(
    {40003, 40013, 40037, 40125, 40129, 40164, 41030, 43101, 43104, 43107, 43302, 44002, 45168}
    | {47001, 47003, 48001, 61010}
)

T = TypeVar("T", bound=msgspec.Struct)


class WeChatError(Upstream):
    """WeChat refused (`errcode`), or no answer could be understood (`errcode` None).

    In the second case the call may have taken effect all the same.
    """

    def __init__(self, permanent: bool, errcode: int | None, errmsg: str) -> None:
        super().__init__(permanent=permanent)
        self.errcode = errcode
        self.errmsg = errmsg[:ERRMSG_MOST]

    def __str__(self) -> str:
        return f"{self.errcode} {self.errmsg}"


class _Refusal(msgspec.Struct):
    errcode: int = 0
    errmsg: str = ""


@functools.cache
def trusted_roots() -> ssl.SSLContext:
    """The roots that httpx trusts, read once for all clients of this process."""
    return httpx.create_ssl_context(trust_env=False)


class Transport:
    """A pool of connections to one base URL. Safe to share among tasks."""

    def __init__(
        self, base_url: str, *, connect_s: float = CONNECT_S, call_s: float = CALL_S
    ) -> None:
        self._call_s = call_s
        self._http = httpx.AsyncClient(
            base_url=base_url,
            verify=trusted_roots(),
            trust_env=False,
            follow_redirects=False,
            headers={"Accept-Encoding": "identity"},
            timeout=httpx.Timeout(call_s, connect=connect_s),
            limits=httpx.Limits(max_connections=CONNECTIONS_MOST),
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def get(self, path: str, query: Mapping[str, str], kind: type[T]) -> T:
        return self._read(path, kind, await self._fetch("GET", path, query, None))

    async def post(
        self, path: str, query: Mapping[str, str], form: Mapping[str, Any], kind: type[T]
    ) -> T:
        return self._read(path, kind, await self._fetch("POST", path, query, form))

    def _read(self, path: str, kind: type[T], body: bytes) -> T:
        """Raises WeChatError: refused by WeChat, or not what its page promises."""
        try:
            refusal = msgspec.json.decode(body, type=_Refusal)
            if not refusal.errcode:
                return msgspec.json.decode(body, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            log.warning("wechat.failed", call=path, why="unreadable reply")
            raise WeChatError(False, None, "unreadable reply") from None
        log.warning("wechat.refused", call=path, errcode=refusal.errcode)
        raise WeChatError(refusal.errcode in PERMANENT, refusal.errcode, refusal.errmsg)

    async def _fetch(
        self, method: str, path: str, query: Mapping[str, str], form: Mapping[str, Any] | None
    ) -> bytes:
        call = self._http.stream(
            method,
            path,
            params=query,
            content=None if form is None else msgspec.json.encode(form),
            headers=None if form is None else {"Content-Type": "application/json"},
        )
        try:
            async with asyncio.timeout(self._call_s), call as reply:
                return await read_reply(reply, REPLY_MOST)
        except (httpx.HTTPError, TimeoutError, ValueError) as error:
            why = str(error) if isinstance(error, ValueError) else type(error).__name__
            log.warning("wechat.failed", call=path, why=why)
            raise WeChatError(False, None, why) from None  # the cause holds the URL


async def read_reply(reply: httpx.Response, most: int) -> bytes:
    """The raw body of a 200, of at most `most` bytes; compressed ones are not unpacked.

    Raises:
        ValueError: another status, compressed, or too long.
    """
    if reply.status_code != 200:
        raise ValueError(f"HTTP {reply.status_code}")
    if reply.headers.get("Content-Encoding", "identity") != "identity":
        raise ValueError("compressed reply")
    body = bytearray()
    async for chunk in reply.aiter_raw():
        body += chunk
        if len(body) > most:
            raise ValueError("oversized reply")
    return bytes(body)
