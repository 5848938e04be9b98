"""没听懂的问题: what the bot made nothing of, a worklist for whoever writes its rules.

The words are residents' own, so only who oversees the whole consortium reads them, and every look
leaves an audit row. They are read from the message: recalled, they are gone here too.
"""

from datetime import datetime
from uuid import UUID

import msgspec
import structlog

from backend import audit, clock, db
from backend.bot.talk import HandOver, Said, Turn
from backend.chat.desk import OVERSEE
from backend.chat.duty_errors import AlreadyDecided
from backend.chat.duty_models import REASON_MOST, ZeroHit
from backend.chat.models import Conversation
from backend.errors import Malformed, NotFound
from backend.identity.access import Actor, note_read
from backend.ids import new_id

log = structlog.get_logger()

NEW, DONE, DISMISSED = "new", "done", "dismissed"  # 新, 已处理, 不处理
STATES = {NEW: (DONE, DISMISSED), DONE: (), DISMISSED: ()}
"""Each with its exits. `new` is owned by whoever oversees the whole consortium."""
LISTED_MOST = 100
UNDERSTOOD = ("emergency", "faq")
LEARNED = "learned_"  # how the ids of weights begin that nobody has reviewed


class Question(msgspec.Struct, frozen=True):
    """`text`: None where it was recalled, or is gone."""

    id: UUID
    text: str | None
    rules_version: str
    at: datetime
    state: str
    note: str


def is_zero_hit(said: Said, turn: Turn) -> bool:
    """Pure: words in which no reviewed rule found anything, so that the bot asks or gives up.
    What learned weights make of them is a guess, and no understanding."""
    if not said.text.strip() or any(reply.kind in UNDERSTOOD for reply in turn.replies):
        return False
    gave_up = any(
        isinstance(one, HandOver) and one.reason == "not_understood" for one in turn.actions
    )
    if gave_up or turn.actions:
        return gave_up
    this = len(turn.memory.said) - 1
    heard = turn.triage is not None and any(
        one.turn == this and not one.rule_id.startswith(LEARNED) for one in turn.triage.evidence
    )
    return not heard and bool(turn.memory.asked)


async def note(conversation: Conversation, message_id: UUID, said: Said, turn: Turn) -> None:
    """In the transaction in which the bot answers; a repeat changes nothing."""
    if not is_zero_hit(said, turn) or await ZeroHit.filter(message_id=message_id).exists():
        return
    await ZeroHit.create(
        id=new_id(),
        consortium_id=conversation.consortium_id,
        message_id=message_id,
        rules_version=turn.memory.rules_version,
        at=clock.now(),
        state=NEW,
    )


async def worklist(
    actor: Actor, *, state: str = NEW, after: UUID | None = None
) -> tuple[list[Question], UUID | None]:
    """The latest first, and where the next page begins. Raises NotFound, Malformed."""
    must(actor)
    if state not in STATES:
        raise Malformed("没有这个状态。", field="state")
    wanted = ZeroHit.filter(consortium_id=actor.consortium_id, state=state)
    if after is not None:
        wanted = wanted.filter(id__lt=after)
    rows = (
        await wanted.order_by("-id").limit(LISTED_MOST + 1).select_related("message__conversation")
    )
    shown = rows[:LISTED_MOST]
    async with db.transaction():
        people = {row.message.conversation.patient_id for row in shown} - {None}
        await note_read(actor, "chat.zero_hits_listed", people)
    following = shown[-1].id if len(rows) > LISTED_MOST else None
    return [_question(row) for row in shown], following


def _question(row: ZeroHit) -> Question:
    gone = row.message.recalled_at is not None or not row.message.body
    text = None if gone else row.message.body
    return Question(row.id, text, row.rules_version, row.at, row.state, row.note)


async def decide(actor: Actor, question_id: UUID, state: str, *, note: str = "") -> None:
    """已处理 or 不处理. Raises NotFound, AlreadyDecided, Malformed."""
    must(actor)
    said = note.strip()
    if state not in STATES[NEW]:
        raise Malformed("请选择已处理或不处理。", field="state")
    if len(said) > REASON_MOST:
        raise Malformed(f"备注不超过 {REASON_MOST} 个字。", field="note")
    async with db.transaction():
        row = ZeroHit.filter(id=question_id, consortium_id=actor.consortium_id)
        decided = await row.filter(state=NEW).update(
            state=state, note=said, decided_by=actor.id, decided_at=clock.now()
        )
        if not decided:
            found = await row.first()
            if found is None:
                raise NotFound
            raise AlreadyDecided(state=found.state)
        await audit.record(actor, "chat.question_decided", entity_id=question_id, state=state)


def must(actor: Actor) -> None:
    """Raises NotFound."""
    actor.must(OVERSEE)
    if actor.where(OVERSEE) is not None:
        raise NotFound
