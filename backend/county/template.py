"""The empty workbook to fill in, and docs/workbook.md: both written from `sheets`."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from backend.county.cells import expectation
from backend.county.columns import Column, Sheet
from backend.county.sheets import EXAMPLE, SHEETS, WORKBOOK_NOTES

REQUIRED, OPTIONAL = PatternFill("solid", fgColor="FCE4D6"), PatternFill("solid", fgColor="E2EFDA")
GREY = Font(italic=True, color="808080")
WIDTH_LEAST, WIDTH_MOST = 8, 40
CHOICES_UNTIL_ROW = 100_000  # how far down the drop-down lists reach

NOTES = (
    "每张工作表一行一条，表头不要改名；底色为橙的列必填。顺序、空行、多出的「备注」「序号」列不影响导入。",
    f"以「{EXAMPLE}」开头的灰色行只是示例，不会导入，可以删除。",
    "同一个文件可以反复导入：没有变化就什么都不改。文件里消失的机构、科室、医生、排班模板会停用，"
    "消失的执业点、例外、收费、公告会删除，消失的预约规则会终止；已有的预约都保留。",
    "导入要么全部成功，要么什么都不改；有错时会一次列出所有错误的工作表、行、列和应填的内容。",
    "先用 jiamenkou import 文件.xlsx --dry-run 查看会有什么变化。",
    "也可以用一个文件夹，每张工作表存成同名的 .csv（UTF-8 或 GB18030 编码）。",
    "不要使用公式和合并单元格；日期写成 2026-11-23，时间写成 08:00。",
    "以 0 开头的编码请把单元格设为文本，否则开头的 0 会丢失。",
)  # fmt: skip


def write_template(path: Path) -> None:
    """An empty workbook with headings, an example row per sheet, drop-down lists and notes."""
    examples = {sheet.code: [_example(sheet)] for sheet in SHEETS}
    book = build(examples)
    for sheet in SHEETS:
        for cell in book[sheet.name][2]:
            cell.font = GREY
    book.save(path)


def build(rows: Mapping[str, Iterable[Sequence[Any]]]) -> Workbook:
    """A workbook with these rows (sheet's code → cells in the columns' order)."""
    book = Workbook()
    notes = book.active
    if not isinstance(notes, Worksheet):
        raise TypeError(type(notes))
    _write_notes(notes)
    for sheet in SHEETS:
        _write_sheet(book.create_sheet(sheet.name), sheet, rows.get(sheet.code, ()))
    return book


def _example(sheet: Sheet) -> list[str]:
    first, *others = (column.example for column in sheet.columns)
    return [EXAMPLE + first, *others]


def _write_notes(page: Worksheet) -> None:
    page.title = WORKBOOK_NOTES
    page.column_dimensions["A"].width = 14
    page.column_dimensions["B"].width = 20
    page.column_dimensions["C"].width = 8
    page.column_dimensions["D"].width = 100
    for note in NOTES:
        page.append([note])
    for sheet in SHEETS:
        page.append([])
        page.append([sheet.name, sheet.says])
        page.cell(page.max_row, 1).font = Font(bold=True)
        for column in sheet.columns:
            page.append(["", column.name, "必填" if column.required else "", _explained(column)])


def _write_sheet(page: Worksheet, sheet: Sheet, rows: Iterable[Sequence[Any]]) -> None:
    page.append([column.name for column in sheet.columns])
    page.freeze_panes = "A2"
    for number, column in enumerate(sheet.columns, start=1):
        heading = page.cell(1, number)
        heading.font = Font(bold=True)
        heading.fill = REQUIRED if column.required else OPTIONAL
        heading.alignment = Alignment(horizontal="center")
        letter = get_column_letter(number)
        width = max(len(column.name), len(column.example)) * 2 + 2
        page.column_dimensions[letter].width = min(max(width, WIDTH_LEAST), WIDTH_MOST)
        _offer_choices(page, column, letter)
    for row in rows:
        page.append(list(row))
        for number, (column, value) in enumerate(zip(sheet.columns, row, strict=True), start=1):
            if isinstance(value, date):
                page.cell(page.max_row, number).number_format = "yyyy-mm-dd"
            elif column.kind in ("code", "specialty", "phone"):
                page.cell(page.max_row, number).number_format = "@"


def _offer_choices(page: Worksheet, column: Column, letter: str) -> None:
    words = list(column.choices) if column.kind == "choice" else []
    if column.kind == "flag":
        words = ["是", "否"]
    if words:
        offer = DataValidation("list", formula1=f'"{",".join(words)}"', allow_blank=True)
        offer.error = "请从列表中选择"
        offer.add(f"{letter}2:{letter}{CHOICES_UNTIL_ROW}")
        page.add_data_validation(offer)


def _explained(column: Column) -> str:
    said = expectation(column)
    return f"{said}。{column.says}" if column.says else said


def documentation() -> str:
    """docs/workbook.md, generated: `python -m backend.county.template docs/workbook.md`."""
    lines = [
        "# 县域工作簿",
        "",
        "<!-- 由 backend/county/sheets.py 生成：",
        "     python -m backend.county.template docs/workbook.md -->",
        "",
        "`jiamenkou import county.xlsx` 导入全县的机构、科室、医生、排班、收费和预约规则。"
        "空白模板：`jiamenkou import --template county.xlsx`。",
        "",
        *(f"- {note}" for note in NOTES),
    ]
    for sheet in SHEETS:
        lines += ["", f"## {sheet.name}", "", sheet.says, ""]
        lines += ["| 列 | 必填 | 应填 | 说明 | 示例 |", "|---|---|---|---|---|"]
        lines += [_documented(column) for column in sheet.columns]
        if sheet.key:
            key = " + ".join(sheet.column(name).name for name in sheet.key)
            lines += ["", f"不可重复：{key}。"]
    return "\n".join(lines) + "\n"


def _documented(column: Column) -> str:
    aliases = "、".join(column.aliases)
    says = f"{column.says}（也可写 {aliases}）" if aliases else column.says
    required = "是" if column.required else ""
    return f"| {column.name} | {required} | {expectation(column)} | {says} | {column.example} |"


if __name__ == "__main__":
    import sys

    Path(sys.argv[1]).write_text(documentation(), encoding="utf-8")
