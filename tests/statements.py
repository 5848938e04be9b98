"""How many statements something asks the database: the same for ten rows as for two hundred."""

import contextlib
from collections.abc import Awaitable, Callable, Iterator
from typing import Any
from unittest.mock import patch

from tortoise.backends.asyncpg.client import AsyncpgDBClient
from tortoise.backends.base_postgres.client import BasePostgresClient
from tortoise.backends.sqlite.client import SqliteClient

from backend import db

ASKING = ("execute_query", "execute_query_dict", "execute_insert", "execute_many")


@contextlib.contextmanager
def statements() -> Iterator[list[str]]:
    """Every statement while the block runs, by `db.fetch` or the ORM."""
    asked: list[str] = []
    depth = 0

    def noted(ask: Callable[..., Awaitable[Any]], place: int) -> Callable[..., Awaitable[Any]]:
        async def wrapped(*given: Any) -> Any:
            nonlocal depth
            if not depth:  # one that asks through another is one
                asked.append(given[place])
            depth += 1
            try:
                return await ask(*given)
            finally:
                depth -= 1

        return wrapped

    with contextlib.ExitStack() as stack:
        stack.enter_context(patch.object(db, "fetch", noted(db.fetch, 0)))
        for client in (SqliteClient, AsyncpgDBClient, BasePostgresClient):
            for name in ASKING:
                if name in vars(client):
                    wrapped = noted(vars(client)[name], 1)
                    stack.enter_context(patch.object(client, name, wrapped))
        yield asked
