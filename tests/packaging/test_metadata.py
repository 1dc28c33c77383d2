"""pyproject.toml: the API needs no torch, the command loads none, the weights travel with the package."""

import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
HEAVY = {"torch", "diffusers", "transformers", "av", "opencv-python-headless"}


def closure(requirements: list[str]) -> set[str]:
    """Every distribution that `requirements` bring, by the metadata of what is installed."""
    found: set[str] = set()
    todo = [(Requirement(text), "") for text in requirements]
    while todo:
        requirement, extra = todo.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        for wanted in ("", *requirement.extras):
            if f"{name}[{wanted}]" in found:
                continue
            found |= {name, f"{name}[{wanted}]"}
            try:
                todo += [(Requirement(text), wanted) for text in requires(name) or []]
            except PackageNotFoundError:
                pytest.fail(f"{name} is required and not installed")
    return {name for name in found if "[" not in name}


def test_the_api_extra_brings_no_torch() -> None:
    brought = closure(PROJECT["dependencies"] + PROJECT["optional-dependencies"]["api"])
    assert {"fastapi", "pydantic-core", "botocore"} <= brought  # the walk walks
    assert not HEAVY & brought


def test_the_worker_extra_pins_torch() -> None:
    torch = [r for r in PROJECT["optional-dependencies"]["worker"] if r.startswith("torch")]
    assert torch == ["torch==2.13.*"]


@pytest.mark.parametrize("argv", [["-m", "worker.cli", "--help"], ["-c", "import worker.hooks"]])
def test_what_runs_without_an_engine_loads_none(argv: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *argv], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert "worker" in loaded
    assert not HEAVY & loaded


def test_the_weights_are_package_data() -> None:
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    assert setuptools["package-data"]["model"] == ["weights/**/*"]


def test_the_licence_is_apache_2() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text
