"""What WeChat remembers: users, codes, tokens, agreed messages. One file, replaced as a whole.

Instants are Unix seconds of `backend.clock`, so a stopped clock stops WeChat too.
"""

import base64
import hashlib
import os
import secrets
from pathlib import Path
from typing import Any

import msgspec
import structlog

from backend import clock

log = structlog.get_logger()

USERS_MOST = 10_000
CODES_MOST = 20_000
MESSAGES_MOST = 200
"""Kept per user; the oldest go first."""

CODE_S = 300
"""A code's life, from the page of wx.login."""

USED_CODE_S = 3600
"""How long a spent code is remembered, to say 40163 and not 40029."""


class Session(msgspec.Struct):
    """The window in which customer service may write: 5 in 48 h after a user's message."""

    ends_at: float
    left: int


class User(msgspec.Struct):
    """`quota` counts accepted messages left, by template; `refused` are those turned off."""

    name: str
    openid: str
    phone: str
    session_key: str = ""
    seen_at: float = 0.0
    quota: dict[str, int] = {}
    refused: list[str] = []
    session: Session | None = None
    messages: list[dict[str, Any]] = []


class Code(msgspec.Struct):
    user: str
    purpose: str
    made_at: float
    used: bool = False


class Token(msgspec.Struct):
    value: str
    expires_at: float


class Memory(msgspec.Struct):
    users: dict[str, User] = {}
    codes: dict[str, Code] = {}
    tokens: list[Token] = []
    forced_at: list[float] = []
    visits: set[str] = set()
    last_message_id: int = 3_000_000_000_000_000_000


class State:
    """`Memory` with a file behind it, or without when `path` is None."""

    def __init__(self, appid: str, path: Path | None) -> None:
        """Raises ValueError: the file is not one of ours."""
        self._appid, self._path = appid, path
        self._changed = False
        self.memory = Memory() if path is None or not path.exists() else _load(path)
        self._by_openid = {user.openid: user for user in self.memory.users.values()}

    def change(self) -> None:
        """Say that something is to be kept by the next `save`."""
        self._changed = True

    def save(self) -> None:
        """Write and replace, so that a reader or a crash never sees half a file."""
        if not self._changed or self._path is None:
            return
        self._changed = False
        fresh = self._path.with_suffix(".new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_bytes(msgspec.json.encode(self.memory))
            os.replace(fresh, self._path)
        except OSError as error:
            self._changed = True
            log.error("simulator_state.not_saved", why=type(error).__name__)

    def enrol(self, name: str) -> User | None:
        """The user of this name, made on first sight; None when there are too many."""
        user = self.memory.users.get(name)
        if user is None and len(self.memory.users) < USERS_MOST:
            user = User(
                name=name, openid=openid_of(self._appid, name), phone=self._free_phone(name)
            )
            self.memory.users[name] = self._by_openid[user.openid] = user
            self.change()
        return user

    def user(self, name: str) -> User | None:
        return self.memory.users.get(name)

    def user_of(self, openid: object) -> User | None:
        return self._by_openid.get(openid) if isinstance(openid, str) else None

    def issue_code(self, user: User, purpose: str) -> str:
        """A code for `login` or `phone`, good for `CODE_S` and for one use."""
        now, codes = now_s(), self.memory.codes
        for old in [code for code, its in codes.items() if its.made_at < now - USED_CODE_S]:
            del codes[old]
        while len(codes) >= CODES_MOST:
            del codes[next(iter(codes))]
        code = "0" + secrets.token_urlsafe(23)
        codes[code] = Code(user.name, purpose, now)
        self.change()
        return code

    def find_code(self, code: object, purpose: str) -> Code | None:
        """A code of this purpose that is still alive, used or not."""
        found = self.memory.codes.get(code) if isinstance(code, str) else None
        if found is None or found.purpose != purpose:
            return None
        return found if found.used or found.made_at > now_s() - CODE_S else None

    def deliver(self, user: User, message: dict[str, Any]) -> int:
        """Show a message on the user's phone; returns its id."""
        self.memory.last_message_id += 1
        number = self.memory.last_message_id
        row = {"msgid": str(number), "received_at": clock.now().isoformat(), **message}
        user.messages.append(row)
        del user.messages[:-MESSAGES_MOST]
        self.change()
        return number

    def _free_phone(self, name: str) -> str:
        """An invented number: eleven digits that no two users share."""
        taken = {user.phone for user in self.memory.users.values()}
        start = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
        numbers = (f"199{(start + step) % 10**8:08d}" for step in range(USERS_MOST + 1))
        return next(number for number in numbers if number not in taken)


def now_s() -> float:
    return clock.now().timestamp()


def openid_of(appid: str, name: str) -> str:
    """28 characters that start with `o`, the same for a user of an account every time."""
    digest = hashlib.sha256(f"{appid}\0{name}".encode()).digest()
    return "o" + base64.urlsafe_b64encode(digest).decode()[:27]


def _load(path: Path) -> Memory:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Memory)
    except msgspec.MsgspecError as error:
        raise ValueError(f"{path} is no simulator state: {error}") from None
