"""Bytes to forms and views to bytes, strictly and alike on both databases.

Refused: unknown fields, NaN and infinities, duplicate keys, lone surrogates, NUL and other control
characters, depth over 32, bodies over 1 MB. Text is normalised to NFC.
"""

import json
import math
import re
import unicodedata
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec

from backend.errors import Malformed, Problem

T = TypeVar("T")

BODY_MOST = 1024 * 1024
DEPTH_MOST = 32
QUERY_MOST = 2048
FIELDS_MOST = 50
INT_DIGITS_MOST = 18
# C0 controls and DEL but for tab, newline and return, which people type.
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")

encoder = msgspec.json.Encoder()


class UnsupportedMedia(Problem):
    status = 415
    code = "unsupported-media-type"
    title = "内容格式不支持"
    detail = "请以 application/json 提交。"


class TooLarge(Problem):
    status = 413
    code = "too-large"
    title = "内容太大"
    detail = "提交的内容太大了，请精简后再试。"


class BadJson(Malformed):
    """Not JSON, or JSON that two parsers would read differently."""

    code = "bad-json"
    title = "内容无法读取"
    detail = "提交的内容不是规范的 JSON，请检查后再提交。"


def encode(view: Any) -> bytes:
    return encoder.encode(view)


def read_body(content_type: str, body: bytes, form: type[T]) -> T:
    """Raises UnsupportedMedia, TooLarge, BadJson, Malformed (with `field`)."""
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedMedia
    if len(body) > BODY_MOST:
        raise TooLarge
    if (flat := _flat(body)) is not None:
        return fit(flat, form)
    try:
        loaded = decoder.decode(body.decode())
    except (ValueError, RecursionError) as wrong:
        raise BadJson from wrong
    return fit(loaded if _is_plain(body) else _clean(loaded, DEPTH_MOST), form)


def fit(loaded: Any, form: type[T], *, strict: bool = True) -> T:
    """`loaded` as a `form`. Raises Malformed with the dotted path of the field that is wrong."""
    try:
        return msgspec.convert(loaded, form, strict=strict)
    except msgspec.ValidationError as wrong:
        raise malformed(str(wrong)) from wrong


def read_query(query: str, form: type[T]) -> T:
    """A query string as a `form`; a name twice or unknown is refused. Raises Malformed."""
    if not query:
        return fit({}, form, strict=False)
    if len(query) > QUERY_MOST:
        raise Malformed("网址太长了，请减少查询条件。", field="query")
    try:
        pairs = parse_qsl(
            query,
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=FIELDS_MOST,
        )
    except ValueError as wrong:
        raise Malformed("网址里的查询条件写错了，请检查。", field="query") from wrong
    values: dict[str, str] = {}
    for name, value in pairs:
        if name in values or CONTROL.search(value):
            raise Malformed(f"查询条件「{name[:40]}」写错了。", field=name[:40])
        values[name] = unicodedata.normalize("NFC", value)
    return fit(values, form, strict=False)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("duplicate key")
    return found


def _refuse(constant: str) -> float:
    raise ValueError(constant)


def _float(digits: str) -> float:
    found = float(digits)
    if not math.isfinite(found):
        raise ValueError("too large")
    return found


def _int(digits: str) -> int:
    if len(digits) > INT_DIGITS_MOST:
        raise ValueError("integer too long")
    return int(digits)


def _flat(body: bytes) -> dict[str, Any] | None:
    """An object of ids, codes and yes or no, as most bodies are, read fast. None: anything else.

    Its quotes tell that no key stands twice: each key and each text has two, and nothing escapes.
    """
    if not _is_plain(body):
        return None
    try:
        found = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return None
    if not isinstance(found, dict):
        return None
    texts = len(found)
    for value in found.values():
        if isinstance(value, str):
            texts += 1
        elif value is not None and not isinstance(value, bool):
            return None
    return found if body.count(b'"') == 2 * texts else None


def _is_plain(body: bytes) -> bool:
    """Whether nothing in it can need cleaning, so that ids, numbers and codes cost nothing more.

    JSON itself forbids control characters that are not escaped, but for DEL.
    """
    return (
        body.isascii()
        and b"\\" not in body
        and b"\x7f" not in body
        and body.count(b"[") + body.count(b"{") <= DEPTH_MOST
    )


def _clean(value: Any, depth: int) -> Any:
    """The same value with NFC text. Raises BadJson: too deep, or text no database would keep."""
    if isinstance(value, str):
        return _clean_text(value)
    if isinstance(value, dict | list):
        if depth == 0:
            raise BadJson("提交的内容嵌套得太深。")
        if isinstance(value, list):
            return [_clean(item, depth - 1) for item in value]
        return {_clean_text(key): _clean(item, depth - 1) for key, item in value.items()}
    return value


def _clean_text(text: str) -> str:
    if text.isascii():
        if CONTROL.search(text):
            raise BadJson("提交的文字里有不能使用的控制字符。")
        return text
    if CONTROL.search(text) or any("\ud800" <= char <= "\udfff" for char in text):
        raise BadJson("提交的文字里有不能使用的字符。")
    return unicodedata.normalize("NFC", text)


decoder = json.JSONDecoder(
    object_pairs_hook=_once, parse_constant=_refuse, parse_int=_int, parse_float=_float
)

# msgspec's English → plain Chinese. What none of them fits is simply "填写有误".
REASONS = (
    (r"missing required field `(\w+)`", "必须填写"),
    (r"contains unknown field `(\w+)`", "不是这里能填的"),
    (r"Expected `\w+( \| \w+)*`, got", "类型不对"),
    (r"Invalid UUID", "编号的格式不对"),
    (r"Invalid RFC3339", "日期或时间的格式不对"),
    (r"Invalid enum value", "不在可选的范围内"),
    (r"matching regex", "格式不对"),
    (r"length >=", "太短"),
    (r"length <=", "太长"),
    (r"`(int|float)` [<>]=?", "超出允许的范围"),
    (r"(int|float)", "应为数字"),
)


def malformed(message: str) -> Malformed:
    """A Chinese problem of a msgspec message, with the dotted path of the field."""
    _, _, path = message.partition(" - at `")
    path = path.removeprefix("key` in `")  # of an object whose keys are data
    field = re.sub(r"\[(\.\.\.|\d+)\]", "", path.rstrip("`")).lstrip("$.")
    for pattern, reason in REASONS:
        match = re.search(pattern, message)
        if match:
            if "field `" in match.group(0):
                field = ".".join(filter(None, (field, match.group(1))))
            return Malformed(
                f"「{field or '内容'}」{reason}，请检查后再提交。", field=field or "body"
            )
    return Malformed(field=field or "body")
