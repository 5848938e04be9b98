import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.bot.normalise import Normaliser, plain

ALIASES = Normaliser({"xiongtong": "胸痛", "脑阔": "脑袋", "㎎": "毫克"})


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("血壓一百六十", "血压160"),
        ("高壓一百八，低压一百一", "高压180,低压110"),
        ("３９．５℃", "39.5度"),
        ("三十九度五，五天", "39度5,5天"),
        ("两三天", "2-3天"),
        ("三五天", "3-5天"),
        ("十五六岁", "15-16岁"),
        ("二十四小时", "24小时"),
        ("一百零五", "105"),
        ("一岁半", "1岁半"),
        ("一直疼", "一直疼"),
        ("万一摔了", "万一摔了"),
        ("XiongTong，脑阔疼", "胸痛,脑袋疼"),
    ],
)
def test_one_spelling(written: str, normal: str) -> None:
    assert ALIASES(written).text == normal


def test_positions_lead_back_to_what_was_written() -> None:
    written = "我爸七十八歲，xiongtong三个小时，血压一百八十"
    normal = ALIASES(written)
    for words, original in (
        ("78", "七十八"),
        ("胸痛", "xiongtong"),
        ("180", "一百八十"),
        ("血压", "血压"),
    ):
        start = normal.text.index(words)
        low, high = normal.span(start, start + len(words))
        assert written[low:high] == original


@given(
    st.text(
        alphabet=st.characters(exclude_categories=["Cs"]) | st.sampled_from("一二十百万℃㎎ﬁ三天胸")
    )
)
def test_every_position_lies_in_the_original_and_none_goes_back(written: str) -> None:
    normal = ALIASES(written)
    spans = [normal.span(index, index + 1) for index in range(len(normal.text))]
    assert all(0 <= start < end <= len(written) for start, end in spans)
    assert spans == sorted(spans)
    assert plain()(plain()(written).text).text == plain()(written).text
