"""How fast the bot is: `python -m benchmarks.bot_speed [--stream FILE] [--peers PYTHON]`.

A whole turn (`triage.decide`) with the shipped rules on each message, and the same 200 rules in the
bot, in python-aiml and in experta. PYTHON is that of an environment with
benchmarks/peers/bot_rules/requirements.txt. Messages: a column `question` of FILE, or the guide
cases of the tests. Rounds take turns; a message's time is its best round, as the machine is shared.
"""

import argparse
import json
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import yaml

from backend.bot import datasets, departments, rules, triage
from backend.bot.reading import Reading
from backend.bot.rules import Rules
from backend.bot.talk import Person

ROOT = Path(__file__).resolve().parents[1]
CASES = ROOT / "tests" / "bot" / "cases" / "guide.yaml"
PEER = ROOT / "benchmarks" / "peers" / "bot_rules" / "answer.py"
RULES, ROUNDS, MESSAGES_MOST = 200, 3, 2_000
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


def decided(small: Rules) -> Callable[[str], str]:
    """What the peers do, too: words found, and the department they speak for. Spelling and scope
    are in it, which the peers have not."""
    known = departments.model(small)

    def answer(text: str) -> str:
        words, spoke = departments.said(known, [Reading(small, text, 0)])
        return known.names[words.index(max(words))] if spoke else ""

    return answer


def reading() -> float:
    """As after a change in one file: the others are known already."""
    files, taken = rules.files_in(rules.FOLDER), []
    for round_ in range(ROUNDS):
        changed = {**files, "wording.yaml": files["wording.yaml"] + f"\n# {round_}\n".encode()}
        began = time.process_time_ns()
        rules.Rules(changed, unsigned_allowed=True)
        taken.append(time.process_time_ns() - began)
    return min(taken) / 1e6


def few(shipped: Rules, messages: Sequence[str]) -> tuple[Rules, list[tuple[str, str]]]:
    """The words that these messages say most often, and nothing else: no flags, no weights."""
    table = shipped.tables[departments.DICTIONARY]
    said = Counter(
        index for text in messages for index, _, _ in Reading(shipped, text, 0).hits["departments"]
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
    shipped = rules.load(unsigned_allowed=True)
    terms = sum(len(table.rows) for table in shipped.tables.values())
    print(f"{len(messages)} messages, {terms} weighted terms, {len(shipped.phrases.terms)} words")
    show("a whole turn", best(lambda text: triage.decide(shipped, NOBODY, [text]), messages))
    print(f"all rules read anew: {reading():.0f} ms of processor time")
    small, pairs = few(shipped, messages)
    ours = best(decided(small), messages)
    show(f"{len(pairs)} rules, the bot", ours)
    if chosen.peers:
        for name in ("aiml", "experta"):
            taken = peer(chosen.peers, name, {"rules": pairs, "messages": messages})
            show(f"{len(pairs)} rules, {name}", taken, ours)


if __name__ == "__main__":
    main()
