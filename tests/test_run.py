"""The runner of `make test`: how much at once, and what it says and returns in the end."""

import sys
from pathlib import Path

import pytest

from tests import run
from tests.engines import Engine
from tests.run import Suite

# Notes its beginning and its end, and writes the report of one test.
SCRIPT = """
import pathlib, sys
log, report, ends_with, failures = sys.argv[1:]
name = pathlib.Path(report).stem
note = lambda what: pathlib.Path(log).open("a").write(f"{what} {name}\\n")
note("begin")
pathlib.Path(report).write_text(f'<testsuite tests="3" failures="{failures}" skipped="1"/>')
print(f"===== {name}: 3 tests in 0.1s =====")
note("end")
sys.exit(int(ends_with))
"""
HERE = Engine("somewhere", "已在运行")
GONE = Engine(None, "没有安装")
ALL = dict.fromkeys(run.TESTED_BY, HERE)


def a_suite(folder: Path, name: str, *, ends_with: int = 0, failures: int = 0) -> Suite:
    report = folder / f"{name}.xml"
    command = [sys.executable, "-c", SCRIPT, str(folder / "log"), str(report), str(ends_with)]
    return Suite(name, [*command, str(failures)], folder / f"{name}.txt", report)


def test_no_more_at_once_than_a_small_machine_bears(
    tmp_path: Path,
    capfdbinary: pytest.CaptureFixture[bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(run, "SIDE_BY_SIDE", 2)
    names = ["sqlite", "postgres", "browser", "apart", "vitest"]
    suites = [a_suite(tmp_path, name) for name in names]
    run._start_more(suites)
    assert [suite.name for suite in suites if suite.process] == names[:2]
    run._follow(suites, 60.0)
    at_once, most = 0, 0
    for line in (tmp_path / "log").read_text().splitlines():
        at_once += 1 if line.startswith("begin") else -1
        most = max(most, at_once)
    assert most <= 2
    assert not [suite.name for suite in suites if suite.has_failed]
    shown = capfdbinary.readouterr().out.decode()
    assert shown.index("sqlite: 3 tests") < shown.index("=== browser ===")


def test_a_checkout_is_new_until_its_tests_are_compiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "ROOT", tmp_path)
    compiled = tmp_path / "tests" / "__pycache__"
    compiled.mkdir(parents=True)
    assert run.is_new()
    (compiled / "test_run.cpython-311-pytest-9.2.0.pyc").touch()
    assert not run.is_new()


def test_a_suite_that_hangs_is_ended_and_counts_as_failed(tmp_path: Path) -> None:
    hanging = a_suite(tmp_path, "sqlite")
    hanging.command = [sys.executable, "-c", "import time; time.sleep(600)"]
    never = [a_suite(tmp_path, name) for name in ("postgres", "vitest")]
    hanging.start()
    run._follow([hanging, *never], 0.0)
    assert not hanging.is_running
    assert run._sum_up([hanging, *never], ALL, ci=False, began=0.0) == 1


def ended(folder: Path, **suites: dict[str, int]) -> list[Suite]:
    found = [a_suite(folder, name, **outcome) for name, outcome in suites.items()]
    run._follow(found, 60.0)
    return found


def test_the_sum_is_over_all_suites(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    suites = ended(tmp_path, sqlite={}, postgres={}, vitest={}, browser={})
    capsys.readouterr()
    assert run._sum_up(suites, ALL, ci=True, began=0.0) == 0
    said = capsys.readouterr().out.splitlines()
    assert "Chromium: 已测 / tested(已在运行)" in said
    assert "vitest: ===== vitest: 3 tests in 0.1s =====" in said
    assert said[-1] == "8 passed, 0 failed"
    assert said[-2].endswith(" s, 4 skipped")


@pytest.mark.parametrize("gone", ["PostgreSQL", "Node", "Chromium"])
def test_what_is_missing_is_said_and_fails_only_in_ci(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], gone: str
) -> None:
    suites = ended(tmp_path, **{name: {} for name in run.TESTED_BY.values()} | {"sqlite": {}})
    suites = [suite for suite in suites if suite.name != run.TESTED_BY[gone]]
    engines = ALL | {gone: GONE}
    assert run._sum_up(suites, engines, ci=False, began=0.0) == 0
    assert f"{gone}: 未测 / not tested(没有安装)" in capsys.readouterr().out
    assert run._sum_up(suites, engines, ci=True, began=0.0) == 1
    assert f"CI=true 时必须有 {gone}" in capsys.readouterr().out


@pytest.mark.parametrize("outcome", [{"failures": 1, "ends_with": 1}, {"ends_with": 3}])
def test_one_failing_suite_fails_the_whole(tmp_path: Path, outcome: dict[str, int]) -> None:
    suites = ended(tmp_path, sqlite={}, browser=outcome)
    assert run._sum_up(suites, ALL, ci=False, began=0.0) == 1


def test_arguments_are_for_the_databases(tmp_path: Path) -> None:
    found = run._databases(tmp_path, ALL, ["-m", "not soak", "-k", "one"], whole=False)
    assert [suite.name for suite in found] == ["postgres", "sqlite"]
    assert all("one" in suite.command for suite in found)
    assert "--part" not in found[0].command


def test_the_whole_has_all_that_can_be_had(tmp_path: Path) -> None:
    found = run._databases(tmp_path, ALL, [], whole=True) + run._others(tmp_path, ALL, [], [])
    assert [suite.name for suite in found] == ["postgres", "sqlite", "browser", "apart", "vitest"]
    gone = dict.fromkeys(run.TESTED_BY, GONE)
    found = run._databases(tmp_path, gone, [], whole=True) + run._others(tmp_path, gone, [], [])
    assert [suite.name for suite in found] == ["sqlite", "apart"]
