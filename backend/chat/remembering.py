"""What the bot remembers of a conversation: what it made of it, and which messages it has heard.

The words stand in the messages and nowhere else: each turn reads them again. So a record of a turn
stays as small as the first one was, and what is taken back is taken back everywhere.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from backend.bot import dialogue
from backend.bot.cases import index
from backend.bot.dialogue import TURNS_MOST
from backend.bot.reading import read_all
from backend.bot.red_flags import LEVELS
from backend.bot.rules import Rules
from backend.bot.talk import Memory, Person, Said, Triage, Turn
from backend.chat import wording
from backend.chat.models import BotTurn, Conversation, Message

TIERS = ("village", "township", "county")
Heard = tuple[int, ...]  # `seq` of messages, the oldest first


class Remembered(NamedTuple):
    """`memory` without what was said; `heard` are the messages that say it."""

    memory: Memory
    heard: Heard


def said_in(message: Message) -> Said:
    """A tapped button or a filled form goes by what it is, not by the words it is shown with."""
    payload = message.payload or {}
    if message.kind == "choice":
        return Said(choice=payload.get("choice"))
    if message.kind == "form":
        return Said(fields=payload.get("fields", {}))
    return Said(text=message.body)


def opened(stored: Any, rules: Rules) -> Remembered:
    """As the rules of this program read it; what they can't read begins anew."""
    try:
        heard = msgspec.convert((stored or {}).get("heard", ()), Heard)
        return Remembered(msgspec.convert(stored, Memory), heard)
    except msgspec.ValidationError:
        return Remembered(Memory(rules_version=rules.version), ())


def closed(memory: Memory, heard: Heard) -> dict[str, Any]:
    """To be stored."""
    kept: dict[str, Any] = msgspec.to_builtins(memory)
    del kept["said"]
    return kept | {"heard": list(heard)}


def after(rules: Rules, before: Remembered, seq: int, turn: Turn) -> Heard:
    """As many as the bot goes by, less one for what comes next. What tells of no danger is
    forgotten first, the words of one that was seen last."""
    heard = (*before.heard, seq)
    if len(heard) < TURNS_MOST:
        return heard
    least = _least(rules, turn)
    return heard[:least] + heard[least + 1 :]


def _least(rules: Rules, turn: Turn) -> int:
    """Which of what was said can go. Of idle words the latest: then the others stand where they
    stood, and need not be read again."""
    readings = read_all(rules, Person(), [one.text for one in turn.memory.said])
    among = index(rules, "red_flags").cases
    signs = {sign for cases in among for case in cases for group in case.groups for sign in group}
    proofs = turn.triage.evidence if turn.triage else ()
    seen = {one.turn for one in proofs if one.kind == "red_flag"}

    def worth(at: int) -> tuple[int, int]:
        may_be = bool(signs & readings[at].signs.keys() or readings[at].measures)
        weight = 2 * (at in seen) + may_be
        return weight, at if weight else -at

    return min(range(len(readings) - 1), key=worth)


async def recollected(conversation_id: UUID, before: Remembered) -> Memory:
    """With the words, as the bot takes it."""
    said = await words(conversation_id, before.heard)
    return msgspec.structs.replace(before.memory, said=tuple(said[seq] for seq in before.heard))


async def words(conversation_id: UUID, heard: Sequence[int]) -> dict[int, Said]:
    """By `seq`; also of what was taken back: whoever calls knows which they may use."""
    if not heard:
        return {}
    rows = await Message.filter(conversation_id=conversation_id, seq__in=list(heard))
    return {row.seq: said_in(row) for row in rows}


def wordless(turn: Turn) -> dict[str, Any]:
    """A decision as its record has it: which rules decided by which part of which message. What
    repeats the resident's words comes back with `decided_again`."""
    told: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(turn))  # as it is read back
    del told["memory"]
    if told["triage"] is not None:
        proofs = [one | {"text": ""} for one in told["triage"]["evidence"]]
        told["triage"] |= {"summary": "", "slots": {}, "evidence": proofs}
    return told


async def decided_again(record: BotTurn, rules: Rules) -> Turn:
    """The decision made once more from its record. For the audit: what was taken back since is
    still among the words it was made from."""
    memory = await recollected(record.conversation_id, opened(record.memory, rules))
    said = await words(record.conversation_id, (record.said,))
    person = msgspec.convert(record.person, Person)
    return dialogue.answer(rules, person, memory, said[record.said])


def triage_of(row: Conversation) -> Triage | None:
    """None: nothing is known, or the record is of another make."""
    try:
        return None if row.triage is None else msgspec.convert(row.triage, Triage)
    except msgspec.ValidationError:
        return None


def standing(rules: Rules, found: Triage, earlier: Triage | None, *, forgot: bool) -> Triage:
    """With the dangers that were seen before and whose words are gone: those are never taken back.

    `forgot`: something was taken back just now, or more was said than the bot goes by; else what
    `earlier` has no words for, any more.
    """
    if earlier is None:
        return found
    worded = {one.rule_id for one in earlier.evidence if one.kind == "red_flag"}
    known = {flag.id for flag in found.red_flags}
    lost = [
        flag for flag in earlier.red_flags
        if flag.id not in known and (forgot or flag.id not in worded)
    ]  # fmt: skip
    if not lost:
        return found
    level = min((found.priority, *(flag.level for flag in lost)), key=LEVELS.index)
    line = rules.wording["sum_priority"]
    names = "；".join(flag.name for flag in lost)
    summary = found.summary.replace(line.format(value=found.priority), line.format(value=level), 1)
    flags = sorted((*found.red_flags, *lost), key=lambda flag: (LEVELS.index(flag.level), flag.id))
    return msgspec.structs.replace(
        found,
        priority=level,
        red_flags=tuple(flags),
        tier=max(found.tier, earlier.tier, key=TIERS.index),
        summary=f"{summary}\n{wording.SEEN_BEFORE.format(names=names)}",
        next_step=rules.wording[f"next_{level}"],
        safety_net=rules.wording[f"safety_{level}"],
        signed=found.signed and earlier.signed,
    )
