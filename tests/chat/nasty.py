"""Files that somebody might send as a picture: built here, named by what is wrong with them.

`TAKEN` can be looked at and come out clean; `REFUSED` can't or must not. `mutants` breaks them all.
"""

import gzip
import io
import random
import struct
import zipfile
import zlib
from collections.abc import Iterator
from functools import cache
from typing import Any

from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

SECRET = b"SECRET-PLACE"
SCRIPT = b"<script>alert('SECRET-PLACE')</script>"
PAGE = b"<!doctype html><html><body onload=alert(1)>" + SCRIPT + b"</body></html>"
PNG = b"\x89PNG\r\n\x1a\n"


def a_picture(mode: str = "RGB", size: tuple[int, int] = (64, 40)) -> Image.Image:
    image = Image.linear_gradient("L").resize(size)
    if mode in ("I;16", "I", "F"):
        return image.convert("I").point(lambda grey: grey * 257).convert(mode)
    return image.convert("RGB").convert(mode)


def saved(image: Image.Image, kind: str, **how: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **how)
    return out.getvalue()


def exif(orientation: int = 1) -> Image.Exif:
    found = Image.Exif()
    found[0x0112] = orientation
    found[0x010E] = SCRIPT.decode()
    found[0x010F] = "SECRET-PLACE"
    gps = found.get_ifd(0x8825)
    gps[1], gps[2], gps[3], gps[4] = "N", (31.0, 13.0, 1.5), "E", (121.0, 28.0, 2.5)
    gps[29] = "2026:11:23"
    return found


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, rows: bytes, *, colour: int = 2, depth: int = 8) -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return PNG + head + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body


def in_jpeg(body: bytes, *segments: bytes) -> bytes:
    return body[:2] + b"".join(segments) + body[2:]


def sized(body: bytes, width: int, height: int) -> bytes:
    """A JPEG whose header lies about its size."""
    at = body.index(b"\xff\xc0")
    return body[: at + 5] + struct.pack(">HH", height, width) + body[at + 9 :]


@cache
def taken() -> dict[str, bytes]:
    rgb = a_picture()
    jpeg, plain = saved(rgb, "JPEG", quality=90), saved(rgb, "PNG")
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    clear = a_picture("RGBA")
    clear.putalpha(90)
    words = PngInfo()
    words.add_text("Comment", SCRIPT.decode())
    words.add_itxt("XML:com.adobe.xmp", f"<x>{SCRIPT.decode()}</x>", zip=True)
    frames = [a_picture(), a_picture("L")]
    palette = a_picture().quantize(16)
    xmp = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta>" + SCRIPT + b"</x:xmpmeta>"
    cases = {
        "jpeg": jpeg,
        "jpeg progressive": saved(rgb, "JPEG", progressive=True),
        "jpeg grey": saved(a_picture("L"), "JPEG"),
        "jpeg cmyk": saved(a_picture("CMYK"), "JPEG"),
        "jpeg 1x1": saved(a_picture(size=(1, 1)), "JPEG"),
        "jpeg narrow": saved(a_picture(size=(1, 3000)), "JPEG"),
        "jpeg wide": saved(a_picture(size=(3000, 2)), "JPEG"),
        "jpeg large": saved(a_picture(size=(2600, 1900)), "JPEG"),
        "jpeg gps": saved(rgb, "JPEG", exif=exif()),
        "jpeg icc": saved(rgb, "JPEG", icc_profile=profile),
        "jpeg icc broken": saved(rgb, "JPEG", icc_profile=SCRIPT + profile[40:90]),
        "jpeg comment": saved(rgb, "JPEG", comment=PAGE),
        "jpeg xmp": in_jpeg(jpeg, segment(0xE1, xmp)),
        "jpeg iptc": in_jpeg(jpeg, segment(0xED, b"Photoshop 3.0\0" + SECRET)),
        "jpeg exif broken": in_jpeg(jpeg, segment(0xE1, b"Exif\0\0MM\0*\0\0\xff\xff" + SCRIPT)),
        "jpeg exif loop": in_jpeg(jpeg, segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0\x01\0i\x87\x04\0"
                                  b"\x01\0\0\0\x08\0\0\0\x08\0\0\0")),
        "jpeg thumbnail": in_jpeg(jpeg, segment(0xE1, b"Exif\0\0" + exif().tobytes()[6:] + jpeg)),
        "jpeg mpf": in_jpeg(jpeg, segment(0xE2, b"MPF\0II*\0" + SECRET)),
        "jpeg html after": jpeg + PAGE,
        "jpeg zip after": jpeg + zipped(),
        "jpeg jpeg after": jpeg + saved(rgb, "JPEG", exif=exif()),
        "jpeg many comments": in_jpeg(jpeg, *[segment(0xFE, SCRIPT)] * 2000),
        "jpeg quality 1": saved(rgb, "JPEG", quality=1),
        "mpo": saved(frames[0], "MPO", save_all=True, append_images=frames[1:]),
        "png": plain,
        "png palette": saved(palette, "PNG"),
        "png palette clear": saved(palette, "PNG", transparency=3),
        "png alpha": saved(clear, "PNG"),
        "png grey alpha": saved(clear.convert("LA"), "PNG"),
        "png bits": saved(a_picture("1"), "PNG"),
        "png 16 bits": saved(a_picture("I;16"), "PNG"),
        "png 16 bits colour": png(2, 2, b"\0" + bytes(12) + b"\0" + bytes(12), depth=16),
        "png words": saved(rgb, "PNG", pnginfo=words),
        "png exif": saved(rgb, "PNG", exif=exif()),
        "png icc": saved(rgb, "PNG", icc_profile=profile),
        "png animated": saved(frames[0], "PNG", save_all=True, append_images=frames[1:]),
        "png own chunk": plain[:33] + chunk(b"seCr", PAGE) + plain[33:],
        "png html after": plain + PAGE,
        "png 24 MP": png(4000, 6000, bytes(4001 * 6000), colour=0),
        "webp": saved(rgb, "WEBP"),
        "webp lossless": saved(clear, "WEBP", lossless=True),
        "webp alpha": saved(clear, "WEBP"),
        "webp exif": saved(rgb, "WEBP", exif=exif()),
        "webp icc": saved(rgb, "WEBP", icc_profile=profile),
        "webp xmp": saved(rgb, "WEBP", xmp=xmp),
        "webp animated": saved(frames[0], "WEBP", save_all=True, append_images=frames[1:]),
        **{f"jpeg turned {way}": saved(rgb, "JPEG", exif=exif(way)) for way in range(9)},
    }  # fmt: skip
    return cases


@cache
def refused() -> dict[str, bytes]:
    rgb = a_picture()
    jpeg, plain = saved(rgb, "JPEG"), saved(rgb, "PNG")
    webp = saved(rgb, "WEBP")
    canvas = saved(a_picture("RGBA"), "WEBP", exif=exif())
    bomb = zlib.compress(bytes(40_000_000), 9)
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)">' + SCRIPT + b"</svg>"
    return {
        "nothing": b"",
        "one byte": b"\xff",
        "zeros": bytes(1000),
        "svg": svg,
        "svg with xml": b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a "b">]>' + svg,
        "svg gzipped": gzip.compress(svg, mtime=0),
        "html": PAGE,
        "html behind spaces": b" " * 600 + PAGE,
        "html utf-16": PAGE.decode().encode("utf-16"),
        "gif": saved(rgb, "GIF"),
        "gif javascript": b"GIF89a=1;alert('SECRET-PLACE');//",
        "gif html": b"GIF89a" + PAGE,
        "bmp": saved(rgb, "BMP"),
        "tiff": saved(rgb, "TIFF"),
        "ico": saved(rgb, "ICO"),
        "avif": saved(rgb, "AVIF"),
        "heic": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100),
        "pdf": b"%PDF-1.4\n1 0 obj<</OpenAction<</S/JavaScript/JS(alert(1))>>>>endobj",
        "zip": zipped(),
        "elf": b"\x7fELF" + bytes(60),
        "php": b"<?php system('id'); ?>",
        "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(%pipe%id) (r) file",
        "xcf": b"gimp xcf v011" + bytes(50),
        "psd": b"8BPS\0\1" + bytes(60),
        "jpeg javascript": b"\xff\xd8\xff\xe0/*" + b"\0" * 40 + b"*/=alert('SECRET-PLACE')//",
        "jpeg magic and html": b"\xff\xd8\xff" + PAGE,
        "jpeg cut in the head": jpeg[:40],
        "jpeg cut in the middle": saved(a_picture(size=(900, 900)), "JPEG")[:4000],
        "jpeg 65500 wide": sized(jpeg, 65_500, 65_500),
        "jpeg 26 MP": sized(jpeg, 5200, 5001),
        "jpeg no size": sized(jpeg, 0, 0),
        "jpeg no tables": jpeg.replace(b"\xff\xdb", b"\xff\xfe"),
        "jpeg 12 bits": jpeg.replace(b"\xff\xc0\x00\x11\x08", b"\xff\xc1\x00\x11\x0c"),
        "jpeg only markers": b"\xff\xd8" + b"\xff\xfe\x00\x02" * 5000,
        "png magic only": PNG,
        "png magic and html": PNG + PAGE,
        "png wrong crc": plain[:40] + bytes((plain[40] ^ 1,)) + plain[41:],
        "png wrong crc of head": plain[:29] + b"\0\0\0\0" + plain[33:],
        "png cut": plain[: len(plain) // 2],
        "png no data": PNG + plain[8:33] + chunk(b"IEND", b""),
        "png huge": png(100_000, 100_000, b""),
        "png 2^31": png(2**31 - 1, 2**31 - 1, b""),
        "png 25,000,001": png(25_000_001, 1, b""),
        "png no width": png(0, 10, b""),
        "png bomb in text": plain[:33] + chunk(b"zTXt", b"a\0\0" + bomb) * 3 + plain[33:],
        "png chunk too long": plain[:33] + struct.pack(">I", 2**31) + b"tEXt",
        "png depth 3": png(4, 4, bytes(40), depth=3),
        "png not zlib": PNG + plain[8:33] + chunk(b"IDAT", PAGE) + chunk(b"IEND", b""),
        "png short rows": png(1000, 1000, bytes(500)),
        "webp magic only": b"RIFF\x10\0\0\0WEBP",
        "webp html": b"RIFF\xff\0\0\0WEBPVP8 " + PAGE,
        "webp cut": webp[: len(webp) // 2],
        "webp canvas of 268 MP": canvas[:24] + b"\xfe\x3f\0\xfe\x3f\0" + canvas[30:],
        "webp canvas of 2^48": canvas[:24] + b"\xff" * 6 + canvas[30:],
        "webp unknown chunk": b"RIFF\x20\0\0\0WEBPXXXX" + bytes(20),
        "wave": b"RIFF\x20\0\0\0WAVEfmt " + bytes(20),
    }  # fmt: skip


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as box:
        box.writestr("index.html", PAGE)
    return out.getvalue()


def mutants(many: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Broken in some places, cut, glued together: the same for the same seed."""
    dice = random.Random(seed)
    small = {name: body for name, body in (taken() | refused()).items() if 0 < len(body) < 50_000}
    names = sorted(small)
    for number in range(many):
        name = dice.choice(names)
        body = bytearray(small[name])
        for _ in range(dice.choice((1, 3, 20))):
            body[dice.randrange(len(body))] = dice.randrange(256)
        if dice.random() < 0.2:
            del body[dice.randrange(len(body)) :]
        if dice.random() < 0.2:
            other = small[dice.choice(names)]
            at = dice.randrange(len(body) + 1)
            body[at:at] = other[: dice.randrange(len(other) + 1)]
        yield f"{number}: {name}", bytes(body)
