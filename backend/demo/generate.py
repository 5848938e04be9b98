"""Writes backend/demo/county.xlsx: `python -m backend.demo.generate`. Seeded: the same every time.

Dates hang on `START`, not on the day of the run; weekly templates are open-ended, so that the demo
works on any day, and the exceptions cover the year from `START`.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

from backend.booking.policy import COUNTY, TOWNSHIP
from backend.county.policy_columns import POLICY_NUMBERS
from backend.county.template import build
from backend.demo import names

WORKBOOK = Path(__file__).with_name("county.xlsx")
START = date(2026, 11, 23)
SEED = 20261123
KM_PER_DEGREE = 111.0
VILLAGES = 62
LEAVE_DAYS = 60
SPRING_FESTIVAL = tuple(date(2027, 2, 5) + timedelta(days=days) for days in range(6))

AM, PM = ("上午", "08:00", "11:30"), ("下午", "14:00", "17:00")
VILLAGE_AM = ("上午", "08:00", "11:00")
WEEK = ("周一", "周二", "周三", "周四", "周五")
WEEKEND = ("周六", "周日")
HALF_DAYS = tuple((weekday, half) for weekday in WEEK for half in (AM, PM))
CHIEF, ASSOCIATE, ATTENDING, RESIDENT = "主任医师", "副主任医师", "主治医师", "住院医师"
HALF_DAYS_OF = {CHIEF: 2, ASSOCIATE: 3, ATTENDING: 4, RESIDENT: 4}
PLACES_OF = {"普通": 4, "专家": 2, "专病": 3, "下沉": 3}
BASIS = "演示数据，不是真实价格"

Rows = dict[str, list[list[Any]]]
Department = tuple[str, str, str, str, str, str]


@dataclass(slots=True)
class Doctor:
    code: str
    title: str
    organization: str
    department: str
    busy: list[tuple[str, str]] = field(default_factory=list)  # (weekday, 时段) taken


class County:
    """Collects the sheets' rows, in the order of the columns in `backend.county.sheets`."""

    def __init__(self) -> None:
        self.dice = Random(SEED)  # noqa: S311  the same county every time
        self.rows: Rows = {
            code: []
            for code in (
                "consortium", "organizations", "departments", "practitioners", "roles", "templates",
                "exceptions", "fees", "announcements", "policies",
            )
        }  # fmt: skip
        self.doctors: list[Doctor] = []
        self.phones = 8_600_000
        self.people = self._people()
        self.villages = self._village_names()

    def _people(self) -> Iterator[str]:
        used: set[str] = set()
        while True:
            parts = (names.SURNAMES, names.GIVEN_FIRST, names.GIVEN_SECOND)
            name = "".join(self.dice.choice(part) for part in parts)
            if name not in used:
                used.add(name)
                yield name

    def _village_names(self) -> Iterator[str]:
        every = [a + b for a in names.VILLAGE_FIRST for b in names.VILLAGE_SECOND]
        self.dice.shuffle(every)
        return iter(every)

    # --- who is where ---

    def organization(
        self, code: str, name: str, tier: str, kind: str, parent: str | None,
        address: str, spot: tuple[float, float], hours: str,
    ) -> None:  # fmt: skip
        self.phones += 1
        self.rows["organizations"].append(
            [code, name, tier, kind, parent, address, f"0500-{self.phones}",
             round(spot[0], 5), round(spot[1], 5), hours]
        )  # fmt: skip

    def around(self, spot: tuple[float, float], angle: float, km: float) -> tuple[float, float]:
        """A spot `km` away in the direction `angle` (radians)."""
        latitude = spot[0] + math.sin(angle) * km / KM_PER_DEGREE
        shrink = KM_PER_DEGREE * math.cos(math.radians(spot[0]))
        return latitude, spot[1] + math.cos(angle) * km / shrink

    def departments(self, organization: str, departments: tuple[Department, ...]) -> None:
        for code, name, specialty, location, keywords, _ in departments:
            self.rows["departments"].append(
                [organization, code, name, specialty, location, keywords]
            )

    def doctor(self, code: str, title: str, organization: str, department: Department) -> Doctor:
        doctor = Doctor(code, title, organization, department[0])
        self.rows["practitioners"].append([code, next(self.people), title, department[5]])
        self.rows["roles"].append([code, organization, department[0], "主执业点", None, None])
        self.doctors.append(doctor)
        return doctor

    def shift(
        self, organization: str, department: str, doctor: Doctor | None, weekday: str,
        half: tuple[str, str, str], kind: str, places: int, on_holidays: str = "否",
    ) -> None:  # fmt: skip
        if doctor is not None:
            doctor.busy.append((weekday, half[0]))
        self.rows["templates"].append(
            [organization, department, doctor.code if doctor else None, weekday, half[0], kind,
             half[1], half[2], 30, places, None, on_holidays, None, None]
        )  # fmt: skip

    def leave(self, on: date, organization: str, department: str | None, **rest: Any) -> None:
        """An exception: `doctor`, `period`, `action`, `places`, `reason`."""
        self.rows["exceptions"].append(
            [on, organization, department, rest.get("doctor"), rest.get("period"),
             rest.get("action", "停诊"), rest.get("places"), rest["reason"]]
        )  # fmt: skip


def county() -> Rows:
    """Every cell of the demo county: sheet's code → rows."""
    county = County()
    county.rows["consortium"].append([f"{names.COUNTY}医疗健康共同体", "120"])
    _hospital(county, "DXRM", "人民医院", "综合", names.GENERAL_HOSPITAL, 10_000)
    _hospital(county, "DXZY", "中医院", "中医", names.TCM_HOSPITAL, 20_000)
    for number, town in enumerate(names.TOWNSHIPS, start=1):
        _township(county, number, town)
    _outreach(county)
    _exceptions(county)
    _fees(county)
    _announcements(county)
    _policies(county)
    return county.rows


def _hospital(
    county: County, code: str, name: str, kind: str, departments: tuple[Department, ...], first: int
) -> None:
    angle = 0.0 if kind == "综合" else 2.5
    road = f"{names.COUNTY}城关镇{names.ROADS[0 if kind == '综合' else 1]} {first // 1000} 号"
    county.organization(
        code, names.COUNTY + name, "县级医院", kind, None, road,
        county.around(names.CENTRE, angle, 1.2), "每日 08:00-11:30、14:00-17:00，急诊 24 小时",
    )  # fmt: skip
    county.departments(code, departments)
    number = first
    for department in departments:
        titles = (CHIEF, ASSOCIATE, ATTENDING) + ((RESIDENT,) if kind == "综合" else ())
        for title in titles:
            number += 1
            _clinics(county, county.doctor(str(number), title, code, department))
        _department_shifts(county, code, department[0])


def _clinics(county: County, doctor: Doctor) -> None:
    """A county doctor's week."""
    kind = "专家" if doctor.title in (CHIEF, ASSOCIATE) else "普通"
    halves = county.dice.sample(HALF_DAYS, HALF_DAYS_OF[doctor.title])
    for weekday, half in sorted(halves, key=HALF_DAYS.index):
        county.shift(
            doctor.organization, doctor.department, doctor, weekday, half, kind, PLACES_OF[kind]
        )
    if doctor.title == ATTENDING and doctor.department in names.DISEASE_CLINICS:
        free = [(day, half) for day, half in HALF_DAYS if (day, half[0]) not in doctor.busy]
        weekday, half = county.dice.choice(free)
        county.shift(
            doctor.organization, doctor.department, doctor, weekday, half, "专病", PLACES_OF["专病"]
        )


def _department_shifts(county: County, organization: str, department: str) -> None:
    """Shifts without a named doctor: the fever clinic daily, others on Saturday morning."""
    if department == "FRMZ":
        for weekday in (*WEEK, *WEEKEND):
            for half in (AM, PM):
                county.shift(organization, department, None, weekday, half, "普通", 6)
    else:
        county.shift(organization, department, None, "周六", AM, "普通", 4)
    if department in ("EK", "GK", "KQK", "ZJK"):
        county.shift(organization, department, None, "周日", AM, "普通", 4)


def _township(county: County, number: int, town: str) -> None:
    code, angle = f"WSY{number:02}", number * math.tau / len(names.TOWNSHIPS)
    spot = county.around(names.CENTRE, angle, county.dice.uniform(8, 24))
    road = f"{names.COUNTY}{town}{county.dice.choice(names.ROADS)} {county.dice.randint(1, 90)} 号"
    county.organization(
        code, f"{town}卫生院", "乡镇卫生院", "综合", "DXRM", road, spot,
        "每日 08:00-11:30、14:00-17:00",
    )  # fmt: skip
    county.departments(code, names.TOWNSHIP_CENTRE)
    general, tcm, prevention = names.TOWNSHIP_CENTRE
    staff = [(ATTENDING, general), (RESIDENT, general), (RESIDENT, general), (ATTENDING, tcm),
             (ATTENDING, prevention)]  # fmt: skip
    for place, (title, department) in enumerate(staff, start=1):
        doctor = county.doctor(f"3{number:02}{place:02}", title, code, department)
        halves = 3 if department is prevention else 6
        for weekday, half in sorted(county.dice.sample(HALF_DAYS, halves), key=HALF_DAYS.index):
            county.shift(code, department[0], doctor, weekday, half, "普通", 3)
    for weekday in WEEKEND:
        county.shift(code, general[0], None, weekday, AM, "普通", 3, "是")
    share = VILLAGES // len(names.TOWNSHIPS)
    extra = number <= VILLAGES % len(names.TOWNSHIPS)
    for place in range(1, share + 1 + extra):
        _village(county, number, place, town, spot)


def _village(
    county: County, number: int, place: int, town: str, centre: tuple[float, float]
) -> None:
    code, name = f"CWS{number:02}{place:02}", next(county.villages)
    spot = county.around(centre, place * 1.3 + number, county.dice.uniform(1, 5))
    county.organization(
        code, f"{name}村卫生室", "村卫生室", "综合", f"WSY{number:02}",
        f"{names.COUNTY}{town}{name}村", spot, "每日上午 08:00-11:00，下午上门随访",
    )  # fmt: skip
    county.departments(code, names.VILLAGE_CLINIC)
    department = names.VILLAGE_CLINIC[0]
    doctor = county.doctor(f"4{number:02}{place:02}", "乡村医生", code, department)
    for weekday in (*WEEK, "周六"):
        county.shift(code, department[0], doctor, weekday, VILLAGE_AM, "普通", 2, "是")


def _outreach(county: County) -> None:
    """专家下沉: one expert a township, on a half-day that is free in the county."""
    experts = [doctor for doctor in county.doctors if doctor.title in (CHIEF, ASSOCIATE)]
    chosen = county.dice.sample(experts, len(names.TOWNSHIPS))
    for number, doctor in enumerate(chosen, start=1):
        code = f"WSY{number:02}"
        department = "ZYK" if doctor.organization == "DXZY" else "QK"
        from_on, to_on = START, date(2028, 12, 31)
        if number % 4 == 0:  # some come for half a year
            to_on = from_on + timedelta(days=182)
        county.rows["roles"].append([doctor.code, code, department, "专家下沉", from_on, to_on])
        free = [(day, half) for day, half in HALF_DAYS if (day, half[0]) not in doctor.busy]
        weekday, half = county.dice.choice(free)
        county.shift(code, department, doctor, weekday, half, "下沉", PLACES_OF["下沉"])


def _exceptions(county: County) -> None:
    for on in SPRING_FESTIVAL:
        reason = "春节期间发热门诊照常开诊"
        county.leave(on, "DXRM", "FRMZ", action="加开", reason=reason)
    for on in (SPRING_FESTIVAL[3], SPRING_FESTIVAL[5], date(2027, 5, 3), date(2027, 10, 4)):
        county.leave(
            on, "DXRM", "EK", period="上午", action="加开", places=3, reason="节日儿科门诊"
        )
    for week in range(4):  # the flu season fills the paediatric Saturdays
        on = date(2026, 12, 5) + timedelta(weeks=week)
        county.leave(on, "DXRM", "EK", period="上午", action="调号", places=6, reason="流感季加号")
    county.leave(date(2027, 3, 10), "CWS0101", None, reason="卫生室线路检修")
    county.leave(date(2027, 6, 16), "WSY03", "YFBJ", reason="集中下乡体检")
    reasons = ("外出进修", "参加学术会议", "年休假", "下乡义诊")
    on_leave = [doctor for doctor in county.doctors if doctor.title != "乡村医生"]
    taken: set[tuple[str, date]] = set()
    while len(taken) < LEAVE_DAYS:
        doctor = county.dice.choice(on_leave)
        weekday, _ = county.dice.choice(doctor.busy)
        on = START + timedelta(weeks=county.dice.randint(0, 51), days=WEEK.index(weekday))
        reason = county.dice.choice(reasons)
        if (doctor.code, on) not in taken:
            taken.add((doctor.code, on))
            county.leave(
                on, doctor.organization, doctor.department, doctor=doctor.code, reason=reason
            )


def _fees(county: County) -> None:
    fees = county.rows["fees"]
    for code, more in (("DXRM", 0), ("DXZY", 5)):
        tcm = "（含中医辨证论治）" if more else ""
        fees.append([code, "普通", None, 12 + more, f"普通门诊诊查费{tcm}", BASIS])
        fees.append([code, "专病", None, 15 + more, f"专病门诊诊查费{tcm}", BASIS])
        fees.append([code, "专家", ASSOCIATE, 18 + more, f"副主任医师门诊诊查费{tcm}", BASIS])
        fees.append([code, "专家", CHIEF, 25 + more, f"主任医师门诊诊查费{tcm}", BASIS])
    for code, _, tier, *_ in county.rows["organizations"]:
        if tier == "乡镇卫生院":
            fees.append([code, "普通", None, 10, "一般诊疗费", BASIS])
            fees.append([code, "下沉", ASSOCIATE, 12, "下沉专家门诊诊查费", BASIS])
            fees.append([code, "下沉", CHIEF, 15, "下沉专家门诊诊查费", BASIS])
        elif tier == "村卫生室":
            fees.append([code, "普通", None, 6, "一般诊疗费", BASIS])


def _announcements(county: County) -> None:
    """Open-ended, like the weekly templates: the demo works on any day."""
    always = date(2026, 1, 1), date(2036, 12, 31)
    county.rows["announcements"] = [
        ["YIMIAO", None, "流感疫苗免费接种",
         "60 岁以上居民和中小学生可带身份证到乡镇卫生院免费接种，工作日上午，无需预约。", *always],
        ["XIACHEN", None, "县医院专家到乡镇坐诊",
         "每周有县医院专家到乡镇卫生院坐诊，在“找医生”里选“专家下沉号”，不用跑县城。", *always],
        ["SHIDONG", "DXRM", "冬季门诊时间",
         "每日 8:00 开诊。请按预约时段提前 15 分钟到，带好身份证和医保卡。", *always],
    ]  # fmt: skip


def _policies(county: County) -> None:
    """The built-in numbers, written out: whatever numbers there are."""
    since = date(2026, 1, 1)
    strict, near = (
        [getattr(policy, column.field) for column in POLICY_NUMBERS]
        for policy in (COUNTY, TOWNSHIP)
    )
    county.rows["policies"] = [
        ["XIAN", None, "县级医院", None, since, *strict],
        ["XIAN-ZHUANJIA", None, "县级医院", "专家", since, *strict],
        ["XIANG", None, "乡镇卫生院", None, since, *near],
        ["CUN", None, "村卫生室", None, since, *near],
    ]


def main() -> None:
    build(county()).save(WORKBOOK)


if __name__ == "__main__":
    main()
