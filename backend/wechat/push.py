"""Pushes from WeChat: who signed them, what they say, and how to answer.

Safe mode only: the body is encrypted and `msg_signature` covers it. The plain `signature` does not
cover the body, so it is believed only for the GET that proves the address. WeChat waits 5 s and
tries three times: answer `SUCCESS` first, work later, and drop what `Push.dedupe_key` has seen.

Source: "消息推送服务器配置" and "消息加解密说明"; its published vectors are in the tests.
"""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from xml.etree.ElementTree import Element, ParseError  # for types: defusedxml parses
from xml.sax.saxutils import escape

import msgspec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from backend import clock
from backend.errors import NotAllowed

SUCCESS = b"success"
"""The answer that needs no encryption: received, nothing to say."""

SKEW_S = 300
"""How far a timestamp may be from our clock, either way."""

BODY_MOST = 64 * 1024
"""Bytes; real ones stay under 10 KiB."""

PARAMETER_MOST = 128
"""Characters of a query parameter."""

DEPTH_MOST = 5
"""Levels of XML; real ones have four."""

_BLOCK = 32  # PKCS#7 to 32 bytes although AES blocks have 16
_SALT = 16
_LATEST_S = 2**33  # keeps datetime.fromtimestamp in range


class BadPush(NotAllowed):
    """One answer whatever was wrong, so a forger learns nothing from it."""

    code = "bad-push"
    detail = "消息签名无效。"


@dataclass(frozen=True, slots=True)
class Push:
    """One message or event. `details` holds a row for each template of a subscribe event."""

    sender: str
    kind: str
    event: str
    text: str
    message_id: str
    created_at: datetime
    details: tuple[dict[str, str], ...]

    @property
    def dedupe_key(self) -> str:
        """The same for every try of one push; a hash, so it may be stored and logged.

        WeChat says MsgId, else sender and second. Events carry no MsgId and two may fall into one
        second, so what happened is part of the key too.
        """
        parts = [self.message_id] if self.message_id else [
            self.sender, str(int(self.created_at.timestamp())), self.event, repr(self.details)
        ]  # fmt: skip
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Sealed:
    """An encrypted message and the signature that covers it."""

    encrypted: str
    signature: str
    timestamp: str
    nonce: str


def sign(*parts: str) -> str:
    """WeChat's signature: SHA-1 over the sorted parts, in hex."""
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()  # noqa: S324  their choice


class PushGate:
    """Opens and seals with one account's token and EncodingAESKey (43 characters of base64)."""

    def __init__(self, *, token: str, aes_key: str, appid: str) -> None:
        """`token` and `aes_key` may be `Secret`s.

        Raises:
            ValueError: the key is not 43 characters of base64.
        """
        self._token = "".join(token)  # plain text also of a Secret, whose str() hides it
        if not re.fullmatch(r"[A-Za-z0-9+/]{43}", "".join(aes_key)):
            raise ValueError("EncodingAESKey must be 43 characters of base64")
        key = base64.b64decode("".join(aes_key) + "=")
        self._cipher = Cipher(algorithms.AES(key), modes.CBC(key[:16]))
        self._appid = appid

    def echo(self, query: Mapping[str, str]) -> str:
        """What to answer to the GET that proves the address. Raises BadPush."""
        timestamp, nonce = _fresh(query), _parameter(query, "nonce")
        _same(_parameter(query, "signature"), sign(self._token, timestamp, nonce))
        return _parameter(query, "echostr")

    def open(self, query: Mapping[str, str], body: bytes) -> Push:
        """Verify, decrypt and read a POST, JSON or XML. Raises BadPush."""
        if len(body) > BODY_MOST:
            raise BadPush
        timestamp, nonce = _fresh(query), _parameter(query, "nonce")
        encrypted = _fields(body).get("Encrypt")
        if not isinstance(encrypted, str):
            raise BadPush
        expected = sign(self._token, timestamp, nonce, encrypted)
        _same(_parameter(query, "msg_signature"), expected)
        return _read(_fields(self.decrypt(encrypted)))

    def seal(self, message: bytes, *, salt: bytes | None = None) -> Sealed:
        """Encrypt and sign as of now. `salt` (16 bytes) is random except in tests."""
        timestamp = str(int(clock.now().timestamp()))
        nonce = str(secrets.randbelow(10**9))
        encrypted = self.encrypt(message, salt=salt)
        signature = sign(self._token, timestamp, nonce, encrypted)
        return Sealed(encrypted, signature, timestamp, nonce)

    def reply(self, message: bytes, *, xml: bool = False) -> bytes:
        """An encrypted answer, for the few that say more than `SUCCESS`."""
        sealed = self.seal(message)
        rows: dict[str, str | int] = {
            "Encrypt": sealed.encrypted,
            "MsgSignature": sealed.signature,
            "TimeStamp": int(sealed.timestamp),
            "Nonce": sealed.nonce,
        }
        return write_xml(rows) if xml else msgspec.json.encode(rows)

    def open_reply(self, body: bytes) -> bytes:
        """What WeChat does with a `reply`. Raises BadPush."""
        rows = _fields(body)
        encrypted = _text(rows, "Encrypt")
        parts = (encrypted, _text(rows, "TimeStamp"), _text(rows, "Nonce"))
        _same(_text(rows, "MsgSignature"), sign(self._token, *parts))
        return self.decrypt(encrypted)

    def encrypt(self, message: bytes, *, salt: bytes | None = None) -> str:
        salt = salt or secrets.token_bytes(_SALT)
        plain = salt + struct.pack(">I", len(message)) + message + self._appid.encode()
        padding = _BLOCK - len(plain) % _BLOCK
        encryptor = self._cipher.encryptor()
        sealed = encryptor.update(plain + bytes([padding]) * padding) + encryptor.finalize()
        return base64.b64encode(sealed).decode()

    def decrypt(self, encrypted: str) -> bytes:
        """Raises BadPush: not ours, damaged, or for another appid."""
        try:
            raw = base64.b64decode(encrypted, validate=True)
            decryptor = self._cipher.decryptor()
            plain = _unpad(decryptor.update(raw) + decryptor.finalize())
            (length,) = struct.unpack(">I", plain[_SALT : _SALT + 4])
        except (ValueError, binascii.Error, struct.error):
            raise BadPush from None
        start = _SALT + 4
        if plain[start + length :] != self._appid.encode():
            raise BadPush
        return plain[start : start + length]


def write_xml(rows: Mapping[str, Any]) -> bytes:
    """`rows` as WeChat writes them: a mapping nests, a list repeats its tag."""
    return f"<xml>{_xml(rows)}</xml>".encode()


def _xml(rows: Mapping[str, Any]) -> str:
    parts = []
    for tag, value in rows.items():
        for item in value if isinstance(value, list) else [value]:
            inner = _xml(item) if isinstance(item, Mapping) else escape(str(item))
            parts.append(f"<{tag}>{inner}</{tag}>")
    return "".join(parts)


def _unpad(plain: bytes) -> bytes:
    padding = plain[-1] if plain else 0
    if not 1 <= padding <= _BLOCK or plain[-padding:] != bytes([padding]) * padding:
        raise ValueError("padding")
    return plain[:-padding]


def _parameter(query: Mapping[str, str], name: str) -> str:
    value = query.get(name, "")
    if not 0 < len(value) <= PARAMETER_MOST:
        raise BadPush
    return value


def _fresh(query: Mapping[str, str]) -> str:
    """The timestamp, if it is within `SKEW_S`: an old push cannot be played again for ever."""
    timestamp = _parameter(query, "timestamp")
    if abs(_second(timestamp) - clock.now().timestamp()) > SKEW_S:
        raise BadPush
    return timestamp


def _second(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 12 and int(text) < _LATEST_S):
        raise BadPush
    return int(text)


def _same(given: str, expected: str) -> None:
    if not hmac.compare_digest(given.encode(), expected.encode()):
        raise BadPush


def _fields(body: bytes) -> dict[str, Any]:
    """JSON or XML as one shape. DOCTYPE and entities are refused."""
    try:
        if body.lstrip()[:1] == b"{":
            return msgspec.json.decode(body, type=dict[str, Any])
        root = fromstring(body, forbid_dtd=True)
        tree = _tree(root, DEPTH_MOST)
    except (msgspec.MsgspecError, ParseError, DefusedXmlException, ValueError, RecursionError):
        raise BadPush from None
    return tree if isinstance(tree, dict) else {}


def _tree(element: Element, depth: int) -> dict[str, Any] | str:
    if not len(element):
        return element.text or ""
    if depth == 0:
        raise ValueError("too deep")
    tree: dict[str, Any] = {}
    for child in element:
        value = _tree(child, depth - 1)
        if child.tag not in tree:
            tree[child.tag] = value
        elif isinstance(tree[child.tag], list):
            tree[child.tag].append(value)
        else:
            tree[child.tag] = [tree[child.tag], value]
    return tree


def _read(fields: Mapping[str, Any]) -> Push:
    sender, kind = _text(fields, "FromUserName"), _text(fields, "MsgType")
    if not sender or not kind:
        raise BadPush
    return Push(
        sender=sender,
        kind=kind,
        event=_text(fields, "Event"),
        text=_text(fields, "Content"),
        message_id=_text(fields, "MsgId"),
        created_at=datetime.fromtimestamp(_second(_text(fields, "CreateTime")), UTC),
        details=tuple(_details(fields)),
    )


def _text(fields: Mapping[str, Any], name: str) -> str:
    """Numbers come as numbers or as strings, depending on the event."""
    value = fields.get(name, "")
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _details(fields: Mapping[str, Any]) -> list[dict[str, str]]:
    """JSON has `List` at the top, an object when there is one; XML has it a level further down."""
    nested = (value["List"] for value in fields.values() if _has_list(value))
    rows = fields.get("List", next(nested, []))
    return [
        {name: _text(row, name) for name in row}
        for row in (rows if isinstance(rows, list) else [rows])
        if isinstance(row, dict)
    ]


def _has_list(value: object) -> bool:
    return isinstance(value, dict) and "List" in value
