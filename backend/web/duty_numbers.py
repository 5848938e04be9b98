"""值班: until when somebody must answer, by priority; of the whole consortium."""

from datetime import time
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from backend.chat import staffing
from backend.chat.duty_models import REASON_MOST
from backend.chat.duty_policy import NEVER_PAUSED, PRIORITIES, DutyPolicy, Rule
from backend.chat.duty_wording import PRIORITIES as NAMES
from backend.errors import Malformed, NotFound
from backend.web.duty import RIGHT
from backend.web.page import Go, Show, go, page, show
from backend.web.view import View

Number = Annotated[int, Meta(ge=1, le=7 * 24 * 60)]
PAUSES = {"never": "不停表", "night": "夜间停表", "closed": "下班停表"}
PARTS = ("first_min", "step_min", "silent_min", "pauses")
NumbersForm = msgspec.defstruct(
    "NumbersForm",
    [
        ("version", Annotated[str, Meta(max_length=40)]),
        ("night_from", time),
        ("night_to", time),
        ("reason", Annotated[str, Meta(max_length=REASON_MOST)]),
        *((f"{part}_{one}", Number) for one in PRIORITIES for part in ("step_min", "silent_min")),
        *((f"first_min_{one}", Number | None, None) for one in PRIORITIES),
        *((f"pauses_{one}", Literal["never", "night", "closed"], "never") for one in PRIORITIES),
    ],
)


@page("GET", "/duty/numbers", right=RIGHT)
async def ask(view: View, **_: Any) -> Show:
    """What holds now, to be changed."""
    if view.actor.where(RIGHT) is not None:
        raise NotFound
    policy = await staffing.numbers(view.actor)
    return show(
        "duty_numbers.html", policy=policy, names=NAMES, pauses=PAUSES, never=NEVER_PAUSED,
        reason_most=REASON_MOST,
    )  # fmt: skip


@page("POST", "/duty/numbers", right=RIGHT, form=NumbersForm, on_fault=ask)
async def keep(view: View, form: Any) -> Go:
    """A new version; what waits already keeps its times."""
    try:
        policy = _policy(form)
        await staffing.set_numbers(view.actor, policy, reason=form.reason)
    except Malformed as wrong:
        raise Malformed(wrong.detail, field=_field(str(wrong.extra.get("field", "")))) from wrong
    return go("/duty/numbers", "新的时限已生效；已经在等的咨询按原来的时限。")


def _policy(form: Any) -> DutyPolicy:
    rules = {
        one: Rule(**{part: getattr(form, f"{part}_{one}") for part in PARTS}) for one in PRIORITIES
    }
    return DutyPolicy(
        version=form.version, rules=rules,  # type: ignore[arg-type]
        night_from_min=form.night_from.hour * 60 + form.night_from.minute,
        night_to_min=form.night_to.hour * 60 + form.night_to.minute,
    )  # fmt: skip


def _field(path: str) -> str:
    """`rules.I.first_min` → the name of the form's field."""
    parts = path.split(".")
    if len(parts) == 3:
        return f"{parts[2]}_{parts[1]}"
    return {"night_to_min": "night_to"}.get(path, path)
