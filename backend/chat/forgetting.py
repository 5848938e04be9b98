"""What is taken back is forgotten: the bot's state is made anew from what else was said.

Nothing is said or done again: what was handed over, promised or hurried stays. Dangers that were
seen stay too, without their words. Records of earlier decisions stay as they are, for the audit.
"""

from backend.bot import dialogue
from backend.bot.dialogue import TURNS_MOST
from backend.bot.rules import Rules
from backend.bot.talk import Person
from backend.bot.triage import decide
from backend.chat import bot_turns, remembering
from backend.chat.locking import change
from backend.chat.models import BotTurn, Conversation, Message
from backend.chat.remembering import Remembered
from backend.chat.rulebook import Rulebook

AGAIN_MOST = 5  # turns in which the bot decides anew: the longest take a sixth of a second


async def forget(conversation: Conversation, message: Message, rulebook: Rulebook) -> None:
    """In the transaction that takes the message back, after it. A message that the bot has not
    heard changes nothing."""
    turn = await BotTurn.get_or_none(conversation_id=conversation.id, message_id=message.id)
    if turn is None:
        return
    rules = await rulebook.of(conversation.rules_version)
    person = await bot_turns.person_of(conversation.patient_id)
    gone = await _taken_back(conversation)
    first = await _untouched(turn, gone, rules)
    remembered = await _made_anew(first, gone, rules, person)
    memory = await remembering.recollected(conversation.id, remembered)
    await change(conversation, memory=remembering.closed(memory, remembered.heard))
    if not memory.said and not conversation.red_flag:
        await change(conversation, triage=None, departments=[], tier=None)
        return
    confirmed = memory.kept.get("confirmed", "").split()
    texts = [one.text for one in memory.said]
    triage = decide(rules, person, texts, given=memory.slots, confirmed=confirmed)
    await bot_turns.learn(conversation, rules, triage, forgot=True)


async def _taken_back(conversation: Conversation) -> frozenset[int]:
    rows = Message.filter(conversation_id=conversation.id, recalled_at__not_isnull=True)
    found: list[int] = await rows.values_list("seq", flat=True)  # type: ignore[assignment]
    return frozenset(found)


async def _untouched(turn: BotTurn, gone: frozenset[int], rules: Rules) -> BotTurn:
    """The turn at or before this one that had heard nothing of what was taken back since."""
    while touched := gone.intersection(remembering.opened(turn.memory, rules).heard):
        first = await Message.get(conversation_id=turn.conversation_id, seq=min(touched))
        turn = await BotTurn.get(conversation_id=turn.conversation_id, message_id=first.id)
    return turn


async def _made_anew(
    first: BotTurn, gone: frozenset[int], rules: Rules, person: Person
) -> Remembered:
    """As the bot would remember it, had only the rest been said, from before `first` on.

    Messages can be taken back for two minutes only, so those are few. Of more than `AGAIN_MOST`
    the earlier ones are heard and not answered once more: what is waited for is in the last ones.
    """
    later = BotTurn.filter(conversation_id=first.conversation_id, number__gte=first.number)
    said: list[int] = await later.order_by("number").values_list("said", flat=True)  # type: ignore[assignment]
    now = remembering.opened(first.memory, rules)
    left = [one for one in said if one not in gone]
    for seq in left[:-AGAIN_MOST]:
        now = Remembered(now.memory, (*now.heard, seq)[1 - TURNS_MOST :])
    for seq in left[-AGAIN_MOST:]:
        memory = await remembering.recollected(first.conversation_id, now)
        words = await remembering.words(first.conversation_id, [seq])
        turn = dialogue.answer(rules, person, memory, words[seq])
        now = Remembered(turn.memory, remembering.after(rules, now, seq, turn))
    return now
