"""Files that nobody has seen: every shape is read, what can't be is named, nothing raises."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from backend.__main__ import main
from backend.bot import datasets, departments, evaluating
from backend.bot.evaluating import Share
from backend.bot.rules import Rules

CANONICAL = {"骨科": "外科系", "皮肤科": "皮肤科", "儿科": "儿科", "眼科": "五官"}


def write(path: Path, header: str, *rows: tuple[Any, ...]) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows([header.split(), *rows])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    raw = {"骨伤科": "骨科", "皮肤性病科": "皮肤科", **{name: name for name in CANONICAL}}
    (tmp_path / "departments.json").write_text(
        json.dumps({"canonical": CANONICAL, "raw_to_canonical": raw}), encoding="utf-8"
    )
    write(
        tmp_path / "heldout.csv",
        "id question department source age_band",
        (1, "膝盖疼，上下楼更疼", "骨科", "toyhom_sample", ""),
        (2, "身上起红疹，很痒", "皮肤科", "a new place", ""),
        (3, "发烧两天，不肯吃东西", "儿科", "a new place", "0+"),
    )
    write(tmp_path / "train.csv", "question department source", ("牙疼", "骨科", "x"))
    write(
        tmp_path / "guide_heldout.csv",
        "query gold",
        ("脚崴了肿起来", "骨伤科|儿科"),
        ("眼睛红", "眼科"),
        ("问一下", "没有这个科"),
    )
    (tmp_path / "more.json").write_text(
        json.dumps([{"text": "皮肤过敏起包", "right": ["皮肤性病科", "儿科"], "n": 1}]),
        encoding="utf-8",
    )
    write(tmp_path / "intent_x.csv", "question intent", ("做个肠镜多少钱", "price"))
    (tmp_path / "vignettes.json").write_text(
        json.dumps(
            [
                {"id": "a", "patient_zh": "突然胸口压着疼，冒冷汗，喘不上气", "emergency": True},
                {"id": "b", "text_zh": "手上长了个小疣", "emergency": False},
                {"id": "c", "text_zh": "化验单异常", "emergency": None},
                {"id": "d", "text_zh": "要看化验", "emergency": True,
                 "exclude_from_emergency_metric": True},
            ]
        ),
        encoding="utf-8",
    )  # fmt: skip
    write(
        tmp_path / "negation.csv",
        "sentence start end status",
        ("没有咳嗽", 2, 4, "absent"),
        ("１２岁，咳嗽", 4, 6, "present"),
    )
    write(tmp_path / "stream_b.csv", "id question", (1, "痘痘怎么办"), (2, ""))
    (tmp_path / "broken.json").write_text("{", encoding="utf-8")
    (tmp_path / "latin.csv").write_bytes("question,department\n\xe9,x".encode("latin-1"))
    write(tmp_path / "what.csv", "a b", (1, 2))
    return tmp_path


def test_every_file_is_read_or_named(folder: Path, shipped: Rules) -> None:
    data = datasets.read(folder)
    assert [one.source for one in data.labelled] == ["toyhom_sample", "a new place", "a new place"]
    assert data.labelled[2].person.age_months == 5 * 12
    assert [one.departments for one in data.guided] == [
        {"骨科", "儿科"},
        {"眼科"},
        {"皮肤科", "儿科"},
    ]
    assert [(one.name, one.is_emergency) for one in data.vignettes] == [("a", True), ("b", False)]
    assert data.streams == {"stream_b": ["痘痘怎么办"]}
    assert sorted(fault.split("：")[0] for fault in data.faults) == [
        "broken.json", "guide_heldout.csv", "latin.csv", "what.csv"
    ]  # fmt: skip
    assert [evaluating.status_of(shipped, one) for one in data.mentions] == ["absent", "present"]


def test_departments_are_known_by_their_names_without_a_list(folder: Path, shipped: Rules) -> None:
    (folder / "departments.json").unlink()
    data = datasets.read(folder, departments.names(shipped))
    assert [one.departments for one in data.guided][:2] == [{"骨科", "儿科"}, {"眼科"}]


def test_the_figures_stand_under_the_names_that_were_agreed(folder: Path, shipped: Rules) -> None:
    result = evaluating.evaluate(shipped, datasets.read(folder))
    found = evaluating.as_json(result)
    assert set(found) == {
        "department", "guide", "intent", "red_flags", "alert_rate", "negation", "latency_us"
    }  # fmt: skip
    assert set(found["department"]) == {"pooled", "by_source", "left_out_mean"}
    assert found["department"]["by_source"]["toyhom_sample"]["top3"] == 1
    assert set(found["guide"]) == {"top1_in_gold", "top3_in_gold"}
    assert found["red_flags"]["sensitivity"] == {"hit": 1, "of": 1}
    assert found["red_flags"]["specificity"] == {"hit": 1, "of": 1}
    assert found["negation"] == {"f1_absent": 1}
    assert found["alert_rate"] == {"stream_b": 0}
    assert 0 < found["latency_us"]["p50"] <= found["latency_us"]["p99"]
    assert any("a new place" in note and "unseen" in note for note in result.notes)


def test_the_command_prints_a_table_or_json(folder: Path, tmp_path: Path) -> None:
    run = CliRunner().invoke(main, ["bot", "evaluate", str(folder), "--json"])
    assert run.exit_code == 0, run.output
    assert json.loads(run.output)["intent"]["accuracy"] == 1
    run = CliRunner().invoke(main, ["bot", "evaluate", str(folder)])
    assert "broken.json" in run.output
    assert "Wilson" in run.output
    empty = tmp_path / "empty"
    empty.mkdir()
    for path in (empty, tmp_path / "nowhere"):
        run = CliRunner().invoke(main, ["bot", "evaluate", str(path)])
        assert run.exit_code == 1
        assert "Traceback" not in run.output


def test_a_left_out_source_is_measured_without_what_it_taught(shipped: Rules) -> None:
    stranger = evaluating.without(shipped, "toyhom_sample")
    assert stranger is not None
    assert stranger.version != shipped.version
    assert evaluating.without(shipped, "../rules/x") is None


def test_an_interval_of_eleven_of_eleven_begins_far_below_one() -> None:
    assert Share(11, 11).wilson()[0] == pytest.approx(0.741, abs=0.001)
    assert Share(0, 0).value is None
