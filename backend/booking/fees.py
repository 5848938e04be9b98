"""收费: the price list that residents see before they book."""

from uuid import UUID

from backend.booking.models import Fee
from backend.errors import NotFound

LISTED_MOST = 500


async def of_organization(consortium_id: UUID, organization_id: UUID) -> list[Fee]:
    """Raises NotFound: the institution has no price list here."""
    rows = (
        await Fee.filter(consortium_id=consortium_id, organization_id=organization_id)
        .order_by("kind", "amount_fen", "title")
        .limit(LISTED_MOST)
    )
    if not rows:
        raise NotFound
    return rows
