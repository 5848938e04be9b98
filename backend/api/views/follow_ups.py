"""随访 as the resident reads of it."""

from datetime import date
from uuid import UUID

import msgspec

from backend.reminders.follow_ups import NOT_YET, Look


class FollowUpView(msgspec.Struct):
    """`days_late`: since it was due, 0 until then."""

    id: UUID
    about: str
    due_on: date
    days_late: int

    @classmethod
    def of(cls, look: Look) -> "FollowUpView":
        return cls(look.id, look.about, look.due_on, look.days_late)


class FollowUpsView(msgspec.Struct):
    """`reminders`: what is to be said wherever follow-ups are shown."""

    items: list[FollowUpView]
    reminders: str = NOT_YET
