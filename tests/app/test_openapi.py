"""The whole OpenAPI document against the server it describes, by schemathesis: thousands of requests, right
and wrong ones, none of which may be answered in a way that the document does not tell."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

from app.main import create_app
from tests.app.test_derived import finished
from tests.app.test_jobs import post
from worker.contract.settings import Settings
from worker.contract.storage import Storage
from worker.contract.store import JobStore

EXAMPLES = 250
"""Of each operation, beside those that the document's own bounds and examples give."""
schema = schemathesis.openapi.from_dict(create_app(Settings()).openapi())
OPERATIONS = {found.ok().label for found in schema.get_all_operations()}
seen: list[str] = []


@pytest.fixture
def world(api: httpx.Client, store: JobStore, storage: Storage) -> dict[str, str]:
    """Ids that exist, in a server with a ready worker: of a job that waits, and of one that is over."""
    store.worker_seen("worker-0", {"model": "mini"}, ttl=600)
    return {"waiting": post(api, seconds=4)["id"], "over": finished(api, store, storage)}


def answers(label: str) -> Any:
    """The test of one operation."""

    @schema.include(name=label).parametrize()
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def every_answer_is_as_documented(case: Any, world: dict[str, str], base_url: str) -> None:
        seen.append(case.operation.label)
        path = case.meta.components.get(ParameterLocation.PATH)
        if "job_id" in case.path_parameters and path is not None and not path.mode.is_negative:
            # What is drawn at random is no job's id: two of three times, it is replaced.
            ids = [world["over"], world["waiting"], case.path_parameters["job_id"]]
            endless = case.operation.path.endswith("/events")  # a job that waits has events to come
            case.path_parameters["job_id"] = ids[0 if endless else len(seen) % 3]
        case.call_and_validate(
            base_url=base_url,
            timeout=20,
            # Not every rule fits a schema: seconds of shots sum to the video's, a URL must be a public one.
            excluded_checks=[positive_data_acceptance, ignored_auth],
        )

    return every_answer_is_as_documented


# A function for each, as schemathesis gives all tests of one function the same id.
for operation in sorted(OPERATIONS):
    globals()["test_" + re.sub(r"\W+", "_", operation).strip("_")] = answers(operation)


def test_they_were_thousands() -> None:
    """As many as were promised, over all operations."""
    if set(seen) < OPERATIONS:
        pytest.skip("the tests above were not all run")
    assert len(seen) >= 5000, len(seen)
