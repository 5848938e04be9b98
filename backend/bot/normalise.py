"""What people write, in one spelling: the same words for the same thing, and the way back.

Width, case and 繁體 are changed character by character, so that positions stay. Numbers in words
and aliases change the length; then each character knows where in the original it came from.
"""

import functools
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Final

import ahocorasick_rs
import msgspec
import opencc

DIGITS: Final = dict(
    zip("零〇一二三四五六七八九两俩仨壹贰叁肆伍陆柒捌玖", "00123456789223123456789", strict=True)
)
SCALES: Final = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000, "万": 10_000}
UNITS: Final = (
    "周岁|岁|个半月|个多月|个月|月大|月龄|月份|多天|天|多周|周|个星期|星期|个礼拜|礼拜|多年|年|"
    "个半小时|个多小时|个小时|小时|个钟|钟头|分钟|秒|度|多次|次|片|粒|楼|层|米|斤|点|胎|级"
)
NUMERAL: Final = "".join(DIGITS) + "".join(SCALES)
NUMBER: Final = re.compile(
    # A pair of neighbours is a range (两三天), a longer run or one with its unit a number.
    r"(?P<ten>[一二三四五六七八九]?十)?"
    rf"(?P<range>[一二两三四五六七八][二两三四五六七八九])(?={UNITS})"
    r"|(?<=度)(?P<half>[一二三四五六七八九])(?![岁天周十百点\d])"
    rf"|(?<=[\d{NUMERAL}]点)(?P<tenth>[一二三四五六七八九])(?![十点分个刻天岁])"
    rf"|(?P<run>[{NUMERAL}]{{2,12}})|(?P<one>[{NUMERAL}])(?={UNITS})"
)
NUMERALS: Final = re.compile(f"[{NUMERAL}]+")  # found at once; NUMBER is only tried there
LONE: Final = {
    "千万",
    "百千",
    "十万",
    "万一",
    "万千",
    "百万",
    "千百",
    "一一",
    "一万",
    "万万",
}  # mostly talk
PLACES: Final = str.maketrans(DIGITS)
KEPT_MOST: Final = 24  # groups of terms in normal spelling


class Normal(msgspec.Struct, frozen=True):
    """`text` in one spelling. `starts` and `ends`: where each of its characters was, if moved."""

    text: str
    starts: tuple[int, ...] | None = None
    ends: tuple[int, ...] | None = None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where `start:end` of `text` stands in the original. Never empty for what isn't."""
        if self.starts is None or self.ends is None or start >= end:
            return start, end
        return self.starts[start], self.ends[end - 1]


class Normaliser:
    """Built once for a set of aliases (dialect, typing errors, pinyin → the usual word)."""

    def __init__(self, aliases: Mapping[str, str]) -> None:
        table = _table()
        words = {key.translate(table): value.translate(table) for key, value in aliases.items()}
        self._respelled = _respelled()
        self._means = list(words.values())
        self._aliases = (
            ahocorasick_rs.AhoCorasick(
                list(words), matchkind=ahocorasick_rs.MatchKind.LeftmostLongest
            )
            if words
            else None
        )

    def __call__(self, written: str) -> Normal:
        text = self._respelled(written)
        if len(text) != len(written):
            return _moved(written, [(i, i + 1, _character(c)) for i, c in enumerate(written)], self)
        edits = []
        if self._aliases is not None:
            found = self._aliases.find_matches_as_indexes(text)
            edits = [(start, end, self._means[which]) for which, start, end in found]
        if NUMERALS.search(text) is not None:
            edits += _numbers(text, edits)
        return _rewritten(text, sorted(edits)) if edits else Normal(text)


def _moved(written: str, edits: list[tuple[int, int, str]], again: Normaliser) -> Normal:
    """A character that became several (㎎, ﬁ): spread out first, then normalised as any text."""
    spread = _rewritten(written, edits)
    then = again(spread.text)
    starts, ends = _chain(spread, then)
    return Normal(then.text, starts, ends)


def _chain(first: Normal, then: Normal) -> tuple[tuple[int, ...], tuple[int, ...]]:
    spans = [first.span(*then.span(index, index + 1)) for index in range(len(then.text))]
    return tuple(start for start, _ in spans), tuple(end for _, end in spans)


def _rewritten(text: str, edits: Iterable[tuple[int, int, str]]) -> Normal:
    parts: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    at = 0
    for start, end, new in edits:
        parts += (text[at:start], new)
        starts += (*range(at, start), *[start] * len(new))
        ends += (*range(at + 1, start + 1), *[end] * len(new))
        at = end
    parts.append(text[at:])
    starts += range(at, len(text))
    ends += range(at + 1, len(text) + 1)
    return Normal("".join(parts), tuple(starts), tuple(ends))


def _numbers(text: str, taken: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    found = []
    for run in NUMERALS.finditer(text):
        at = run.start()
        while at < run.end():
            match = NUMBER.match(text, at)
            if match is None:
                at += 1
                continue
            start, at = match.span()
            new = _number(match)
            if new is not None and not any(a < at and start < b for a, b, _ in taken):
                found.append((start, at, new))
    return found


def _number(match: re.Match[str]) -> str | None:
    if pair := match["range"]:
        low, high = (int(DIGITS[character]) for character in pair)
        tens = int(spelled(match["ten"])) if match["ten"] else 0
        if low < high <= low + 2:  # 两三天, 三五天, 十五六岁
            return f"{tens + low}-{tens + high}"
    written = match[0]
    return None if written in LONE else spelled(written)


def spelled(written: str) -> str:
    """一百六十 → 160, 一百六 → 160, 三九 → 39, 十五 → 15."""
    if not any(character in SCALES for character in written):
        return written.translate(PLACES)
    total, section, digit, scale = 0, 0, -1, 1
    for character in written:
        if character in DIGITS:
            digit = int(DIGITS[character])
            scale = 1 if character in "零〇" else scale
            continue
        size = SCALES[character]
        if size == SCALES["万"]:
            total, section = total + (section + max(digit, 0)) * size, 0
        else:
            section += (1 if digit < 0 else digit) * size
        digit, scale = -1, size
    # 一百六 leaves out the ten, 一百零六 doesn't.
    left = max(digit, 0) * (scale // 10 if scale > SCALES["十"] else 1)
    return str(total + section + left)


@functools.cache
def _table() -> dict[int, str]:
    """Every character that is written in another way here: width, case, compatibility, 繁體."""
    spelling = {code: unicodedata.normalize("NFKC", chr(code)).lower() for code in _changing()}
    table = {
        code: new if new.strip() else " " for code, new in spelling.items() if new != chr(code)
    }
    single = [code for code, new in spelling.items() if len(new) == 1 and new.strip()]
    # In one go, a character a line: no word is looked at, so none changes its length.
    lines = opencc.OpenCC("t2s").convert("\n".join(spelling[code] for code in single)).split("\n")
    for code, new in zip(single, lines, strict=True):
        if len(new) == 1 and new != chr(code):
            table[code] = new
    return table | {ord(key): value for key, value in ALWAYS.items()}


ALWAYS: Final = {
    "℃": "度",
    "°": "度",
    "˚": "度",
    "妳": "你",
    "牠": "它",
    "著": "着",
    "\u200b": " ",
    "\ufeff": " ",
}


def _changing() -> Iterable[int]:
    ranges = (
        (0x41, 0x5B), (0xA0, 0x250), (0x2000, 0x2070), (0x2100, 0x2200), (0x2460, 0x2500),
        (0x2E80, 0x3100), (0x3200, 0xA000), (0xF900, 0xFB10), (0xFE30, 0xFE70), (0xFF00, 0xFFF0),
    )  # fmt: skip
    for low, high in ranges:
        yield from range(low, high)


@functools.cache
def _respelled() -> Callable[[str], str]:
    """What `translate` does. That asks for each character, this only for those that change."""
    table = {chr(code): new for code, new in _table().items()}
    changing = re.compile(f"[{re.escape(''.join(table))}]")
    return functools.partial(changing.sub, lambda match: table[match[0]])


def _character(character: str) -> str:
    return _table().get(ord(character), character)


@functools.cache
def plain() -> Normaliser:
    """Without aliases: for the terms themselves."""
    return Normaliser({})


def plain_all(terms: Iterable[str]) -> tuple[str, ...]:
    return _plain(tuple(terms))


@functools.lru_cache(maxsize=KEPT_MOST)
def _plain(terms: tuple[str, ...]) -> tuple[str, ...]:
    """In one go: ten thousand calls would take longer than the automaton."""
    return tuple(plain()("\n".join(terms)).text.split("\n")) if terms else ()
