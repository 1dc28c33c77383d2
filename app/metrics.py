"""What /metrics tells: of jobs and workers what Redis holds at that moment, of HTTP what this process saw."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from redis.exceptions import RedisError

from worker.contract.counters import BUCKETS_SECONDS, INFINITY, STAGE
from worker.contract.store import JobStore

ENDINGS = ("succeeded", "failed", "canceled")
TRIES = ("delivered", "failed", "given_up")
STAGES = ("denoise", "decode", "encode", "upload")
LATENCY_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class HttpMetrics:
    """Of this process alone: each API process is a target of its own."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ["method", "route", "status"]
        self.requests = Counter("magic141_http_requests", "Requests answered.", labels, registry=registry)
        self.latency = Histogram(
            "magic141_http_request_seconds",
            "Time to the response's first byte, so an event stream counts as what it took to open it.",
            ["method", "route"],
            buckets=LATENCY_SECONDS,
            registry=registry,
        )
        self.streams = Gauge("magic141_http_event_streams", "Event streams open now.", registry=registry)


class StoreCollector(Collector):
    """Two round trips to Redis a scrape, whatever the number of jobs; `magic141_redis_up` is 0 without it."""

    def __init__(self, store: JobStore) -> None:
        self._store = store

    def describe(self) -> list[Metric]:
        return []  # registering asks Redis nothing

    def collect(self) -> Iterator[Metric]:
        try:
            found = [*self._jobs(), *self._workers()]
        except RedisError:
            found = []
        yield GaugeMetricFamily("magic141_redis_up", "Whether Redis answered this scrape.", value=bool(found))
        yield from found

    def _jobs(self) -> Iterator[Metric]:
        now = self._store.reading()
        counted = now.counters
        states = GaugeMetricFamily("magic141_jobs", "Unfinished jobs by state.", labels=["state"])
        states.add_metric(["queued"], now.queued)
        states.add_metric(["running"], now.running)
        yield states
        yield GaugeMetricFamily("magic141_queue_depth", "Jobs that wait for a worker.", value=now.queued)
        yield GaugeMetricFamily(
            "magic141_queue_oldest_seconds", "How long the oldest has waited.", value=now.oldest_wait_seconds
        )
        yield GaugeMetricFamily("magic141_queue_wakes", "Entries in rq not popped yet.", value=now.wakes)
        yield GaugeMetricFamily("magic141_outbox_depth", "Webhooks that are owed.", value=now.outbox)
        yield GaugeMetricFamily("magic141_dead_letters", "Webhooks given up.", value=now.dead_letters)
        for name, field, text in (
            ("jobs_accepted", "accepted", "Jobs accepted."),
            ("windows", "windows", "Windows committed."),
            ("lease_losses", "lease_losses", "Leases that ran out under a running job."),
            ("engine_errors", "engine_errors", "Slices ended by an error nobody expected."),
            ("video_seconds", "video_seconds", "Seconds of video committed."),
            ("render_seconds", "render_seconds", "Seconds between two commits of a slice."),
            ("render_video_seconds", "render_video_seconds", "Seconds of video committed in that time."),
        ):
            yield CounterMetricFamily(f"magic141_{name}", text, value=counted.get(field, 0.0))
        made = counted.get("render_video_seconds", 0.0)
        factor = GaugeMetricFamily("magic141_realtime_factor", "Render seconds per second of video.")
        if made:
            factor.add_metric([], counted.get("render_seconds", 0.0) / made)
        yield factor
        ended = CounterMetricFamily("magic141_jobs_ended", "Jobs ended, by state.", labels=["state"])
        for state in ENDINGS:
            ended.add_metric([state], counted.get(f"ended:{state}", 0.0))
        yield ended
        tries = CounterMetricFamily("magic141_webhook_tries", "Webhook tries.", labels=["outcome"])
        for outcome in TRIES:
            tries.add_metric([outcome], counted.get(f"webhook_tries:{outcome}", 0.0))
        yield tries
        yield _stages(counted)

    def _workers(self) -> Iterator[Metric]:
        workers = self._store.workers()
        yield GaugeMetricFamily("magic141_workers_alive", "Workers seen lately.", value=len(workers))
        ready = sum(bool(info.get("model")) for info in workers.values())
        yield GaugeMetricFamily("magic141_workers_ready", "Workers with a model warm.", value=ready)
        memory = GaugeMetricFamily(
            "magic141_worker_resident_bytes", "A worker's resident memory.", labels=["worker"]
        )
        gpu = GaugeMetricFamily(
            "magic141_worker_gpu_bytes", "GPU memory, where there is one.", labels=["worker", "kind"]
        )
        for name, info in workers.items():
            if "resident_bytes" in info:
                memory.add_metric([name], info["resident_bytes"])
            for kind, size in info.get("gpu_bytes", {}).items():
                gpu.add_metric([name, kind], size)
        yield memory
        yield gpu


def _stages(counted: dict[str, float]) -> Metric:
    family = HistogramMetricFamily(
        "magic141_window_stage_seconds", "Seconds of a window, by stage.", labels=["stage"]
    )
    for stage in STAGES:
        total, buckets = 0.0, []
        for bound in (*map(str, BUCKETS_SECONDS), INFINITY):
            total += counted.get(f"{STAGE}:{stage}:le:{bound}", 0.0)
            buckets.append((bound, total))
        family.add_metric([stage], buckets, sum_value=counted.get(f"{STAGE}:{stage}:sum", 0.0))
    return family
