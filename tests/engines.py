"""PostgreSQL and Redis for the tests: where one answers already, else one of our own.

    TEST_POSTGRES_URL, TEST_REDIS_URL    say where; the PostgreSQL user may create databases

Without them the usual local ports are tried, then the binaries that are installed.
"""

import asyncio
import contextlib
import glob
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import redis

from tests.ports import free_port

POSTGRES_USUAL = (
    "postgres://postgres@127.0.0.1:5432/postgres",
    "postgres://postgres:postgres@127.0.0.1:5432/postgres",
)
REDIS_USUAL = "redis://127.0.0.1:6379/0"
POSTGRES_BINARIES = (
    "/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/local/pgsql/bin",
    "/opt/homebrew/opt/postgresql*/bin", "/usr/local/opt/postgresql*/bin",
)  # fmt: skip
REDIS_BINARIES = ("redis-server", "valkey-server")
ANSWER_S = 3.0
START_S = 30.0
STOP_S = 10.0
CHECK_S = 0.1
CREATING = "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"


@dataclass(frozen=True, slots=True)
class Engine:
    """`url` is None when it can't be had; `how` says where it is, or why not."""

    url: str | None
    how: str


Start = Callable[[Path], contextlib.AbstractContextManager[str]]


class CannotStart(Exception):
    """The text says why, in a few words."""


@contextlib.contextmanager
def postgres(environ: Mapping[str, str]) -> Iterator[Engine]:
    """A PostgreSQL whose user may create databases."""
    said = environ.get("TEST_POSTGRES_URL")
    for url in [said] if said else POSTGRES_USUAL:
        if asyncio.run(_can_create(url)):
            yield Engine(url, "已在运行")
            return
    if said:
        yield Engine(None, "TEST_POSTGRES_URL 没有响应，或用户不能建数据库")
        return
    with _own("PostgreSQL", _own_postgres) as engine:
        yield engine


@contextlib.contextmanager
def redis_server(environ: Mapping[str, str]) -> Iterator[Engine]:
    said = environ.get("TEST_REDIS_URL")
    url = said or REDIS_USUAL
    if _pongs(url):
        yield Engine(url, "已在运行")
        return
    if said:
        yield Engine(None, "TEST_REDIS_URL 没有响应")
        return
    with _own("Redis", _own_redis) as engine:
        yield engine


@contextlib.contextmanager
def _own(name: str, start: Start) -> Iterator[Engine]:
    """One that is ours, below a folder of its own; gone when the block is left."""
    with contextlib.ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="jiamenkou-test-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        try:
            engine = Engine(stack.enter_context(start(folder)), "为测试临时启动")
        except (CannotStart, OSError, subprocess.SubprocessError) as error:
            engine = Engine(None, f"没有运行，也无法启动（{name}：{error}）")
        yield engine


async def _can_create(url: str) -> bool:
    try:
        connection = await asyncpg.connect(url, timeout=ANSWER_S)
        try:
            return bool(await connection.fetchval(CREATING))
        finally:
            await connection.close()
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError):
        return False


def _pongs(url: str) -> bool:
    try:
        with redis.Redis.from_url(
            url, socket_timeout=ANSWER_S, socket_connect_timeout=ANSWER_S
        ) as client:
            return bool(client.ping())
    except (redis.RedisError, OSError, ValueError):
        return False


@contextlib.contextmanager
def _own_postgres(folder: Path) -> Iterator[str]:
    """Raises CannotStart: no binaries, or they fail."""
    binaries = _postgres_binaries()
    become = _unprivileged(folder)
    data, port = folder / "data", free_port()
    _must(
        *become, f"{binaries}/initdb", "-D", str(data), "-U", "postgres", "-A", "trust",
        "-E", "UTF8", "--locale=C", "--no-sync",
    )  # fmt: skip
    options = {
        "port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": folder,
        "fsync": "off", "max_connections": 300, "shared_buffers": "128MB",
    }  # fmt: skip
    command = [*become, f"{binaries}/postgres", "-D", str(data)]
    command += [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    url = f"postgres://postgres@127.0.0.1:{port}/postgres"
    with _running(command, folder / "log", lambda: asyncio.run(_can_create(url))):
        try:
            yield url
        finally:
            _must(*become, f"{binaries}/pg_ctl", "stop", "-D", str(data), "-m", "fast")


def _postgres_binaries() -> str:
    """The newest. Raises CannotStart."""
    on_path = shutil.which("initdb")
    if on_path:
        return str(Path(on_path).resolve().parent)
    found = [folder for pattern in POSTGRES_BINARIES for folder in glob.glob(pattern)]
    found = [folder for folder in found if os.access(f"{folder}/initdb", os.X_OK)]
    if not found:
        raise CannotStart("没有安装 initdb")
    return max(found, key=_version)


def _version(folder: str) -> int:
    digits = "".join(character for character in folder if character.isdigit())
    return int(digits or 0)


def _unprivileged(folder: Path) -> list[str]:
    """PostgreSQL refuses to be root: how to become somebody else, who then owns `folder`."""
    if os.geteuid() != 0:
        return []
    if not shutil.which("runuser"):
        raise CannotStart("root 不能运行 PostgreSQL，又没有 runuser")
    for user in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(user)
            os.chown(folder, entry.pw_uid, entry.pw_gid)
            return ["runuser", "-u", user, "--"]
    raise CannotStart("没有 postgres 或 nobody 用户")


@contextlib.contextmanager
def _own_redis(folder: Path) -> Iterator[str]:
    """Raises CannotStart: no binary, or it fails."""
    binary = next((path for name in REDIS_BINARIES if (path := shutil.which(name))), None)
    if binary is None:
        raise CannotStart("没有安装 redis-server")
    port = free_port()
    command = [
        binary, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
        "--dir", str(folder),
    ]  # fmt: skip
    url = f"redis://127.0.0.1:{port}/0"
    with _running(command, folder / "log", lambda: _pongs(url)):
        yield url


@contextlib.contextmanager
def _running(command: list[str], log: Path, answers: Callable[[], bool]) -> Iterator[None]:
    """The process, once it answers; ended when the block is left. Raises CannotStart."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, cwd=log.parent
        )
    try:
        deadline = time.monotonic() + START_S
        while not answers():
            if process.poll() is not None or time.monotonic() > deadline:
                last = log.read_text(errors="replace").strip().splitlines()[-1:]
                raise CannotStart(last[0] if last else "没有响应")
            time.sleep(CHECK_S)
        yield
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _must(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, timeout=START_S, cwd="/", check=False)
    if done.returncode:
        text = done.stderr.decode(errors="replace").strip()
        raise CannotStart(text.splitlines()[-1] if text else Path(command[0]).name)
