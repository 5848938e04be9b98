"""订阅: which messages a resident wants on WeChat, and how many WeChat still lets us send.

One accept is one message. The tap is told by the phone at once, and by WeChat in a signed push;
each may be lost or late. So both are counted apart, the greater number is believed, and what WeChat
reports as sent is taken off.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog
from tortoise.exceptions import IntegrityError

from backend import clock, db
from backend.errors import Malformed
from backend.identity.access import Actor
from backend.identity.models import Account
from backend.ids import new_id
from backend.receipts import Receipt
from backend.reminders.models import Subscription
from backend.wechat import events
from backend.wechat.push import Push

log = structlog.get_logger()

TITLES = {"booked": "预约成功通知", "changed": "预约变更通知", "visit": "就诊提醒"}
TEMPLATE_ID_MOST = 64
OFF = "off"  # turned off in WeChat's own settings
SILENT = (OFF, "ban")  # nothing arrives, whatever was accepted before

COUNT = """
INSERT INTO subscription (id, consortium_id, account_id, template_id, accepted_by_phone,
  accepted_by_wechat, spent, answer, answered_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (account_id, template_id) DO UPDATE SET
  accepted_by_phone = subscription.accepted_by_phone + $5,
  accepted_by_wechat = subscription.accepted_by_wechat + $6,
  spent = subscription.spent + $7,
  answer = COALESCE(NULLIF($8, ''), subscription.answer), answered_at = $9
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A template that residents are asked for; `answer` is their latest, None before the first."""

    purpose: str
    template_id: str
    remaining: int
    answer: str | None


async def list_of(actor: Actor, templates: Mapping[str, str]) -> list[Wanted]:
    """Every template in use (`templates`: purpose → id), and how it stands with the account."""
    rows = await Subscription.filter(
        account_id=actor.account_id, template_id__in=list(templates.values())
    )
    known = {row.template_id: row for row in rows}
    return [
        Wanted(purpose, template_id, _remaining(row), (row.answer or None) if row else None)
        for purpose, template_id in templates.items()
        for row in [known.get(template_id)]
    ]


def _remaining(row: Subscription | None) -> int:
    if row is None or row.answer in SILENT:
        return 0
    return max(0, max(row.accepted_by_phone, row.accepted_by_wechat) - row.spent)


async def report(
    actor: Actor,
    answers: Sequence[tuple[str, str]],
    templates: Mapping[str, str],
    *,
    receipt: Receipt,
) -> list[Wanted]:
    """What the phone says about one tap: (template id, accept|reject|ban|filter) each.

    Raises:
        Malformed: a template that nobody was asked for.
    """
    if not {template_id for template_id, _ in answers} <= set(templates.values()):
        raise Malformed("没有这个消息模板，请重新打开小程序再试。", field="items")
    async with db.transaction():
        await receipt.check()
        for template_id, answer in sorted(answers):
            await _count(
                actor.consortium_id, actor.account_id, template_id, answer,
                by_phone=int(answer == "accept"),
            )  # fmt: skip
        standing = await list_of(actor, templates)
        await receipt.keep(200, standing)
    return standing


async def hear(consortium_id: UUID, push: Push, openid_index: str) -> None:
    """What WeChat says: kept and counted once, however often it is delivered."""
    if push.kind != "event":
        log.info("push.ignored", kind=push.kind)
        return
    try:
        async with db.transaction():
            await events.keep(consortium_id, push, openid_index)
            account = await Account.get_or_none(
                consortium_id=consortium_id, openid_index=openid_index
            )
            if account is not None:
                for row in sorted(push.details, key=lambda row: row.get("TemplateId", "")):
                    await _settle(account, push.event, row)
    except IntegrityError:
        log.info("push.repeated", wechat_event=push.event)
        return
    log.info("push.kept", wechat_event=push.event)


async def _settle(account: Account, event: str, row: Mapping[str, str]) -> None:
    template_id, status = row.get("TemplateId", ""), row.get("SubscribeStatusString", "")
    whose = (account.consortium_id, account.id, template_id)
    if not template_id or len(template_id) > TEMPLATE_ID_MOST:
        return
    if event == "subscribe_msg_popup_event" and status in ("accept", "reject"):
        await _count(*whose, status, by_wechat=int(status == "accept"))
    elif event == "subscribe_msg_change_event" and status == "reject":
        await _count(*whose, OFF)
    elif event == "subscribe_msg_sent_event" and row.get("ErrorCode") == "0":
        await _count(*whose, "", spent=1)


async def _count(
    consortium_id: UUID,
    account_id: UUID,
    template_id: str,
    answer: str,
    *,
    by_phone: int = 0,
    by_wechat: int = 0,
    spent: int = 0,
) -> None:
    """One statement, so that the phone and WeChat may come at once."""
    await db.fetch(
        COUNT, new_id(), consortium_id, account_id, template_id, by_phone, by_wechat, spent, answer,
        clock.now(),
    )  # fmt: skip
