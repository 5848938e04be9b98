"""The demo's people behind the desk: there once, with secrets of their folder."""

import stat
from pathlib import Path

from backend import clock
from backend.chat.duty_models import CannedReply, OnCallDuty
from backend.chat.models import BotTurn, Conversation
from backend.consortium.models import Organization
from backend.demo import conversations, on_call, staff
from backend.hub import InProcessHub
from backend.identity.access import Actor
from backend.reminders.models import FollowUp, MedicationPlan
from backend.settings import Settings
from backend.staff import accounts, sessions, totp
from backend.staff.models import Staff
from tests.people import vault_of


async def its_people_can_log_in_and_stay_who_they_are(settings: Settings, tmp_path: Path) -> None:
    await staff.load(settings, tmp_path)
    secrets = staff.secrets_of(tmp_path)
    assert stat.S_IMODE((tmp_path / staff.KEPT).stat().st_mode) == 0o600
    token = await sessions.log_in(
        settings.consortium_id,
        InProcessHub(),
        username="doctor-cai",
        password=secrets.password,
        device="",
    )
    half = await sessions.verify(settings.consortium_id, token)
    code = totp.code_at(secrets.totp_key, clock.now())
    token = await sessions.pass_second_factor(half, vault_of(settings), code=code)
    doctor = (await sessions.verify(settings.consortium_id, token)).actor
    assert doctor.may("clinic.call")
    assert doctor.practitioner_id is not None

    before = await Staff.all().order_by("id").values()
    await staff.load(settings, tmp_path)
    assert await Staff.all().order_by("id").values() == before
    operator = Actor.operator(settings.consortium_id)
    for _ in range(2):  # twice started, once on call
        await on_call.load(settings)
    assert await OnCallDuty.all().count() == 2
    assert len(await accounts.members(operator)) == len(staff.PEOPLE)


async def its_people_have_asked(settings: Settings) -> None:
    """One waits, one is being answered, one is over and rated; a second start adds nothing."""
    for _ in range(2):
        await conversations.load(settings)
        rows = await Conversation.all().order_by("state")
        assert [row.state for row in rows] == ["open", "rated", "waiting"]
    village = {row.home_id for row in rows}
    assert village == {(await Organization.get(code="WSY01")).id}
    assert await CannedReply.all().count() == len(conversations.READY)
    assert await MedicationPlan.all().count() == await FollowUp.all().count() == 1
    assert await BotTurn.all().count() > len(rows)  # the program has answered, too
