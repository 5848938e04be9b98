"""A small county on paper, to be changed by each test."""

import copy
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from backend.county.policy_columns import POLICY_NUMBERS
from backend.county.template import build

Rows = dict[str, list[list[Any]]]
Save = Callable[[Rows], Path]

SMALL: Rows = {
    "consortium": [["测试县医共体", "120"]],
    "organizations": [
        ["CUN", "上坪村卫生室", "村卫生室", "综合", "XIANG", "上坪村", "", 28.5, 118.3, ""],
        ["XIAN", "测试县医院", "县级医院", "综合", None, "县城", "0500-8600001", None, None, ""],
        ["XIANG", "测试镇卫生院", "乡镇卫生院", "综合", "XIAN", "镇上", "", None, None, ""],
    ],
    "departments": [
        ["XIAN", "XNK", "心血管内科", "03.04", "3楼东", "胸闷 心慌"],
        ["XIANG", "QK", "全科医疗科", "02", "1楼", "头晕 咳嗽"],
        ["CUN", "QK", "全科诊室", "02", "", "量血压"],
    ],
    "practitioners": [
        ["1001", "林知远", "主任医师", "高血压"],
        ["3001", "苏清禾", "主治医师", "常见病"],
    ],
    "roles": [
        ["1001", "XIAN", "XNK", "主执业点", None, None],
        ["1001", "XIANG", "QK", "专家下沉", date(2026, 11, 23), date(2026, 12, 31)],
        ["3001", "XIANG", "QK", "主执业点", None, None],
    ],
    "templates": [
        ["XIAN", "XNK", "1001", "周一", "上午", "专家", "08:00", "11:30", 30, 2, None, "否", None,
         None],
        ["XIANG", "QK", "1001", "周三", "下午", "下沉", "14:00", "16:00", 30, 3, 5, "否", None,
         None],
        ["XIANG", "QK", None, "周二", "上午", "普通", "08:00", "10:00", 30, 4, None, "是", None,
         None],
    ],
    "exceptions": [[date(2026, 12, 7), "XIAN", "XNK", "1001", None, "停诊", None, "外出进修"]],
    "fees": [
        ["XIAN", "专家", "主任医师", 25, "主任医师门诊诊查费", ""],
        ["XIANG", "普通", None, 10.5, "一般诊疗费", ""],
    ],
    "announcements": [
        ["YIMIAO", None, "流感疫苗开始接种", "60 岁以上居民免费。", date(2026, 11, 20),
         date(2026, 12, 31)],
        ["TINGDIAN", "XIANG", "停电通知", "上午停诊半天。", date(2026, 11, 23), date(2026, 11, 23)],
    ],
    "policies": [
        ["XIAN", None, "县级医院", None, date(2026, 1, 1), 7, "07:00",
         *[None] * (len(POLICY_NUMBERS) - 2)],
    ],
}  # fmt: skip


@pytest.fixture
def small() -> Rows:
    return copy.deepcopy(SMALL)


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """Writes rows as a workbook, each time under another name."""
    numbers = iter(range(1000))

    def write(rows: Rows) -> Path:
        path = tmp_path / f"county{next(numbers)}.xlsx"
        build(rows).save(path)
        return path

    return write
