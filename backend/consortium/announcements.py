"""公告: what the county and its institutions tell everybody, from day to day."""

from uuid import UUID

from backend import clock
from backend.consortium.models import Announcement as Announcement

SHOWN_MOST = 20


async def current(consortium_id: UUID) -> list[Announcement]:
    """Those of today, the latest first."""
    today = clock.today()
    return (
        await Announcement.filter(consortium_id=consortium_id, from_on__lte=today, to_on__gte=today)
        .order_by("-from_on", "code")
        .limit(SHOWN_MOST)
    )
