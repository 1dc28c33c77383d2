"""Imports run one way: app -> worker.contract, worker -> model."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
OURS = ("app", "worker", "model", "tests")


def imports(folder: str) -> Iterator[tuple[Path, str]]:
    for path in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from ((path, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path}: a relative import"
                yield path, str(node.module)
                yield from ((path, f"{node.module}.{alias.name}") for alias in node.names)


def test_app_knows_only_the_contract() -> None:
    for path, name in imports("app"):
        package = name.split(".")[0]
        assert package not in ("model", "tests", "torch", "av", "diffusers", "transformers"), (
            f"{path}: {name}"
        )
        if package == "worker":
            assert name in ("worker", "worker.contract") or name.startswith("worker.contract."), (
                f"{path}: {name}"
            )


def test_contract_stands_alone() -> None:
    for path, name in imports("worker/contract"):
        package = name.split(".")[0]
        assert package not in ("app", "model", "tests", "torch", "av", "fastapi", "starlette"), (
            f"{path}: {name}"
        )
        if package == "worker":
            assert name.startswith("worker.contract"), f"{path}: {name}"


def test_worker_does_not_know_the_app() -> None:
    for path, name in imports("worker"):
        assert name.split(".")[0] not in ("app", "tests", "fastapi"), f"{path}: {name}"


def test_model_knows_neither_job_nor_service() -> None:
    for path, name in imports("model"):
        package = name.split(".")[0]
        assert package not in ("app", "worker", "tests", "redis", "rq", "boto3", "fastapi"), f"{path}: {name}"
