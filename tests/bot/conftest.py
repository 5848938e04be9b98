import pytest

from backend.bot import rules
from backend.bot.rules import Rules


@pytest.fixture(scope="session")
def shipped() -> Rules:
    """The rules that the project brings, as in a demo."""
    return rules.load(unsigned_allowed=True)
