"""Whatever is sent: a clean JPEG comes out, or a refusal that says what to do."""

import asyncio
import io
import os
import threading
import time

import psutil
import pytest
from PIL import Image

from backend.chat import pictures, reencoding
from backend.chat.pictures import PictureRefused, Studio
from backend.chat.reencoding import KEPT_MOST, Made, Refused, reencode
from backend.errors import Busy
from tests.chat import nasty

PATIENCE_S = 120.0  # for a process that starts on a busy machine
GROWTH_MOST = 64 * 1024 * 1024  # bytes of memory, for everything that may be sent


def look(body: bytes) -> Image.Image:
    """As a stranger would read it. Fails on anything but JPEG, and on anything beside pixels."""
    assert nasty.SECRET not in body
    assert b"<script" not in body
    with Image.open(io.BytesIO(body)) as opened:
        opened.load()
        assert (opened.format, opened.mode) == ("JPEG", "RGB")
        assert not opened.getexif()
        assert set(opened.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
        assert {name for name, _ in opened.applist} == {"APP0"}  # type: ignore[attr-defined]
        return opened.copy()


def judge(made: Made) -> None:
    whole, small = look(made.body), look(made.thumbnail)
    assert whole.size == (made.width, made.height)
    assert max(whole.size) <= 2048
    assert max(small.size) <= 480
    assert len(made.body) <= KEPT_MOST


def test_what_can_be_looked_at_comes_out_clean_and_the_rest_is_refused() -> None:
    assert len(nasty.taken()) + len(nasty.refused()) >= 100
    for name, body in nasty.taken().items():
        assert pictures.is_picture(body), name
        judge(reencode(body))
    for name, body in nasty.refused().items():
        try:
            if pictures.is_picture(body):
                reencode(body)
        except PictureRefused:
            continue
        except Refused as wrong:
            words = pictures.refusal(wrong.why).detail
            assert words.endswith("。"), name
        else:
            assert not pictures.is_picture(body), name


def test_what_is_broken_at_random_never_breaks_the_reader() -> None:
    _mutate(150, seed=1)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(10))
def test_thousands_of_broken_files(seed: int) -> None:
    _mutate(500, seed=100 + seed)


def _mutate(many: int, seed: int) -> None:
    for name, body in nasty.mutants(many, seed):
        try:
            if pictures.is_picture(body):
                judge(reencode(body))
        except (Refused, PictureRefused):
            continue
        except Exception as error:
            raise AssertionError(name) from error


def test_a_photo_stands_as_the_phone_was_held() -> None:
    """One corner is red: it must come to the same place, whichever way the file is stored."""
    upright = Image.new("RGB", (80, 40), "white")
    upright.paste("red", (0, 0, 40, 20))
    stored = {
        1: None, 2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4,
    }  # fmt: skip
    for way, undo in stored.items():
        lying = upright if undo is None else upright.transpose(Image.Transpose(undo))
        made = look(reencode(nasty.saved(lying, "PNG", exif=nasty.exif(way))).body)
        assert made.size == (80, 40), way
        assert _is_red(made.getpixel((10, 10))), way
        assert not _is_red(made.getpixel((70, 30))), way


def _is_red(pixel: object) -> bool:
    assert isinstance(pixel, tuple)
    return pixel[0] > 200 and pixel[1] < 80


def test_what_shines_through_is_white_and_sixteen_bits_keep_their_greys() -> None:
    clear = Image.new("RGBA", (10, 10), (255, 0, 0, 0))
    assert min(look(reencode(nasty.saved(clear, "PNG")).body).getpixel((5, 5))) > 250  # type: ignore[type-var,arg-type]
    palette = Image.new("P", (10, 10), 0)
    palette.putpalette([0, 0, 0, 255, 0, 0])
    made = look(reencode(nasty.saved(palette, "PNG", transparency=0)).body)
    assert min(made.getpixel((5, 5))) > 250  # type: ignore[type-var,arg-type]
    grey = Image.new("I;16", (10, 10), 128 * 256)
    assert abs(look(reencode(nasty.saved(grey, "PNG")).body).getpixel((5, 5))[0] - 128) < 3  # type: ignore[index]


def test_noise_is_made_small_enough() -> None:
    noise = Image.frombytes("RGB", (2048, 2048), os.urandom(2048 * 2048 * 3))
    judge(reencode(nasty.saved(noise, "JPEG", quality=60)))


async def test_a_process_makes_it_and_the_service_grows_by_little(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pictures, "MOST_S", PATIENCE_S)
    studio, me = Studio(), psutil.Process()
    before = me.memory_info().rss
    made = await studio.make(nasty.taken()["jpeg gps"])
    judge(made)
    for name in ("png 24 MP", "webp canvas of 268 MP", "jpeg 65500 wide", "png bomb in text"):
        body = (nasty.taken() | nasty.refused())[name]
        if name == "png 24 MP":
            judge(await studio.make(body))
        else:
            with pytest.raises(PictureRefused):
                await studio.make(body)
    with pytest.raises(PictureRefused, match="10 MB"):
        await studio.make(bytes(pictures.BYTES_MOST + 1))
    assert me.memory_info().rss - before < GROWTH_MOST
    assert not me.children()


async def test_what_hangs_is_ended_and_a_crash_is_a_refusal(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    scripts = {
        "sleeps": ("import time; time.sleep(600)", 0.5, Busy),
        "dies": ("import os; os.abort()", PATIENCE_S, PictureRefused),
        "eats": (
            f"import sys; sys.path.insert(0, {str(pictures.SCRIPT.parent)!r})\n"
            "import reencoding; reencoding._confine(); bytearray(10**9)",
            PATIENCE_S,
            PictureRefused,
        ),
    }
    for name, (script, most_s, wanted) in scripts.items():
        monkeypatch.setattr(pictures, "MOST_S", most_s)
        path = pictures.Path(str(tmp_path)) / f"{name}.py"
        path.write_text(script)
        monkeypatch.setattr(pictures, "SCRIPT", path)
        with pytest.raises(wanted):
            await Studio().make(nasty.taken()["jpeg"])
    assert not psutil.Process().children()


async def test_who_comes_while_others_have_their_turn_waits_a_moment_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    never = threading.Event()

    def stuck(_: bytes) -> bytes:
        never.wait(PATIENCE_S)
        return b""

    monkeypatch.setattr(pictures, "_run", stuck)
    monkeypatch.setattr(pictures, "WAIT_MOST_S", 0.05)
    studio = Studio()
    stuck_ones = [asyncio.create_task(studio.make(b"")) for _ in range(pictures.AT_ONCE_MOST)]
    await asyncio.sleep(0)
    stuck_ones[0].cancel()  # hung up: its turn is taken all the same
    began = time.monotonic()
    with pytest.raises(Busy):
        await studio.make(b"")
    assert time.monotonic() - began < PATIENCE_S / 2
    never.set()
    await asyncio.gather(*stuck_ones, return_exceptions=True)


def test_each_refusal_has_its_words() -> None:
    assert {reencoding.UNREADABLE, reencoding.PIXELS} <= set(pictures.WORDS)
    assert {why for _, _, why in pictures.KNOWN} <= set(pictures.WORDS)
