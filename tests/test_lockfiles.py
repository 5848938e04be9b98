"""Lock files pin everything, with hashes, and say nothing about whose machine made them."""

import json
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ("runtime", "dev", "node", "pip")
PIN = re.compile(r"([a-z0-9][a-z0-9._-]*)==(\S+?)(?: ; .+?)? \\")
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}(?: \\)?")


def lines(lock: str) -> list[str]:
    return (ROOT / "requirements" / f"{lock}.txt").read_text().splitlines()


def pins(lock: str) -> dict[str, str]:
    return {m[1]: m[2] for line in lines(lock) if (m := PIN.fullmatch(line))}


def declared(*groups: str) -> dict[str, str]:
    """Name → requirement, of pyproject.toml and of what builds the project."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"]]
    for group in groups:
        wanted += project["optional-dependencies"][group]
    wanted += listed("build")
    return by_name(wanted)


def listed(name: str) -> list[str]:
    """The lines of a `requirements/*.in`."""
    found = (ROOT / "requirements" / f"{name}.in").read_text().splitlines()
    return [line for line in found if line and not line.startswith("#")]


def by_name(wanted: list[str]) -> dict[str, str]:
    return {re.split(r"[\[<>=,;]", one)[0].lower(): one for one in wanted}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_line_is_a_pin_or_its_hash(lock: str) -> None:
    """No index, no host, no path, no comment: nothing of the machine that made it."""
    strange = [one for one in lines(lock) if not PIN.fullmatch(one) and not HASH.fullmatch(one)]
    assert strange == []


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_a_hash(lock: str) -> None:
    all_lines = lines(lock)
    for number, line in enumerate(all_lines):
        if PIN.fullmatch(line):
            assert HASH.fullmatch(all_lines[number + 1]), line


@pytest.mark.parametrize("lock", LOCKS)
def test_what_is_declared_is_locked(lock: str) -> None:
    """`make lock` was run after pyproject.toml changed."""
    if lock in ("node", "pip"):
        wanted = by_name(listed(lock))
    else:
        wanted = declared("dev") if lock == "dev" else declared()
    assert wanted.keys() - pins(lock).keys() == set()
    for name, requirement in wanted.items():
        exact = re.search(r"==(.+)", requirement.partition(";")[0])
        assert exact is None or pins(lock)[name] == exact[1], requirement


def test_both_locks_agree() -> None:
    assert pins("runtime").items() <= pins("dev").items()


def test_npm_s_lock_names_no_registry_and_every_hash() -> None:
    """npm writes `resolved` addresses unless .npmrc forbids it."""
    lock = json.loads((ROOT / "miniprogram_stub" / "package-lock.json").read_text())
    packages = {name: found for name, found in lock["packages"].items() if name}
    assert len(packages) > 50
    assert [name for name, found in packages.items() if "resolved" in found] == []
    assert [name for name, found in packages.items() if "integrity" not in found] == []


def test_npm_s_versions_are_exact() -> None:
    wanted = json.loads((ROOT / "miniprogram_stub" / "package.json").read_text())["devDependencies"]
    assert [name for name, version in wanted.items() if not re.fullmatch(r"[\d.]+", version)] == []
