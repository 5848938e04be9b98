"""订阅: the messages that a resident wants on WeChat."""

from backend import errors
from backend.api.route import Call, route
from backend.api.views.subscriptions import SubscriptionForm, SubscriptionsView, SubscriptionView
from backend.receipts import Answer, KeyMissing, KeyReused
from backend.reminders import subscriptions
from backend.reminders.subscriptions import Wanted


def _view(standing: list[Wanted]) -> SubscriptionsView:
    return SubscriptionsView([SubscriptionView.of(wanted) for wanted in standing])


@route("GET", "/me/subscriptions", answer=SubscriptionsView)
async def list_subscriptions(call: Call) -> SubscriptionsView:
    """The templates to ask for, in this order, and how many messages of each are left."""
    return _view(await subscriptions.list_of(call.actor, call.service.settings.templates))


@route(
    "POST",
    "/me/subscriptions",
    body=SubscriptionForm,
    answer=SubscriptionsView,
    receipt=True,
    problems=(KeyMissing, KeyReused, errors.Throttled),
)
async def report_subscriptions(call: Call, form: SubscriptionForm) -> Answer | None:
    """Say what the resident answered on WeChat's sheet. One accept is one message."""
    receipt = call.receipt(_view)
    settings = call.service.settings
    await call.limit("subscription", settings.bookings_per_minute)
    answers = {answer.template_id: answer.result for answer in form.items}
    await subscriptions.report(
        call.actor, list(answers.items()), settings.templates, receipt=receipt
    )
    return receipt.answer
