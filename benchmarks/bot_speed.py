"""How fast the bot is: `python -m benchmarks.bot_speed [--stream FILE] [--peers PYTHON]`.

A whole turn (`triage.decide`) with the shipped rules on each message, and the same 200 rules in the
bot, in python-aiml and in experta. PYTHON is that of an environment with
benchmarks/peers/bot_rules/requirements.txt. Messages: a column `question` of FILE, or the guide
cases of the tests. Rounds follow each other over all messages, so that none finds the processor's
caches warmed by itself; a message's time is its best round, as the machine is shared.

The 200 rules are the words of the dictionary that these messages say most often, each with its
department. Every side gets the raw message and gives back one department, or none:

- the bot, words alone: one pass for all words, longer ones before shorter, the weights of those
  that stand there added up by department, the greatest. By the parts of the bot that do it there.
- the bot, as meant: before that a message is read as a whole: one spelling (width, 繁體, numbers),
  words that are denied left out, the title counted more. No peer does this.
- python-aiml: its kernel's `respond` on the message with a space between characters, as it matches
  words apart by spaces: it cleans the input, goes down its tree of patterns, four for each rule
  (alone, first, last, within), and answers by the first that fits. Each word counts alike.
- experta: the words are looked for with `in`, each found is declared as a fact, and its Rete
  network runs; the first rule that fires answers.
"""

import argparse
import json
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import yaml

from backend.bot import compiled, datasets, departments, learned, rules, shelf, triage
from backend.bot.departments import LEARNED
from backend.bot.matching import automaton
from backend.bot.reading import Reading
from backend.bot.rules import Rules
from backend.bot.talk import Person

ROOT = Path(__file__).resolve().parents[1]
CASES = ROOT / "tests" / "bot" / "cases" / "guide.yaml"
PEER = ROOT / "benchmarks" / "peers" / "bot_rules" / "answer.py"
RULES, ROUNDS, MESSAGES_MOST = 200, 5, 2_000
NOBODY = Person()


def best(answer: Callable[[str], object], messages: Sequence[str]) -> list[int]:
    taken = [1 << 62] * len(messages)
    for _ in range(ROUNDS):
        for at, text in enumerate(messages):
            began = time.perf_counter_ns()
            answer(text)
            taken[at] = min(taken[at], time.perf_counter_ns() - began)
    return taken


def show(name: str, taken: Sequence[int], than: Sequence[int] | None = None) -> None:
    """`than`: how many times faster that is, by the middle message and by all of them."""
    order = sorted(taken)
    middle, high = order[len(order) // 2] / 1000, order[int(len(order) * 0.99)] / 1000
    a_second = len(order) / sum(order) * 1e9
    print(f"{name}: p50 {middle:.0f} µs, p99 {high:.0f} µs, {a_second:,.0f} messages/s", end="")
    if than:
        by_middle = order[len(order) // 2] / sorted(than)[len(than) // 2]
        print(f"  {by_middle:.1f}× by the middle, {sum(order) / sum(than):.1f}× by all", end="")
    print()


def matched(small: Rules) -> Callable[[str], str]:
    """What the peers do and no more: the words that stand there, and what they speak for."""
    known = departments.model(small)
    table = small.tables[departments.DICTIONARY]
    find = automaton(tuple(table.rows_of)).find_matches_as_indexes
    words = known.words
    assert words is not None

    def answer(text: str) -> str:
        hits = departments.longer_first(find(text, overlapping=True))
        if not hits:
            return ""
        scores: dict[int, float] = {}
        departments.weigh(words, hits, 0, {}, scores)
        return known.names[max(scores, key=scores.__getitem__)]

    return answer


def meant(small: Rules) -> Callable[[str], str]:
    """Beside that, one spelling for all that means the same, and no word that is denied."""
    known = departments.model(small)

    def answer(text: str) -> str:
        words = departments.said(known, [Reading(small, text, 0)])
        return known.names[max(words, key=words.__getitem__)] if words else ""

    return answer


def changes(round_: int) -> Iterator[tuple[str, str, Callable[[bytes], bytes]]]:
    """What is changed, in which file, and how."""
    word = f"新词{round_}"
    weights = " ".join("0" * len(learned.of(rules.load(unsigned_allowed=True)).labels(LEARNED)))
    for what, file, line in (
        ("the wording", "wording.yaml", f"# {word}"),
        ("the dictionary", f"{departments.DICTIONARY}.csv", f"{word},骨科,1,symptom,,"),
        ("learned weights", f"{LEARNED}.csv", f"{word},100,{weights}"),
    ):
        yield what, file, lambda content, line=line: content + f"{line}\n".encode()
    first = b"phrases: ["
    yield (
        "the words of a sign",
        "words.yaml",
        lambda content: content.replace(first, first + f"{word}, ".encode(), 1),
    )


def reading() -> dict[str, float]:
    """Milliseconds of processor time for a version in which one file has changed, up to where it
    can answer. The version before is known, as in a server that runs."""
    files = rules.files_in(rules.FOLDER)
    taken: dict[str, float] = {}
    for round_ in range(ROUNDS):
        for what, file, change in changes(round_):
            changed = {**files, file: change(files[file])}
            began = time.process_time_ns()
            shelf.warmed(rules.Rules(changed, unsigned_allowed=True))
            spent = (time.process_time_ns() - began) / 1e6
            taken[what] = min(taken.get(what, spent), spent)
    return taken


def few(shipped: Rules, messages: Sequence[str]) -> tuple[Rules, list[tuple[str, str]]]:
    """The words that these messages say most often, and nothing else: no flags, no weights."""
    table = shipped.tables[departments.DICTIONARY]
    rows_of = tuple(table.rows_of.values())
    said = Counter(
        row
        for text in messages
        for at, _, _ in Reading(shipped, text, 0).hits["departments"]
        for row in rows_of[at]
    )
    word, name = table.columns.index("term"), table.columns.index("department")
    found = {table.rows[index][word]: table.rows[index] for index, _ in said.most_common()}
    rows = list(found.values())[:RULES]
    lines = [",".join(table.columns), *(",".join(row) for row in rows)]
    kept = {"wording.yaml", "cues.csv"}
    files = {file: content for file, content in shipped.files.items() if file in kept}
    files[f"{departments.DICTIONARY}.csv"] = "\n".join(lines).encode()
    return Rules(files, unsigned_allowed=True), [(row[word], row[name]) for row in rows]


def peer(python: str, name: str, given: dict[str, object]) -> list[int]:
    with tempfile.TemporaryDirectory() as folder:
        rounds = [
            json.loads(
                subprocess.run(
                    [python, str(PEER), name],
                    input=json.dumps(given), capture_output=True, text=True, check=True, cwd=folder,
                ).stdout.splitlines()[-1]
            )["ns"]
            for _ in range(ROUNDS)
        ]  # fmt: skip
    return [min(times) for times in zip(*rounds, strict=True)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stream", type=Path)
    parser.add_argument("--peers")
    chosen = parser.parse_args()
    if chosen.stream:
        messages = [row["question"] for row in datasets.rows(chosen.stream)][:MESSAGES_MOST]
    else:
        cases = yaml.safe_load(CASES.read_text(encoding="utf-8"))
        messages = [case["ask"] for half in cases.values() for case in half]
    began = time.process_time_ns()
    shipped = shelf.warmed(rules.load(unsigned_allowed=True))
    first = (time.process_time_ns() - began) / 1e6
    terms = sum(len(table.rows) for table in shipped.tables.values())
    how = "compiled" if compiled.is_used() else "as Python, not compiled"
    print(f"{len(messages)} messages, {terms} weighted terms, {len(shipped.phrases.terms)} words")
    print(f"a turn runs {how}")
    show("a whole turn", best(lambda text: triage.decide(shipped, NOBODY, [text]), messages))
    print(f"all rules read for the first time: {first:.0f} ms of processor time")
    for what, spent in reading().items():
        print(f"read anew after a change in {what}: {spent:.0f} ms")
    small, pairs = few(shipped, messages)
    ours = best(matched(small), messages)
    theirs = {}
    for name in ("aiml", "experta") if chosen.peers else ():
        theirs[name] = peer(chosen.peers, name, {"rules": pairs, "messages": messages})
        ours = list(map(min, ours, best(matched(small), messages)))  # the machine changes its pace
    show(f"{len(pairs)} rules, the bot, words alone", ours)
    show(f"{len(pairs)} rules, the bot, as meant", best(meant(small), messages))
    for name, taken in theirs.items():
        show(f"{len(pairs)} rules, {name}", taken, ours)


if __name__ == "__main__":
    main()
