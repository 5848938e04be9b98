"""Compiles the modules of a turn by mypyc: `python -m backend.bot.compiling`, part of `make setup`.

Only for speed: where it can't be done, and after any change in the bot, its modules run as Python
(`compiled.py`). A build is kept only if it decides about every example of the rules as the sources
do. mypyc compiles Python as it is written, but for Structs: it drops their options (`frozen`, `gc`,
`eq`) and leaves nothing in their annotations that msgspec could convert by. So shapes that are
converted, or are keys, stand in modules that are not compiled: `schema`, `talk`, `rules`. It makes
most of constants that are Final, of lists of floats in plain loops, and of dataclasses for what is
made once.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import msgspec

from backend.bot import compiled, rules, shelf, triage
from backend.bot.compiled import BUILT, LIBRARY, SOURCES
from backend.bot.talk import Person

MODULES = (
    "cases", "departments", "intents", "learned", "matching", "measures", "normalise", "phrases",
    "reading", "red_flags", "scope", "slots", "triage",
)  # fmt: skip
GROUP = LIBRARY.removesuffix("__mypyc")  # one library, so that they call each other directly
OPTIMISED = "1"  # 2 and 3 take longer to compile and are no faster
COMPILE_S, DECIDE_S = 900.0, 300.0
SAID_MOST = 2_000  # bytes
PERSONS = (
    Person(),
    Person(age_months=360, sex="female", is_pregnant=True, conditions=("高血压",)),
)


class CompileError(Exception):
    """Why there is no build; the text is for whoever set this up."""


def main() -> int:
    if compiled.folder() is not None:
        return 0
    if missing := _missing():
        print(f"分诊程序没有编译（{missing}），照样能用，只是慢一些。", file=sys.stderr)  # noqa: T201
        return 0
    print("正在编译分诊程序，大约半分钟…… / Compiling the bot")  # noqa: T201
    try:
        build()
    except (CompileError, OSError) as error:
        print(f"{error}\n分诊程序没有编译，照样能用，只是慢一些。", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def _missing() -> str | None:
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    if shutil.which(compiler) is None:
        return f"没有 C 编译器 {compiler}"
    if not Path(sysconfig.get_path("include"), "Python.h").is_file():
        return "没有 Python 的头文件"
    if find_spec("mypyc") is None or find_spec("setuptools") is None:
        return "没有开发工具 mypyc"
    return None


def build() -> None:
    """Raises CompileError. What is there in the end is whole: it is put there by one rename."""
    BUILT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="making-", dir=BUILT) as scratch:
        copy = _copied(Path(scratch))
        _python(Path(scratch), "compile_here", COMPILE_S)
        if _python(Path(scratch), "decide", DECIDE_S) != _python(
            SOURCES.parents[1], "decide", DECIDE_S
        ):
            raise CompileError("编译过的分诊程序和源代码判断得不一样，没有采用。")
        made = Path(scratch, "made")
        made.mkdir()
        for extension in copy.glob("*.so"):
            extension.rename(made / extension.name)
        _put(made, BUILT / compiled.digest(copy))


def _copied(scratch: Path) -> Path:
    """The sources as they are at this moment: what is compiled is what the digest is of."""
    copy = scratch / "backend" / "bot"
    copy.mkdir(parents=True)
    for name in ("__init__.py", "refused.py"):
        shutil.copy(SOURCES.parent / name, scratch / "backend" / name)
    for path in SOURCES.glob("*.py"):
        shutil.copy(path, copy / path.name)
    (copy / rules.FOLDER.name).symlink_to(rules.FOLDER)
    return copy


def _python(folder: Path, function: str, timeout_s: float) -> bytes:
    """What a function of this module prints in a process that finds the package in `folder`."""
    code = f"from backend.bot import compiling; compiling.{function}()"
    try:
        done = subprocess.run(  # noqa: S603  our own Python and code
            [sys.executable, "-c", code],
            cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout_s,
            check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise CompileError(f"{timeout_s:.0f} 秒还没有编译完。") from None
    if done.returncode != 0:
        raise CompileError(_end(done.stdout) + _end(done.stderr))
    return done.stdout


def _end(output: bytes) -> str:
    """A compiler may have thousands of lines to say."""
    return output[-SAID_MOST:].decode(errors="replace")


def _put(made: Path, where: Path) -> None:
    try:
        os.rename(made, where)
    except OSError:
        if not where.is_dir():  # else somebody was quicker
            raise
    for other in BUILT.iterdir():
        if other.name != where.name and len(other.name) == compiled.DIGITS:
            shutil.rmtree(other, ignore_errors=True)


# What runs in processes of their own.


def compile_here() -> None:
    """The modules in the working directory."""
    from mypyc.build import mypycify
    from setuptools import setup

    paths = [f"backend/bot/{name}.py" for name in MODULES]
    extensions = mypycify(paths, opt_level=OPTIMISED, debug_level="0", group_name=GROUP)
    setup(name="turn", packages=[], ext_modules=extensions,
          script_args=["--quiet", "build_ext", "--inplace"])  # fmt: skip


def decide() -> None:
    """Prints what is decided about every example of the rules."""
    shipped = shelf.warmed(rules.load(unsigned_allowed=True))
    for texts in _examples(shipped):
        for person in PERSONS:
            decided = triage.decide(shipped, person, texts)
            sys.stdout.buffer.write(msgspec.json.encode(decided) + b"\n")


def _examples(shipped: rules.Rules) -> Iterator[list[str]]:
    """Each by itself, and each rule's as a conversation."""
    for _, rule in shipped.every():
        told = [*rule.positive, *rule.negative]
        yield from ([text] for text in told)
        yield told


if __name__ == "__main__":
    sys.exit(main())
