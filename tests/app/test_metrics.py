"""/metrics on a real socket, over the real Redis: what it tells, to whom, and the files that ask for it."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest
import yaml
from fastapi import FastAPI
from fastapi.testclient import TestClient
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families
from redis import Redis

from app.main import create_app
from app.metrics import HttpMetrics
from app.watch import Watch
from worker.contract.counters import window_counts
from worker.contract.job import JobError, JobState, Segment
from worker.contract.settings import Settings
from worker.contract.store import JobStore

DOCKER = Path(__file__).parents[2] / "docker"
PROMPT = {"prompt": "a red circle", "seconds": 3}


def samples(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    families = text_string_to_metric_families(text)
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def value(text: str, name: str, **labels: str) -> float:
    return samples(text)[name, frozenset(labels.items())]


def names(text: str) -> set[str]:
    return {name for name, _ in samples(text)}


def posted(api: httpx.Client) -> str:
    return api.post("/v1/videos", json=PROMPT).json()["id"]


def test_jobs_are_told_by_state_and_counted_once(api: httpx.Client, store: JobStore) -> None:
    first, second = posted(api), posted(api)
    token = store.take(first, "w")
    assert token is not None
    segment = Segment(0, 0, 24, "videos/x/00000.m4s", 10)
    counts = window_counts({"denoise": 0.4, "decode": 0.03}, 1.0)
    for _ in range(2):  # the second is a replay
        store.commit_window(first, token, segment, timings={}, counts=counts)
    text = api.get("/metrics").text
    assert value(text, "magic141_jobs", state="queued") == 1
    assert value(text, "magic141_jobs", state="running") == 1
    assert 0 < value(text, "magic141_queue_oldest_seconds") < 60
    assert value(text, "magic141_windows_total") == 1
    assert value(text, "magic141_window_stage_seconds_bucket", stage="denoise", le="0.25") == 0
    assert value(text, "magic141_window_stage_seconds_bucket", stage="denoise", le="0.5") == 1
    assert value(text, "magic141_window_stage_seconds_count", stage="denoise") == 1
    assert value(text, "magic141_window_stage_seconds_sum", stage="denoise") == pytest.approx(0.4)
    for _ in range(2):
        store.finish(first, token, JobState.FAILED, error=JobError("x", "y"))
    store.request_cancel(second)
    text = api.get("/metrics").text
    assert value(text, "magic141_jobs_accepted_total") == 2
    assert value(text, "magic141_jobs_ended_total", state="failed") == 1
    assert value(text, "magic141_jobs_ended_total", state="canceled") == 1
    assert value(text, "magic141_queue_oldest_seconds") == 0


def test_workers_and_a_lost_lease(api: httpx.Client, store: JobStore, redis: Redis) -> None:
    store.worker_seen("w", {"model": "mini", "resident_bytes": 5, "gpu_bytes": {"allocated": 7}})
    store.worker_seen("cold", {})
    job = posted(api)
    store.take(job, "w")
    redis.delete(f"magic141:job:{job}:lease")
    assert store.requeue(job)
    text = api.get("/metrics").text
    assert value(text, "magic141_workers_alive") == 2
    assert value(text, "magic141_workers_ready") == 1
    assert value(text, "magic141_worker_resident_bytes", worker="w") == 5
    assert value(text, "magic141_worker_gpu_bytes", worker="w", kind="allocated") == 7
    assert value(text, "magic141_lease_losses_total") == 1


def test_requests_are_counted_by_template_and_streams_while_they_are_open(api: httpx.Client) -> None:
    job = posted(api)
    labels = {"method": "GET", "route": "/v1/jobs/{job_id}", "status": "200"}
    before = samples(api.get("/metrics").text)
    api.get(f"/v1/jobs/{job}")
    api.get("/no/such/place")
    api.request("BREW", f"/v1/jobs/{job}")
    with api.stream("GET", f"/v1/jobs/{job}/events") as stream:
        lines = stream.iter_lines()  # dropped, it would close the stream
        next(lines)
        text = api.get("/metrics").text
        assert value(text, "magic141_http_event_streams") == 1
    was = before.get(("magic141_http_requests_total", frozenset(labels.items())), 0)
    assert value(text, "magic141_http_requests_total", **labels) == was + 1
    assert value(text, "magic141_http_requests_total", method="GET", route="unmatched", status="404") >= 1
    assert job not in text
    assert "BREW" not in text
    assert value(text, "magic141_http_request_seconds_count", method="GET", route="/v1/jobs/{job_id}/events")


def test_an_error_on_our_side_is_counted() -> None:
    app, registry = FastAPI(), CollectorRegistry()
    app.add_middleware(Watch, metrics=HttpMetrics(registry))

    @app.get("/broken")
    def broken() -> None:
        raise RuntimeError

    with TestClient(app, raise_server_exceptions=False) as client:
        assert client.get("/broken").status_code == 500
    labels = {"method": "GET", "route": "/broken", "status": "500"}
    assert registry.get_sample_value("magic141_http_requests_total", labels) == 1


def test_who_may_read(api_settings: Settings) -> None:
    with TestClient(create_app(api_settings), client=("192.0.2.1", 1)) as far:
        assert far.get("/metrics").status_code == 401
    with TestClient(create_app(api_settings), client=("127.0.0.1", 1)) as near:
        assert near.get("/metrics").status_code == 200
    guarded = api_settings.model_copy(update={"metrics_token": "tell-me"})
    with TestClient(create_app(guarded), client=("192.0.2.1", 1)) as far:
        assert far.get("/metrics").status_code == 401
        assert far.get("/metrics", headers={"authorization": "Bearer wrong"}).status_code == 401
        assert far.get("/metrics", headers={"authorization": "Bearer tell-me"}).status_code == 200


def test_without_redis_it_says_so(api_settings: Settings) -> None:
    nowhere = api_settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"})
    with TestClient(create_app(nowhere), client=("127.0.0.1", 1)) as client:
        assert value(client.get("/metrics").text, "magic141_redis_up") == 0


def queries() -> list[str]:
    dashboard = json.loads((DOCKER / "grafana-dashboard.json").read_text())
    rules = yaml.safe_load((DOCKER / "alerts.yml").read_text())
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    return asked + [rule["expr"] for group in rules["groups"] for rule in group["rules"]]


def test_dashboard_and_alerts_ask_for_what_there_is(api: httpx.Client, store: JobStore) -> None:
    store.worker_seen("w", {"model": "mini", "resident_bytes": 5, "gpu_bytes": {"allocated": 7}})
    api.get("/health/live")
    store.count("render_video_seconds")
    there = names(api.get("/metrics").text)
    asked = {name for query in queries() for name in re.findall(r"\bmagic141_\w+", query)}
    assert len(asked) >= 15
    assert asked <= there


def test_the_guide_lists_what_there_is(api: httpx.Client, store: JobStore) -> None:
    store.worker_seen("w", {"model": "mini", "resident_bytes": 5, "gpu_bytes": {"allocated": 7}})
    store.count("render_video_seconds")
    api.get("/health/live")
    text = api.get("/metrics").text
    told = {family.name for family in text_string_to_metric_families(text)}
    told = {name.removesuffix("_created") for name in told}  # the client library's, beside each counter
    guide = (DOCKER.parent / "docs" / "guides" / "observability.md").read_text()
    listed = re.findall(r"^\| `(magic141_\w+?)(?:_total)?` \|", guide, re.MULTILINE)
    assert sorted(listed) == sorted(told)


def test_the_dashboard_is_one() -> None:
    dashboard = json.loads((DOCKER / "grafana-dashboard.json").read_text())
    assert dashboard["title"]
    assert dashboard["schemaVersion"] >= 36
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids))
    for panel in dashboard["panels"]:
        assert set(panel["gridPos"]) == {"h", "w", "x", "y"}
        assert panel["type"] in ("timeseries", "stat")
        assert panel["targets"]


def test_the_alert_rules_are_rules() -> None:
    rules = yaml.safe_load((DOCKER / "alerts.yml").read_text())
    for group in rules["groups"]:
        for rule in group["rules"]:
            assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}
            assert set(rule["annotations"]) == {"summary"}
            assert re.fullmatch(r"\d+[smh]", rule["for"])


@pytest.mark.parametrize(
    "argv",
    [
        ("check", "rules", str(DOCKER / "alerts.yml")),
        ("test", "rules", str(Path(__file__).with_name("alerts.yml"))),
    ],
    ids=lambda argv: argv[0],
)
def test_promtool_takes_the_rules_and_each_alert_comes_when_it_should(argv: tuple[str, ...]) -> None:
    promtool = shutil.which("promtool") or pytest.skip("no promtool here (Debian: apt install prometheus)")
    done = subprocess.run([promtool, *argv], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_tried() -> None:
    rules = yaml.safe_load((DOCKER / "alerts.yml").read_text())
    tried = yaml.safe_load(Path(__file__).with_name("alerts.yml").read_text())
    expected = [each for test in tried["tests"] for each in test["alert_rule_test"]]
    for wanted in (True, False):
        names = {each["alertname"] for each in expected if bool(each["exp_alerts"]) is wanted}
        assert names == {rule["alert"] for group in rules["groups"] for rule in group["rules"]}
