"""问卷 as data: strict, checked as a whole, refused where it is incomplete. Pure.

Letters are worth the same in every survey: A to E are 1 to 5. What a survey decides is its words,
in the order in which they are shown.
"""

import functools
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import yaml
from msgspec import Meta

from backend.refused import Refused

FOLDER = Path(__file__).with_name("instruments")
OUTPATIENT = "outpatient"
ITEMS_MOST = 8
COMMENT_MOST = 300  # characters
BYTES_MOST = 64 * 1024
SCORES = {"A": 1, "B": 2, "C": 3, "D": 4, "E": 5}
NOT_APPLICABLE = "na"

Id = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{1,31}$")]
Words = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"\S")]
Letter = Literal["A", "B", "C", "D", "E"]


class Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Source(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`trust`: S read in a secondary page, M general knowledge, O the original text."""

    text: Words
    trust: Literal["O", "S", "M"]


class Option(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    letter: Letter
    label: Words


class Dimension(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """维度: what one or more questions are about."""

    id: Id
    name: Words


class Item(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: Id
    dimension: Id
    ask: Words
    may_not_apply: bool = False


class Comment(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`most` in characters."""

    ask: Words
    hint: Words
    most: Annotated[int, Meta(ge=1, le=COMMENT_MOST)]


class Survey(Strict, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`official`: the wording is that of the national form. `answer_days`: after the visit's day.

    `reviewed_by` is empty until somebody has signed it.
    """

    id: Id
    version: Annotated[int, Meta(ge=1)]
    title: Words
    official: bool
    reviewed_by: Annotated[str, Meta(max_length=80)]
    effective_from: date
    source: Annotated[tuple[Source, ...], Meta(min_length=1, max_length=10)]
    answer_days: Annotated[int, Meta(ge=1, le=90)]
    scale: Annotated[tuple[Option, ...], Meta(min_length=5, max_length=5)]
    not_applicable: Words
    dimensions: Annotated[tuple[Dimension, ...], Meta(min_length=1, max_length=ITEMS_MOST)]
    items: Annotated[tuple[Item, ...], Meta(min_length=1, max_length=ITEMS_MOST)]
    comment: Comment


class SurveyError(Refused):
    """Every fault in one go. The survey is not used."""


@functools.cache
def outpatient() -> Survey:
    """The survey after a visit. Raises SurveyError."""
    return read((FOLDER / f"{OUTPATIENT}.yaml").read_bytes(), OUTPATIENT)


def read(body: bytes, name: str) -> Survey:
    """Raises SurveyError: which file and what is wrong with it."""
    if len(body) > BYTES_MOST:
        raise SurveyError(f"{name}：文件太大")
    try:
        found = msgspec.convert(yaml.safe_load(body), Survey)
    except (yaml.YAMLError, msgspec.ValidationError) as wrong:
        raise SurveyError(f"{name}：{wrong}") from wrong
    faults = [f"{name}：{fault}" for fault in _faults(found, name)]
    if faults:
        raise SurveyError("\n".join(faults))
    return found


def _faults(survey: Survey, name: str) -> Iterator[str]:
    if survey.id != name:
        yield f"id 应为 {name}"
    if {option.letter for option in survey.scale} != set(SCORES):
        yield "scale 要有 A 到 E 各一个"
    for what, ids in (
        ("dimensions", [one.id for one in survey.dimensions]),
        ("items", [one.id for one in survey.items]),
        ("items.ask", [one.ask for one in survey.items]),
        ("scale.label", [*(one.label for one in survey.scale), survey.not_applicable]),
    ):
        yield from (f"{what} 重复了 {one}" for one, times in Counter(ids).items() if times > 1)
    asked, known = {one.dimension for one in survey.items}, {one.id for one in survey.dimensions}
    yield from (f"没有题目问到维度 {one}" for one in sorted(known - asked))
    yield from (f"题目里的维度 {one} 没有写明" for one in sorted(asked - known))
