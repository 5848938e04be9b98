"""Idempotency-Key: a request that is sent twice is done once and answered twice alike.

A key belongs to an account and is bound to route and body. The answer is kept in the transaction of
the deed, for 90 days. A refusal changes nothing, keeps nothing, and is judged anew.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from backend import clock, db
from backend.errors import Conflict, Malformed
from backend.ids import new_id

KEPT = timedelta(days=90)
KEY_SHORTEST = 8
KEY_LONGEST = 64
SWEEP_MOST = 5000  # rows a tick


class IdempotencyKey(Model):
    id = fields.UUIDField(primary_key=True)
    account_id = fields.UUIDField()
    key = fields.CharField(max_length=KEY_LONGEST)
    request_hash = fields.CharField(max_length=64)  # route and body
    status = fields.IntField()
    answer = fields.TextField()
    at = fields.DatetimeField()

    class Meta:
        table = "idempotency_key"
        unique_together = (("account_id", "key"),)
        indexes = (("at",),)


class KeyReused(Conflict):
    """The key was used for another request before."""

    code = "idempotency-key-reused"
    title = "请求编号已用过"
    detail = "这个请求编号已用于另一次提交，请重新操作。"


class KeyMissing(Malformed):
    """POST needs `Idempotency-Key`: 8 to 64 visible ASCII characters."""

    code = "idempotency-key-missing"
    title = "缺少请求编号"
    detail = "缺少或写错了请求编号（Idempotency-Key，8 到 64 个可见字符）。"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it was sent: `body` is JSON text."""

    status: int
    body: str


class Replayed(Exception):
    """This very request was done before: give its `answer` again, and do nothing."""

    def __init__(self, answer: Answer) -> None:
        super().__init__("replayed")
        self.answer = answer


@dataclass(slots=True)
class Receipt:
    """One request's claim to be done only once. `render` makes an answer of a verb's result.

    What is kept and what is sent are the same bytes: the edge sends `answer`.
    """

    account_id: UUID
    key: str
    request_hash: str
    render: Callable[[Any], str]
    answer: Answer | None = None
    settled: bool = False
    """Whether it is known that this request was never done: a refusal needs no second look."""

    @classmethod
    def of(
        cls,
        account_id: UUID,
        key: str | None,
        route: str,
        body: bytes,
        render: Callable[[Any], str],
    ) -> "Receipt":
        """Raises KeyMissing."""
        if not key or not KEY_SHORTEST <= len(key) <= KEY_LONGEST or not key.isascii():
            raise KeyMissing(field="Idempotency-Key")
        if not key.isprintable() or " " in key:
            raise KeyMissing(field="Idempotency-Key")
        digest = hashlib.sha256(route.encode() + b"\n" + body).hexdigest()
        return cls(account_id, key, digest, render)

    async def check(self) -> None:
        """Go on only if this request was never done.

        Raises:
            Replayed: it was, with its answer.
            KeyReused: another route or body had this key.
        """
        row = await IdempotencyKey.get_or_none(account_id=self.account_id, key=self.key)
        if row is not None:
            raise Replayed(self.judge(row.request_hash, row.status, row.answer))

    def write(self, status: int, result: Any) -> Answer:
        """Make the answer, to be kept by whoever does the deed."""
        self.answer = Answer(status, self.render(result))
        return self.answer

    async def keep(self, status: int, result: Any) -> None:
        """Make the answer and keep it, in the transaction of the deed."""
        answer = self.write(status, result)
        await IdempotencyKey.create(
            id=new_id(),
            account_id=self.account_id,
            key=self.key,
            request_hash=self.request_hash,
            status=answer.status,
            answer=answer.body,
            at=clock.now(),
        )

    def judge(self, request_hash: str, status: int, answer: str) -> Answer:
        """The kept answer, if it belongs to this very request. Raises KeyReused."""
        if request_hash != self.request_hash:
            raise KeyReused
        return Answer(status, answer)


async def sweep() -> int:
    """Forget keys older than 90 days; a limited number a call. Returns how many."""
    rows = await db.fetch(
        "SELECT id FROM idempotency_key WHERE at < $1 ORDER BY at LIMIT $2",
        clock.now() - KEPT,
        SWEEP_MOST,
    )
    return await IdempotencyKey.filter(id__in=[row["id"] for row in rows]).delete()
