"""The order of a draw: anybody recomputes it, nobody bends it."""

import json
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from backend.__main__ import main
from backend.draw.lottery import LOST, WON, Published, Result, faults, order, seed_hash

SEED = "5e" * 32
CODES = [f"{number:012x}" for number in range(40)]


def a_result(places: int = 10, seed: str = SEED) -> Published:
    ranked = order(seed, CODES)
    results = [
        Result(rank, code, WON if rank <= places else LOST)
        for rank, code in enumerate(ranked, start=1)
    ]
    return Published(seed_hash(seed), seed, places, results)


def test_a_true_result_holds() -> None:
    assert faults(a_result()) == []


def test_the_order_is_as_documented() -> None:
    """Written down once: a changed rule would make published draws fail their check."""
    assert order("00" * 32, ["b", "a", "c"]) == order("00" * 32, ["c", "b", "a"])
    assert order(SEED, CODES)[:3] == ["000000000002", "000000000016", "00000000001b"]


@given(st.sets(st.text("0123456789abcdef", min_size=12, max_size=12), max_size=40), st.binary(
    min_size=32, max_size=32))  # fmt: skip
def test_everybody_is_drawn_once(codes: set[str], seed: bytes) -> None:
    assert sorted(order(seed.hex(), codes)) == sorted(codes)


def test_one_more_entry_stirs_everybody() -> None:
    before, after = order(SEED, CODES), order(SEED, [*CODES, "ffffffffffff"])
    assert [code for code in after if code != "ffffffffffff"] != before


def swapped(found: Published) -> Published:
    first, second, *rest = found.results
    return msgspec.structs.replace(
        found, results=[Result(1, second.code, WON), Result(2, first.code, WON), *rest]
    )


def passed_over(found: Published) -> Published:
    first, *rest = found.results
    return msgspec.structs.replace(found, results=[Result(1, first.code, LOST), *rest])


WRONGS = {
    "another seed": lambda found: msgspec.structs.replace(found, seed="ab" * 32),
    "no seed": lambda found: msgspec.structs.replace(found, seed=None),
    "no number": lambda found: msgspec.structs.replace(found, seed="not hexadecimal"),
    "swapped": swapped,
    "somebody left out": lambda found: msgspec.structs.replace(found, results=found.results[1:]),
    "too many": lambda found: msgspec.structs.replace(found, places=9),
    "passed without a reason": passed_over,
    "places kept back": lambda found: msgspec.structs.replace(found, places=11),
}


@pytest.mark.parametrize("name", WRONGS)
def test_a_bent_result_does_not(name: str) -> None:
    assert faults(WRONGS[name](a_result()))


def test_whoever_is_passed_has_a_reason() -> None:
    found = a_result()
    first, *rest = found.results
    results = [Result(1, first.code, LOST, "day-limit"), *rest]
    results[10] = Result(11, results[10].code, WON)
    assert faults(msgspec.structs.replace(found, results=results)) == []


def test_the_command_checks_a_file(tmp_path: Path) -> None:
    path = tmp_path / "draw.json"
    path.write_bytes(msgspec.json.encode(a_result()))
    good = CliRunner().invoke(main, ["verify-draw", str(path)])
    assert good.exit_code == 0, good.output
    assert "40 人报名，10 个号，中签 10 人" in good.output
    path.write_bytes(msgspec.json.encode(swapped(a_result())))
    bad = CliRunner().invoke(main, ["verify-draw", str(path)])
    assert bad.exit_code != 0
    assert "名次与按种子重新计算的结果不同" in bad.output
    for nonsense in ("{}", "[]", "no", json.dumps({"results": 1})):
        path.write_text(nonsense)
        assert CliRunner().invoke(main, ["verify-draw", str(path)]).exit_code != 0


def test_bots_win_no_more_than_their_identities() -> None:
    """200 bots hold 50 identities among 2,050; over 400 draws of 100 places their share of places
    is their share of identities, within three standard deviations."""
    people = [f"{number:012x}" for number in range(2050)]
    bots = set(people[:50])
    draws, places = 400, 100
    won = sum(
        code in bots for number in range(draws) for code in order(f"{number:064x}", people)[:places]
    )
    share, fair = won / (draws * places), 50 / 2050
    deviation = (fair * (1 - fair) / (draws * places)) ** 0.5
    assert abs(share - fair) < 3 * deviation
    assert share <= fair + 0.02
