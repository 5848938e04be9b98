"""Which migrations a database still lacks. Asks on a connection of its own, and changes nothing."""

import sqlite3
from pathlib import Path

import asyncpg

from backend.refused import Refused
from backend.settings import Settings

MIGRATIONS = Path(__file__).parent / "migrations"
APPLIED = "SELECT name FROM tortoise_migrations WHERE app = 'jiamenkou'"  # db.APP
CONNECT_S = 5.0


class NotMigrated(Refused):
    """The database has an older schema than this code."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(
            f"数据库结构还差 {len(names)} 步（{'、'.join(names)}），请先运行 jiamenkou migrate。"
            " / Migrations are missing."
        )


async def missing(settings: Settings) -> list[str]:
    """Names of migrations that are here and not there, in order.

    Raises:
        OSError, TimeoutError, asyncpg.PostgresError, sqlite3.Error: the database can't be asked.
    """
    here = sorted(path.stem for path in MIGRATIONS.glob("[0-9]*.py"))
    path = settings.database_path
    there = _on_sqlite(path) if settings.embedded else await _on_postgres(settings)
    return [name for name in here if name not in there]


async def insist(settings: Settings) -> None:
    """Raises NotMigrated, and what `missing` raises."""
    names = await missing(settings)
    if names:
        raise NotMigrated(names)


def _on_sqlite(path: Path) -> set[str]:
    if not path.exists():
        return set()
    # Read-only: a second connection must never write (see db.py).
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    try:
        return {row[0] for row in connection.execute(APPLIED)}
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return set()
        raise
    finally:
        connection.close()


async def _on_postgres(settings: Settings) -> set[str]:
    connection = await asyncpg.connect(
        settings.database_url,
        timeout=CONNECT_S,
        command_timeout=CONNECT_S,
        statement_cache_size=0,  # PgBouncer
    )
    try:
        return {row["name"] for row in await connection.fetch(APPLIED)}
    except asyncpg.UndefinedTableError:
        return set()
    finally:
        await connection.close()
