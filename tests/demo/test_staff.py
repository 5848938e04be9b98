"""The demo's people behind the desk: secrets of their folder. See test_county for the rest."""

from pathlib import Path

from backend.demo import staff


def test_two_folders_have_other_secrets(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    assert staff.secrets_of(tmp_path) != staff.secrets_of(tmp_path / "b")
    assert staff.secrets_of(tmp_path) == staff.secrets_of(tmp_path)
