"""Rules as data: read, checked as a whole, joined into one matcher, kept by content.

A version is the hash of its files. `blob` is all of them, so that a conversation can be answered,
and any decision made again, by the rules that it began with.
"""

import csv
import functools
import hashlib
import io
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import yaml

from backend.bot import schema
from backend.bot.matching import Matcher, distinct
from backend.bot.normalise import Normaliser, plain_all
from backend.bot.phrases import Phrases, compiled
from backend.bot.scope import SILENT
from backend.refused import Refused

FOLDER = Path(__file__).with_name("rules")
SUFFIXES = (".yaml", ".csv")
BYTES_MOST = 8 * 1024 * 1024  # of all files together
FAULTS_MOST = 200
VERSION_DIGITS = 16
LEARNED = "learned"  # begins the names of tables of learned weights, which look by themselves
BLOB_LEVEL = 6
PARSED_MOST = 48  # files that are kept as they were read

Files = Mapping[str, bytes]
Row = tuple[str, ...]


class Fault(msgspec.Struct, frozen=True):
    """What is wrong, and where."""

    file: str
    rule: str
    field: str
    why: str

    def __str__(self) -> str:
        return f"{self.file} · {self.rule or '—'} · {self.field or '—'}：{self.why}"


class RulesError(Refused):
    """Every fault in one go. The rules are not used."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults[:FAULTS_MOST]))
        self.faults = faults


class Table(msgspec.Struct, frozen=True):
    """A CSV with a column `term`: a group of the matcher, where each term is found once."""

    columns: Row
    rows: tuple[Row, ...]

    def column(self, name: str) -> tuple[str, ...]:
        at = self.columns.index(name)
        return tuple(row[at] for row in self.rows)

    @property
    def rows_of(self) -> Mapping[str, tuple[int, ...]]:
        """Terms in normal spelling, as they are numbered in the matcher, and their rows."""
        return distinct(plain_all(self.column("term")))


class Rules:
    """One version, unchanging. Made by `load` or `read`."""

    def __init__(self, files: Files, *, unsigned_allowed: bool = False) -> None:
        """`unsigned_allowed`: a demo, where rules without a doctor's name may give advice."""
        self.unsigned_allowed = unsigned_allowed
        read = _Reading(files)
        if read.faults:
            raise RulesError(read.faults)
        self.files = dict(files)
        self.version = version_of(files)
        self.red_flags: tuple[schema.RedFlag, ...] = read.rules("red_flags")
        self.urgencies: tuple[schema.Urgency, ...] = read.rules("urgencies")
        self.tiers: tuple[schema.TierRule, ...] = read.rules("tiers")
        self.faq: tuple[schema.Faq, ...] = read.rules("faq")
        self.flows: tuple[schema.Flow, ...] = read.rules("flows")
        self.questions: tuple[schema.Question, ...] = read.rules("questions")
        self.signs = tuple(read.signs.values())
        self.sign_number = {sign: number for number, sign in enumerate(read.signs)}
        self.wording = read.wording
        self.tables = read.tables
        self.cues = read.cues
        self.denials = frozenset(at for at, cue in enumerate(self.cues) if cue.kind == "absent")
        self.loud = frozenset(at for at, cue in enumerate(self.cues) if cue.kind not in SILENT)
        self.normalise = Normaliser(read.aliases)
        self.phrases = read.phrases
        self.signed = all(rule.reviewed_by for kind in schema.CLINICAL for rule in read.rules(kind))
        self.matcher = Matcher(
            {
                "signs": self.phrases.terms,
                "cues": plain_all(cue.cue for cue in self.cues),
                **{
                    name: tuple(table.rows_of)
                    for name, table in self.tables.items()
                    if not name.startswith(LEARNED)
                },
            }
        )
        self.signed = not self.unsigned()
        self.memo: dict[str, Any] = {}
        """What other modules work out from these rules once, under a name of theirs."""

    def every(self) -> Iterator[tuple[str, schema.Rule]]:
        """Each rule with its kind."""
        for kind in schema.RULES:
            for rule in getattr(self, kind):
                yield kind, rule

    def unsigned(self) -> list[str]:
        """Clinical rules that no doctor has signed."""
        return [
            rule.id
            for kind, rule in self.every()
            if kind in schema.CLINICAL and not rule.reviewed_by
        ]

    @functools.cached_property
    def blob(self) -> bytes:
        """All files, compressed, which takes a tenth of a second; `read` makes the same rules."""
        packed = msgspec.msgpack.encode(sorted(self.files.items()))
        return zlib.compress(packed, BLOB_LEVEL)


def load(folder: Path = FOLDER, *, unsigned_allowed: bool = False) -> Rules:
    """The rules in a folder. Raises RulesError with every fault."""
    return Rules(files_in(folder), unsigned_allowed=unsigned_allowed)


def files_in(folder: Path) -> dict[str, bytes]:
    paths = sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES)
    if not paths:
        raise RulesError([Fault(str(folder), "", "", "这里没有规则文件。")])
    if sum(path.stat().st_size for path in paths) > BYTES_MOST:
        raise RulesError([Fault(str(folder), "", "", f"规则文件合计超过 {BYTES_MOST} 字节。")])
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def read(blob: bytes, *, unsigned_allowed: bool = False) -> Rules:
    """What `blob` is. Raises RulesError."""
    try:
        unpacker = zlib.decompressobj()
        packed = unpacker.decompress(blob, BYTES_MOST)
        files = msgspec.msgpack.decode(packed, type=list[tuple[str, bytes]])
    except (zlib.error, msgspec.MsgspecError):
        raise RulesError([Fault("", "", "", "存下来的规则读不出来。")]) from None
    return Rules(dict(files), unsigned_allowed=unsigned_allowed)


def version_of(files: Files) -> str:
    hashed = hashlib.sha256()
    for name, content in sorted(files.items()):
        hashed.update(f"{name}\0{len(content)}\0".encode() + content)
    return hashed.hexdigest()[:VERSION_DIGITS]


# A reload after a change in one file reads that file alone, and what is made of several files is
# made again when what it is made of has changed. Versions share what they have in common.
@functools.lru_cache(maxsize=PARSED_MOST)
def _parsed(content: bytes) -> schema.Sheet:
    return msgspec.convert(yaml.load(content, yaml.CSafeLoader) or {}, schema.Sheet)


@functools.lru_cache(maxsize=PARSED_MOST)
def rows_in(content: bytes) -> tuple[Row, ...]:
    return tuple(map(tuple, csv.reader(io.StringIO(content.decode("utf-8-sig")), strict=True)))


class _Reading:
    """Reads all files and keeps every fault; nothing is raised before the end."""

    def __init__(self, files: Files) -> None:
        self.faults: list[Fault] = []
        self.lists: dict[str, tuple[str, ...]] = {}
        self.signs: dict[str, schema.Sign] = {}
        self.wording: dict[str, str] = {}
        self.tables: dict[str, Table] = {}
        self.cues: tuple[schema.Cue, ...] = ()
        self.aliases: dict[str, str] = {}
        self.phrases = Phrases()
        self._rules: dict[str, dict[str, Any]] = {kind: {} for kind in schema.RULES}
        self._file_of: dict[str, str] = {}
        sheets = {
            name: self._sheet(name, content)
            for name, content in files.items()
            if name.endswith(".yaml")
        }
        for name, content in files.items():
            if name.endswith(".csv"):
                self._csv(name, content)
        for name, sheet in sheets.items():
            self._take(name, sheet)
        self._compile()
        self._references()

    def rules(self, kind: str) -> tuple[Any, ...]:
        return tuple(self._rules[kind].values())

    def fault(self, file: str, rule: str, field: str, why: str) -> None:
        self.faults.append(Fault(file, rule, field, why))

    def _sheet(self, name: str, content: bytes) -> schema.Sheet:
        try:
            sheet = _parsed(content)
        except yaml.YAMLError as error:
            self.fault(name, "", "", f"不是有效的 YAML：{' '.join(str(error).split())}")
            return schema.Sheet()
        except msgspec.ValidationError as error:
            self.fault(name, "", *_why(error))
            return schema.Sheet()
        self.lists.update(sheet.lists)
        return sheet

    def _take(self, name: str, sheet: schema.Sheet) -> None:
        self.wording.update(sheet.wording)
        for one in sheet.signs:
            sign = self._convert(name, one, schema.Sign)
            if sign is not None:
                self._keep(name, self.signs, sign)
        for kind, shape in schema.RULES.items():
            for one in getattr(sheet, kind):
                rule = self._convert(name, sheet.shared | one, shape)
                if rule is not None:
                    self._keep(name, self._rules[kind], rule)

    def _convert(self, name: str, one: dict[str, Any], shape: type[Any]) -> Any:
        try:
            return msgspec.convert(one, shape)
        except msgspec.ValidationError as error:
            self.fault(name, str(one.get("id", "")), *_why(error))
            return None

    def _keep(self, name: str, where: dict[str, Any], rule: Any) -> None:
        if rule.id in self._file_of:
            self.fault(name, rule.id, "id", f"和 {self._file_of[rule.id]} 里的重名。")
            return
        self._file_of[rule.id] = name
        where[rule.id] = rule

    def _compile(self) -> None:
        """Every wording goes into one set of phrases; a rule's own ones are a sign of its name."""
        for kind in ("red_flags", "faq", "flows"):
            for rule in self._rules[kind].values():
                # A yes or a no is looked for in short answers alone: 是 stands everywhere.
                if rule.phrases and getattr(rule, "does", "") not in schema.ANSWERS:
                    self.signs[rule.id] = schema.Sign(
                        id=rule.id, name=rule.id, phrases=rule.phrases, without=rule.without
                    )
        for question in self._rules["questions"].values():
            for option in question.options:
                if option.phrases:
                    made = f"{question.id}.{option.id}"
                    self._file_of[made] = self._file_of[question.id]
                    self.signs[made] = schema.Sign(
                        id=made, name=option.label, phrases=option.phrases
                    )
        worded = tuple((sign.phrases, sign.without) for sign in self.signs.values())
        self.phrases, wrong = compiled(worded, tuple(self.lists.items()))
        ids = tuple(self.signs)
        for number, why in wrong:
            sign = ids[number if number >= 0 else -1 - number]
            field = "phrases" if number >= 0 else "without"
            self.fault(self._file_of[sign], sign, field, why)

    def _references(self) -> None:
        for kind in ("red_flags", "urgencies", "tiers"):
            for rule in self._rules[kind].values():
                cases = [(case, f"when[{at}]") for at, case in enumerate(rule.when)]
                named = [(name, field) for case, field in cases for name in _named(case)]
                named += [(name, "unless") for name in getattr(rule, "unless", ())]
                for name, field in named:
                    if name not in self.signs:
                        self.fault(self._file_of[rule.id], rule.id, field, f"没有征象「{name}」。")
                for case, field in cases:
                    if not case.all and not case.limits:
                        self.fault(self._file_of[rule.id], rule.id, field, "至少要有一个条件。")
        for flag in self._rules["red_flags"].values():
            if not flag.phrases and not flag.when:
                self.fault(self._file_of[flag.id], flag.id, "when", "说法和组合至少要有一种。")

    def _csv(self, name: str, content: bytes) -> None:
        try:
            rows = rows_in(content)
        except (UnicodeDecodeError, csv.Error) as error:
            self.fault(name, "", "", f"不是有效的 UTF-8 CSV：{error}")
            return
        if not rows:
            self.fault(name, "", "", "是空的。")
            return
        columns, rest = rows[0], rows[1:]
        wrong = [at for at, row in enumerate(rest, start=2) if len(row) != len(columns)]
        for at in wrong[:FAULTS_MOST]:
            self.fault(name, f"第 {at} 行", "", f"应有 {len(columns)} 列。")
        if not wrong:
            self._table(name, columns, rest)

    def _table(self, name: str, columns: Row, rows: tuple[Row, ...]) -> None:
        if name == "cues.csv":
            self.cues = tuple(self._rows(name, columns, rows, schema.Cue))
        elif name == "aliases.csv":
            found = self._rows(name, columns, rows, Alias)
            self.aliases = {one.alias: one.means for one in found}
        elif "term" not in columns:
            self.fault(name, "", "term", "缺少这一列。")
        else:
            at = columns.index("term")
            for number, row in enumerate(rows, start=2):
                if not row[at]:
                    self.fault(name, f"第 {number} 行", "term", "不能为空。")
            self.tables[name.removesuffix(".csv")] = Table(columns, rows)

    def _rows(
        self, name: str, columns: Row, rows: Iterable[Row], shape: type[Any]
    ) -> Iterator[Any]:
        for number, row in enumerate(rows, start=2):
            try:
                yield msgspec.convert(dict(zip(columns, row, strict=True)), shape, strict=False)
            except msgspec.ValidationError as error:
                self.fault(name, f"第 {number} 行", *_why(error))


class Alias(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Dialect, a typing error or pinyin, and the usual word."""

    alias: schema.Words
    means: schema.Words


def _named(case: schema.Case) -> Iterator[str]:
    for names in (*case.all, *case.unless):
        yield from names.split("|")


def _why(error: msgspec.ValidationError) -> tuple[str, str]:
    """msgspec's sentence without its path, and the path as the field."""
    said, _, at = str(error).partition(" - at `$")
    missing = re.search(r"missing required field `(\w+)`|unknown field `(\w+)`", said)
    field = at.rstrip("`").lstrip(".")
    if missing:
        field = ".".join(part for part in (field, missing[1] or missing[2]) if part)
    return field, said
