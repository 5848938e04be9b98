"""The package has the mini-program's pages in it, or it is not made."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BUILT = "backend/miniprogram/built/index.html"
NEEDED = ("pyproject.toml", "README.md", "hatch_build.py", ".gitignore", "backend/__init__.py",
          "backend/miniprogram/__init__.py")  # fmt: skip


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """As much of a fresh clone as building looks at."""
    for name in NEEDED:
        target = tmp_path / "clone" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, target)
        else:
            target.touch()
    return tmp_path / "clone"


def build(clone: Path, what: str) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """What pip asks for (PEP 517), and the names in the wheel."""
    code = f"import sys; from hatchling.build import *; build_{what}(sys.argv[1])"
    done = subprocess.run(
        [sys.executable, "-c", code, "out"], cwd=clone, capture_output=True, text=True, check=False
    )
    names = [name for wheel in (clone / "out").glob("*.whl") for name in _names(wheel)]
    return done, names


def _names(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as found:
        return found.namelist()


@pytest.mark.parametrize("what", ["wheel", "sdist"])
def test_without_the_pages_there_is_no_package(clone: Path, what: str) -> None:
    (clone / "out").mkdir()
    done, names = build(clone, what)
    assert done.returncode == 1
    assert (done.stdout + done.stderr).strip().endswith("run `make host` first.")
    assert len((done.stdout + done.stderr).strip().splitlines()) == 1
    assert names == []


def test_the_pages_are_in_the_wheel(clone: Path) -> None:
    (clone / BUILT).parent.mkdir()
    (clone / BUILT).write_text("page")
    done, names = build(clone, "wheel")
    assert done.returncode == 0, done.stderr
    assert BUILT in names


def test_working_on_the_code_needs_no_pages(clone: Path) -> None:
    done, names = build(clone, "editable")
    assert done.returncode == 0, done.stderr
    assert [name for name in names if name.endswith(".pth")]
