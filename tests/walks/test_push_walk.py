"""A tap on WeChat's subscription sheet reaches us signed and encrypted, and counts once."""

import dataclasses

from backend.main import create_app
from backend.settings import Secret, Settings
from backend.wechat.events import WechatEvent
from backend.wechat.simulator import Account, Callback, Template, create_simulator
from tests.serving import plain_http, serving, until

TEMPLATE = "T-visit"


async def test_an_accepted_subscription_is_kept_once(db: None, settings: Settings) -> None:
    wired = dataclasses.replace(
        settings, wechat_push_token=Secret("push-token"), wechat_push_aes_key=Secret("A" * 43)
    )
    async with serving(create_app(wired)) as url:
        account = Account(
            appid=wired.wechat_appid,
            secret=wired.wechat_secret.reveal(),
            templates={TEMPLATE: Template(fields=("thing1",))},
            callback=Callback(
                url=f"{url}/wechat/push", token=wired.wechat_push_token, aes_key="A" * 43
            ),
        )
        async with serving(create_simulator(account)) as wechat, plain_http() as phone:
            tap = {"user": "wang", "template_id": TEMPLATE, "result": "accept"}
            await phone.post(f"{wechat}/_sim/login", json={"user": "wang"})
            assert (await phone.post(f"{wechat}/_sim/subscribe", json=tap)).status_code == 200

            async def kept() -> bool:
                return await WechatEvent.all().count() == 1

            await until(kept)
            row = await WechatEvent.get()
            assert row.event == "subscribe_msg_popup_event"
            assert "openid" not in str(row.details)
            forged = await phone.post(f"{url}/wechat/push?timestamp=1&nonce=2", content=b"{}")
            assert forged.status_code == 403
            elsewhere = {"host": "evil.example"}
            assert (await phone.get(f"{url}/wechat/push", headers=elsewhere)).status_code == 400


async def test_without_keys_there_is_no_door(db: None, settings: Settings) -> None:
    async with serving(create_app(settings)) as url, plain_http() as http:
        assert (await http.get(f"{url}/wechat/push")).status_code == 404
