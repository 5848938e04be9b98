"""Reading files as hospitals have them, and files that are not what they seem."""

import zipfile
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl import Workbook

from backend.county.faults import Faults
from backend.county.sheets import DEPARTMENTS, ORGANIZATIONS, PRACTITIONERS, SHEETS
from backend.county.workbook import check_sheets, open_book, read_sheet
from backend.county.xlsx import XlsxBook
from backend.demo.generate import WORKBOOK

HEADINGS = [column.name for column in PRACTITIONERS.columns]


def read(path: Path, faults: Faults) -> list[tuple[int, dict[str, Any]]]:
    book = open_book(path, faults)
    assert book is not None
    rows = list(read_sheet(book, PRACTITIONERS, faults))
    book.close()
    return rows


def saved(tmp_path: Path, *rows: list[Any]) -> Path:
    book = Workbook()
    book.active.title = PRACTITIONERS.name
    for row in rows:
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    return tmp_path / "a.xlsx"


def csv_folder(tmp_path: Path, encoding: str) -> Path:
    folder = tmp_path / encoding
    folder.mkdir()
    text = ",".join(HEADINGS) + "\r\n1001,林知远,主任医师,高血压\r\n"
    (folder / "医生.csv").write_text(text, encoding=encoding)
    return folder


def test_the_fast_reader_reads_what_openpyxl_reads() -> None:
    slow = openpyxl.load_workbook(WORKBOOK, read_only=True)
    fast = XlsxBook(WORKBOOK)
    assert fast.names() == slow.sheetnames
    for name in fast.names():
        want = [list(row) for row in slow[name].iter_rows(values_only=True)]
        have = [
            row + [None] * (len(wanted) - len(row))
            for row, wanted in zip(fast.rows(name), want, strict=True)
        ]
        assert have == want
        assert fast.estimate(name) == len(want)
    fast.close()


def test_every_kind_of_cell(tmp_path: Path) -> None:
    book = Workbook()
    page = book.active
    page.append([1, 2.5, True, "文字", date(2026, 11, 23), time(8, 0), "=1+1", None, 1e20])
    page["C3"] = datetime(2026, 11, 23, 8, 30)  # noqa: DTZ001
    page["A4"].number_format = "[h]:mm"
    page["A4"] = 0.25
    book.save(tmp_path / "cells.xlsx")
    opened = XlsxBook(tmp_path / "cells.xlsx")
    first, second, third, fourth = opened.rows("Sheet")
    midnight = datetime(2026, 11, 23)  # noqa: DTZ001
    assert first[:7] == [1, 2.5, True, "文字", midnight, time(8, 0), "=1+1"]
    assert second == []
    assert third == [None, None, datetime(2026, 11, 23, 8, 30)]  # noqa: DTZ001
    assert fourth[0].total_seconds() == 6 * 3600
    opened.close()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_csv_in_every_encoding(tmp_path: Path, encoding: str) -> None:
    faults = Faults()
    rows = read(csv_folder(tmp_path, encoding), faults)
    assert rows == [
        (2, {"code": "1001", "name": "林知远", "title": "主任医师", "good_at": "高血压"})
    ]
    assert not list(faults)


def test_csv_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "医生.csv").write_bytes(b"\xff\xff\xff\xff")
    faults = Faults()
    assert read(tmp_path, faults) == []
    assert "UTF-8 或 GB18030" in str(next(iter(faults)))


def test_a_title_above_blank_rows_and_examples(tmp_path: Path) -> None:
    path = saved(
        tmp_path,
        ["测试县医院医生一览"],
        [None],
        [f" {HEADINGS[0]}*", *HEADINGS[1:], "备注"],
        ["例:10001", "某某", "", ""],
        [None, " ", None],
        ["1001", "林知远", None, None, "不读"],
    )
    faults = Faults()
    rows = read(path, faults)
    assert [number for number, _ in rows] == [6]
    assert rows[0][1]["name"] == "林知远"
    assert not list(faults)


@pytest.mark.parametrize(
    ("headings", "expected"),
    [
        (["工号", "姓名", "职称"], "缺少列"),
        (["工号", "姓名", "职称", "擅长", "性别"], "以下列名之一"),
        (["工号", "姓名", "姓名", "职称", "擅长"], "重复的列"),
        (["工号", None, "姓名", "职称", "擅长"], "合并单元格"),
        (["甲", "乙"], "有表头"),
    ],
)
def test_headings_that_are_wrong(tmp_path: Path, headings: list[str | None], expected: str) -> None:
    faults = Faults()
    read(saved(tmp_path, headings), faults)
    assert expected in str(next(iter(faults)))


def test_cells_beyond_the_headings(tmp_path: Path) -> None:
    faults = Faults()
    read(saved(tmp_path, HEADINGS, ["1", "甲", "", "", None, None, "多"]), faults)
    assert "表头以外没有内容" in str(next(iter(faults)))


def test_missing_and_unknown_sheets(tmp_path: Path) -> None:
    faults = Faults()
    book = Workbook()
    book.active.title = "说明书"
    for sheet in SHEETS:
        if sheet not in (ORGANIZATIONS, DEPARTMENTS):
            book.create_sheet(sheet.name)
    book.save(tmp_path / "a.xlsx")
    opened = open_book(tmp_path / "a.xlsx", faults)
    assert opened is not None
    check_sheets(opened, faults)
    assert {fault.sheet for fault in faults} == {"说明书", "医疗机构", "科室"}


def _packed(path: Path, **parts: str) -> Path:
    """The demo workbook with some of its parts replaced."""
    with zipfile.ZipFile(WORKBOOK) as old, zipfile.ZipFile(path, "w") as new:
        for part in old.infolist():
            replaced = next((text for name, text in parts.items() if name in part.filename), None)
            new.writestr(part.filename, old.read(part) if replaced is None else replaced)
    return path


@pytest.mark.parametrize(
    "content", [b"", b"not a workbook", b"PK\x03\x04broken", "文件".encode("gb18030")]
)
def test_files_that_are_no_workbook(tmp_path: Path, content: bytes) -> None:
    faults = Faults()
    (tmp_path / "a.xlsx").write_bytes(content)
    assert open_book(tmp_path / "a.xlsx", faults) is None
    assert ".xlsx" in str(next(iter(faults)))


def test_no_file_and_another_kind_of_file(tmp_path: Path) -> None:
    faults = Faults()
    (tmp_path / "a.xls").write_bytes(b"")
    assert open_book(tmp_path / "none.xlsx", faults) is None
    assert open_book(tmp_path / "a.xls", faults) is None
    assert faults.total == 2


def test_damaged_and_hostile_sheets_are_faults_not_crashes(tmp_path: Path) -> None:
    bomb = (
        '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]>'
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        '<sheetData><row r="1"><c r="A1" t="str"><v>&a;</v></c></row></sheetData></worksheet>'
    )
    for text in (bomb, "<worksheet", ""):
        faults = Faults()
        book = open_book(_packed(tmp_path / "a.xlsx", sheet5=text), faults)
        assert book is not None
        assert list(read_sheet(book, PRACTITIONERS, faults)) == []
        assert any("未损坏" in str(fault) for fault in faults)
        book.close()


def test_an_overlong_gap_ends_the_sheet(tmp_path: Path) -> None:
    book = Workbook()
    book.active.title = PRACTITIONERS.name
    book.active.append(HEADINGS)
    book.active["A1048576"] = "1001"
    book.save(tmp_path / "a.xlsx")
    assert read(tmp_path / "a.xlsx", Faults()) == []
