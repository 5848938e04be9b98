"""What make says before there is any Python to say it."""

import subprocess
from pathlib import Path

from tests.processes import ROOT


def test_a_python_too_old_is_one_sentence(tmp_path: Path) -> None:
    for name in ("Makefile", "pyproject.toml", "requirements", "miniprogram_stub"):
        (tmp_path / name).symlink_to(ROOT / name)
    done = subprocess.run(
        ["make", "demo", "PYTHON=false"],
        cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode
    said = [line for line in done.stderr.splitlines() if not line.startswith("make")]
    assert len(said) == 1
    assert "Python 3.11" in said[0]
    assert not (tmp_path / ".venv").exists()
