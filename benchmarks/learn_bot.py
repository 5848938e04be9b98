"""Makes the bot's learned weights again: `python -m benchmarks.learn_bot DIR [--check]`.

DIR holds train.csv, dev.csv and intent_dev.csv, shaped as docs/clinical/evaluation.md says. Needs
the extra `learn` (scikit-learn); the bot itself does not. Writes rules/learned_departments.csv and
rules/learned_intents.csv, and for `jiamenkou bot evaluate` the departments' weights learned without
each source, in backend/bot/left_out/. --check learns nothing to keep: it measures, on each part of
dev.csv and intent_dev.csv by what the others teach, what the bot as it runs would reach.
"""

import argparse
import gzip
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from backend.bot import datasets, evaluating, rules
from backend.bot.departments import LEARNED, age_band, age_months
from backend.bot.intents import END, START, is_shape, kinds, shape
from backend.bot.intents import LEARNED as LEARNED_INTENTS
from backend.bot.learned import PLAIN, title_end
from backend.bot.reading import Reading
from backend.bot.talk import Person
from benchmarks.weights import Example, How, learn

LONGEST = 4  # characters of a term
LEFT_OUT = Path(datasets.__file__).with_name("left_out")
Shares = dict[evaluating.Key, evaluating.Share]
PARTS = 3  # each measured with what the rest teaches
MORE_PARTS = 10  # of the queries, which are so few that a third is missed

DEPARTMENTS = How(10_000, 4, 0.1, balanced=True)
INTENTS = How(6_000, 2, 0.007, short=True)


def terms_in(text: str) -> Counter[str]:
    """Pieces of up to four characters, as often as the bot would count them."""
    title = title_end(text)
    counts: Counter[str] = Counter()
    for start in range(len(text)):
        for end in range(start + 1, min(start + LONGEST, len(text)) + 1):
            if text[end - 1].isdigit() or text[end - 1].isspace() or text[end - 1] == PLAIN:
                break
            counts[text[start:end]] += 2 if end <= title else 1
    return counts


def shapes_in(text: str) -> Counter[str]:
    """Pieces of a shape that have a kind or an end in them; the others are the text's own."""
    pieces = (text[at : at + long] for long in range(1, LONGEST + 1) for at in range(len(text)))
    return Counter(piece for piece in pieces if is_shape(piece) and piece not in (START, END))


def questions(known: rules.Rules, path: Path) -> list[Example]:
    examples = []
    for row in datasets.rows(path):
        reading = Reading(known, row["question"], 0)
        recorded = datasets.person(row)
        bands = {age_band(age_months([reading], one)) for one in (recorded, Person())}
        plain = tuple((band,) if band else () for band in sorted(bands, key=str))
        examples.append(Example(row["department"], row["source"], terms_in(reading.text), plain))
    return examples


def queries(known: rules.Rules, path: Path) -> list[Example]:
    of = kinds(known)
    examples = []
    for row in datasets.rows(path):
        reading = Reading(known, row["question"], 0)
        text = Counter({k: n for k, n in terms_in(reading.text).items() if not is_shape(k)})
        examples.append(Example(row["intent"], "", text + shapes_in(shape(reading, of)), ((),)))
    return examples


def write(folder: Path) -> None:
    known = rules.load(unsigned_allowed=True)
    examples = [one for name in ("train.csv", "dev.csv") for one in questions(known, folder / name)]
    (rules.FOLDER / f"{LEARNED}.csv").write_bytes(learn(examples, DEPARTMENTS))
    LEFT_OUT.mkdir(exist_ok=True)
    for source in sorted({one.source for one in examples}):
        table = learn([one for one in examples if one.source != source], DEPARTMENTS)
        (LEFT_OUT / f"{source}.csv.gz").write_bytes(gzip.compress(table, mtime=0))
        print(source)
    wanted = queries(known, folder / "intent_dev.csv")
    (rules.FOLDER / f"{LEARNED_INTENTS}.csv").write_bytes(learn(wanted, INTENTS))


def check(folder: Path) -> None:
    """Each part of the labelled rows by what the others teach, through the bot as it runs."""
    known = rules.load(unsigned_allowed=True)
    examples, rows = (
        queries(known, folder / "intent_dev.csv"),
        datasets.rows(folder / "intent_dev.csv"),
    )
    wanted = [datasets.Wanted(row["question"], row["intent"]) for row in rows]
    for parts in (PARTS, MORE_PARTS):
        results = []
        for part in range(parts):
            table = learn([one for at, one in enumerate(examples) if at % parts != part], INTENTS)
            data = datasets.Data(intents=wanted[part::parts])
            results.append(_measured(known, {LEARNED_INTENTS: table}, data))
        _show(results)
    always, examples = questions(known, folder / "train.csv"), questions(known, folder / "dev.csv")
    labelled = [
        datasets.Labelled(row["question"], row["department"], row["source"], datasets.person(row))
        for row in datasets.rows(folder / "dev.csv")
    ]
    results = []
    for part in range(PARTS):
        others = [one for at, one in enumerate(examples) if at % PARTS != part]
        table = learn([*always, *others], DEPARTMENTS)
        data = datasets.Data(labelled=labelled[part::PARTS])
        results.append(_measured(known, {LEARNED: table}, data))
    _show(results)


def _measured(known: rules.Rules, tables: dict[str, bytes], data: datasets.Data) -> Shares:
    files = {**known.files, **{f"{name}.csv": table for name, table in tables.items()}}
    return evaluating.evaluate(rules.Rules(files, unsigned_allowed=True), data).shares


def _show(parts: Sequence[Shares]) -> None:
    """Of all parts together, then of each."""
    for key in parts[0]:
        if key[0] != "left_out":  # these are the shipped weights' own
            each = [part[key] for part in parts if key in part]
            hit, of = sum(one.hit for one in each), sum(one.of for one in each)
            values = " ".join(f"{one.value:.4f}" for one in each if one.of)
            print(".".join(key), f"{hit / of:.4f}", of, values, sep="\t")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--check", action="store_true", help="measure, keep nothing")
    chosen = parser.parse_args()
    (check if chosen.check else write)(chosen.folder)


if __name__ == "__main__":
    main()
