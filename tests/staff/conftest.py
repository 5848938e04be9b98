"""Quick hashes: what a password costs is not what is tested here."""

import pytest
from argon2 import PasswordHasher

from backend.staff import passwords


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "hasher", PasswordHasher(1, 8, 1))
