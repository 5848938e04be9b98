"""`jiamenkou doctor`: what is wrong with this installation, and how to mend it. Changes nothing."""

import asyncio
import base64
import os
import secrets
import shutil
import socket
import sqlite3
import stat
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import asyncpg
from redis.exceptions import RedisError

from backend import clock, lease, schema
from backend.bot import compiled
from backend.environment import FILE
from backend.hub import open_hub
from backend.settings import KEY_BYTES, Settings, SettingsError, from_env

FREE_LEAST = 1024**3  # bytes
SKEW_MOST = timedelta(seconds=5)
CHECK_S = 10.0
WECHAT = "https://api.weixin.qq.com"
UNREACHABLE = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, sqlite3.Error)

Verdict = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`what` was found; `mend` says what to do about it. Neither holds a secret."""

    verdict: Verdict
    what: str
    mend: str = ""


def new_keys(today: datetime | None = None) -> str:
    """Fresh keys in the form of `.env`. The key's id is its date, so that the next one differs."""

    def key() -> str:
        return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()

    made = (today or clock.now()).strftime("%Y%m%d")
    return f"JIAMENKOU_ENCRYPTION_KEYS=k{made}:{key()}\nJIAMENKOU_INDEX_KEY={key()}"


async def examine(variables: Mapping[str, str], folder: Path) -> list[Finding]:
    """All checks that make sense; `folder` is where `.env` would be."""
    findings = list(_env_file(folder))
    try:
        settings = from_env(variables)
    except SettingsError as error:
        return [*findings, *(Finding("fail", fault) for fault in error.faults)]
    findings.append(Finding("ok", f"设置可以读取（数据库 {_shown(settings.database_url)}）"))
    findings += [*_wechat(settings), *_addresses(settings), *_port(settings)]
    findings += [finding async for finding in _database(settings)]
    findings += [finding async for finding in _redis(settings)]
    return [*findings, _bot()]


def _env_file(folder: Path) -> Iterator[Finding]:
    path = folder / FILE
    if not path.is_file():
        yield Finding("warn", "没有 .env 文件，只用环境变量", "复制 .env.example 为 .env 后填写")
    elif stat.S_IMODE(path.stat().st_mode) & 0o077:
        yield Finding("warn", ".env 里有密钥，别的用户也能读", "chmod 600 .env")


def _shown(url: str) -> str:
    """Without its password."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    return parts._replace(netloc=f"{parts.username}:***@{parts.netloc.rpartition('@')[2]}").geturl()


def _wechat(settings: Settings) -> Iterator[Finding]:
    if not settings.wechat_appid or not settings.wechat_secret.reveal():
        yield Finding(
            "fail",
            "没有微信小程序的 AppID 或 AppSecret，居民无法登录",
            "在微信公众平台「开发设置」里取得，填入 JIAMENKOU_WECHAT_APPID 和 _SECRET",
        )
    if settings.wechat_base_url != WECHAT:
        yield Finding(
            "warn",
            f"微信地址是 {settings.wechat_base_url}，不是真正的微信",
            f"正式使用时设为 {WECHAT}",
        )
    if settings.phone_url:
        yield Finding(
            "warn",
            f"浏览器里的小程序用模拟的手机登录（{settings.phone_url}）",
            "正式使用时把 JIAMENKOU_PHONE_URL 留空",
        )
    if not settings.wechat_push_token.reveal() or not settings.wechat_push_aes_key.reveal():
        yield Finding(
            "warn",
            "没有消息推送的 Token 或 EncodingAESKey，收不到微信推送",
            "在微信公众平台「消息推送」里设置，方式选「安全模式」",
        )


def _addresses(settings: Settings) -> Iterator[Finding]:
    public = urlsplit(settings.public_url)
    host = public.hostname or ""
    local = host in {"127.0.0.1", "localhost", "::1"}
    if host not in settings.allowed_hosts:
        yield Finding(
            "fail",
            f"公网地址的域名 {host} 不在 JIAMENKOU_ALLOWED_HOSTS 里，请求会被拒绝",
            f"JIAMENKOU_ALLOWED_HOSTS 加上 {host}",
        )
    if public.scheme != "https" and not local:
        yield Finding("fail", "公网地址不是 https", "小程序只能访问 https；在前面的代理上配置证书")
    if not local and not settings.trusted_proxies:
        yield Finding(
            "warn",
            "有公网地址却没有设置代理层数，所有人会被当成同一个来源",
            "JIAMENKOU_TRUSTED_PROXIES 设为前面代理的层数",
        )


def _port(settings: Settings) -> Iterator[Finding]:
    with socket.socket() as probe:
        probe.settimeout(CHECK_S)
        if probe.connect_ex((settings.host, settings.port)) == 0:
            yield Finding("warn", f"端口 {settings.port} 上已有程序", "若不是本服务，请换一个端口")


async def _database(settings: Settings) -> AsyncIterator[Finding]:
    if settings.embedded:
        for finding in _folder(settings.database_path):
            yield finding
    try:
        missing = await schema.missing(settings)
    except UNREACHABLE as error:
        yield Finding(
            "fail",
            f"连不上数据库（{type(error).__name__}）",
            "检查 JIAMENKOU_DATABASE_URL 的地址、用户和密码，以及数据库是否在运行",
        )
        return
    if missing:
        yield Finding("fail", f"数据库结构还差 {len(missing)} 步", "jiamenkou migrate")
        return
    yield Finding("ok", "数据库可用，结构是最新的")
    if not settings.embedded:
        async for finding in _clock(settings):
            yield finding
    if not settings.embedded and lease.is_sole(settings):
        yield Finding(
            "warn",
            "没有 Redis，只能运行一个进程",
            "需要多个进程或多台主机时，设置 JIAMENKOU_REDIS_URL，并另外运行 jiamenkou worker",
        )


def _folder(database: Path) -> Iterator[Finding]:
    folder = database.parent
    if not folder.is_dir():
        yield Finding("warn", f"数据库的文件夹 {folder} 还不存在", "jiamenkou migrate 会建立它")
        return
    if not os.access(folder, os.W_OK):
        yield Finding("fail", f"不能写入 {folder}", "改用可以写入的位置，或修改权限")
    if shutil.disk_usage(folder).free < FREE_LEAST:
        yield Finding("warn", f"{folder} 所在磁盘剩余不到 1 GiB", "清理磁盘，或换一个位置")


async def _clock(settings: Settings) -> AsyncIterator[Finding]:
    connection = await asyncpg.connect(
        settings.database_url, timeout=CHECK_S, command_timeout=CHECK_S, statement_cache_size=0
    )
    try:
        theirs: datetime = await connection.fetchval("SELECT now()")
    finally:
        await connection.close()
    if abs(theirs - datetime.now(UTC)) > SKEW_MOST:
        yield Finding("warn", "本机时钟与数据库相差超过 5 秒", "开启 NTP 时间同步")


async def _redis(settings: Settings) -> AsyncIterator[Finding]:
    if settings.redis_url is None:
        return
    hub = open_hub(settings)
    try:
        await asyncio.wait_for(hub.ping(), CHECK_S)
        yield Finding("ok", "Redis 可用")
    except (RedisError, OSError, TimeoutError) as error:
        yield Finding(
            "fail",
            f"连不上 Redis({type(error).__name__})",
            "检查 JIAMENKOU_REDIS_URL 的地址和密码，以及 Redis 是否在运行",
        )
    finally:
        await hub.close()


def _bot() -> Finding:
    if compiled.is_used():
        return Finding("ok", "分诊程序是编译过的")
    return Finding("ok", "分诊程序没有编译，判断一样；想更快，装上 C 编译器后运行 make setup")
