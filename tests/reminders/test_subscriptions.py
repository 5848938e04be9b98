"""One accept is one message, however often and by whomever it is told."""

import asyncio
import dataclasses
import itertools
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from backend import clock, settings
from backend.identity.accounts import openid_index
from backend.main import create_app
from backend.reminders import subscriptions
from backend.reminders.models import Subscription
from backend.reminders.subscriptions import TITLES, Wanted, hear
from backend.settings import Secret, Settings
from backend.wechat import events
from backend.wechat.events import WechatEvent
from backend.wechat.push import Push
from backend.wechat.simulator import Account, Callback, Template, create_simulator
from tests.people import a_receipt, an_account, log_in, vault_of
from tests.serving import plain_http, serving, until

BOOKED, VISIT = "T-booked", "T-visit"
TEMPLATES = {"booked": BOOKED, "visit": VISIT}
API = "/api/v1"


def test_every_purpose_has_a_title() -> None:
    assert set(TITLES) == set(settings.PURPOSES)


class Phone:
    """One resident's phone, and WeChat behind it, told apart and in any order."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.seconds = itertools.count()

    async def arrive(self) -> "Phone":
        _, self.actor = await log_in(self.settings, "openid-phone")
        return self

    async def says(self, result: str, template_id: str = BOOKED, **facts: Any) -> None:
        receipt = facts.get("receipt") or a_receipt(self.actor)
        await subscriptions.report(self.actor, [(template_id, result)], TEMPLATES, receipt=receipt)

    def push(self, event: str, template_id: str = BOOKED, **row: str) -> Push:
        at = clock.now() + timedelta(seconds=next(self.seconds))
        details = ({"TemplateId": template_id} | row,)
        return Push("openid-phone", "event", f"subscribe_msg_{event}_event", "", "", at, details)

    async def hears(self, push: Push) -> None:
        who = openid_index(vault_of(self.settings), push.sender)
        await hear(self.settings.consortium_id, push, who)

    async def wechat_says(self, event: str, status: str) -> None:
        await self.hears(self.push(event, SubscribeStatusString=status))

    async def wanted(self) -> Wanted:
        return (await subscriptions.list_of(self.actor, TEMPLATES))[0]


@pytest.fixture
async def phone(db: None, settings: Settings, noon: clock.Hands) -> Phone:
    return await Phone(settings).arrive()


async def test_before_the_first_question_nothing_is_left(phone: Phone) -> None:
    standing = await subscriptions.list_of(phone.actor, TEMPLATES)
    assert standing == [Wanted("booked", BOOKED, 0, None), Wanted("visit", VISIT, 0, None)]


@pytest.mark.parametrize("first", ["phone", "wechat"])
async def test_phone_and_wechat_tell_of_the_same_tap(phone: Phone, first: str) -> None:
    for _ in range(2):
        told = [phone.says("accept"), phone.wechat_says("popup", "accept")]
        for one in told if first == "phone" else reversed(told):
            await one
    assert await phone.wanted() == Wanted("booked", BOOKED, 2, "accept")


async def test_either_of_them_is_enough(phone: Phone) -> None:
    await phone.says("accept")
    assert (await phone.wanted()).remaining == 1
    await phone.wechat_says("popup", "accept")
    await phone.wechat_says("popup", "accept")  # the phone lost its network before it could tell
    assert (await phone.wanted()).remaining == 2


async def test_a_refused_tap_costs_nothing_that_was_accepted(phone: Phone) -> None:
    await phone.says("accept")
    await phone.says("reject")
    assert await phone.wanted() == Wanted("booked", BOOKED, 1, "reject")


@pytest.mark.parametrize("how", ["off", "ban"])
async def test_what_is_turned_off_says_none_until_the_next_accept(phone: Phone, how: str) -> None:
    await phone.says("accept")
    await (phone.says("ban") if how == "ban" else phone.wechat_says("change", "reject"))
    assert await phone.wanted() == Wanted("booked", BOOKED, 0, how)
    await phone.says("accept")
    assert (await phone.wanted()).remaining == 2


async def test_what_wechat_has_sent_is_taken_off_and_a_failure_is_not(phone: Phone) -> None:
    await phone.says("accept")
    await phone.says("accept")
    await phone.hears(phone.push("sent", MsgID="1", ErrorCode="0", ErrorStatus="success"))
    await phone.hears(phone.push("sent", MsgID="2", ErrorCode="1", ErrorStatus="user refused"))
    assert await phone.wanted() == Wanted("booked", BOOKED, 1, "accept")
    for number in range(3):
        await phone.hears(phone.push("sent", MsgID=f"again {number}", ErrorCode="0"))
    assert (await phone.wanted()).remaining == 0


async def test_one_push_counts_once_however_often_it_comes(phone: Phone) -> None:
    push = phone.push("popup", SubscribeStatusString="accept")
    await asyncio.gather(*(phone.hears(push) for _ in range(20)))
    assert (await phone.wanted()).remaining == 1
    assert await WechatEvent.all().count() == 1


async def test_taps_that_come_at_once_are_all_counted(phone: Phone) -> None:
    await asyncio.gather(*(phone.says("accept") for _ in range(20)))
    assert (await phone.wanted()).remaining == 20


async def test_strangers_pushes_and_odd_ones_change_nothing(phone: Phone) -> None:
    stranger = dataclasses.replace(
        phone.push("popup", SubscribeStatusString="accept"), sender="openid-nobody"
    )
    long = phone.push("popup", "x" * 65, SubscribeStatusString="accept")
    nameless = phone.push("popup", "", SubscribeStatusString="accept")
    chat = dataclasses.replace(stranger, kind="text", message_id="7")
    for push in (stranger, long, nameless, chat):
        await phone.hears(push)
    assert not await Subscription.exists()
    assert await WechatEvent.all().count() == 3


async def test_a_template_that_nobody_was_asked_for_is_refused(phone: Phone) -> None:
    with pytest.raises(subscriptions.Malformed):
        await phone.says("accept", "T-else")
    assert not await Subscription.exists()


async def test_ones_own_and_nobody_elses(phone: Phone, settings: Settings) -> None:
    other = await an_account(settings)
    await phone.says("accept")
    assert [one.remaining for one in await subscriptions.list_of(other, TEMPLATES)] == [0, 0]


async def test_old_events_are_forgotten_and_what_they_counted_stays(
    phone: Phone, noon: clock.Hands
) -> None:
    await phone.wechat_says("popup", "accept")
    noon.move(events.KEPT + timedelta(seconds=1))
    assert await events.sweep() == 1
    assert (await phone.wanted()).remaining == 1


async def test_a_tap_on_the_sheet_reaches_us_both_ways_and_counts_once(
    db: None, settings: Settings
) -> None:
    wired = dataclasses.replace(
        settings,
        wechat_push_token=Secret("push-token"),
        wechat_push_aes_key=Secret("A" * 43),
        wechat_templates=(f"booked:{BOOKED}",),
    )
    async with serving(create_app(wired)) as told:
        account = Account(
            appid=wired.wechat_appid,
            secret=wired.wechat_secret.reveal(),
            templates={BOOKED: Template(fields=("thing1",))},
            callback=Callback(
                url=f"{told}/wechat/push", token=wired.wechat_push_token, aes_key="A" * 43
            ),
        )
        async with serving(create_simulator(account)) as wechat, plain_http() as http:
            app = create_app(dataclasses.replace(wired, wechat_base_url=wechat))
            async with serving(app) as url:
                sim = f"{wechat}/_sim"
                code = (await http.post(f"{sim}/login", json={"user": "wang"})).json()["code"]
                login = await http.post(f"{url}{API}/login/wechat", json={"code": code})
                who = {"authorization": f"Bearer {login.json()['token']}"}
                asked = (await http.get(f"{url}{API}/me/subscriptions", headers=who)).json()
                assert asked["items"] == [
                    {"purpose": "booked", "title": "预约成功通知", "template_id": BOOKED,
                     "remaining": 0, "answer": None}
                ]  # fmt: skip
                tap = {"user": "wang", "template_id": BOOKED, "result": "accept"}
                await http.post(f"{sim}/subscribe", json=tap)
                form = {"items": [{"template_id": BOOKED, "result": "accept"}]}
                key = who | {"idempotency-key": uuid4().hex}
                for _ in range(2):
                    answer = await http.post(f"{url}{API}/me/subscriptions", json=form, headers=key)
                    assert answer.json()["items"][0]["remaining"] == 1, answer.text

                async def settled() -> bool:
                    return bool(await Subscription.filter(accepted_by_wechat=1).count())

                await until(settled)
                row = await Subscription.get()
                assert (row.accepted_by_phone, row.accepted_by_wechat) == (1, 1)
