"""Loading: everything is checked at once, a version is its content, a reload is all or nothing."""

from pathlib import Path

import pytest

from backend.bot import learned
from backend.bot.rules import Rules, RulesError, load, read
from backend.bot.shelf import KEPT_MOST, Shelf

SOUND = """
shared: {version: 1, source: [a book], reviewed_by: "", effective_from: 2026-12-01}
lists: {chest: [胸口, 心口]}
signs:
  - {id: sweat, name: 出汗, phrases: [出冷汗]}
red_flags:
  - id: chest_pain
    name: 胸口疼
    level: II
    calls_120: true
    deed: 请拨打 120。
    ask: 现在胸口还疼吗？
    phrases: [<chest>…疼]
    when: [{all: [sweat]}]
    positive: [胸口一直疼]
    negative: [没有胸口疼]
"""
WRONG = """
shared: {version: 1, source: [], reviewed_by: "", effective_from: 2026-12-01}
red_flags:
  - id: no_example
    name: 胸口疼
    level: II
    calls_120: true
    deed: 请拨打 120。
    ask: 还疼吗？
    source: [a book]
    phrases: [<nowhere>疼]
    when: [{all: [nothing]}]
    positive: [疼]
    negative: []
  - {id: Bad Id, level: V}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "one.yaml").write_text(SOUND)
    (tmp_path / "cues.csv").write_text("cue,kind,reach\n没有,absent,8\n")
    (tmp_path / "departments.csv").write_text("term,department,weight\n胸口,心血管内科,2\n")
    return tmp_path


def test_rules_come_back_from_their_blob_with_the_same_version(folder: Path) -> None:
    rules = load(folder)
    again = read(rules.blob)
    assert again.version == rules.version
    assert [rule.id for _, rule in again.every()] == ["chest_pain"]
    assert again.tables["departments"].column("department") == ("心血管内科",)
    assert not again.signed


def test_every_fault_is_said_with_file_rule_and_field(folder: Path) -> None:
    (folder / "two.yaml").write_text(WRONG)
    (folder / "three.yaml").write_text("rules: [")
    (folder / "four.yaml").write_text("signs: []\nsurprise: 1")
    (folder / "five.csv").write_text("word\n疼\n")
    (folder / "cues.csv").write_text("cue,kind,reach\n没有,absent,many\n没,nothing,1\n无,absent\n")
    with pytest.raises(RulesError) as caught:
        load(folder)
    found = {(fault.file, fault.rule, fault.field) for fault in caught.value.faults}
    assert ("two.yaml", "no_example", "negative") in found
    assert ("two.yaml", "Bad Id", "id") in found or ("two.yaml", "Bad Id", "source") in found
    assert ("three.yaml", "", "") in found
    assert ("four.yaml", "", "surprise") in found
    assert ("five.csv", "", "term") in found
    assert ("cues.csv", "第 4 行", "") in found


def test_only_what_has_changed_is_made_again(folder: Path) -> None:
    (folder / "learned_intents.csv").write_text("term,idf,a b\n@bias,0,1 2\n胸口,3,4 5\n")
    first = load(folder)
    (folder / "departments.csv").write_text("term,department,weight\n心口,心血管内科,2\n")
    second = load(folder)
    assert second.phrases is first.phrases
    assert learned.of(second) is learned.of(first)
    found = [rules.matcher.find("胸口和心口疼") for rules in (first, second)]
    assert found[0].pop("departments") == [(0, 0, 2)]
    assert found[1].pop("departments") == [(0, 3, 5)]
    assert found[0] == found[1]

    (folder / "one.yaml").write_text(SOUND.replace("[出冷汗]", "[出冷汗, 冒汗]"))
    third = load(folder)
    assert third.phrases.terms == [*second.phrases.terms[:1], "冒汗", *second.phrases.terms[1:]]


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("[<chest>…疼]", "[<nowhere>…疼]", "phrases"),
        ("[<chest>…疼]", "[(疼]", "phrases"),
        ("{all: [sweat]}", "{all: [nothing]}", "when[0]"),
        ("{all: [sweat]}", "{near: 3}", "when[0]"),
        ("positive: [胸口一直疼]", "positive: []", "positive"),
        ("    negative: [没有胸口疼]\n", "", "negative"),
        ("ask:", "asked:", "asked"),
        ("2026-12-01", "soon", "effective_from"),
    ],
)
def test_one_slip_and_the_rules_do_not_load(folder: Path, old: str, new: str, field: str) -> None:
    assert old in SOUND
    (folder / "one.yaml").write_text(SOUND.replace(old, new))
    with pytest.raises(RulesError) as caught:
        load(folder)
    assert field in {fault.field for fault in caught.value.faults}


def test_what_was_stored_may_be_broken() -> None:
    with pytest.raises(RulesError):
        read(b"nonsense")


def test_a_reload_is_all_or_nothing_and_old_versions_stay_a_while(folder: Path) -> None:
    shelf = Shelf(folder)
    first = shelf.current
    assert not shelf.reload()

    (folder / "one.yaml").write_text(SOUND + "# seen, and not taken yet\n")
    found = shelf.look()
    assert found is not None
    assert shelf.current is first
    shelf.take(found)
    assert (shelf.current, shelf.look()) == (found, None)
    (folder / "one.yaml").write_text(SOUND)
    assert shelf.reload()
    assert shelf.current is first

    (folder / "one.yaml").write_text("red_flags: [{}]")
    with pytest.raises(RulesError):
        shelf.reload()
    assert shelf.current is first

    for number in range(KEPT_MOST + 1):
        (folder / "one.yaml").write_text(SOUND + f"# {number}\n")
        assert shelf.reload()
    assert shelf.get(first.version) is None
    assert shelf.put(first.blob).version == first.version
    assert isinstance(shelf.get(first.version), Rules)
    assert shelf.current.version != first.version
