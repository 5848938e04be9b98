"""The environment as the commands see it: a `.env` file beneath the process's own variables."""

import re
from collections.abc import Mapping
from pathlib import Path

from backend.settings import PREFIX, SettingsError

FILE = ".env"
BYTES_MOST = 65_536
LINE = re.compile(r"(?:export\s+)?([A-Z_][A-Z0-9_]*)=(.*)")


def read(folder: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The `JIAMENKOU_*` variables; what `environ` says goes before what the file says.

    Raises:
        SettingsError: the file, or a line of it, can't be read.
    """
    path = folder / FILE
    raw = path.read_bytes()[:BYTES_MOST] if path.is_file() else b""
    try:
        text = raw.decode("utf-8-sig")  # some editors begin a file with a byte-order mark
    except UnicodeDecodeError:
        raise SettingsError([f"{FILE} 不是 UTF-8 编码，请另存为 UTF-8。"]) from None
    both = parse(text) | dict(environ)
    return {name: value for name, value in both.items() if name.startswith(PREFIX)}


def parse(text: str) -> dict[str, str]:
    """`NAME=value` lines: `#` begins a comment line, quotes around a value are taken off."""
    values, faults = {}, []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = LINE.fullmatch(line.strip())
        if found is None:
            faults.append(f"{FILE} 第 {number} 行：应为「名称=值」。")
            continue
        name, value = found.groups()
        quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
        values[name] = value[1:-1] if quoted else value
    if faults:
        raise SettingsError(faults)
    return values
