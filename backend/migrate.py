"""Bring a database to the current schema, one process at a time.

For each operation Tortoise 1.1.9 makes every model anew that has anything to do with the changed
one, which is all of them, and prepares them for queries: seconds, and more with each table.
Migrations here make no queries by models, and ask for few. Private parts: see `backend.db`.
"""

import contextlib
import fcntl
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

import asyncpg
from tortoise import Tortoise
from tortoise.connection import get_connection
from tortoise.migrations.executor import MigrationExecutor
from tortoise.migrations.graph import MigrationKey
from tortoise.migrations.operations import DIRECT_RELATION_FIELDS
from tortoise.migrations.schema_generator.state import ModelState, State
from tortoise.migrations.schema_generator.state_apps import StateApps
from tortoise.models import Model

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
    """The models of a state, for the schema only: each with those that it refers to."""

    states: dict[tuple[str, str], ModelState]

    def get_model(self, app_label: str, model_name: str | None = None) -> type[Model]:
        key = (app_label, model_name) if model_name else self.split_reference(app_label)
        self._make(key)
        self._init_relations()
        return super().get_model(*key)

    def _make(self, key: tuple[str, str]) -> None:
        app_label, name = key
        if name in self.apps.get(app_label, {}):
            return
        state = self.states[key]
        self.register_model(app_label, state.render(self))
        for field in state.fields.values():
            if isinstance(field, DIRECT_RELATION_FIELDS):
                self._make(self.split_reference(field.model_name))

    def _build_initial_querysets(self) -> None:
        pass


class _State(State):
    """Models are made when somebody asks for them, and forgotten when any changes."""

    def __init__(self, models: dict[tuple[str, str], ModelState], connections: dict[str, str]):
        super().__init__(models, apps := _Apps(default_connections=connections))
        self._connections = connections
        apps.states = models

    def reload_model(self, app_label: str, model_name: str) -> None:
        self.reload_models([(app_label, model_name)])

    def reload_models(self, model_tuples: Iterable[tuple[str, str]]) -> None:
        self.apps.apps.clear()

    def clone(self) -> State:
        models = {key: model.clone() for key, model in self.models.items()}
        return _State(models, self._connections)


class _Executor(MigrationExecutor):
    async def _project_state(
        self, applied: set[MigrationKey], *, upto: MigrationKey | None = None
    ) -> State:
        connections = {label: "default" for label in self.loader.apps_config}
        state = _State({}, connections)
        for key in self._full_plan():
            if upto and key == upto:
                break
            if key in applied:
                migration: Any = self.loader.graph.nodes[key]
                await migration.apply(state, dry_run=True, schema_editor=None)
        return state
