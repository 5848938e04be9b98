"""The thin client for WeChat's server calls.

Source: the pages of code2Session, getStableAccessToken, getPhoneNumber, subscribeMessage.send and
msgSecCheck on developers.weixin.qq.com.
"""

import asyncio
from collections.abc import Mapping
from types import TracebackType
from typing import Annotated, Any, Literal, Self

import msgspec
import structlog

from backend.errors import Malformed
from backend.hub import Hub
from backend.settings import Secret
from backend.wechat import templates
from backend.wechat.transport import CALL_S, CONNECT_S, T, Transport, WeChatError

__all__ = ["InvalidCode", "Login", "WeChat", "WeChatError"]

log = structlog.get_logger()

TEXT_MOST = 2500
"""Characters that one `check_text` takes."""

TOKEN_MARGIN_S = 240
"""WeChat hands out a new token during the last 300 s of the old one, so asking inside them pays."""

TOKEN_SHORTEST_S = 30
TOKEN_LOCK_S = 15.0
TOKEN_WAIT_S = 0.1
TOKEN_WAITS = 60
"""How often to look for the token another worker is fetching, `TOKEN_WAIT_S` apart."""

INVALID_CODE = frozenset({40029, 40163, 40226, 41008})
STALE_TOKEN = frozenset({40001, 40014, 42001})

Suggestion = Literal["pass", "review", "risky"]
ProgramState = Literal["developer", "trial", "formal"]
_Id = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]


class InvalidCode(Malformed):
    """The phone's code was used before, is older than 5 min, or is no code at all."""

    code = "invalid-code"
    detail = "登录已失效，请重新打开小程序再试。"


class Login(msgspec.Struct, frozen=True):
    """Who opened the mini-program. `session_key` is never read: nothing here needs it."""

    openid: _Id
    unionid: _Id | None = None

    def __repr__(self) -> str:
        return "Login(…)"


class _Token(msgspec.Struct):
    access_token: Annotated[str, msgspec.Meta(min_length=1, max_length=2048)]
    expires_in: Annotated[int, msgspec.Meta(gt=0, le=7200)]


class _PhoneNumber(msgspec.Struct, rename="camel"):
    pure_phone_number: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{5,15}$")]
    # WeChat's table says string, its example shows a number.
    country_code: (
        Annotated[int, msgspec.Meta(gt=0, lt=1000)]
        | Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,3}$")]
    )


class _Phone(msgspec.Struct):
    phone_info: _PhoneNumber


class _Sent(msgspec.Struct):
    msgid: int | str


class _Verdict(msgspec.Struct):
    suggest: Suggestion


class _Checked(msgspec.Struct):
    result: _Verdict


class WeChat:
    """One account. Safe to share among tasks; close it when the server stops."""

    def __init__(
        self,
        *,
        base_url: str,
        appid: str,
        secret: Secret,
        hub: Hub,
        program_state: ProgramState = "formal",
        connect_s: float = CONNECT_S,
        call_s: float = CALL_S,
    ) -> None:
        self._appid, self._secret, self._hub = appid, secret, hub
        self._program_state = program_state
        self._transport = Transport(base_url, connect_s=connect_s, call_s=call_s)
        self._call_s = call_s
        self._token_key = f"wechat-token:{appid}"
        self._renewal: asyncio.Task[str] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        if self._renewal is not None:
            self._renewal.cancel()
        await self._transport.close()

    async def login(self, code: str) -> Login:
        """Exchange the code of `wx.login`. It works once: never repeat the call.

        Raises:
            InvalidCode, WeChatError.
        """
        query = {
            "appid": self._appid,
            "secret": self._secret.reveal(),
            "js_code": code,
            "grant_type": "authorization_code",
        }
        try:
            return await self._transport.get("/sns/jscode2session", query, Login)
        except WeChatError as error:
            if error.errcode in INVALID_CODE:
                raise InvalidCode from None
            raise

    async def phone(self, code: str) -> str:
        """The number behind the code of the getPhoneNumber button: eleven digits.

        A number from outside the mainland keeps its country: `+85200000000`.

        Raises:
            InvalidCode, WeChatError.
        """
        try:
            reply = await self._call("/wxa/business/getuserphonenumber", {"code": code}, _Phone)
        except WeChatError as error:
            if error.errcode in INVALID_CODE:
                raise InvalidCode("手机号授权已失效，请再点一次授权。") from None
            raise
        number, country = reply.phone_info.pure_phone_number, reply.phone_info.country_code
        return number if str(country) == "86" else f"+{country}{number}"

    async def send_subscribe(
        self, *, openid: str, template_id: str, values: Mapping[str, str], page: str | None = None
    ) -> str:
        """Send one subscribe message; `values` by field (`thing3`). Returns WeChat's msgid.

        The same id comes back in `subscribe_msg_sent_event`.

        Raises:
            WeChatError: 47003 without asking when a value breaks its field's limits; 43101 when
                the resident has not agreed, or no more.
        """
        for field, value in values.items():
            if not templates.check(templates.kind_of(field), value):
                raise WeChatError(True, 47003, f"argument invalid! data.{field}.value")
        message: dict[str, Any] = {
            "touser": openid,
            "template_id": template_id,
            "data": {field: {"value": value} for field, value in values.items()},
            "miniprogram_state": self._program_state,
            "lang": "zh_CN",
        }
        if page is not None:
            message["page"] = page
        reply = await self._call("/cgi-bin/message/subscribe/send", message, _Sent)
        return str(reply.msgid)

    async def check_text(
        self, content: str, *, openid: str, scene: Literal[1, 2, 3, 4] = 4
    ) -> Suggestion:
        """What WeChat thinks of a text its user wrote: 1 profile, 2 comment, 3 forum, 4 social.

        Raises:
            ValueError: longer than `TEXT_MOST`.
            WeChatError: 61010 when the user was not in the mini-program within 2 h.
        """
        if len(content) > TEXT_MOST:
            raise ValueError(f"content is longer than {TEXT_MOST} characters")
        form = {"version": 2, "openid": openid, "scene": scene, "content": content}
        return (await self._call("/wxa/msg_sec_check", form, _Checked)).result.suggest

    async def _call(self, path: str, form: Mapping[str, Any], kind: type[T]) -> T:
        """`_post`, given up after `call_s` in all: somebody waits for it, whatever it waits for."""
        try:
            async with asyncio.timeout(self._call_s):
                return await self._post(path, form, kind)
        except TimeoutError:
            log.warning("wechat.failed", call=path, why="TimeoutError")
            raise WeChatError(False, None, "TimeoutError") from None

    async def _post(self, path: str, form: Mapping[str, Any], kind: type[T]) -> T:
        """With the shared token, and once more if it was refused."""
        token = await self._token()
        try:
            return await self._transport.post(path, {"access_token": token}, form, kind)
        except WeChatError as error:
            if error.errcode not in STALE_TOKEN:
                raise
        token = await self._token(refused=token)
        return await self._transport.post(path, {"access_token": token}, form, kind)

    async def _token(self, refused: str | None = None) -> str:
        """The shared access token, or a new one if there is none but `refused`.

        Whoever asks meanwhile gets the same renewal, its failure included, so a WeChat that is
        down keeps nobody waiting in line; a caller that gives up leaves it running for the rest.
        """
        if token := await self._shared_token(refused):
            return token
        if self._renewal is None or self._renewal.done():
            self._renewal = asyncio.create_task(self._renew(refused))
            self._renewal.add_done_callback(_mark_seen)
        return await asyncio.shield(self._renewal)

    async def _renew(self, refused: str | None) -> str:
        """One fetch at a time across workers. Who does not get the lock looks for the result, and
        fetches it where the other did not get one."""
        for _ in range(TOKEN_WAITS):
            async with self._hub.lock(f"{self._token_key}:fetch", ttl_s=TOKEN_LOCK_S) as held:
                if token := await self._shared_token(refused):
                    return token
                if held:
                    return await self._fetch_token()
            await asyncio.sleep(TOKEN_WAIT_S)
        return await self._fetch_token()

    async def _shared_token(self, refused: str | None) -> str | None:
        shared = await self._hub.get(self._token_key)
        token = shared.decode() if shared else None
        return token if token != refused else None

    async def _fetch_token(self) -> str:
        """Ordinary mode: asking twice gives the same token, so an extra call does no harm.

        `force_refresh` would kill the token under every other worker; never used.
        """
        form = {
            "grant_type": "client_credential",
            "appid": self._appid,
            "secret": self._secret.reveal(),
        }
        reply = await self._transport.post("/cgi-bin/stable_token", {}, form, _Token)
        ttl_s = max(TOKEN_SHORTEST_S, reply.expires_in - TOKEN_MARGIN_S)
        await self._hub.set(self._token_key, reply.access_token.encode(), ttl_s)
        log.info("wechat_token.fetched", lasts_s=ttl_s)
        return reply.access_token


def _mark_seen(renewal: asyncio.Task[str]) -> None:
    """Without this asyncio complains about a failure whose callers have all gone."""
    if not renewal.cancelled():
        renewal.exception()
