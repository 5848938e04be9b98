from pathlib import Path
from uuid import uuid4

import msgspec
import pytest
from openpyxl import load_workbook

from backend.booking.policy import Policy
from backend.county.faults import WorkbookRejected
from backend.county.policy_columns import POLICY_NUMBERS
from backend.county.reading import read_county
from backend.county.sheets import SHEETS
from backend.county.staging import Staging
from backend.county.template import documentation, write_template

DOCUMENT = Path(__file__).parents[2] / "docs" / "workbook.md"


def test_the_document_is_generated_from_the_sheets() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == documentation()


def test_the_empty_template_has_headings_choices_and_notes(tmp_path: Path) -> None:
    write_template(tmp_path / "t.xlsx")
    book = load_workbook(tmp_path / "t.xlsx")
    assert book.sheetnames == ["填写说明", *(sheet.name for sheet in SHEETS)]
    page = book["排班模板"]
    assert page["D1"].value == "星期"
    offers = {str(offer.sqref): offer.formula1 for offer in page.data_validations.dataValidation}
    assert offers["E2:E100000"] == '"上午,下午,夜间"'


def test_the_empty_template_holds_nothing_to_import(tmp_path: Path) -> None:
    write_template(tmp_path / "t.xlsx")
    with Staging() as staging, pytest.raises(WorkbookRejected) as rejected:
        read_county(tmp_path / "t.xlsx", uuid4(), staging, lambda done, total, label: None)
    assert {(f.sheet, f.found) for f in rejected.value.faults} == {
        ("医共体", "没有内容"),
        ("医疗机构", "没有内容"),
    }


def test_the_examples_are_what_they_explain(tmp_path: Path) -> None:
    """Without their mark the example rows are read without a fault in any cell."""
    write_template(tmp_path / "t.xlsx")
    book = load_workbook(tmp_path / "t.xlsx")
    for sheet in SHEETS:
        first = book[sheet.name]["A2"]
        first.value = first.value.removeprefix("例：")
    book.save(tmp_path / "u.xlsx")
    with Staging() as staging:
        read_county(tmp_path / "u.xlsx", uuid4(), staging, lambda done, total, label: None)


def test_the_policy_columns_have_the_limits_of_the_policy() -> None:
    limits = {}
    for field in msgspec.inspect.type_info(Policy).fields:  # type: ignore[attr-defined]
        if isinstance(field.type, msgspec.inspect.IntType):
            limits[field.name] = (field.type.ge, field.type.le)
        elif field.name != "version":
            limits[field.name] = (None, None)
    assert {c.field: (c.low, c.high) for c in POLICY_NUMBERS} == limits
