"""`jiamenkou staff`, as an operator meets it."""

import io
import re

import pytest
from rich.console import Console

from backend import clock, staff_command
from backend import db as database
from backend.hub import InProcessHub
from backend.refused import Refused
from backend.settings import Settings
from backend.staff import sessions

FIRST = {
    "name": "方静", "username": "FangJing", "role": "consortium_admin", "organization": None,
    "doctor": None,
}  # fmt: skip
ONE_TIME = re.compile(r"[a-z2-9]{4}(?:-[a-z2-9]{4}){3}")


class Shown(Console):
    def __init__(self) -> None:
        super().__init__(file=io.StringIO(), width=100)

    @property
    def text(self) -> str:
        assert isinstance(self.file, io.StringIO)
        return self.file.getvalue()


@pytest.fixture
async def shut(db: None) -> None:
    """A fresh database that nobody has open: each command opens and closes it itself."""
    await database.disconnect()


async def test_the_first_administrator_gets_in(
    settings: Settings, shut: None, noon: clock.Hands
) -> None:
    shown = Shown()
    await staff_command.add(settings, shown, **FIRST)  # type: ignore[arg-type]
    (one_time,) = ONE_TIME.findall(shown.text)
    assert settings.public_url in shown.text
    await staff_command.reset(settings, shown, "fangjing")
    _, renewed = ONE_TIME.findall(shown.text)
    assert renewed != one_time
    listed = Shown()
    await staff_command.show(settings, listed)
    assert "还没有登录过" in listed.text
    assert "医共体管理员 · 整个医共体" in listed.text
    assert not ONE_TIME.search(listed.text)

    await database.connect(settings)
    token = await sessions.log_in(
        settings.consortium_id, InProcessHub(), username="fangjing", password=renewed, device=""
    )
    login = await sessions.verify(settings.consortium_id, token)
    assert login.must_change
    assert not login.enrolled


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"organization": "NOWHERE", "role": "auditor"}, "没有编码为「NOWHERE」的机构"),
        ({"role": "institution_admin"}, "请选择机构"),
        ({"username": "方静"}, "小写字母开头"),
    ],
)
async def test_a_mistake_is_a_sentence(
    settings: Settings, shut: None, facts: dict[str, str], why: str
) -> None:
    with pytest.raises(Refused, match=why):
        await staff_command.add(settings, Shown(), **(FIRST | facts))  # type: ignore[arg-type]


async def test_nobody_of_that_name(settings: Settings, shut: None) -> None:
    with pytest.raises(Refused, match="没有这个用户名"):
        await staff_command.reset(settings, Shown(), "nobody")
