"""docs/errors.md against the source: every code that is raised, and no other, with its status and type."""

import ast
import re
from collections.abc import Iterator
from typing import get_args

from app.errors import STATUS, TYPES
from tests.service import ROOT
from worker.contract import errors

CLASSES = {name: kind for name, kind in vars(errors).items() if isinstance(kind, type)}
FRAMEWORK = {"http_error": "any", "method_not_allowed": "405", "internal_error": "500"}
INSIDE = {"lease_lost"}
PAGE = (ROOT / "docs" / "errors.md").read_text()


def raised() -> Iterator[tuple[str, str, str]]:
    """(code, name of what is called, where) of every place in app/ and worker/ that makes an error."""
    for path in [*ROOT.glob("app/**/*.py"), *ROOT.glob("worker/**/*.py")]:
        if path.is_relative_to(ROOT / "worker" / "client"):
            continue  # knows the server's errors by its answers
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            at = 1 if name == "envelope" else 0
            if (name not in CLASSES and name not in ("envelope", "JobError")) or len(node.args) <= at:
                continue
            code, where = node.args[at], f"{path.relative_to(ROOT)}:{node.lineno}"
            told = {part.value for part in ast.walk(code) if isinstance(part, ast.Constant)}
            again = isinstance(code, ast.Attribute) and code.attr == "code"
            assert told or again, f"{where}: write the code out, so that this test can read it"
            yield from ((found, name, where) for found in told)
    for path in ROOT.glob("worker/**/*.lua"):
        for found in re.findall(r"\bcode = '(\w+)'", path.read_text()):
            yield found, "JobError", str(path.relative_to(ROOT))


def rows(heading: str) -> dict[str, list[str]]:
    """The cells behind each code in the table below a heading."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    found = re.findall(r"^\| `(\w+)` \|(.*)\|$", section, re.MULTILINE)
    assert len({code for code, _ in found}) == len(found)
    return {code: [cell.strip().strip("`") for cell in rest.split("|")] for code, rest in found}


API, JOB, COMMAND = (
    rows(heading) for heading in ("Answers of the API", "What a failed job carries", "Of the command alone")
)


def test_the_table_of_codes_is_what_is_raised() -> None:
    assert {code for code, _, _ in raised()} == set(get_args(errors.Code))


def test_every_code_is_catalogued_and_every_catalogued_code_is_raised() -> None:
    assert {*API, *JOB, *COMMAND} | INSIDE == set(get_args(errors.Code))
    assert all(f"`{code}`" in PAGE for code in INSIDE)


def test_a_failed_jobs_codes_are_those_of_the_worker() -> None:
    ends = ("JobError", "JobCanceled", "DeadlinePassed", "EngineFailure")
    both = {"not_found", "image_required"}  # of a key that is missing in storage, of a picture nobody makes
    assert set(JOB) == {code for code, name, _ in raised() if name in ends} | both


def test_statuses_and_types() -> None:
    for code, name, where in raised():
        if code not in API or name in ("JobError", "envelope"):
            continue
        status = next(status for kind, status in STATUS if issubclass(CLASSES[name], kind))
        assert API[code][:2] == [str(status), type_of(status)], f"{code}, raised in {where}"
    for code, status in FRAMEWORK.items():
        assert API[code][0] == status
        assert API[code][1] == ("by the status" if status == "any" else type_of(int(status)))
    assert all(len(cells) == 4 and all(cells) for cells in API.values())
    assert all(len(cells) == 2 and all(cells) for cells in (*JOB.values(), *COMMAND.values()))


def type_of(status: int) -> str:
    return TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
