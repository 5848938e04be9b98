"""Pure: what must hold within one row and between the rows of a sheet."""

from collections.abc import Callable, Iterable, Iterator
from datetime import time
from itertools import combinations, groupby

from backend.county import sheets
from backend.county.columns import Sheet
from backend.county.rows import Record
from backend.county.staging import Span

RANKS = {tier: rank for rank, tier in enumerate(sheets.TIERS.values())}  # parents rank lower
EVER_FROM, EVER_TO = "0000-00-00", "9999-99-99"  # an open end, as text that compares as dates do
SPANS_MOST = 100  # rows of one doctor and weekday, or of one doctor and department

Problem = tuple[str, str]  # the column's field, what is expected there


def rank(sheet: Sheet, record: Record) -> int:
    """Rows of a lower rank are written first, because others refer to them."""
    return RANKS[record["tier"]] if sheet is sheets.ORGANIZATIONS else 0


def aliases(sheet: Sheet, record: Record) -> Iterator[tuple[str, ...]]:
    """Other names (a kind and a key) under which rows may refer to this one."""
    if sheet is sheets.ORGANIZATIONS:
        for tier in RANKS:
            if RANKS[record["tier"]] < RANKS[tier]:
                yield f"above-{tier}", record["code"]
    elif sheet is sheets.ROLES:
        yield "practices", record["practitioner"], record["organization"], record["department"]


def problems(sheet: Sheet, record: Record) -> Iterator[Problem]:
    """What doesn't fit together in a row whose cells are fine one by one."""
    check = _CHECKS.get(sheet.code)
    if check is not None:
        yield from check(record)


def _organization(record: Record) -> Iterator[Problem]:
    if record["tier"] == "village" and record["parent"] is None:
        yield "parent", "上级机构编码；村卫生室要有上级"
    if (record["latitude"] is None) != (record["longitude"] is None):
        empty = "latitude" if record["latitude"] is None else "longitude"
        yield empty, "纬度和经度同填或同空"


def _role(record: Record) -> Iterator[Problem]:
    yield from _ordered(record, "to_on", "结束日期不早于开始日期")
    if record["kind"] == "outreach":
        for name in ("from_on", "to_on"):
            if record[name] is None:
                yield name, "日期；专家下沉要写明起止"


def _template(record: Record) -> Iterator[Problem]:
    yield from _ordered(record, "to_on", "终止日期不早于起始日期")
    minutes = _minutes(record["ends"]) - _minutes(record["starts"])
    if minutes <= 0:
        yield "ends", "晚于开始时间"
    elif minutes % record["slot_minutes"]:
        yield "slot_minutes", f"能整除班次时长（{minutes} 分钟）的分钟数"
    if record["kind"] == "expert" and record["practitioner"] is None:
        yield "practitioner", "工号；专家号要指定医生"


def _exception(record: Record) -> Iterator[Problem]:
    if record["action"] == "capacity" and record["capacity"] is None:
        yield "capacity", "调号后的每段号数"
    if record["action"] == "closed" and record["capacity"] is not None:
        yield "capacity", "空白；停诊不填号数"


def _announcement(record: Record) -> Iterator[Problem]:
    yield from _ordered(record, "to_on", "结束日期不早于开始日期")


def _ordered(record: Record, name: str, expected: str) -> Iterator[Problem]:
    if record["from_on"] and record["to_on"] and record["to_on"] < record["from_on"]:
        yield name, expected


def _minutes(text: str) -> int:
    wall = time.fromisoformat(text)
    return wall.hour * 60 + wall.minute


_CHECKS: dict[str, Callable[[Record], Iterator[Problem]]] = {
    "organizations": _organization,
    "roles": _role,
    "templates": _template,
    "exceptions": _exception,
    "announcements": _announcement,
}


def span(sheet: Sheet, record: Record, line: int) -> Span | None:
    """When and where the row keeps a doctor; None for rows that keep nobody."""
    doctor = record.get("practitioner")
    if doctor is None or sheet not in (sheets.ROLES, sheets.TEMPLATES):
        return None
    place = f"{record['organization']}/{record['department']}"
    days = record["from_on"] or EVER_FROM, record["to_on"] or EVER_TO
    if sheet is sheets.ROLES:
        return Span(sheet.name, f"{doctor} {place}", "00:00", "24:00", *days, "", line)
    owner = f"{doctor} {record['weekday']}"
    return Span(sheet.name, owner, record["starts"], record["ends"], *days, place, line)


def clashes(spans: Iterable[Span]) -> Iterator[tuple[Span, Span]]:
    """Pairs (earlier row, later row) that can't both hold. `spans` come grouped by owner.

    A doctor may have several 号别 in one department at once, but not be in two departments.
    """
    for _, group in groupby(spans, key=lambda one: one.owner):
        same = list(group)
        for first, second in combinations(same[:SPANS_MOST], 2):
            if _overlap(first, second):
                yield first, second


def _overlap(first: Span, second: Span) -> bool:
    days = first.from_on <= second.to_on and second.from_on <= first.to_on
    hours = first.starts < second.ends and second.starts < first.ends
    apart = first.place != second.place or not first.place
    return days and hours and apart
