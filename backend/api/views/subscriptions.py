"""Which WeChat messages an account wants."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from backend.api.views.fields import Form
from backend.reminders.subscriptions import TITLES, Wanted


class SubscriptionAnswer(Form):
    template_id: Annotated[str, Meta(min_length=1, max_length=64)]
    result: Literal["accept", "reject", "ban", "filter"]


class SubscriptionForm(Form):
    """What `wx.requestSubscribeMessage` gave, each template once."""

    items: Annotated[list[SubscriptionAnswer], Meta(min_length=1, max_length=5)]


class SubscriptionView(msgspec.Struct):
    """`remaining`: how many messages WeChat still lets us send. `answer`: the latest one."""

    purpose: Literal["booked", "changed", "visit"]
    title: str
    template_id: str
    remaining: int
    answer: Literal["accept", "reject", "ban", "filter", "off"] | None

    @classmethod
    def of(cls, wanted: Wanted) -> "SubscriptionView":
        purpose: Any = wanted.purpose
        answer: Any = wanted.answer
        return cls(purpose, TITLES[purpose], wanted.template_id, wanted.remaining, answer)


class SubscriptionsView(msgspec.Struct):
    items: list[SubscriptionView]
