"""Bring a database to the current schema, one process at a time."""

import contextlib
import fcntl
from collections.abc import AsyncIterator, Callable

import asyncpg
from tortoise import Tortoise
from tortoise.migrations.api import migrate as apply_migrations

from backend import db
from backend.settings import Settings

LOCK = 7_230_001  # any number, the same for all who migrate
CONNECT_S = 60.0
LOCK_MOST_S = 600.0  # for another's migration to end


async def migrate(settings: Settings, progress: Callable[[str], None] | None = None) -> None:
    """Apply what is missing; nothing when all is there. `progress` hears each migration's name."""

    def tell(event: str, _app: str, name: str) -> None:
        if progress and event == "apply_start":
            progress(name)

    async with _alone(settings):
        try:
            await apply_migrations(config=db.tortoise_config(settings), progress=tell)
        finally:
            await Tortoise.close_connections()


@contextlib.asynccontextmanager
async def _alone(settings: Settings) -> AsyncIterator[None]:
    """Tortoise's migrations take no lock of their own."""
    if settings.embedded:
        settings.database_path.parent.mkdir(parents=True, exist_ok=True)
        with open(f"{settings.database_path}.migrate", "w") as lock:  # noqa: ASYNC230
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        return
    connection = await asyncpg.connect(settings.database_url, timeout=CONNECT_S)
    try:
        async with connection.transaction():
            # Held by the transaction, so it works through PgBouncer too.
            await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK, timeout=LOCK_MOST_S)
            yield
    finally:
        await connection.close()
