"""A lock that the database knows."""

from uuid import uuid4

from backend import db as database
from backend.booking import granting
from tests.statements import statements


async def test_frozen_slots_are_really_locked(db: None) -> None:
    async with database.transaction():
        with statements() as asked:
            await granting.freeze([uuid4(), uuid4()])
    [select] = asked
    assert database.is_sqlite() or select.endswith("FOR NO KEY UPDATE")
