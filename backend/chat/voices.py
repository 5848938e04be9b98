"""Voice notes: taken as MP3, AAC, M4A or plain WAV, kept as the bare frames of sound in them.

Nothing is transcoded. The frames are copied out one by one, those of an M4A as AAC in ADTS, so that
titles, places, pictures and whatever else a file can carry stay behind. What is not a whole chain
of frames is refused. The formats: ISO/IEC 11172-3, 13818-3 and 13818-7; `m4a.py` has 14496-12.
WAV is what browsers can make where no phone is at hand.
"""

import io
import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from struct import error as StructError

from backend.chat import m4a
from backend.chat.m4a import FRAMES_MOST, RATES, SAMPLES, Broken, Frame
from backend.errors import Malformed

BYTES_MOST = 2 * 1024 * 1024
SECONDS_MOST = 61.0  # the recorder of WeChat stops at 60, and its last frame may be longer
FRAMES_LEAST = 3
HERTZ_MOST = 48_000  # of WAV
TAIL_MOST = 8192  # bytes after the last whole frame: old tags, or a frame that was cut short
PADDING_MOST = 4096  # zeros after a tag
MP3, AAC, WAV = "audio/mpeg", "audio/aac", "audio/wav"
# kbit/s of layer III, by version: MPEG 1, then 2 and 2.5.
KBITS = {
    True: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
HERTZ = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
INDEXES = (b"Xing", b"Info", b"VBRI")  # a first frame that is a table, not sound
WORDS = {
    "unreadable": "这段语音打不开，可能没有录完整，请重新录一段。",
    "format": "这种语音格式不能发，请用小程序里的录音按钮录（MP3 或 AAC）。",
    "bytes": "语音不能超过 2 MB，请说短一些，分几段发。",
    "long": "一段语音最长 60 秒，请分几段发。",
}
Reader = Callable[[bytes, int], Frame | None]
KNOWN = ((0, b"OggS"), (0, b"\x1aE\xdf\xa3"), (0, b"#!AMR"), (0, b"#!SILK"))


class VoiceRefused(Malformed):
    """The voice note can't be read, is too long, or its format is not taken. `why` says which."""

    code = "voice-refused"
    title = "这段语音不能发送"


def refusal(why: str) -> VoiceRefused:
    return VoiceRefused(WORDS[why], field="file", why=why)


@dataclass(frozen=True, slots=True)
class Voice:
    body: bytes
    media: str
    seconds: float


def is_voice(body: bytes) -> bool:
    """Whether it is of a format that is taken. Raises VoiceRefused: it is one that is not."""
    if any(body.startswith(magic, offset) for offset, magic in KNOWN):
        raise refusal("format")
    return body.startswith(b"ID3") or body[4:8] == b"ftyp" or _is_wav(body) or _is_sync(body)


def make(body: bytes) -> Voice:
    """The frames of sound, with their true length. Blocks some milliseconds: for a thread.

    Raises VoiceRefused.
    """
    if len(body) > BYTES_MOST:
        raise refusal("bytes")
    try:
        voice = _made(body)
    except Broken:
        raise refusal("unreadable") from None
    if voice.seconds > SECONDS_MOST:
        raise refusal("long")
    return voice


def _made(body: bytes) -> Voice:
    """Raises Broken, VoiceRefused."""
    if _is_wav(body):
        return _wav(body)
    if body[4:8] == b"ftyp":
        frames, media = m4a.frames(body), AAC
    else:
        start = _after_tag(body)
        is_aac = body[start + 1] & 0x06 == 0
        media = AAC if is_aac else MP3
        frames = _chain(body, start, _aac if is_aac else _mp3)
    found = list(islice(frames, FRAMES_MOST + 1))
    if len(found) > FRAMES_MOST:
        raise refusal("long")
    if media == MP3 and found and any(name in found[0].body[:64] for name in INDEXES):
        del found[0]
    if len(found) < FRAMES_LEAST:
        raise Broken
    if len({frame.hertz for frame in found}) > 1:
        raise Broken
    seconds = sum(frame.samples for frame in found) / found[0].hertz
    return Voice(b"".join(frame.body for frame in found), media, round(seconds, 2))


def _is_wav(body: bytes) -> bool:
    return body.startswith(b"RIFF") and body[8:12] == b"WAVE"


def _wav(body: bytes) -> Voice:
    """One channel of 16 bits, behind a new head. Raises Broken."""
    out = io.BytesIO()
    try:
        with wave.open(io.BytesIO(body)) as sent, wave.open(out, "wb") as kept:
            hertz, count = sent.getframerate(), sent.getnframes()
            if (sent.getnchannels(), sent.getsampwidth()) != (1, 2) or not 0 < hertz <= HERTZ_MOST:
                raise Broken
            samples = sent.readframes(min(count, len(body)))
            kept.setnchannels(1)
            kept.setsampwidth(2)
            kept.setframerate(hertz)
            kept.writeframes(samples[: len(samples) // 2 * 2])
    except (wave.Error, EOFError, StructError, OverflowError) as wrong:
        raise Broken from wrong
    if not samples:
        raise Broken
    return Voice(out.getvalue(), WAV, round(len(samples) / 2 / hertz, 2))


def _chain(body: bytes, at: int, read: Reader) -> Iterator[Frame]:
    """One frame after the other, without gaps. Raises Broken: the chain breaks off early."""
    while (frame := read(body, at)) is not None:
        yield frame
        at += len(frame.body)
    if len(body) - at > TAIL_MOST:
        raise Broken


def _is_sync(body: bytes) -> bool:
    return len(body) > 3 and body[0] == 0xFF and body[1] & 0xE0 == 0xE0


def _after_tag(body: bytes) -> int:
    """Where the first frame is. Raises Broken."""
    start = 0
    if body.startswith(b"ID3"):
        if len(body) < 10:
            raise Broken
        high, second, third, low = (byte & 0x7F for byte in body[6:10])
        start = 10 + (high << 21 | second << 14 | third << 7 | low)
        start += 10 * bool(body[5] & 0x10)  # a footer
        padding = body[start : start + PADDING_MOST]
        start += len(padding) - len(padding.lstrip(b"\0"))
    if not _is_sync(body[start : start + 4]):
        raise Broken
    return start


def _mp3(body: bytes, at: int) -> Frame | None:
    """The frame of layer III that begins here, if a whole one does."""
    head = body[at : at + 4]
    if not _is_sync(head) or head[1] >> 1 & 3 != 1:
        return None
    version, rate, kbits = head[1] >> 3 & 3, head[2] >> 2 & 3, head[2] >> 4
    if version == 1 or rate == 3 or not 0 < kbits < 15:
        return None
    hertz, first = HERTZ[version][rate], version == 3
    samples = 1152 if first else 576
    size = samples // 8 * KBITS[first][kbits] * 1000 // hertz + (head[2] >> 1 & 1)
    return _whole(body, at, size, hertz, samples)


def _aac(body: bytes, at: int) -> Frame | None:
    """The frame of ADTS that begins here, if a whole one does."""
    head = body[at : at + 7]
    if len(head) < 7 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0:
        return None
    rate, size = head[2] >> 2 & 0xF, (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    if rate >= len(RATES) or size <= len(head):
        return None
    return _whole(body, at, size, RATES[rate], SAMPLES * ((head[6] & 3) + 1))


def _whole(body: bytes, at: int, size: int, hertz: int, samples: int) -> Frame | None:
    frame = body[at : at + size]
    return Frame(frame, hertz, samples) if len(frame) == size else None
