"""One frozen, validated struct from `JIAMENKOU_*` variables. Nothing else reads the environment."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit
from uuid import UUID, uuid5

PREFIX = "JIAMENKOU_"
PURPOSES = ("booked", "changed", "visit")  # what a subscribe message may be for
KEY_BYTES = 32  # AES-256-GCM, HMAC-SHA-256
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
HOST_NAME = r"[0-9A-Za-z._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]"
RANGES = {  # setting → the least and the most, both allowed
    "port": (1, 65_535),
    "workers": (1, 64),
    "database_pool": (2, 500),
    "trusted_proxies": (0, 16),
    "session_days": (1, 366),
    "booking_queue": (1, 1_000_000),
    "bookings_per_minute": (1, 999_999_999),
    "logins_per_minute": (1, 999_999_999),
    "reads_per_minute": (1, 999_999_999),
}
TENANTS = UUID("3f0c9f57-3b53-4c0e-9a57-6d0f6f1f5a10")  # namespace of consortium ids


class SettingsError(Exception):
    """Every setting that is wrong, in one go: `faults` are Chinese sentences for the operator."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class Secret(str):
    """A string that does not show itself in reprs, logs or tracebacks."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Secret('***')"

    def __str__(self) -> str:
        return "***"

    def reveal(self) -> str:
        return str.__str__(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Times in seconds, sizes in bytes. See `.env.example` for each one in words."""

    database_url: str = field(default="sqlite://var/jiamenkou.sqlite3", repr=False)
    database_pool: int = 10
    pgbouncer: bool = False
    redis_url: Secret | None = None

    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    public_url: str = "http://127.0.0.1:8000"
    allowed_hosts: tuple[str, ...] = ("127.0.0.1", "localhost")
    trusted_proxies: int = 0

    consortium: str = "county"
    wechat_base_url: str = "https://api.weixin.qq.com"
    wechat_appid: str = ""
    wechat_secret: Secret = field(default=Secret(""))
    wechat_push_token: Secret = field(default=Secret(""))
    wechat_push_aes_key: Secret = field(default=Secret(""))
    wechat_templates: tuple[str, ...] = ()
    phone_url: str = ""

    encryption_keys: Secret = field(default=Secret(""))
    index_key: Secret = field(default=Secret(""))

    bot_unsigned: bool = False

    session_days: int = 30
    booking_queue: int = 2000
    bookings_per_minute: int = 30
    logins_per_minute: int = 60
    reads_per_minute: int = 1200
    log_json: bool = True
    log_level: str = "INFO"

    def __post_init__(self) -> None:
        faults = list(_faults(self))
        if faults:
            raise SettingsError(faults)

    @property
    def embedded(self) -> bool:
        """SQLite: one process, one writing connection, jobs inside the server."""
        return self.database_url.startswith("sqlite://")

    @property
    def database_path(self) -> Path:
        """Where the embedded database lives."""
        return Path(self.database_url.removeprefix("sqlite://"))

    @property
    def consortium_id(self) -> UUID:
        """Derived from the code, so that no request has to look it up."""
        return uuid5(TENANTS, self.consortium)

    @property
    def templates(self) -> dict[str, str]:
        """Purpose → id of the subscribe template, in the order in which residents are asked."""
        pairs = (pair.partition(":") for pair in self.wechat_templates)
        return {purpose: template_id for purpose, _, template_id in pairs}

    @property
    def keys(self) -> dict[str, bytes]:
        """Key id → key, the first being the one that encrypts."""
        return _parse_keys(self.encryption_keys.reveal())

    @property
    def index_key_bytes(self) -> bytes:
        return base64.b64decode(self.index_key.reveal())


def from_env(environ: Mapping[str, str]) -> Settings:
    """Read `JIAMENKOU_*`; an unknown or unreadable one is a fault, not a shrug."""
    known = {f.name: f for f in fields(Settings)}
    values: dict[str, Any] = {}
    faults = []
    for variable, text in environ.items():
        if not variable.startswith(PREFIX):
            continue
        name = variable.removeprefix(PREFIX).lower()
        if name not in known:
            faults.append(f"{variable}: 没有这个设置，请对照 .env.example。")
            continue
        try:
            values[name] = _read(str(known[name].type), text.strip())
        except ValueError as wrong:
            faults.append(f"{variable}: {wrong}")
    if faults:
        raise SettingsError(faults)
    return Settings(**values)


def _read(kind: str, text: str) -> Any:
    if "Secret" in kind:
        return Secret(text) if text or "None" not in kind else None
    if "int" in kind:
        if not re.fullmatch(r"\d{1,9}", text):
            raise ValueError(f"应为不带符号的整数，现在是「{text}」。")
        return int(text)
    if "bool" in kind:
        if text.lower() not in {"1", "0", "true", "false", "yes", "no"}:
            raise ValueError(f"应为 true 或 false，现在是「{text}」。")
        return text.lower() in {"1", "true", "yes"}
    if "tuple" in kind:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    return text


def _parse_keys(text: str) -> dict[str, bytes]:
    keys = {}
    for part in text.split(","):
        key_id, _, encoded = part.strip().partition(":")
        key = base64.b64decode(encoded, validate=True)
        if not re.fullmatch(r"[a-z0-9]{1,16}", key_id) or len(key) != KEY_BYTES:
            raise ValueError(key_id)
        if key_id in keys:  # one of the two would be lost, and all that it sealed
            raise ValueError(key_id)
        keys[key_id] = key
    return keys


def _faults(s: Settings) -> Any:
    scheme = _split(s.database_url).scheme
    if scheme not in {"sqlite", "postgres"}:
        yield (
            "JIAMENKOU_DATABASE_URL: 应以 sqlite:// 或 postgres:// 开头，"
            "例如 postgres://user:password@host:5432/jiamenkou。"
        )
    elif not s.database_url.removeprefix("sqlite://") or (
        scheme == "postgres" and not _split(s.database_url).path.strip("/")
    ):
        yield "JIAMENKOU_DATABASE_URL: 缺少数据库的位置，请对照 .env.example。"
    if s.redis_url is not None and _split(s.redis_url.reveal()).scheme not in {"redis", "rediss"}:
        yield "JIAMENKOU_REDIS_URL: 应以 redis:// 或 rediss:// 开头。"
    for name, (least, most) in RANGES.items():
        if not least <= getattr(s, name) <= most:
            yield f"{PREFIX}{name.upper()}: 应在 {least} 到 {most} 之间。"
    if s.log_level not in LEVELS:
        yield f"JIAMENKOU_LOG_LEVEL: 应为 {'、'.join(LEVELS)} 之一。"
    if s.workers > 1 and s.embedded:
        yield (
            "JIAMENKOU_WORKERS: SQLite 只能由一个进程写入，多个进程会互相等待甚至损坏数据；"
            "请设为 1，或改用 PostgreSQL 和 Redis。"
        )
    if s.workers > 1 and not s.embedded and s.redis_url is None:
        yield (
            "JIAMENKOU_WORKERS: 多个进程要靠 Redis 协调（限流、任务选主、共享令牌）；"
            "请设置 JIAMENKOU_REDIS_URL，或把进程数设为 1。"
        )
    if s.pgbouncer and s.redis_url is None:
        yield "JIAMENKOU_PGBOUNCER: 经过 PgBouncer 时要有 Redis，请设置 JIAMENKOU_REDIS_URL。"
    wechat = _split(s.wechat_base_url)
    if wechat.scheme not in {"http", "https"} or not wechat.hostname:
        yield "JIAMENKOU_WECHAT_BASE_URL: 应为 http(s) 地址。"
    if not re.fullmatch(r"(https?://[a-z0-9.-]+(:\d{1,5})?)?", s.phone_url):
        yield "JIAMENKOU_PHONE_URL: 应为 http(s)://主机:端口，末尾不带斜杠；正式使用时留空。"
    if bool(s.wechat_push_token.reveal()) != bool(s.wechat_push_aes_key.reveal()):
        yield "JIAMENKOU_WECHAT_PUSH_TOKEN 和 JIAMENKOU_WECHAT_PUSH_AES_KEY 要一起设置。"
    elif not re.fullmatch(r"([A-Za-z0-9+/]{43})?", s.wechat_push_aes_key.reveal()):
        yield "JIAMENKOU_WECHAT_PUSH_AES_KEY: 应为 43 个字符的 EncodingAESKey。"
    pair = rf"({'|'.join(PURPOSES)}):[A-Za-z0-9_-]{{1,64}}"
    if not all(re.fullmatch(pair, text) for text in s.wechat_templates) or len(s.templates) != len(
        s.wechat_templates
    ):
        yield (
            "JIAMENKOU_WECHAT_TEMPLATES: 应为「用途:模板编号」，用半角逗号分隔，"
            f"用途各一次，可用：{'、'.join(PURPOSES)}。"
        )
    if not re.fullmatch(r"[a-z0-9-]{1,32}", s.consortium):
        yield "JIAMENKOU_CONSORTIUM: 只能用小写字母、数字和连字符，最多 32 位。"
    public = _split(s.public_url)
    if public.scheme not in {"http", "https"} or not public.hostname or s.public_url[-1] == "/":
        yield "JIAMENKOU_PUBLIC_URL: 应为 http(s) 地址，末尾不带斜杠，例如 https://jk.example.cn。"
    if not s.allowed_hosts:
        yield "JIAMENKOU_ALLOWED_HOSTS: 至少要有一个域名。"
    elif not all(re.fullmatch(HOST_NAME, host) for host in s.allowed_hosts):
        yield "JIAMENKOU_ALLOWED_HOSTS: 只写域名，不带 http:// 和端口，逗号分隔。"
    yield from _port_faults(s)
    yield from _key_faults(s)


def _split(url: str) -> SplitResult:
    """What can't be read as a URL has no parts."""
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


def _port_faults(s: Settings) -> Any:
    redis_url = s.redis_url.reveal() if s.redis_url is not None else ""
    for name, url in (
        ("DATABASE_URL", s.database_url),
        ("REDIS_URL", redis_url),
        ("WECHAT_BASE_URL", s.wechat_base_url),
        ("PUBLIC_URL", s.public_url),
    ):
        if not _port_is_sound(url):
            yield (
                f"{PREFIX}{name}: 地址里的端口应为 1 到 65535；"
                "用户名和密码里的 / ? # @ 等字符要写成 %2F 这样的编码。"
            )


def _port_is_sound(url: str) -> bool:
    """A `/` in a password ends the host too early: then the password stands as the port."""
    try:
        return _split(url).port != 0
    except ValueError:
        return False


def _key_faults(s: Settings) -> Any:
    how = "可用 `jiamenkou doctor --new-keys` 生成。"
    try:
        _parse_keys(s.encryption_keys.reveal())
    except (ValueError, binascii.Error):
        yield (
            "JIAMENKOU_ENCRYPTION_KEYS: 应为「编号:32 字节密钥的 base64」，"
            f"用半角冒号，多个之间用半角逗号，编号各不相同；{how}"
        )
    try:
        if len(base64.b64decode(s.index_key.reveal(), validate=True)) != KEY_BYTES:
            raise ValueError
    except (ValueError, binascii.Error):
        yield f"JIAMENKOU_INDEX_KEY: 应为 32 字节密钥的 base64；{how}"
