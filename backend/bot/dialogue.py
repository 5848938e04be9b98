"""The conversation: what the bot says to what was said. Pure: the same in, the same out.

`Memory` holds every turn, so that whatever was decided can be decided again. Order of a turn: red
flags, a human, the question about a doubtful flag, words about the conversation itself, the FAQ,
what the resident wants done, and last the illness. A human is offered with every reply.
"""

import msgspec

from backend.bot import answers, asking, red_flags, slots, triage
from backend.bot.answers import Asked
from backend.bot.reading import read_all
from backend.bot.rules import Rules
from backend.bot.schema import Faq
from backend.bot.talk import (
    Action,
    Book,
    Choice,
    HandOver,
    Memory,
    Person,
    Reply,
    Said,
    Start,
    Triage,
    Turn,
)

ASKED_MOST = 3  # once, and two re-asks
TURNS_MOST = 60
FAQ_OFFERED = 3  # on the first screen
STARTS = ("medication_plan", "survey", "cancel_appointment")


def begin(rules: Rules, person: Person) -> Turn:
    """It says that it is a program, before anything else."""
    choices = (
        Choice("book", rules.wording["choice_book"]),
        *(Choice(f"faq.{faq.id}", faq.question) for faq in rules.faq[:FAQ_OFFERED]),
        _human(rules),
    )
    memory = Memory(rules_version=rules.version)
    return Turn(memory, (Reply("text", rules.wording["hello"], choices),))


def answer(rules: Rules, person: Person, memory: Memory, said: Said) -> Turn:
    """Whatever is said, something sensible comes back; nothing raises."""
    said = answers.sound(rules, said)
    memory = msgspec.structs.replace(memory, said=(*memory.said, said)[-TURNS_MOST:])
    return _Turn(rules, person, memory, said).taken()


class _Turn:
    """One turn in the making."""

    def __init__(self, rules: Rules, person: Person, memory: Memory, said: Said) -> None:
        self.rules, self.person, self.memory, self.said = rules, person, memory, said
        self.kept = dict(memory.kept)
        self.given = dict(memory.slots)
        self.asked = Asked.of(memory.asked)
        self.times = memory.asked_times
        self.stage = memory.stage
        self.replies: list[Reply] = []
        self.actions: list[Action] = []
        self.readings = read_all(rules, person, [one.text for one in memory.said])
        self.heard = answers.hear(rules, self.readings, said)
        self.triage: Triage | None = None

    def taken(self) -> Turn:
        self._answer_question()
        self._judge()
        self._speak()
        return self._turn()

    def _judge(self) -> None:
        self.triage = triage.judge(
            self.rules,
            self.person,
            self.readings,
            given=self.given,
            confirmed=self._words("confirmed"),
        )

    # What was waited for

    def _answer_question(self) -> None:
        """Fills slots from a form, a quick reply, or words that answer the pending question."""
        for name, value in self.said.fields.items():
            self._fill(name, value)
        if self.heard.option is not None:
            self._fill(*self.heard.option)
        if self.asked.kind == "slot" and not self.said.fields:
            self._free_answer(self.asked.name)
        if self.asked.kind == "flag":
            self._clear_flag(self.asked.name)

    def _fill(self, name: str, value: str) -> None:
        self.given[name] = value
        if self.asked == Asked("slot", name):
            self._settled()

    def _free_answer(self, name: str) -> None:
        heard = self.heard
        if heard.choice == "skip" or heard.deed == "unknown":
            self._fill(name, "不清楚" if name != "symptom" else "")
        elif name in ("chronic", "medicines") and heard.plain_no:
            self._fill(name, "无")
        elif name in ("chronic", "medicines") and heard.is_free:
            self._fill(name, self.said.text[: slots.SLOT_MOST])
        elif name in heard.slots:
            self.given.pop(name, None)  # what was just said goes before what was said earlier
            self._settled()

    def _clear_flag(self, name: str) -> None:
        """Only a plain no is a no: whoever isn't sure, or says something else, is looked after."""
        if self.heard.plain_no:
            self._keep_word("cleared", name)
        else:
            self._keep_word("confirmed", name)
        self._settled()

    def _settled(self) -> None:
        self.asked, self.times = Asked("", ""), 0

    # What is said

    def _speak(self) -> None:
        assert self.triage is not None  # noqa: S101  judged before
        if self._new_flags():
            self._emergency()
        elif self.heard.deed == "human":
            self._hand_over("asked", "human")
        elif not self._may_advise():
            self._hand_over("advised", "unsigned")
        elif len(self.memory.said) >= TURNS_MOST:
            self._hand_over("not_understood", "too_long")
        elif (doubtful := self._doubtful()) is not None:
            self._ask_flag(doubtful)
        elif not (self._about_talk() or self._faq() or self._wish()):
            self._illness()

    def _may_advise(self) -> bool:
        return self.rules.signed or self.rules.unsigned_allowed

    def _new_flags(self) -> list[str]:
        """Those not announced yet, or said anew in this very turn: 又疼了 is another one."""
        assert self.triage is not None  # noqa: S101
        known = set(self._words("announced"))
        if known:
            anew = red_flags.find(self.rules, self.readings[-1:], self.person)
            known -= {one.rule.id for one in anew if one.status == "present"}
        return [
            flag.id
            for flag in self.triage.red_flags
            if flag.id not in known and (flag.calls_120 or self._may_advise())
        ]

    def _emergency(self) -> None:
        """The deed of the worst new flag; the doctor gets them all."""
        assert self.triage is not None  # noqa: S101
        new = self._new_flags()
        flag = next(flag for flag in self.triage.red_flags if flag.id in new)
        again = "_again" if flag.id in self._words("announced") else ""
        for name in new:
            self._keep_word("announced", name)
        text = self.rules.wording[f"emergency{again}"].format(deed=flag.deed)
        self.replies.append(Reply("emergency" if flag.level in ("I", "II") else "text", text))
        self.replies.append(Reply("text", self.triage.safety_net))
        self._hand_over("red_flag", "human_red_flag")

    def _doubtful(self) -> str | None:
        """A red flag that may be one: asked about once."""
        assert self.triage is not None  # noqa: S101
        firm = {flag.id for flag in self.triage.red_flags}
        settled = {*firm, *self._words("cleared"), *self._words("confirmed")}
        return next(
            (
                one.rule_id
                for one in self.triage.evidence
                if one.kind == "red_flag" and one.rule_id not in settled
            ),
            None,
        )

    def _ask_flag(self, name: str) -> None:
        rule = next(flag for flag in self.rules.red_flags if flag.id == name)
        self._interrupt()
        self.asked, self.times = Asked("flag", name), 1
        self._reply("ask_flag", self._yes_no(), ask=rule.ask)

    def _yes_no(self) -> tuple[Choice, ...]:
        wording = self.rules.wording
        return tuple(Choice(one, wording[f"choice_{one}"]) for one in ("yes", "no", "unknown"))

    def _about_talk(self) -> bool:
        """Words about the conversation itself. False: there were none, or more than those."""
        deed = self.heard.deed
        if deed == "stop":
            self._settled()
            self.kept.pop("interrupted", None)
            self.stage = "open"
            self._reply("stopped", self._usual())
        elif deed == "wrong" and not self.heard.slots and not self.heard.symptoms:
            self._reply("what_is_wrong", ())
        elif deed in ("program", "thanks", "goodbye") and not self.heard.symptoms:
            self._reply(str(deed), self._usual() if deed != "goodbye" else ())
            self._resume()
        elif deed == "resume":
            if not self._resume():
                self._reply("nothing_to_resume", self._usual())
        elif deed == "greet" and self.heard.is_short and not self.heard.symptoms:
            self._reply("hello_again", self._usual())
        else:
            return False
        return True

    def _faq(self) -> bool:
        faq = self.heard.faq
        if faq is None:
            return False
        self.replies.append(Reply("faq", faq.answer, (*self._next_to(faq), _human(self.rules))))
        return self._resume() or not self.heard.symptoms

    def _next_to(self, faq: Faq) -> tuple[Choice, ...]:
        if faq.id in ("faq_book", "faq_price", "faq_refill"):
            return (Choice("book", self.rules.wording["choice_book"]),)
        return ()

    def _wish(self) -> bool:
        deed = self.heard.deed
        if deed in STARTS:
            self.actions.append(Start(deed))  # type: ignore[arg-type]
            self._reply(f"start_{deed}", self._usual())
            return True
        if deed == "book":
            self._book()
            return True
        return False

    def _book(self) -> None:
        assert self.triage is not None  # noqa: S101
        department = self.heard.department
        if department is None and self.triage.departments:
            department = self.triage.departments[0].name
        if department is None:
            self._ask(asking.FIRST, "book_which")
            self.kept["wants"] = "book"
            return
        self.kept.pop("wants", None)
        self._settled()
        self.actions.append(Book(department, self.triage.tier))
        self._reply("book", self._usual(), department=department)

    def _illness(self) -> None:
        assert self.triage is not None  # noqa: S101
        if self.heard.corrects:
            self._reply("corrected", ())
        told = bool(self.triage.slots.get("symptom")) or bool(self.triage.departments)
        if not told:
            self._ask(asking.FIRST, "open")
        elif self.kept.get("wants") == "book" and self.triage.departments:
            self._book()
        elif (name := asking.missing(self.rules, self.triage.slots)) is not None:
            self._ask(name)
        else:
            self._guide()

    def _ask(self, name: str, wording: str = "") -> None:
        assert self.triage is not None  # noqa: S101
        again = self.asked == Asked("slot", name)
        self.times = self.times + 1 if again else 1
        self.asked, self.stage = Asked("slot", name), "asking"
        if self.times > ASKED_MOST:
            self._settled()
            self._hand_over("not_understood", "human_not_understood")
            return
        months = answers.age_months(self.rules, self.readings, self.person, self.given)
        known = self.triage.slots
        self.replies.append(
            asking.put(self.rules, name, known, months, again=again, wording=wording)
        )

    def _guide(self) -> None:
        assert self.triage is not None  # noqa: S101
        found, wording = self.triage, self.rules.wording
        names = "、".join(one.name for one in found.departments[:2])
        text = wording["guide" if names else "guide_no_department"].format(
            department=names, tier=wording[f"tier_{found.tier}"], next_step=found.next_step
        )
        self._settled()
        self.stage = "advised"
        self.replies.append(Reply("guide", f"{text}\n{wording['not_a_diagnosis']}"))
        self.replies.append(Reply("text", found.safety_net, (*self._usual(), _human(self.rules))))
        if found.priority != "IV" and not self._words("handed"):
            self._keep_word("handed", "advised")
            self.actions.append(HandOver("advised"))

    # Small things

    def _interrupt(self) -> None:
        if self.asked.kind == "slot":
            self.kept["interrupted"] = self.asked.name

    def _resume(self) -> bool:
        """Puts the question that was waiting once more, without counting it."""
        name = self.kept.pop("interrupted", None) or self.asked.name
        if not name or self.asked.kind == "flag":
            return False
        self.asked, self.times = Asked("slot", name), max(0, self.times - 1)
        self._ask(name)
        return True

    def _hand_over(self, reason: str, wording: str) -> None:
        self._settled()
        self.stage = "handed"
        self._keep_word("handed", reason)
        self.actions.append(HandOver(reason))  # type: ignore[arg-type]
        self._reply(wording, ())

    def _reply(self, wording: str, choices: tuple[Choice, ...], **values: str) -> None:
        text = self.rules.wording[wording].format(**values)
        handed = any(isinstance(done, HandOver) for done in self.actions)
        offered = choices if handed else (*choices, _human(self.rules))
        self.replies.append(Reply("text", text, offered))

    def _usual(self) -> tuple[Choice, ...]:
        return (Choice("book", self.rules.wording["choice_book"]),)

    def _words(self, name: str) -> tuple[str, ...]:
        return tuple(self.kept.get(name, "").split())

    def _keep_word(self, name: str, word: str) -> None:
        self.kept[name] = " ".join(dict.fromkeys((*self._words(name), word)))

    def _turn(self) -> Turn:
        memory = msgspec.structs.replace(
            self.memory,
            stage=self.stage,
            asked=str(self.asked),
            asked_times=self.times,
            slots=self.given,
            kept=self.kept,
        )
        return Turn(memory, tuple(self.replies), tuple(self.actions), self.triage)


def _human(rules: Rules) -> Choice:
    return Choice("human", rules.wording["choice_human"])
