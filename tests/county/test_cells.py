from datetime import date, datetime, time, timedelta
from typing import Any

import pytest

from backend.county.cells import Unreadable, parse
from backend.county.columns import Column

CODE = Column("编码", "code", "code", required=True)
TEXT = Column("姓名", "name", most=5)
DATE = Column("日期", "on", "date")
TIME = Column("时间", "at", "time")
WEEKDAY = Column("星期", "weekday", "choice", choices={"周一": 1}, aliases={"星期一": "周一"})
MONEY = Column("金额", "fen", "money", low=0, high=100)
COUNT = Column("号数", "count", "integer", low=1, high=200)
FLAG = Column("节假日", "flag", "flag", default=False)
SPECIALTY = Column("科目", "specialty", "specialty")
DEGREES = Column("纬度", "latitude", "degrees", low=3, high=54)


@pytest.mark.parametrize(
    ("column", "cell", "value"),
    [
        (CODE, "  Ａ００１ ", "A001"),  # full-width and blanks, as an input method leaves them
        (CODE, 1001, "1001"),
        (CODE, 1001.0, "1001"),
        (TEXT, " 林  知远 ", "林 知远"),
        (TEXT, None, ""),
        (DATE, datetime(2026, 11, 23), "2026-11-23"),  # noqa: DTZ001  as Excel stores a date
        (DATE, date(2026, 11, 23), "2026-11-23"),
        (DATE, "2026/11/3", "2026-11-03"),
        (DATE, "２０２６年１１月３日", "2026-11-03"),
        (DATE, "", None),
        (TIME, time(8, 0), "08:00"),
        (TIME, timedelta(hours=14, minutes=30), "14:30"),
        (TIME, "8：30", "08:30"),
        (TIME, "08:30:00", "08:30"),
        (WEEKDAY, "星期一", 1),
        (MONEY, 12, 1200),
        (MONEY, 0.1 + 0.2, 30),
        (MONEY, "１２.５０", 1250),
        (COUNT, "４", 4),
        (COUNT, 4.0, 4),
        (FLAG, "是", True),
        (FLAG, None, False),
        (SPECIALTY, "03.04", "03.04"),
        (SPECIALTY, 50, "50"),
        (DEGREES, "28.4321", 28.4321),
    ],
)
def test_a_cell_is_read(column: Column, cell: Any, value: Any) -> None:
    read = parse(column, cell)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("column", "cell", "expected"),
    [
        (CODE, None, "不能为空"),
        (CODE, "A 01", "字母"),
        (CODE, "A" * 33, "32"),
        (CODE, True, "字母"),
        (TEXT, "一二三四五六", "5 个字"),
        (TEXT, "甲\x00乙", "文字"),
        (DATE, "2026-02-30", "日期"),
        (DATE, 46349, "日期"),  # a serial number without a date's format
        (DATE, datetime(2026, 11, 23, 8), "日期"),  # noqa: DTZ001
        (DATE, "1026-11-23", "日期"),
        (TIME, "25:00", "08:00"),
        (TIME, "8点半", "08:00"),
        (TIME, timedelta(days=2), "08:00"),
        (TIME, timedelta(hours=-1), "08:00"),
        (TIME, time(8, 0, 1), "08:00"),
        (WEEKDAY, "早上", "周一"),
        (MONEY, "12.345", "两位小数"),
        (MONEY, -1, "0 到 100"),
        (MONEY, "NaN", "0 到 100"),
        (MONEY, True, "0 到 100"),
        (COUNT, 4.5, "整数"),
        (COUNT, 0, "1 到 200"),
        (COUNT, "Infinity", "整数"),
        (FLAG, "也许", "是/否"),
        (SPECIALTY, 3.04, "文本格式"),  # what Excel makes of 03.04
        (CODE, "=A1", "公式"),
        (COUNT, "#N/A", "公式"),
        (TEXT, "长" * 2001, "文字"),
    ],
)
def test_a_cell_is_refused_and_says_what_belongs_there(
    column: Column, cell: Any, expected: str
) -> None:
    with pytest.raises(Unreadable) as refused:
        parse(column, cell)
    assert expected in refused.value.expected
