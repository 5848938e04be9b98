"""Fields and bases that several areas share."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

Tier = Literal["county", "township", "village"]
Kind = Literal["general", "expert", "disease", "outreach"]
Period = Literal["am", "pm", "night"]
Relation = Literal[
    "self", "parent", "child", "spouse", "grandparent", "grandchild", "sibling", "other"
]
Code = Annotated[str, Meta(min_length=1, max_length=128)]
Word = Annotated[str, Meta(min_length=1, max_length=30)]
Near = Annotated[
    str,
    Meta(
        pattern=r"^-?[0-9]{1,2}(\.[0-9]{1,8})?,-?[0-9]{1,3}(\.[0-9]{1,8})?$(?!\n)",
        description="latitude,longitude in degrees (GCJ-02)",
    ),
]
Cursor = Annotated[str, Meta(min_length=1, max_length=300)]
Most = Annotated[int, Meta(ge=1, le=100)]


class Form(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A request body or query: an unknown field is refused."""


class Ref(msgspec.Struct):
    id: UUID
    name: str


class DoctorRef(msgspec.Struct):
    id: UUID
    name: str
    title: str
