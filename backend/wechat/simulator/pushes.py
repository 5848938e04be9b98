"""Pushes to the mini-program's own server: signed, encrypted, three tries of 5 s each."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import msgspec
import structlog

from backend.wechat.push import SUCCESS, BadPush, PushGate, sign, write_xml
from backend.wechat.simulator.account import Callback
from backend.wechat.simulator.state import now_s
from backend.wechat.transport import read_reply, trusted_roots

log = structlog.get_logger()

TRIES = 3
REPLY_MOST = 64 * 1024
PENDING_MOST = 1000
AT_ONCE = 20

LISTS = {
    "subscribe_msg_popup_event": "SubscribeMsgPopupEvent",
    "subscribe_msg_change_event": "SubscribeMsgChangeEvent",
    "subscribe_msg_sent_event": "SubscribeMsgSentEvent",
}
"""In XML each event's rows sit in an element of its own; in JSON they sit in `List`."""


class Pusher:
    """Delivers in the background; without a callback every push is dropped, as WeChat does."""

    def __init__(self, callback: Callback | None, *, appid: str, original_id: str) -> None:
        """Raises ValueError: the callback's key is no EncodingAESKey."""
        self._original_id = original_id
        self._line = None if callback is None else _Line(callback, appid, original_id)
        self._tasks: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(AT_ONCE)

    def push_event(self, openid: str, event: str, rows: list[dict[str, str]] | None = None) -> None:
        """An event; `rows` are those of a subscribe event."""
        fields: dict[str, Any] = {"MsgType": "event", "Event": event}
        if rows and self._is_xml():
            fields[LISTS[event]] = {"List": rows}
        elif rows:
            fields["List"] = rows[0] if len(rows) == 1 else rows
        self._push(openid, fields)

    def push_text(
        self, openid: str, content: str, message_id: int, on_failure: Callable[[], None]
    ) -> None:
        """A user's message; `on_failure` runs when nobody answered properly."""
        fields = {"MsgType": "text", "Content": content, "MsgId": message_id}
        self._push(openid, fields, on_failure)

    async def close(self) -> None:
        """Drop what is still under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._line is not None:
            await self._line.close()

    def _is_xml(self) -> bool:
        return self._line is not None and self._line.xml

    def _push(
        self,
        openid: str,
        fields: Mapping[str, Any],
        on_failure: Callable[[], None] | None = None,
    ) -> None:
        if self._line is None:
            return
        if len(self._tasks) >= PENDING_MOST:
            log.warning("simulator_push.dropped", pending=len(self._tasks))
            return
        message = {
            "ToUserName": self._original_id,
            "FromUserName": openid,
            "CreateTime": str(int(now_s())),  # a string in JSON too
            **fields,
        }
        task = asyncio.create_task(self._deliver(self._line, openid, message, on_failure))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(
        self,
        line: "_Line",
        openid: str,
        message: Mapping[str, Any],
        on_failure: Callable[[], None] | None,
    ) -> None:
        async with self._slots:
            for _ in range(TRIES):
                reply = await line.post(openid, message)
                if reply is not None:
                    break
        if reply is not None and line.is_proper(reply):
            return
        log.warning("simulator_push.failed", answered=reply is not None)
        if on_failure is not None:
            on_failure()


class _Line:
    """The way to one callback."""

    def __init__(self, callback: Callback, appid: str, original_id: str) -> None:
        self._callback, self._original_id = callback, original_id
        self.xml = callback.xml
        self._token = "".join(callback.token)  # plain also when it is a Secret
        self._gate = PushGate(token=callback.token, aes_key=callback.aes_key, appid=appid)
        self._http = httpx.AsyncClient(
            verify=trusted_roots(), trust_env=False, headers={"Accept-Encoding": "identity"}
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def post(self, openid: str, message: Mapping[str, Any]) -> bytes | None:
        """One try; None when there was no answer in time or no 200."""
        write = write_xml if self.xml else msgspec.json.encode
        sealed = self._gate.seal(write(message))
        query = {
            "signature": sign(self._token, sealed.timestamp, sealed.nonce),
            "timestamp": sealed.timestamp,
            "nonce": sealed.nonce,
            "openid": openid,
            "encrypt_type": "aes",
            "msg_signature": sealed.signature,
        }
        body = write({"ToUserName": self._original_id, "Encrypt": sealed.encrypted})
        kind = {"Content-Type": "text/xml" if self.xml else "application/json"}
        call = self._http.stream(
            "POST", self._callback.url, params=query, content=body, headers=kind, timeout=None
        )
        try:
            async with asyncio.timeout(self._callback.limit_s), call as reply:
                return await read_reply(reply, REPLY_MOST)
        except (httpx.HTTPError, TimeoutError, ValueError):
            return None

    def is_proper(self, reply: bytes) -> bool:
        """Nothing, `success`, or a message sealed for us."""
        if reply in (b"", SUCCESS):
            return True
        try:
            self._gate.open_reply(reply)
        except BadPush:
            return False
        return True
