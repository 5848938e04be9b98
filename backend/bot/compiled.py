"""Which of the bot's modules are compiled ones: those made of just these sources, or none.

A compiled module hides its source. So what was compiled lies in a folder that is named by the
digest of the sources and stands in the package's path only while they are the same: whoever changes
a character runs what is written there. `compiling.py` makes these folders.
"""

import hashlib
from collections.abc import MutableSequence
from importlib import import_module
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec
from pathlib import Path

SOURCES = Path(__file__).parent
BUILT = SOURCES / "built"
DIGITS = 16
LIBRARY = "backend.bot.turn__mypyc"  # which all compiled modules are in


def use(path: MutableSequence[str]) -> None:
    """Puts the compiled modules first in the package's path, if this system can load them: one
    that is older than where they were compiled may not."""
    found = folder()
    if found is None:
        return
    path.insert(0, str(found))
    try:
        import_module(LIBRARY)
    except ImportError:
        path.remove(str(found))


def folder() -> Path | None:
    """Where the modules lie that were compiled from the sources as they are now."""
    if not BUILT.is_dir():
        return None
    found = BUILT / digest(SOURCES)
    return found if found.is_dir() else None


def digest(sources: Path) -> str:
    """Of every module of the bot, as compiled ones rely on the types of the others, and of the
    Python that they are for: version, system and processor are in the name of its extensions."""
    hashed = hashlib.sha256(EXTENSION_SUFFIXES[0].encode())
    for path in sorted(sources.glob("*.py")):
        content = path.read_bytes()
        hashed.update(f"{path.name}\0{len(content)}\0".encode() + content)
    return hashed.hexdigest()[:DIGITS]


def is_used() -> bool:
    """Whether turns are answered by compiled modules in this process."""
    found = find_spec("backend.bot.triage")
    return found is not None and found.origin is not None and not found.origin.endswith(".py")
