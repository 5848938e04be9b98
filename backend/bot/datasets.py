"""Labelled files that the bot is measured on, and learns from. Liberal in names and columns.

What a file is follows from its columns, then from its name. What can't be read is named, and the
rest is used. Only a folder that somebody gave to a command is ever read.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from backend.bot.talk import Person

BYTES_MOST = 64 * 1024 * 1024
TEXTS = ("question", "query", "text", "patient_zh", "text_zh", "utterance", "sentence", "content")
PHRASES = ("patient_phrases", "phrases", "examples", "positive")
SEPARATORS = re.compile(r"\s*[|,;、，；/]\s*")
BAND = re.compile(r"(\d{1,3})\+")
HALF_A_BAND = 5  # years
Row = Mapping[str, Any]


class Labelled(msgspec.Struct, frozen=True):
    text: str
    department: str
    source: str
    person: Person


class Guided(msgspec.Struct, frozen=True):
    """A question to the guide's desk: any of `departments` is right."""

    text: str
    departments: frozenset[str]


class Wanted(msgspec.Struct, frozen=True):
    text: str
    intent: str


class Vignette(msgspec.Struct, frozen=True):
    name: str
    text: str
    is_emergency: bool


class Mention(msgspec.Struct, frozen=True):
    text: str
    start: int
    end: int
    status: str


class Data(msgspec.Struct):
    """`faults`: files, and parts of them, that could not be used, and why."""

    canonical: dict[str, str] = {}
    labelled: list[Labelled] = []
    guided: list[Guided] = []
    intents: list[Wanted] = []
    small_talk: list[Wanted] = []
    vignettes: list[Vignette] = []
    mentions: list[Mention] = []
    streams: dict[str, list[str]] = {}
    phrases: list[str] = []
    faults: list[str] = []


def read(folder: Path, names: Mapping[str, str] = {}) -> Data:
    """Everything that can be used. `train.csv` is not measured on. `names`: what departments are
    called, and the canonical name; a departments.json says it better.
    """
    data = Data(canonical=dict(names))
    paths = sorted(path for path in folder.rglob("*") if path.suffix in (".csv", ".json", ".jsonl"))
    tables = []
    for path in paths:
        try:
            tables.append((path, _content(path)))
        except (OSError, UnicodeDecodeError, ValueError, csv.Error) as error:
            data.faults.append(f"{path.name}：读不出来（{type(error).__name__}）")
    for _, content in tables:
        if isinstance(content, dict) and isinstance(content.get("raw_to_canonical"), dict):
            data.canonical |= content["raw_to_canonical"]
            data.canonical |= {name: name for name in content.get("canonical", ())}
    for path, content in tables:
        if path.stem.lower().startswith("train") or "raw_to_canonical" in content:
            continue
        try:
            _take(data, path, content)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            data.faults.append(f"{path.name}：内容不是预期的样子（{type(error).__name__}）")
    if not paths:
        data.faults.append(f"{folder}：没有 csv 或 json 文件")
    return data


def rows(path: Path) -> list[dict[str, str]]:
    """A CSV's rows. Raises OSError, UnicodeDecodeError, csv.Error and ValueError."""
    if path.stat().st_size > BYTES_MOST:
        raise ValueError(f"more than {BYTES_MOST} bytes")
    written = path.read_text(encoding="utf-8-sig")
    return [
        {key: value or "" for key, value in row.items() if key is not None}
        for row in csv.DictReader(io.StringIO(written, newline=""))
    ]


def person(row: Row) -> Person:
    """Whom a row is about: its decade of age, where it says one."""
    found = BAND.fullmatch(str(row.get("age_band") or "").strip())
    return Person(age_months=(int(found[1]) + HALF_A_BAND) * 12 if found else None)


def _content(path: Path) -> Any:
    if path.suffix == ".csv":
        return rows(path)
    if path.stat().st_size > BYTES_MOST:
        raise ValueError(f"more than {BYTES_MOST} bytes")
    written = path.read_text(encoding="utf-8-sig")
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in written.splitlines() if line.strip()]
    return json.loads(written)


def _take(data: Data, path: Path, content: Any) -> None:
    found = _listed(content)
    columns = {key for row in found for key in row}
    name = path.stem.lower()
    if "emergency" in columns:
        data.vignettes += _vignettes(found)
    elif {"start", "end", "status"} <= columns:
        data.mentions += [
            Mention(_text(row), int(row["start"]), int(row["end"]), str(row["status"]).strip())
            for row in found
        ]
    elif columns & set(PHRASES) and "level" in columns:
        data.phrases += [
            str(phrase) for row in found for key in PHRASES for phrase in _many(row.get(key))
        ]
    elif "intent" in columns:
        wanted = [Wanted(_text(row), str(row["intent"]).strip()) for row in found]
        (data.small_talk if "small" in name else data.intents).extend(wanted)
    elif "department" in columns and "guide" not in name and not _several(data, found):
        data.labelled += _labelled(data, path, found)
    elif gold := _gold(data, found):
        data.guided += _guided(data, path, found, gold)
    elif columns & set(TEXTS):
        data.streams[path.stem] = [_text(row) for row in found if _text(row)]
    else:
        data.faults.append(f"{path.name}：看不出是什么（列：{'、'.join(sorted(columns)[:8])}）")


def _listed(content: Any) -> list[Row]:
    """The rows of a JSON file: the list itself, or the longest list of objects in it."""
    if isinstance(content, dict):
        lists = [value for value in content.values() if _is_rows(value)]
        if not lists and content and all(isinstance(value, list) for value in content.values()):
            return [{"question": key, "departments": value} for key, value in content.items()]
        content = max(lists, key=len, default=[])
    if not _is_rows(content):
        raise ValueError("no rows")
    return list(content)


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)


def _text(row: Row) -> str:
    # What a patient says goes before a text about him.
    for key in ("patient_zh", *TEXTS):
        if row.get(key):
            return str(row[key]).strip()
    return ""


def _many(value: Any) -> list[str]:
    if isinstance(value, str):
        text = value.strip()
        if text.startswith("["):
            try:
                return _many(json.loads(text.replace("'", '"')))
            except ValueError:
                pass
        return [part for part in SEPARATORS.split(text) if part]
    if isinstance(value, Mapping):
        return [str(key) for key in value]
    return [str(part).strip() for part in value] if isinstance(value, Sequence) else []


def _canonical(data: Data, value: Any) -> frozenset[str]:
    whole = data.canonical.get(str(value).strip()) if isinstance(value, str) else None
    names = [data.canonical.get(part, part) for part in _many(value)]
    return frozenset((whole,) if whole else names)


def _several(data: Data, found: Sequence[Row]) -> bool:
    return any(
        isinstance(row.get("department"), list) or len(_canonical(data, row.get("department"))) > 1
        for row in found
    )


def _gold(data: Data, found: Sequence[Row]) -> str | None:
    """The column with departments: the one most of whose values are canonical names."""
    known = set(data.canonical.values())
    columns = dict.fromkeys(key for row in found for key in row if key not in TEXTS)

    def fits(column: str) -> float:
        values = [_canonical(data, row.get(column)) for row in found]
        return sum(bool(value & known) for value in values) / len(found)

    likely = max(columns, key=lambda column: (fits(column), "gold" in column), default=None)
    return likely if likely is not None and fits(likely) > 0 else None


def _guided(data: Data, path: Path, found: Sequence[Row], gold: str) -> list[Guided]:
    known = set(data.canonical.values())
    made = [Guided(_text(row), _canonical(data, row.get(gold))) for row in found]
    kept = [one for one in made if one.text and one.departments & known]
    if len(kept) < len(made):
        data.faults.append(f"{path.name}：{len(made) - len(kept)} 行没有认识的科室，未计入")
    return kept


def _labelled(data: Data, path: Path, found: Sequence[Row]) -> list[Labelled]:
    made = [
        Labelled(
            text=_text(row),
            department=data.canonical.get(str(row["department"]).strip(), str(row["department"])),
            source=str(row.get("source") or path.stem),
            person=person(row),
        )
        for row in found
    ]
    kept = [one for one in made if one.text and one.department]
    if len(kept) < len(made):
        data.faults.append(f"{path.name}：{len(made) - len(kept)} 行没有问题或科室，未计入")
    return kept


def _vignettes(found: Iterable[Row]) -> list[Vignette]:
    """Without those that are neither, or whose answer needed values that the text lacks."""
    return [
        Vignette(str(row.get("id", "")), _text(row), _yes(row["emergency"]))
        for row in found
        if row.get("emergency") not in (None, "", "null")
        and not _yes(row.get("exclude_from_emergency_metric"))
    ]


def _yes(value: Any) -> bool:
    return value is True or str(value).strip().lower() in ("true", "1", "yes")
