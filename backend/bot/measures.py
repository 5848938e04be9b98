"""Numbers that mean something in a normalised text: age, duration, temperature, pressure …"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final, Literal

import msgspec

Kind = Literal[
    "age_months",
    "duration_hours",
    "temperature",
    "bp_systolic",
    "bp_diastolic",
    "glucose",
    "pulse",
    "oxygen",
    "pregnancy_weeks",
    "pain",
]
HOURS: Final = {
    "秒": 1 / 3600, "分钟": 1 / 60, "小时": 1.0, "钟": 1.0, "钟头": 1.0, "天": 24.0, "日": 24.0,
    "夜": 24.0, "周": 168.0, "星期": 168.0, "礼拜": 168.0, "月": 720.0, "年": 8760.0,
}  # fmt: skip
MONTHS: Final = {
    "岁": 12.0, "周岁": 12.0, "月": 1.0, "周": 12 / 52, "星期": 12 / 52, "天": 12 / 365,
}  # fmt: skip
DIGITS_BEFORE: Final = tuple("0123456789.")
NO_DEGREES: Final = (
    "岁", "天", "周", "个", "月", "年", "/", "%", "m", "c", "k", "u", "公", "斤", "毫", "厘", "次",
    "元", "-",
)  # fmt: skip
FEVER_LEAST: Final = 34.0  # °C that a living patient can have
FEVER_MOST: Final = 43.0
AGE_MOST_MONTHS: Final = 130 * 12.0

CHILD: Final = (
    "宝宝|宝贝|婴儿|孩子|小孩|娃|女儿|儿子|孙子|孙女|外孙|新生儿|bb|宝|男孩|女孩|早产儿|毛毛|崽"
)
NUMBER: Final = r"\d{1,4}(?:[.点]\d{1,2})?"
DURATION: Final = re.compile(
    rf"(?:(?P<n>{NUMBER})(?:-(?P<high>\d{{1,3}}))?|(?P<half>半))"
    r"(?P<more>多|来)?(?:个(?P<and_half>半)?(?:多)?)?"
    r"(?P<unit>分钟|小时|钟头|钟|天|日|夜|周(?!岁)|星期|礼拜|月|年)(?P<half_after>半)?"
)
AGE: Final = re.compile(
    rf"(?P<n>{NUMBER})(?:-\d{{1,3}})?(?P<more>多)?(?:个(?P<and_half>半)?多?)?"
    r"(?P<unit>周岁|岁|月|周|星期|天)(?P<half>半)?(?:多)?零?(?:(?P<months>\d{1,2})个?月)?"
)
OLD_BEFORE: Final = re.compile(
    rf"(?:{CHILD}|出生|生下来|生后|月龄|未满|不满|不到|满)"
    r"(?:今年|现在|已经|才|刚|刚刚|快|有|了|是|满|都|大概|约|,| )*$"
)
OLD_AFTER: Final = re.compile(rf"^(?:大|月龄|龄|的?(?:小|男|女)?(?:{CHILD}))")
NEWBORN: Final = re.compile(r"新生儿|刚出生|刚满月|未满月|没满月|还没满月|月子里的(?:宝宝|孩子|娃)")
TEMPERATURE: Final = re.compile(
    r"(?P<n>3[4-9]|4[0-3])(?:(?:\.|点)(?P<d>\d)\d?|度(?P<after>\d))?(?P<unit>度|c)?(?!\d)"
)
WARM: Final = re.compile(
    r"(?:体温|烧到|烧|发热|温度)(?:是|有|到|到了|量了|都|为|在|达|最高|已经|一直|,| )*$"
)
WARM_REACH: Final = 10  # characters before a number that say that it is a temperature
PRESSURE: Final = re.compile(
    r"(?<!\d)(?P<high>\d{2,3})(?:/|-|~|\\|比|,低压)(?P<low>\d{2,3})(?!\d)(?!年|月|岁|天)"
)
NAMED: Final = re.compile(
    r"(?P<name>高压|收缩压|低压|舒张压|血压|血糖|心率|心跳|脉搏|血氧饱和度|血氧|氧饱和度|怀孕|孕|停经)"
    r"(?:值|高|低|是|才|已经|有|到|到了|都|为|在|达|达到|最高|已经|一直|竟然|升到|飙到|测了|量了|只有|才|掉到|降到"
    r"|每分钟|大概|差不多|快|约|:|,| |了|餐后|空腹)*"
    rf"(?P<n>{NUMBER})(?P<unit>(?:个)?(?:多)?(?:半)?月|多?周|多?天|岁)?"
)
PAIN: Final = re.compile(r"(?:疼|痛)[^,。!?;]{0,6}?(?P<n>10|[1-9])(?:-(?P<high>10|[1-9]))?分(?!钟)")
MAY_MEASURE: Final = re.compile(r"[\d半新刚满]")  # found at once; most texts have none
DIGIT: Final = re.compile(r"\d|半|新生儿|刚出生|满月")


class Measure(msgspec.Struct, frozen=True, gc=False):
    """`value` in the unit that the kind's name says, at `start:end` of the normalised text."""

    kind: Kind
    value: float
    start: int
    end: int


def read(text: str) -> tuple[Measure, ...]:
    """All of them, in the order of the text. An age is not also a duration."""
    if MAY_MEASURE.search(text) is None or DIGIT.search(text) is None:
        return ()
    found: list[Measure] = []
    taken = 0  # a bit a character: many numbers cost no more each
    for reader, words in READERS:
        for word in words:
            if word in text:
                taken = _keep(found, taken, reader(text))
                break
    if len(found) > 1:
        found.sort(key=lambda one: one.start)
    return tuple(found)


def _keep(found: list[Measure], taken: int, more: Iterable[Measure]) -> int:
    """Adds to `found` what overlaps nothing that is there, and gives the bits taken then."""
    for measure in more:
        bits = (-1 << measure.start) ^ (-1 << measure.end)
        if measure.kind == "bp_diastolic" or not taken & bits:
            taken |= bits
            found.append(measure)
    return taken


def _value(written: str) -> float:
    return float(written.replace("点", "."))


def _pressures(text: str) -> Iterator[Measure]:
    for match in PRESSURE.finditer(text):
        high, low = int(match["high"]), int(match["low"])
        if 70 <= high <= 300 and 30 <= low <= 200 and low < high:
            yield Measure("bp_systolic", high, *match.span())
            yield Measure("bp_diastolic", low, *match.span())


def _named(text: str) -> Iterator[Measure]:
    for match in NAMED.finditer(text):
        value = _value(match["n"])
        found = _meant(match["name"], value, match["unit"] or "")
        if found is not None:
            yield Measure(*found, *match.span())


def _meant(name: str, value: float, unit: str) -> tuple[Kind, float] | None:
    if name in ("怀孕", "孕", "停经"):
        weeks = {"周": 1.0, "月": 4.345, "天": 1 / 7}.get(unit[-1:])
        return ("pregnancy_weeks", value * weeks) if weeks and value * weeks <= 45 else None
    if unit:
        return None
    kind, least, most = RANGES[name]
    return (kind, value) if least <= value <= most else None


RANGES: Final[dict[str, tuple[Kind, float, float]]] = {
    "高压": ("bp_systolic", 50, 300),
    "收缩压": ("bp_systolic", 50, 300),
    "血压": ("bp_systolic", 50, 300),
    "低压": ("bp_diastolic", 30, 200),
    "舒张压": ("bp_diastolic", 30, 200),
    "血糖": ("glucose", 0.5, 60),
    "心率": ("pulse", 20, 300),
    "心跳": ("pulse", 20, 300),
    "脉搏": ("pulse", 20, 300),
    "血氧": ("oxygen", 40, 100),
    "血氧饱和度": ("oxygen", 40, 100),
    "氧饱和度": ("oxygen", 40, 100),
}


def _temperatures(text: str) -> Iterator[Measure]:
    for match in TEMPERATURE.finditer(text):
        start = match.start()
        if text[start - 1 : start] in DIGITS_BEFORE:
            continue
        before = WARM.search(text[max(0, start - WARM_REACH) : start])
        if not (before or match["unit"] or match["after"] or match["d"]):
            continue
        if text[match.end() : match.end() + 2].startswith(NO_DEGREES):
            continue
        tenths = match["d"] or match["after"] or "0"
        value = int(match["n"]) + int(tenths) / 10
        if FEVER_LEAST <= value <= FEVER_MOST:
            yield Measure(
                "temperature", value, start - len(before[0] if before else ""), match.end()
            )


def _ages(text: str) -> Iterator[Measure]:
    for match in AGE.finditer(text):
        unit = match["unit"]
        if unit not in ("岁", "周岁") and not (
            OLD_AFTER.match(text[match.end() : match.end() + 6])
            or OLD_BEFORE.search(text[max(0, match.start() - 12) : match.start()])
        ):
            continue
        value = (_value(match["n"]) + 0.5 * bool(match["and_half"] or match["half"])) * MONTHS[unit]
        value += float(match["months"] or 0)
        if value <= AGE_MOST_MONTHS:
            yield Measure("age_months", value, *match.span())
    for match in NEWBORN.finditer(text):
        yield Measure("age_months", 0.5, *match.span())


def _durations(text: str) -> Iterator[Measure]:
    for match in DURATION.finditer(text):
        count = 0.5 if match["half"] else _value(match["high"] or match["n"])
        count += 0.5 * bool(match["and_half"] or match["half_after"])
        if match["unit"] in ("月", "日") and not re.search(r"个|半", match[0]):
            continue  # a date, 3月
        yield Measure("duration_hours", count * HOURS[match["unit"]], *match.span())


def _pains(text: str) -> Iterator[Measure]:
    for match in PAIN.finditer(text):
        yield Measure("pain", float(match["high"] or match["n"]), *match.span())


# Each with words of which one has to stand in the text: looking for them costs next to nothing.
READERS: Final[tuple[tuple[Callable[[str], Iterator[Measure]], tuple[str, ...]], ...]] = (
    (_pressures, ("/", "-", "~", "\\", "比", "低压")),
    (_named, ("压", "血糖", "心率", "心跳", "脉搏", "氧", "孕", "停经")),
    (_temperatures, ("3", "4")),
    (_ages, ("岁", "月", "周", "星期", "天", "新生儿", "刚出生")),
    (_pains, ("分",)),
    (_durations, ("分钟", "小时", "钟", "天", "日", "夜", "周", "星期", "礼拜", "月", "年")),
)
