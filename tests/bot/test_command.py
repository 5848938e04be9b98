"""`jiamenkou bot …` as an author of rules meets it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from backend import bot_command
from backend.__main__ import main
from backend.bot import rules
from backend.bot.rules import FOLDER, Rules


@pytest.fixture(autouse=True)
def _loaded_once(shipped: Rules, monkeypatch: pytest.MonkeyPatch) -> None:
    def loaded(folder: Path | None) -> Rules:
        return shipped if folder is None else rules.load(folder)

    monkeypatch.setattr(bot_command, "_rules", loaded)


def jiamenkou(*arguments: str, typed: str = "") -> Result:
    return CliRunner().invoke(main, ["bot", *arguments], input=typed)


def test_check_runs_the_examples_and_says_what_is_unsigned() -> None:
    done = jiamenkou("check")
    assert done.exit_code == 0, done.output
    assert "个例子都符合" in done.output
    assert "没有医生签字" in done.output


def test_check_names_file_rule_and_field(tmp_path: Path) -> None:
    for path in FOLDER.rglob("*.yaml"):
        (tmp_path / path.name).write_text(path.read_text())
    (tmp_path / "mind.yaml").write_text(
        (FOLDER / "red_flags" / "mind.yaml").read_text().replace("level: III", "level: V")
    )
    done = jiamenkou("check", str(tmp_path))
    assert done.exit_code == 1
    assert "mind.yaml · suicide_ideation · level" in done.output


def test_explain_shows_words_rule_and_version() -> None:
    written = "我爸突然嘴歪了，没有发烧"
    done = jiamenkou("explain", written, "--json", "--age", "70", "--sex", "男")
    found = json.loads(done.output)
    (flag,) = found["triage"]["red_flags"]
    assert flag["id"] == "stroke"
    proof = next(one for one in found["triage"]["evidence"] if one["kind"] == "red_flag")
    assert written[proof["start"] : proof["end"]] == proof["text"]
    assert proof["rule_id"] == "stroke"
    assert "未经医生审核" in jiamenkou("explain", written).output


def test_ask_answers_turn_by_turn() -> None:
    turns = json.loads(jiamenkou("ask", "肚子疼", "三天了", "--json").output)
    assert len(turns) == 3
    assert turns[-1]["memory"]["slots"] == {}
    assert turns[-1]["triage"]["slots"]["duration"] == "3天"
    talked = jiamenkou("ask", typed="头晕两天\n退出\n")
    assert "不是医生" in talked.output
    assert talked.exit_code == 0
