"""How many queries something takes, on either database."""

import contextlib
import logging
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

from backend import db

ORM = logging.getLogger("tortoise.db_client")


class _Kept(logging.Handler):
    def __init__(self, queries: list[str]) -> None:
        super().__init__(logging.DEBUG)
        self._queries = queries

    def emit(self, record: logging.LogRecord) -> None:
        self._queries.append(record.getMessage())


@contextlib.contextmanager
def counted() -> Iterator[list[str]]:
    """The queries of the block. Named SQL on SQLite's reader is not the ORM's, so it is added."""
    queries: list[str] = []
    real = db.fetch

    async def fetch(sql: str, *values: Any) -> Any:
        if db.is_sqlite():
            queries.append(sql)
        return await real(sql, *values)

    handler, level = _Kept(queries), ORM.level
    ORM.addHandler(handler)
    ORM.setLevel(logging.DEBUG)
    try:
        with patch.object(db, "fetch", fetch):
            yield queries
    finally:
        ORM.removeHandler(handler)
        ORM.setLevel(level)
