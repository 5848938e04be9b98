"""How many statements something takes: a page costs as many with a hundred rows as with one."""

import contextlib
from collections.abc import Iterator

import pytest
from tortoise.connection import get_connection

ASKING = ("execute_query", "execute_query_dict", "execute_insert", "execute_many")


@contextlib.contextmanager
def counted() -> Iterator[list[str]]:
    """The statements of this process inside the block; what is read past the ORM on SQLite is not
    among them."""
    asked: list[str] = []
    client = type(get_connection("default"))
    with pytest.MonkeyPatch.context() as watch:
        for name in ASKING:
            real = getattr(client, name)

            async def ask(self: object, sql: str, *rest: object, real: object = real) -> object:
                asked.append(sql)
                return await real(self, sql, *rest)  # type: ignore[operator]

            watch.setattr(client, name, ask)
        yield asked
