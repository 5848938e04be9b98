"""One engine per test process: Tortoise caches SQL by dialect. `make test` runs the suite on each.

pytest                                   SQLite and the in-process hub
pytest --engine postgres                 PostgreSQL and Redis, where the options say
"""

import asyncio
import base64
import dataclasses
import functools
import gc
import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import httpx
import pytest
import sanic_routing.route
import sanic_routing.router
import sanic_routing.utils
import structlog
import tortoise.apps
import uvloop
from argon2 import PasswordHasher

from backend import clock
from backend import db as database
from backend.hub import Hub, InProcessHub, RedisHub
from backend.migrate import migrate
from backend.settings import Secret, Settings
from backend.staff import passwords
from backend.wechat.simulator import Account as SimulatorAccount
from backend.wechat.simulator import create_simulator
from tests import pools, uncompiled  # noqa: F401
from tests.serving import Shared, plain_http, serving, sharing


class PreparedOnce(tortoise.apps.Apps):
    """Models are made ready for queries once, not for each test that connects: it takes 10 ms."""

    engine = ""

    def _build_initial_querysets(self) -> None:
        engine = self._connections.db_config["default"]["engine"]
        if engine != PreparedOnce.engine:
            super()._build_initial_querysets()
            PreparedOnce.engine = engine


tortoise.apps.Apps = PreparedOnce


class AsWritten:
    """In place of `ast` in Sanic's router, which reads what it has written and writes it again."""

    parse = unparse = fix_missing_locations = staticmethod(str)


# httpx asks for this optional package at every request. That it is not there takes Python half a
# millisecond to find out, and there are some ten thousand requests.
sys.modules.setdefault("sniffio", None)  # type: ignore[arg-type]

# The same routes are the same code: each of some hundred apps took 30 ms to compile it, and 10 ms
# to take their paths apart.
vars(sanic_routing.router).update(ast=AsWritten, compile=functools.lru_cache(compile))
for module in (sanic_routing.router, sanic_routing.route):
    for function in (sanic_routing.utils.path_to_parts, sanic_routing.utils.parts_to_path):
        setattr(module, function.__name__, functools.lru_cache(maxsize=None)(function))

# As `backend.logs` has it too; to draw one with its values in colour takes a sixth of a second.
structlog.dev.ConsoleRenderer.get_active().exception_formatter = structlog.dev.plain_traceback

passwords.hasher = PasswordHasher(1, 8, 1)  # of no strength: a real hash takes 60 ms

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)  # a Monday, 12:00 in China
GC_EVERY = 100_000  # new objects; Python's own 700 suits small programs, never is slower again
KEY = base64.b64encode(b"0123456789abcdef" * 2).decode()

gc.set_threshold(GC_EVERY)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--engine", choices=("sqlite", "postgres"), default="sqlite")
    parser.addoption("--part", choices=("engine", "apart"), help="of the suite only")
    parser.addoption("--postgres-url", default="postgres://postgres@127.0.0.1:5432/postgres")
    parser.addoption("--redis-url", default="redis://127.0.0.1:6379/0")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What needs neither database nor hub is one part; it is tested beside SQLite only."""
    part = config.getoption("--part")
    if part is None and config.getoption("--engine") == "sqlite":
        return
    parts: dict[str, list[pytest.Item]] = {"engine": [], "apart": []}
    for item in items:
        needs = "engine" in getattr(item, "fixturenames", ())
        parts["engine" if needs else "apart"].append(item)
    items[:] = parts.pop(part or "engine")
    for others in parts.values():
        config.hook.pytest_deselected(items=others)


def pytest_collection_finish() -> None:
    """What was imported stays: to look for garbage in it again and again took a tenth of all."""
    gc.collect()
    gc.freeze()


def make_settings(database_url: str, **changes: Any) -> Settings:
    """Settings as a test wants them: keys of its own, limits out of the way."""
    base: dict[str, Any] = {
        "database_url": database_url,
        "encryption_keys": Secret(f"t1:{KEY}"),
        "index_key": Secret(KEY),
        "wechat_base_url": "http://127.0.0.1:9",
        "wechat_appid": "wx0000000000000001",
        "wechat_secret": Secret("test-secret"),
        "bookings_per_minute": 10_000,
        "logins_per_minute": 10_000,
        "reads_per_minute": 1_000_000,
        "bot_unsigned": True,  # nobody has signed the rules yet: see docs/clinical
        "log_level": "WARNING",
    }
    return Settings(**(base | changes))


@pytest.fixture(scope="session")
def event_loop_policy() -> asyncio.AbstractEventLoopPolicy:
    """The loop that serves: tests run on what runs."""
    return uvloop.EventLoopPolicy()


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.config.getoption("--engine"))


@pytest.fixture
def postgres_only(engine: str) -> None:
    if engine == "sqlite":
        pytest.skip("PostgreSQL only")


@pytest.fixture(scope="session")
def empty_database(
    engine: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The URL of a migrated, empty database that belongs to this test process."""
    if engine == "sqlite":
        path = tmp_path_factory.mktemp("database") / "empty.sqlite3"
        asyncio.run(migrate(make_settings(f"sqlite://{path}")))
        yield f"sqlite://{path}"
        return
    admin = str(request.config.getoption("--postgres-url"))
    name = f"jiamenkou_test_{os.getpid()}_{uuid4().hex[:8]}"
    asyncio.run(_admin(admin, f"CREATE DATABASE {name}"))
    # No test pulls the plug, so no commit need wait for the disk.
    asyncio.run(_admin(admin, f"ALTER DATABASE {name} SET synchronous_commit = off"))
    url = urlunsplit(urlsplit(admin)._replace(path=f"/{name}"))
    try:
        asyncio.run(migrate(make_settings(url)))
        yield url
    finally:
        asyncio.run(_admin(admin, f"DROP DATABASE {name} WITH (FORCE)"))


async def _admin(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def empty(engine: str, empty_database: str) -> Iterator[Callable[[], None]]:
    """Deletes all rows, past triggers and foreign keys, on PostgreSQL.

    DELETE is ten times quicker than TRUNCATE of small tables. One connection for all tests, and
    statements that are planned once.
    """
    if engine == "sqlite":
        yield lambda: None
        return
    loop = uvloop.new_event_loop()  # not the tests': theirs end with them
    connection = loop.run_until_complete(_emptier(empty_database))
    yield lambda: loop.run_until_complete(connection.execute("SELECT pg_temp.empty()"))
    loop.run_until_complete(connection.close())
    loop.close()


async def _emptier(url: str) -> asyncpg.Connection:
    connection = await asyncpg.connect(url)
    rows = await connection.fetch(
        "SELECT tablename FROM pg_tables"
        " WHERE schemaname = 'public' AND tablename NOT LIKE '%migration%'"
    )
    tables = [row["tablename"] for row in rows]
    try:
        await connection.execute("SET session_replication_role = replica")
        work = "; ".join(f"DELETE FROM {table}" for table in tables)
    except asyncpg.InsufficientPrivilegeError:
        work = f"TRUNCATE {', '.join(tables)} CASCADE"
    await connection.execute(
        "SET synchronous_commit = off; CREATE FUNCTION pg_temp.empty() RETURNS void"
        f" LANGUAGE plpgsql AS $$ BEGIN {work}; END $$"
    )
    return connection


@pytest.fixture(scope="session", autouse=True)
async def _pools_kept() -> AsyncIterator[None]:
    async with pools.kept():
        yield


@pytest.fixture
def settings(
    engine: str, empty_database: str, empty: Callable[[], None], tmp_path: Path
) -> Iterator[Settings]:
    """Settings for a database that nobody else uses."""
    if engine == "postgres":
        yield make_settings(empty_database)
        empty()
        return
    copy = tmp_path / "test.sqlite3"
    shutil.copy(empty_database.removeprefix("sqlite://"), copy)
    yield make_settings(f"sqlite://{copy}")


@pytest.fixture
async def db(settings: Settings) -> AsyncIterator[None]:
    """A fresh database, connected."""
    await database.connect(settings)
    try:
        yield
    finally:
        await database.disconnect()


@pytest.fixture(scope="session")
async def shared(empty_database: str) -> AsyncIterator[Shared]:
    """The service as it really runs, strict protocol and all, for tests that want no other."""
    async with sharing(make_settings(empty_database)) as shared:
        yield shared


@pytest.fixture
async def hub(engine: str, request: pytest.FixtureRequest) -> AsyncIterator[Hub]:
    """The hub that belongs to the engine; on Redis under a prefix of its own."""
    if engine == "sqlite":
        opened: Hub = InProcessHub()
    else:
        url = str(request.config.getoption("--redis-url"))
        opened = RedisHub(url, prefix=f"jiamenkou-test:{uuid4().hex}:")
    yield opened
    await opened.close()


@pytest.fixture
def noon() -> Iterator[clock.Hands]:
    """The clock stands at Monday 2026-11-23, 12:00 in China, until a test moves its hands."""
    with clock.stopped(NOON) as hands:
        yield hands


@pytest.fixture
async def phone_and_server(
    settings: Settings, shared: Shared
) -> AsyncIterator[tuple[httpx.AsyncClient, httpx.AsyncClient, Settings]]:
    """WeChat's simulator and the service on real ports: clients of both, and the settings."""
    secret = settings.wechat_secret
    account = SimulatorAccount(appid=settings.wechat_appid, secret=secret.reveal(), templates={})
    async with serving(create_simulator(account)) as wechat:
        wired = dataclasses.replace(settings, wechat_base_url=wechat)
        async with shared.wired(wired) as http, plain_http(base_url=wechat) as phone:
            yield phone, http, wired
