"""提醒: what may be sent to whom."""

from typing import Any

from tortoise import fields
from tortoise.models import Model

from backend.identity.models import Account


class Subscription(Model):
    """订阅: how many messages of one template an account has accepted, and how many were spent.

    One tap is told twice: by the phone at once, and by WeChat signed. Either may be lost, so both
    are counted apart and the greater one is believed.
    """

    id = fields.UUIDField(primary_key=True)
    consortium_id = fields.UUIDField()
    account: fields.ForeignKeyRelation[Account] = fields.ForeignKeyField(
        "jiamenkou.Account", on_delete=fields.RESTRICT, related_name="subscriptions"
    )
    template_id = fields.CharField(max_length=64)
    accepted_by_phone = fields.IntField(default=0)
    accepted_by_wechat = fields.IntField(default=0)
    spent = fields.IntField(default=0)
    answer = fields.CharField(max_length=8)  # the latest; `off`: in WeChat's own settings
    answered_at = fields.DatetimeField()

    account_id: Any

    class Meta:
        table = "subscription"
        unique_together = (("account_id", "template_id"),)
