"""The frames of sound in an M4A file (ISO/IEC 14496-12, AAC), wrapped as ADTS one by one."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from struct import error as StructError
from struct import unpack_from

BOXES_MOST = 500
FRAMES_MOST = 10_000  # 60 s at 96 kHz have 5,625
FRAME_MOST = 8191  # the length field of ADTS has 13 bits
ADTS_HEAD = 7
SAMPLES = 1024  # of a frame of AAC
RATES = (
    96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350,
)  # fmt: skip
AAC_LC, SBR = 2, 5  # audio object types
Span = tuple[int, int]


class Broken(Exception):
    """Not a whole file of sound."""


@dataclass(frozen=True, slots=True)
class Frame:
    body: bytes
    hertz: int
    samples: int


def frames(body: bytes) -> Iterator[Frame]:
    """Raises Broken: not one track of AAC, or its tables point outside of the file."""
    try:
        table = _table(body)
        rate, channels = _config(body, table)
        for start, size in _samples(body, table):
            if start < 0 or size <= 0 or start + size > len(body) or size + ADTS_HEAD > FRAME_MOST:
                raise Broken
            head = _adts(rate, channels, size + ADTS_HEAD)
            yield Frame(head + body[start : start + size], RATES[rate], SAMPLES)
    except (StructError, IndexError) as wrong:
        raise Broken from wrong


def _table(body: bytes) -> dict[bytes, Span]:
    """The boxes of the only track's sample table."""
    movie = _one(_boxes(body, (0, len(body))), b"moov")
    media = _one(_boxes(body, _one(_boxes(body, movie), b"trak")), b"mdia")
    inside = _boxes(body, media)
    handler = _one(inside, b"hdlr")
    if body[handler[0] + 8 : handler[0] + 12] != b"soun":
        raise Broken
    table = _boxes(body, _one(_boxes(body, _one(inside, b"minf")), b"stbl"))
    return dict(table)


def _boxes(body: bytes, span: Span) -> list[tuple[bytes, Span]]:
    """Kind and content of each box. Raises Broken: they don't fill the span."""
    at, end = span
    found: list[tuple[bytes, Span]] = []
    while at < end:
        if end - at < 8 or len(found) == BOXES_MOST:
            raise Broken
        size, kind, head = unpack_from(">I", body, at)[0], body[at + 4 : at + 8], 8
        if size == 1:
            size, head = unpack_from(">Q", body, at + 8)[0], 16
        elif size == 0:
            size = end - at
        if size < head or at + size > end:
            raise Broken
        found.append((kind, (at + head, at + size)))
        at += size
    return found


def _one(boxes: list[tuple[bytes, Span]], kind: bytes) -> Span:
    spans = [span for found, span in boxes if found == kind]
    if len(spans) != 1:
        raise Broken
    return spans[0]


def _config(body: bytes, table: dict[bytes, Span]) -> tuple[int, int]:
    """Index of the rate, and channels, as the decoder is told them (AudioSpecificConfig)."""
    start, end = _box(table, b"stsd")
    kind, entry = _boxes(body, (start + 8, end))[0]
    version = unpack_from(">H", body, entry[0] + 8)[0]
    if kind != b"mp4a" or version not in (0, 1):
        raise Broken
    esds = _one(_boxes(body, (entry[0] + 28 + 16 * version, entry[1])), b"esds")
    config = _specific(body[esds[0] + 4 : esds[1]])
    bits = int.from_bytes(config[:5].ljust(5, b"\0"), "big")  # 40 of them
    kind_of_aac, rate, channels = bits >> 35, bits >> 31 & 0xF, bits >> 27 & 0xF
    if kind_of_aac == SBR:  # its core is plain AAC, and players find the rest by themselves
        kind_of_aac = bits >> 18 & 0x1F
    if kind_of_aac != AAC_LC or rate >= len(RATES) or channels not in (1, 2):
        raise Broken
    return rate, channels


def _specific(descriptors: bytes) -> bytes:
    """What stands in the descriptor 5 in 4 in 3."""
    for tag, fixed in ((3, 3), (4, 13), (5, 0)):
        if not descriptors or descriptors[0] != tag:
            raise Broken
        length, at = 0, 1
        while True:
            length = length << 7 | descriptors[at] & 0x7F
            at += 1
            if not descriptors[at - 1] & 0x80:
                break
            if at > 4:
                raise Broken
        descriptors = descriptors[at : at + length][fixed:]
    return descriptors


def _samples(body: bytes, table: dict[bytes, Span]) -> Iterator[Span]:
    """Start and size of each sample, in order."""
    sizes = _sizes(body, _box(table, b"stsz")[0])
    starts = _starts(body, table)
    firsts, manies = _runs(body, _box(table, b"stsc")[0])
    at = 0
    for number, start in enumerate(starts, 1):
        many = manies[bisect_right(firsts, number) - 1]
        for size in sizes[at : at + many]:
            yield start, size
            start += size
        at += many
    if at != len(sizes):
        raise Broken


def _sizes(body: bytes, at: int) -> list[int]:
    same, count = unpack_from(">II", body, at + 4)
    if count > FRAMES_MOST:
        raise Broken
    return [same] * count if same else list(unpack_from(f">{count}I", body, at + 12))


def _starts(body: bytes, table: dict[bytes, Span]) -> list[int]:
    """Of each chunk, in 4 or 8 bytes."""
    wide = b"co64" in table
    at = _box(table, b"co64" if wide else b"stco")[0]
    count = unpack_from(">I", body, at + 4)[0]
    if count > FRAMES_MOST:
        raise Broken
    return list(unpack_from(f">{count}{'Q' if wide else 'I'}", body, at + 8))


def _runs(body: bytes, at: int) -> tuple[list[int], list[int]]:
    """First chunks, and how many samples each has from there on. Raises Broken."""
    count = unpack_from(">I", body, at + 4)[0]
    if count > FRAMES_MOST:
        raise Broken
    numbers = unpack_from(f">{count * 3}I", body, at + 8)
    firsts = list(numbers[::3])
    if firsts[:1] != [1] or firsts != sorted(set(firsts)):
        raise Broken
    return firsts, list(numbers[1::3])


def _box(table: dict[bytes, Span], kind: bytes) -> Span:
    if kind not in table:
        raise Broken
    return table[kind]


def _adts(rate: int, channels: int, length: int) -> bytes:
    """MPEG-4, no checksum, AAC-LC, one block."""
    bits = (
        0xFFF1 << 40 | (AAC_LC - 1) << 38 | rate << 34 | channels << 30 | length << 13 | 0x7FF << 2
    )
    return bits.to_bytes(ADTS_HEAD, "big")
