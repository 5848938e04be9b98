"""Bring a database to the current schema, one process at a time.

For each operation Tortoise 1.1.9 copies every model there is and makes all of them ready for
queries: seconds, and more with each table. Migrations here make no queries by models, and few ask
what was before them, so `_State` copies when asked. Private parts: see `backend.db`.
"""

import contextlib
import fcntl
from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg
from tortoise import Tortoise
from tortoise.connection import get_connection
from tortoise.migrations.executor import MigrationExecutor
from tortoise.migrations.graph import MigrationKey
from tortoise.migrations.schema_generator.state import State
from tortoise.migrations.schema_generator.state_apps import StateApps

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
            config = db.tortoise_config(settings)
            await Tortoise.init(config=config, init_connections=False)
            await _Executor(get_connection("default"), config["apps"]).migrate(progress=tell)
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


class _Apps(StateApps):
    """The models of a state, for the schema only."""

    def _build_initial_querysets(self) -> None:
        pass


class _State(State):
    """Its copies have no models until somebody asks for them."""

    def clone(self) -> State:
        return _Copy({key: model.clone() for key, model in self.models.items()}, self.apps)


class _Copy(_State):
    _origin: StateApps
    _built: StateApps | None = None

    @property
    def apps(self) -> StateApps:
        if self._built is None:
            self._built = self._origin.clone(model_states=self.models)
        return self._built

    @apps.setter
    def apps(self, origin: StateApps) -> None:
        self._origin = origin


class _Executor(MigrationExecutor):
    async def _project_state(
        self, applied: set[MigrationKey], *, upto: MigrationKey | None = None
    ) -> State:
        connections = {label: "default" for label in self.loader.apps_config}
        state = _State(models={}, apps=_Apps(default_connections=connections))
        for key in self._full_plan():
            if upto and key == upto:
                break
            if key in applied:
                migration: Any = self.loader.graph.nodes[key]
                await migration.apply(state, dry_run=True, schema_editor=None)
        return state
