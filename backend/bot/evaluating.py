"""How well the bot does on labelled files that it may never have seen. Pure: no file is written.

Everything is measured through what answers residents (`triage.decide` and the parts of it), with
one exception that has to be one: a source that the learned weights know is also measured with
weights that were learned without it (`left_out/`), or the figure would say nothing about strangers.
"""

import functools
import gzip
import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from backend.bot import departments, intents, triage
from backend.bot.datasets import Data, Labelled, Mention
from backend.bot.reading import Reading
from backend.bot.rules import Rules
from backend.bot.talk import Person

LEFT_OUT = Path(__file__).with_name("left_out")
SOURCE_LEAST = 100  # questions: a smaller source says too little to count in a mean of sources
TIMED_MOST, WARMING = 6_000, 200  # messages
TOP = 3
Z = 1.96  # 95 %
Key = tuple[str, ...]


class Share(msgspec.Struct, frozen=True):
    hit: int
    of: int

    @property
    def value(self) -> float | None:
        return self.hit / self.of if self.of else None

    def wilson(self) -> tuple[float, float]:
        if not self.of:
            return 0.0, 1.0
        share, n = self.hit / self.of, self.of
        middle = share + Z * Z / (2 * n)
        reach = Z * math.sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
        whole = 1 + Z * Z / n
        return max(0.0, (middle - reach) / whole), min(1.0, (middle + reach) / whole)


class Result(msgspec.Struct):
    """`shares` under the names of `--json`, dots between; what isn't a share is in `numbers`."""

    shares: dict[Key, Share] = {}
    numbers: dict[Key, float] = {}
    notes: list[str] = []
    confusions: list[tuple[str, str, int]] = []
    missed: list[str] = []
    false: list[str] = []


Ranks = list[tuple[Labelled, int]]
"""Each question, and at which place its department came (from 0)."""


def evaluate(rules: Rules, data: Data) -> Result:
    result = Result(notes=list(data.faults))
    _departments(rules, data, result)
    _guide(rules, data, result)
    _intents(rules, data, result)
    _red_flags(rules, data, result)
    _negation(rules, data, result)
    _latency(rules, data, result)
    return result


def _departments(rules: Rules, data: Data, result: Result) -> None:
    ranked = places(rules, data.labelled)
    if not ranked:
        return
    _tops(result, ("department", "pooled"), ranked)
    ageless = [msgspec.structs.replace(one, person=Person()) for one in data.labelled]
    _tops(result, ("without_age",), places(rules, ageless))
    sources = Counter(one.source for one in data.labelled)
    for source in sorted(sources):
        of_source = [(one, place) for one, place in ranked if one.source == source]
        _tops(result, ("department", "by_source", source), of_source)
        stranger = without(rules, source)
        if stranger is None:
            result.notes.append(f"{source}：学习时没有这个来源，按全部权重计（unseen）")
        else:
            of_source = places(stranger, [one for one, _ in of_source])
        _tops(result, ("left_out", source), of_source)
    large = [source for source, many in sorted(sources.items()) if many >= SOURCE_LEAST]
    left_out = large or sorted(sources)
    if few := sorted(set(sources) - set(left_out)):
        result.notes.append(f"不足 {SOURCE_LEAST} 题，不计入留出来源的平均：{'、'.join(few)}")
    for top in ("top1", "top3"):
        values = [result.shares["left_out", source, top].value or 0.0 for source in left_out]
        if values:
            result.numbers["department", "left_out_mean", top] = sum(values) / len(values)
    names = ", ".join(left_out)
    result.notes.append(f"留出来源：用学习时没有该来源的权重（随软件附带），平均含 {names}")
    result.confusions = _confusions(rules, ranked)


def places(rules: Rules, labelled: Iterable[Labelled]) -> Ranks:
    ranks = []
    for one in labelled:
        names = ranking(rules, one.text, one.person)
        at = names.index(one.department) if one.department in names else len(names) + TOP
        ranks.append((one, at))
    return ranks


def ranking(rules: Rules, text: str, person: Person) -> list[str]:
    return [one.name for one in departments.rank(rules, [Reading(rules, text, 0)], person)]


def without(rules: Rules, source: str) -> Rules | None:
    """The same rules, with weights that were learned without this source. None: none knew it."""
    table = _left_out(source)
    if table is None:
        return None
    files = {**rules.files, f"{departments.LEARNED}.csv": table}
    return Rules(files, unsigned_allowed=rules.unsigned_allowed)


@functools.cache
def _left_out(source: str) -> bytes | None:
    kept = {path.name.removesuffix(".csv.gz"): path for path in LEFT_OUT.glob("*.csv.gz")}
    return gzip.decompress(kept[source].read_bytes()) if source in kept else None


def _tops(result: Result, key: Key, ranked: Ranks) -> None:
    result.shares[(*key, "top1")] = Share(sum(at == 0 for _, at in ranked), len(ranked))
    result.shares[(*key, "top3")] = Share(sum(at < TOP for _, at in ranked), len(ranked))


def _confusions(rules: Rules, ranked: Ranks) -> list[tuple[str, str, int]]:
    pairs = Counter(
        (one.department, (ranking(rules, one.text, one.person) or ["—"])[0])
        for one, at in ranked
        if at
    )
    return [(right, said, many) for (right, said), many in pairs.most_common()]


def _guide(rules: Rules, data: Data, result: Result) -> None:
    if not data.guided:
        return
    found = [(one, ranking(rules, one.text, Person())) for one in data.guided]
    for name, most in (("top1_in_gold", 1), ("top3_in_gold", TOP)):
        hit = sum(bool(one.departments & set(names[:most])) for one, names in found)
        result.shares["guide", name] = Share(hit, len(found))


def _intents(rules: Rules, data: Data, result: Result) -> None:
    if data.intents:
        hit = sum(
            intents.classify(rules, [Reading(rules, one.text, 0)])[0] == one.intent
            for one in data.intents
        )
        result.shares["intent", "accuracy"] = Share(hit, len(data.intents))


def _red_flags(rules: Rules, data: Data, result: Result) -> None:
    raised = {one.name: alerts(rules, one.text) for one in data.vignettes}
    real = [one for one in data.vignettes if one.is_emergency]
    other = [one for one in data.vignettes if not one.is_emergency]
    if data.vignettes:
        result.missed = [one.name for one in real if not raised[one.name]]
        result.false = [
            f"{one.name}：{'、'.join(raised[one.name])}" for one in other if raised[one.name]
        ]
        hits = len(real) - len(result.missed)
        result.shares["red_flags", "sensitivity"] = Share(hits, len(real))
        result.shares["red_flags", "specificity"] = Share(
            len(other) - len(result.false), len(other)
        )
    if data.phrases:
        said = sum(bool(alerts(rules, phrase)) for phrase in data.phrases)
        denied = sum(bool(alerts(rules, f"没有{phrase}。")) for phrase in data.phrases)
        result.shares["phrases", "alerting"] = Share(said, len(data.phrases))
        result.shares["phrases", "denied_alerting"] = Share(denied, len(data.phrases))
    for name, texts in data.streams.items():
        loud = sum(bool(alerts(rules, text)) for text in texts)
        result.shares["alert_rate", name] = Share(loud, len(texts))


def alerts(rules: Rules, text: str) -> list[str]:
    return [flag.name for flag in triage.decide(rules, Person(), [text]).red_flags]


def _negation(rules: Rules, data: Data, result: Result) -> None:
    if not data.mentions:
        return
    pairs = [(one.status, status_of(rules, one)) for one in data.mentions]
    both = sum(gold == said == "absent" for gold, said in pairs)
    either = sum((gold == "absent") + (said == "absent") for gold, said in pairs)
    result.numbers["negation", "f1_absent"] = 2 * both / either if either else 0.0
    result.shares["negation", "precision"] = Share(both, sum(said == "absent" for _, said in pairs))
    result.shares["negation", "recall"] = Share(both, sum(gold == "absent" for gold, _ in pairs))


def status_of(rules: Rules, one: Mention) -> str:
    reading = Reading(rules, one.text, 0)
    starts = reading.normal.starts
    start, end = one.start, one.end
    if starts is not None:
        inside = [at for at, was in enumerate(starts) if one.start <= was < one.end]
        start, end = (inside[0], inside[-1] + 1) if inside else (one.start, one.end)
    return reading.scope.status(start, end)


def _latency(rules: Rules, data: Data, result: Result) -> None:
    """One message after another, each as a conversation of its own, on whatever else is running."""
    texts = [text for stream in data.streams.values() for text in stream]
    texts = (texts or [one.text for one in data.labelled])[:TIMED_MOST]
    if not texts:
        return
    for text in texts[:WARMING]:
        triage.decide(rules, Person(), [text])
    taken = sorted(_timed(lambda text: triage.decide(rules, Person(), [text]), texts))
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        at = min(int(len(taken) * share), len(taken) - 1)
        result.numbers["latency_us", name] = taken[at] / 1000
    result.notes.append(
        f"{len(taken)} 条消息，每秒 {len(taken) / sum(taken) * 1e9:,.0f} 条（一个核）"
    )


def _timed(does: Callable[[str], Any], texts: Sequence[str]) -> list[int]:
    taken = []
    for text in texts:
        began = time.perf_counter_ns()
        does(text)
        taken.append(time.perf_counter_ns() - began)
    return taken


IN_JSON: tuple[Key, ...] = (
    ("department",), ("guide",), ("intent",), ("red_flags",), ("alert_rate",), ("latency_us",),
    ("negation", "f1_absent"),
)  # fmt: skip


def as_json(result: Result) -> dict[str, Any]:
    """The keys that were agreed, nested; shares as numbers, red flags as {hit, of}."""
    nested: dict[str, Any] = {}
    for key, share in result.shares.items():
        _set(
            nested,
            key,
            {"hit": share.hit, "of": share.of} if key[0] == "red_flags" else share.value,
        )
    for key, number in result.numbers.items():
        _set(nested, key, number)
    return nested


def _set(nested: dict[str, Any], key: Key, value: Any) -> None:
    if not any(key[: len(one)] == one for one in IN_JSON):
        return
    for part in key[:-1]:
        nested = nested.setdefault(part, {})
    nested[key[-1]] = round(value, 4) if isinstance(value, float) else value
