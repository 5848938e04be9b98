"""The second factor against the published vectors, and near the edges of a step."""

import base64
from datetime import UTC, datetime, timedelta

import pytest

from backend.staff import totp

KEY = base64.b32encode(b"12345678901234567890").decode()  # RFC 6238, appendix B


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"),
     (2000000000, "279037")],
)  # fmt: skip
def test_published_vectors(seconds: int, code: str) -> None:
    at = datetime.fromtimestamp(seconds, UTC)
    assert totp.code_at(KEY, at) == code
    assert totp.step_of(KEY, code, at=at, after=0) == seconds // 30


def test_one_step_off_either_way_and_no_more() -> None:
    at = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
    for steps, taken in ((-2, False), (-1, True), (0, True), (1, True), (2, False)):
        code = totp.code_at(KEY, at + timedelta(seconds=30 * steps))
        assert (totp.step_of(KEY, code, at=at, after=0) is not None) is taken


def test_a_used_step_and_all_before_it_are_over() -> None:
    at = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
    step = totp.step_of(KEY, totp.code_at(KEY, at), at=at, after=0)
    assert step is not None
    assert totp.step_of(KEY, totp.code_at(KEY, at), at=at, after=step) is None
    before = totp.code_at(KEY, at - timedelta(seconds=30))
    assert totp.step_of(KEY, before, at=at, after=step) is None


@pytest.mark.parametrize("code", ["", "28708", "2870822", "２８７０８２", "abcdef", "-87082"])
def test_what_is_no_code(code: str) -> None:
    assert totp.step_of(KEY, code, at=datetime.fromtimestamp(59, UTC), after=0) is None


def test_the_picture_is_an_image_that_runs_nothing() -> None:
    drawn = totp.picture(totp.new_key(), 'x"><script>alert(1)</script>')
    assert drawn.startswith("data:image/svg+xml,")
    assert "<" not in drawn
    assert '"' not in drawn
    assert "script" not in drawn
