"""Every fault of a workbook, with sheet, row, column and what is expected, all in one go."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from backend.county.cells import expectation
from backend.county.faults import SHOWN_MOST, Fault, Faults, WorkbookRejected
from backend.county.reading import read_county
from backend.county.sheets import TEMPLATES
from backend.county.staging import Staging

Rows = dict[str, list[list[Any]]]
Save = Callable[[Rows], Path]


def faults_of(path: Path) -> list[str]:
    with Staging() as staging:
        try:
            read_county(path, uuid4(), staging, lambda done, total, label: None)
        except WorkbookRejected as rejected:
            return [str(fault) for fault in rejected.faults]
    return []


def test_a_fault_in_words() -> None:
    fault = Fault("排班模板", 12, "时段", "早上", "上午/下午/夜间")
    assert str(fault) == "「排班模板」第 12 行「时段」：现在是“早上”，应为 上午/下午/夜间"
    assert str(Fault("科室", 0, "", "", "有表头")) == "「科室」：现在是空的，应为 有表头"


def test_a_number_in_words() -> None:
    assert expectation(TEMPLATES.column("slot_minutes")) == "5 到 240 的整数"


def test_the_small_county_has_none(small: Rows, save: Save) -> None:
    assert faults_of(save(small)) == []


@pytest.mark.parametrize(
    ("sheet", "row", "column", "value", "wanted"),
    [
        ("templates", 0, 4, "早上", "第 2 行「时段」：现在是“早上”，应为 上午/下午/夜间"),
        ("templates", 0, 1, "NEIKE", "「排班模板」第 2 行「科室编码」：现在是“XIAN / NEIKE”"),
        ("templates", 0, 2, "9999", "「排班模板」第 2 行「工号」"),
        ("templates", 0, 2, "3001", "于该科室执业"),
        ("templates", 0, 2, None, "专家号要指定医生"),
        ("templates", 0, 8, 40, "整除班次时长（210 分钟）"),
        ("templates", 0, 7, "08:00", "晚于开始时间"),
        ("templates", 0, 9, 0, "1 到 200"),
        ("templates", 0, 6, "=B2", "不能是公式"),
        ("organizations", 0, 4, None, "村卫生室要有上级"),
        ("organizations", 0, 4, "NONE", "「医疗机构」第 2 行「上级机构编码」"),
        ("organizations", 2, 4, "CUN", "层级更高"),
        ("organizations", 0, 8, None, "纬度和经度同填"),
        ("organizations", 0, 7, 99, "3 到 54"),
        ("departments", 0, 0, "NONE", "「科室」第 2 行「机构编码」"),
        ("practitioners", 1, 0, "1001", "第 3 行「工号」：现在是“1001”，应为 不与第 2 行重复"),
        ("roles", 1, 5, None, "专家下沉要写明起止"),
        ("roles", 1, 5, date(2026, 1, 1), "不早于开始日期"),
        ("announcements", 0, 5, date(2026, 1, 1), "不早于开始日期"),
        ("announcements", 1, 1, "NONE", "「公告」第 3 行「机构编码」"),
        ("exceptions", 0, 5, "调号", "调号后的每段号数"),
        ("exceptions", 0, 6, 3, "停诊不填号数"),
        ("exceptions", 0, 0, "下周一", "日期，如 2026-11-23"),
        ("fees", 0, 3, "贵", "元"),
        ("policies", 0, 5, 400, "0 到 366"),
        ("policies", 0, 2, "县里", "县级医院/乡镇卫生院/村卫生室"),
    ],
)  # fmt: skip
def test_one_wrong_cell(
    small: Rows, save: Save, sheet: str, row: int, column: int, value: Any, wanted: str
) -> None:
    small[sheet][row][column] = value
    assert any(wanted in fault for fault in faults_of(save(small)))


def test_all_faults_come_in_one_go_in_the_files_order(small: Rows, save: Save) -> None:
    small["templates"][2][4] = "早上"
    small["templates"][0][9] = "许多"
    small["organizations"][0][2] = "村"
    small["fees"][0][0] = "NONE"
    places = [fault.split("：")[0] for fault in faults_of(save(small))]
    assert places == [
        "「医疗机构」第 2 行「层级」",
        "「排班模板」第 2 行「每段号数」",
        "「排班模板」第 4 行「时段」",
        "「收费」第 2 行「机构编码」",
    ]


def test_a_faulty_row_does_not_blame_those_that_refer_to_it(small: Rows, save: Save) -> None:
    small["organizations"][1][6] = "没有电话"
    small["roles"][0][4] = "去年"  # a template refers to it
    assert len(faults_of(save(small))) == 2


def test_one_doctor_in_one_department_twice_at_once(small: Rows, save: Save) -> None:
    small["roles"].append(["3001", "XIANG", "QK", "主执业点", date(2026, 12, 1), None])
    assert ["不与第 4 行的执业日期重叠" in fault for fault in faults_of(save(small))] == [True]


def test_roles_that_follow_each_other(small: Rows, save: Save) -> None:
    small["roles"].append(["1001", "XIANG", "QK", "专家下沉", date(2027, 1, 1), date(2027, 6, 30)])
    assert faults_of(save(small)) == []


def test_one_doctor_in_two_places_at_once(small: Rows, save: Save) -> None:
    small["templates"][1][3:8] = ["周一", "上午", "下沉", "10:00", "12:00"]
    assert ["不与第 2 行同时出诊" in fault for fault in faults_of(save(small))] == [True]
    small["templates"][1][6] = "11:30"  # just after
    small["templates"][1][7] = "12:30"
    assert faults_of(save(small)) == []


def test_an_empty_county_is_refused(save: Save) -> None:
    assert any("至少 1 行" in fault for fault in faults_of(save({})))


def test_two_consortia_are_refused(small: Rows, save: Save) -> None:
    small["consortium"].append(["另一个", "120"])
    assert any("最多 1 行" in fault for fault in faults_of(save(small)))


def test_many_faults_are_counted_and_the_first_are_kept() -> None:
    faults = Faults()
    for row in range(SHOWN_MOST + 5):
        faults.add("科室", row + 1, "科室名称", "", "文字")
    with pytest.raises(WorkbookRejected) as rejected:
        faults.stop_if_any()
    assert rejected.value.total == SHOWN_MOST + 5
    assert len(rejected.value.faults) == SHOWN_MOST
