"""A picture made anew: what comes out has the pixels of what came in, and nothing else of it.

Stands alone, as it runs in a process of its own (`pictures.py`), where a hostile file can take no
more than `MEMORY_MOST` and `CPU_MOST_S`: `python -I reencoding.py < picture > answer`.
The answer is a line of JSON, `{"refused": why}` or sizes, then the picture and its thumbnail.
"""

import io
import json
import resource
import sys
import warnings
from dataclasses import dataclass
from struct import error as StructError
from typing import Any

from PIL import Image, ImageCms
from PIL.Image import Resampling, Transpose

BYTES_MOST = 10 * 1024 * 1024
PIXELS_MOST = 25_000_000
MEMORY_MOST = 768 * 1024 * 1024  # address space of the process
CPU_MOST_S = 3
KEPT_MOST = 600 * 1024  # bytes of the new picture
THUMBNAIL_SIDE = 480
# Longest side and JPEG quality: the first that fits in KEPT_MOST. The last fits even with noise.
STEPS = ((2048, 85), (2048, 72), (1600, 70), (1200, 60), (960, 45))
ORIENTATION = 0x0112
TURNS = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}
# What the decoders raise at a file that lies; MemoryError is the process's own limit.
BROKEN = (OSError, ValueError, SyntaxError, LookupError, TypeError, OverflowError, StructError)
UNREADABLE, PIXELS = "unreadable", "pixels"


class Refused(Exception):
    """`why`: one of the reasons in `pictures.WORDS`."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Made:
    """JPEGs, and the size of the larger one."""

    body: bytes
    thumbnail: bytes
    width: int
    height: int


def kind_of(body: bytes) -> str | None:
    """The format by its first bytes, never by a name."""
    if body.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if body.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if body[:4] == b"RIFF" and body[8:12] == b"WEBP":
        return "WEBP"
    return None


def reencode(body: bytes) -> Made:
    """Raises Refused."""
    kind = kind_of(body)
    if kind is None:
        raise Refused(UNREADABLE)
    if kind == "WEBP" and _webp_pixels(body) > PIXELS_MOST:
        raise Refused(PIXELS)  # its decoder takes the memory as soon as it is opened
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # oddities of a file that can be read all the same
            return _made(body, kind)
    except MemoryError as wrong:
        raise Refused(PIXELS) from wrong
    except BROKEN as wrong:
        raise Refused(UNREADABLE) from wrong


def _made(body: bytes, kind: str) -> Made:
    Image.MAX_IMAGE_PIXELS = None  # ours is exact, and no warning
    with Image.open(io.BytesIO(body), formats=(kind,)) as opened:
        if opened.width * opened.height > PIXELS_MOST:
            raise Refused(PIXELS)
        # A JPEG is decoded at a half, a quarter or an eighth where that is enough.
        opened.draft(None, (STEPS[0][0], STEPS[0][0]))
        opened.load()  # of what moves, the first frame
        turn = _turn(opened)
        profile = opened.info.get("icc_profile")
        small = _clean(_shrunk(opened, STEPS[0][0]), profile)
    if turn is not None:
        small = small.transpose(turn)
    return _packed(small)


def _shrunk(image: Image.Image, side: int) -> Image.Image:
    """In whole steps first, which need no second copy in another mode."""
    factor = max(image.width, image.height) // side
    if factor < 2 or image.mode not in ("L", "LA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr"):
        return image
    transparency = image.info.get("transparency")
    reduced = image.reduce((min(factor, image.width), min(factor, image.height)))
    if transparency is not None:
        reduced.info["transparency"] = transparency
    return reduced


def _clean(image: Image.Image, profile: Any) -> Image.Image:
    """Plain RGB on white, in a picture that knows nothing but its pixels."""
    if image.mode.startswith("I"):  # 16 bits of grey
        image = image.convert("I").point(lambda grey: grey * (1 / 256)).convert("L")
    see_through = "transparency" in image.info or image.mode in ("LA", "PA", "La", "RGBA", "RGBa")
    if see_through:
        image = image.convert("RGBA")
    image = _fitted(image, STEPS[0][0])
    mask = image.getchannel("A") if see_through else None
    fresh = Image.new("RGB", image.size, "white")
    fresh.paste(_coloured(image, profile), mask=mask)
    return fresh


def _coloured(image: Image.Image, profile: Any) -> Image.Image:
    """sRGB. A rash has the colour that the phone saw, so its profile is followed, then dropped."""
    if image.mode not in ("RGB", "CMYK") or not isinstance(profile, bytes):
        return image.convert("RGB")
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        wanted = ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(image, source, wanted, outputMode="RGB") or image
    except (ImageCms.PyCMSError, *BROKEN):
        return image.convert("RGB")


def _fitted(image: Image.Image, side: int) -> Image.Image:
    longest = max(image.size)
    if longest <= side:
        return image
    size = (max(1, image.width * side // longest), max(1, image.height * side // longest))
    return image.resize(size, Resampling.LANCZOS)


def _turn(image: Image.Image) -> Transpose | None:
    """How the phone was held. Whoever can't be read was held upright."""
    try:
        return TURNS.get(image.getexif().get(ORIENTATION, 1))
    except (*BROKEN, AttributeError):
        return None


def _packed(image: Image.Image) -> Made:
    thumbnail = _jpeg(_fitted(image, THUMBNAIL_SIDE), 75)
    for side, quality in STEPS:
        fitted = _fitted(image, side)
        body = _jpeg(fitted, quality)
        if len(body) <= KEPT_MOST:
            return Made(body, thumbnail, *fitted.size)
    raise Refused(PIXELS)


def _jpeg(image: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality, optimize=True)
    return out.getvalue()


def _webp_pixels(body: bytes) -> int:
    """Of the canvas, as its header says. Raises Refused."""
    chunk, head = body[12:16], body[20:30]
    if len(head) < 10:
        raise Refused(UNREADABLE)
    if chunk == b"VP8X":
        sides = int.from_bytes(head[4:7], "little") + 1, int.from_bytes(head[7:10], "little") + 1
    elif chunk == b"VP8L":
        bits = int.from_bytes(head[1:5], "little")
        sides = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    elif chunk == b"VP8 ":
        sides = (
            int.from_bytes(head[6:8], "little") & 0x3FFF,
            int.from_bytes(head[8:10], "little") & 0x3FFF,
        )
    else:
        raise Refused(UNREADABLE)
    return sides[0] * sides[1]


def _confine() -> None:
    """No more memory, time or files than a picture needs; a limit of the host may be tighter."""
    limits = (
        (resource.RLIMIT_AS, MEMORY_MOST),
        (resource.RLIMIT_CPU, CPU_MOST_S),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    )
    for which, most in limits:
        hard = resource.getrlimit(which)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(which, (most, most))


def main() -> None:
    _confine()
    out = sys.stdout.buffer
    try:
        made = reencode(sys.stdin.buffer.read(BYTES_MOST + 1))
    except Refused as refused:
        out.write(json.dumps({"refused": refused.why}).encode() + b"\n")
        return
    sizes = {"body": len(made.body), "width": made.width, "height": made.height}
    out.write(json.dumps(sizes).encode() + b"\n" + made.body + made.thumbnail)


if __name__ == "__main__":
    main()
