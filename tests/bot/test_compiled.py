"""Compiled modules: never older than the sources, never another decision, never needed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from backend.bot import compiled, compiling
from tests.processes import ROOT

LIBRARY = compiled.LIBRARY.rpartition(".")[2]
IS_USED = "from backend.bot import compiled; print(compiled.is_used())"


def copied(folder: Path) -> Path:
    """The bot's sources, with empty modules in the place of what was compiled from them."""
    bot = folder / "backend" / "bot"
    bot.mkdir(parents=True)
    shutil.copy(ROOT / "backend" / "__init__.py", bot.parent)
    for path in compiled.SOURCES.glob("*.py"):
        shutil.copy(path, bot)
    built = bot / "built" / compiled.digest(bot)
    built.mkdir(parents=True)
    (built / f"triage{compiled.EXTENSION_SUFFIXES[0]}").touch()
    (built / f"{LIBRARY}.py").touch()
    return bot


def is_used(folder: Path) -> bool:
    done = subprocess.run(
        [sys.executable, "-c", IS_USED],
        cwd=folder, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return {"True\n": True, "False\n": False}[done.stdout]


def test_after_a_change_in_any_module_the_sources_run(tmp_path: Path) -> None:
    bot = copied(tmp_path)
    assert is_used(tmp_path)
    for name in ("triage.py", "talk.py", "compiling.py"):
        source = bot / name
        before = source.read_bytes()
        source.write_bytes(before + b"\n")
        assert not is_used(tmp_path), name
        source.write_bytes(before)
    (bot / "more.py").touch()
    assert not is_used(tmp_path)
    (bot / "more.py").unlink()
    assert is_used(tmp_path)


def test_a_system_that_cannot_load_it_runs_the_sources(tmp_path: Path) -> None:
    (built,) = (copied(tmp_path) / "built").iterdir()
    (built / f"{LIBRARY}.py").unlink()
    (built / f"{LIBRARY}{compiled.EXTENSION_SUFFIXES[0]}").write_bytes(b"of another system")
    assert not is_used(tmp_path)


def test_another_python_has_another_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    before = compiled.digest(compiled.SOURCES)
    monkeypatch.setattr(compiled, "EXTENSION_SUFFIXES", [".cpython-399-x86_64-linux-gnu.so"])
    assert compiled.digest(compiled.SOURCES) != before


@pytest.fixture
def nothing_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for module in (compiled, compiling):
        monkeypatch.setattr(module, "BUILT", tmp_path / "built")
    return tmp_path / "built"


@pytest.mark.parametrize("gone", ["cc", "mypyc"])
def test_what_is_missing_is_said_and_stops_nobody(
    nothing_built: Path,
    gone: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if gone == "cc":
        monkeypatch.setattr(shutil, "which", lambda name: None)
    else:
        monkeypatch.setattr(compiling, "find_spec", lambda name: None)
    assert compiling.main() == 0
    assert "照样能用" in capsys.readouterr().err
    assert not nothing_built.exists()


@pytest.mark.parametrize("same", [True, False])
def test_only_what_decides_as_the_sources_do_is_kept(
    nothing_built: Path, same: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(folder: Path, function: str, timeout_s: float) -> bytes:
        if function == "compile_here":
            (folder / "backend" / "bot" / "triage.abi.so").touch()
        return b"" if same else str(folder).encode()

    monkeypatch.setattr(compiling, "_python", run)
    monkeypatch.setattr(compiling, "_missing", lambda: None)
    old = nothing_built / ("0" * compiled.DIGITS)
    old.mkdir(parents=True)
    assert compiling.main() == (0 if same else 1)
    found = compiled.folder()
    assert (found is not None) is same
    assert old.exists() is not same
    if found:
        assert [path.name for path in found.iterdir()] == ["triage.abi.so"]
    assert list(nothing_built.glob("making-*")) == []


def test_what_goes_wrong_is_said_and_leaves_nothing(
    nothing_built: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = compiling._python
    monkeypatch.setattr(compiling, "_python", lambda folder, _, most_s: run(folder, "gone", most_s))
    monkeypatch.setattr(compiling, "_missing", lambda: None)
    assert compiling.main() == 1
    said = capsys.readouterr().err
    assert "no attribute 'gone'" in said
    assert "照样能用" in said
    assert list(nothing_built.iterdir()) == []


def test_where_nothing_can_be_written_nothing_is_compiled(
    nothing_built: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    nothing_built.touch()
    monkeypatch.setattr(compiling, "_missing", lambda: None)
    assert compiling.main() == 1
    assert "照样能用" in capsys.readouterr().err
