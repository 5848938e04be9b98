"""Keys for rows that are written often: UUIDs in the order of their making (RFC 9562, version 7).

New rows then stand beside each other in every index, which spares a busy database half its writes.
Where the time of making could betray somebody, as in survey answers, use random `uuid4`.
"""

import os
import time
from datetime import timedelta
from uuid import UUID

VERSION_7 = 0x7 << 76
VARIANT = 0x2 << 62
RANDOM_HIGH = (1 << 12) - 1
RANDOM_LOW = (1 << 62) - 1
STAMP_AT = 80  # bits to the right of the milliseconds


def new_id() -> UUID:
    """48 bits of milliseconds, 74 random ones."""
    random = int.from_bytes(os.urandom(10), "big")
    stamp = (time.time_ns() // 1_000_000) << STAMP_AT
    high = (random >> 62 & RANDOM_HIGH) << 64
    return UUID(int=stamp | VERSION_7 | high | VARIANT | (random & RANDOM_LOW))


def before(made: UUID, span: timedelta) -> UUID:
    """No id that was made `span` before `made`, or later, is smaller than this."""
    stamp = (made.int >> STAMP_AT) - span // timedelta(milliseconds=1)
    return UUID(int=max(0, stamp) << STAMP_AT)
