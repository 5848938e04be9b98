"""What the migrations written by hand share."""

from typing import Any

from tortoise.migrations import operations as ops


class PerDialect(ops.RunSQL):
    """The statements of whichever database is being migrated."""

    def __init__(self, sqlite: list[str], postgres: list[str]) -> None:
        super().__init__(sql=[])
        self._sqlite, self._postgres = sqlite, postgres

    async def database_forward(
        self, app_label: str, old_state: Any, new_state: Any, state_editor: Any = None
    ) -> None:
        if state_editor is None:
            return
        sqlite = state_editor.client.capabilities.dialect == "sqlite"
        for statement in self._sqlite if sqlite else self._postgres:
            # Past the editor's own runner, which cuts a trigger in two at its semicolon.
            await state_editor.client.execute_query(statement)


def append_only_on_sqlite(*tables: str) -> list[str]:
    """Triggers that refuse to change or delete rows."""
    return [
        f"CREATE TRIGGER {table}_no_{deed.lower()} BEFORE {deed} ON {table}"
        f" BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        for table in tables
        for deed in ("UPDATE", "DELETE")
    ]


def append_only_on_postgres(*tables: str) -> list[str]:
    """The same; the function `append_only` is made by 0002."""
    return [
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}"
        " FOR EACH ROW EXECUTE FUNCTION append_only()"
        for table in tables
    ]
