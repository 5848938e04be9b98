"""HTML forms, read strictly: unknown fields are refused, all faults are found at once.

A form is a `msgspec.Struct`. Texts need limits (`Annotated[str, Meta(max_length=…)]`); a field with
a default may stay empty; a `list` takes all values of its name, a `bool` a box with value `true`;
an `Upload` is a file.
"""

import re
import unicodedata
from dataclasses import dataclass, field
from typing import Any, TypeVar, get_args, get_origin
from urllib.parse import parse_qsl

import msgspec
from sanic import Request

from backend.api.wire import BODY_MOST, CONTROL, TooLarge, UnsupportedMedia
from backend.errors import Malformed
from backend.web.session import FIELD

T = TypeVar("T")

FIELDS_MOST = 500
URLENCODED, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"
MINUTES = re.compile(r"\d\d:\d\d")  # as <input type=time> says it
# msgspec's English → what stands beside the field.
REASONS = (
    (r"length <=", "太长了，请写短一些。"),
    (r"length >=", "太短了，或没有填写。"),
    (r"Invalid UUID|Invalid enum value", "请从列出的选项里选一个。"),
    (r"Invalid (RFC3339|date|time)", "日期或时间的格式不对。"),
    (r"`(int|float)` [<>]=?", "超出允许的范围。"),
    (r"matching regex", "格式不对，请检查。"),
    (r"(int|float)", "请填写数字。"),
)


class Upload(msgspec.Struct, frozen=True):
    """A file that was sent along. `name` is what the sender calls it: never a path of ours."""

    name: str
    body: bytes


class FormWrong(Malformed):
    """`faults`: what to mend, by field."""

    def __init__(self, faults: dict[str, str]) -> None:
        super().__init__("有几项需要修改，请看下面的提示。")
        self.faults = faults


@dataclass(slots=True)
class Sent:
    """What came, before it is judged. Values by name, in order; files by name."""

    values: dict[str, list[str]] = field(default_factory=dict)
    files: dict[str, Upload] = field(default_factory=dict)

    def one(self, name: str) -> str:
        return (self.values.get(name) or [""])[0]


def receive(request: Request, most: int = BODY_MOST) -> Sent:
    """Raises UnsupportedMedia, TooLarge, Malformed: characters that no text has."""
    if len(request.body) > most:
        raise TooLarge
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == MULTIPART:
        return _multipart(request)
    if kind != URLENCODED and request.body:
        raise UnsupportedMedia("请用页面上的表单提交。")
    try:
        pairs = parse_qsl(
            request.body.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=FIELDS_MOST,
        )
    except ValueError as wrong:
        raise Malformed from wrong
    sent = Sent()
    for name, value in pairs:
        sent.values.setdefault(name, []).append(_text(value))
    return sent


def _multipart(request: Request) -> Sent:
    form: dict[str, Any] = request.get_form() or {}
    files: dict[str, Any] = request.files or {}
    if len(form) + len(files) > FIELDS_MOST:
        raise Malformed
    values = {name: [_text(str(value)) for value in many] for name, many in form.items()}
    uploads = {
        name: Upload(_text(str(many[0].name))[:200], many[0].body)
        for name, many in files.items()
        if many and many[0].name
    }
    return Sent(values, uploads)


def _text(value: str) -> str:
    if CONTROL.search(value):
        raise Malformed("提交的文字里有不能使用的控制字符。")
    return unicodedata.normalize("NFC", value.replace("\r\n", "\n"))


def fill(sent: Sent, form: type[T]) -> T:
    """What was sent as a `form`. Raises FormWrong with every fault."""
    known = {one.name: one for one in msgspec.structs.fields(form)}  # type: ignore[arg-type]
    unknown = [name for name in (*sent.values, *sent.files) if name not in known and name != FIELD]
    faults = {"": "表单里有不认识的内容，请刷新页面再填一次。"} if unknown else {}
    filled: dict[str, Any] = {}
    for name, one in known.items():
        try:
            filled.update(_field(sent, name, one))
        except msgspec.ValidationError as wrong:
            faults[name] = _reason(str(wrong))
    if faults:
        raise FormWrong(faults)
    return form(**filled)


def _field(sent: Sent, name: str, one: Any) -> dict[str, Any]:
    """The field's value, or nothing where its default serves. Raises ValidationError."""
    if _is(one.type, Upload):
        found: Any = sent.files.get(name)
    elif _is(one.type, list) or _is(one.type, tuple):
        found = [value for value in sent.values.get(name, []) if value.strip()] or None
    else:
        given = sent.values.get(name, [])
        if len(given) > 1:
            raise msgspec.ValidationError("twice")
        found = given[0] if given and given[0].strip() else None
        if isinstance(found, str) and MINUTES.fullmatch(found) and not _is(one.type, str):
            found += ":00"
    if found is None:
        if one.required:
            raise msgspec.ValidationError("length >=")
        return {}
    if isinstance(found, Upload):
        return {name: found}
    return {name: msgspec.convert(found, one.type, strict=False)}


def _is(declared: Any, kind: type) -> bool:
    """Whether `kind` is the type, or one of its parts: `Annotated`, `X | None`, `list[X]`."""
    if declared is kind or get_origin(declared) is kind:
        return True
    if get_origin(declared) in (list, tuple):
        return False
    return any(_is(part, kind) for part in get_args(declared))


def _reason(message: str) -> str:
    return next((say for pattern, say in REASONS if re.search(pattern, message)), "请检查这一项。")
