"""The rq worker that keeps an engine in its own process.

rq is only what wakes a worker up: the job record and its lease are the truth. What is changed here is what
rq's SimpleWorker leaves out: it writes one long lease on its own entry and never renews it, and it has
nothing to tell a running job on SIGTERM. rq's stop command is not used; a cancel goes through the record.
"""

from __future__ import annotations

import os
import secrets
import threading
from types import FrameType

from redis import Redis
from rq import Queue, SimpleWorker
from rq.executions import Execution
from rq.job import Job as QueueEntry

from worker.contract import keys
from worker.contract.queue import SERIALIZER

BEAT_SECONDS = 2.0
# Long enough to outlive a Redis outage: nothing waits for it to end, since the job's own lease decides.
ENTRY_TTL_SECONDS = 60
# rq waits for work in pops of this minus 15 seconds, and does its housekeeping in between.
WORKER_TTL_SECONDS = 20
MAINTENANCE_SECONDS = 3


class ResidentWorker(SimpleWorker):
    """Runs one entry after the other in this process; `stopping` is set by SIGTERM and SIGINT, or
    by a slice that found its engine faulty.

    Args:
        redis: a connection of its own: rq changes the pool's timeouts.
        name: the worker's public name. rq gets it with a suffix, since it refuses a name whose last bearer
            was killed and has not yet been forgotten.
        model: what is loaded; only its jobs' queue is listened to.
    """

    def __init__(self, redis: Redis, name: str, model: str, stopping: threading.Event) -> None:
        self.stopping = stopping
        super().__init__(
            [keys.queue_generate(model)],
            name=f"{name}-{os.getpid()}-{secrets.token_hex(4)}",
            connection=redis,
            serializer=SERIALIZER,
            worker_ttl=WORKER_TTL_SECONDS,
            maintenance_interval=MAINTENANCE_SECONDS,
        )

    def get_heartbeat_ttl(self, job: QueueEntry, working_time: float = 0.0) -> int:
        return ENTRY_TTL_SECONDS

    def execute_job(self, job: QueueEntry, queue: Queue) -> None:
        execution = self.prepare_execution(job)
        done = threading.Event()
        beat = threading.Thread(
            target=self._beat, args=(job, execution, done), name="rq-heartbeat", daemon=True
        )
        beat.start()
        try:
            self.perform_job(job, queue, execution)
        finally:
            done.set()
            beat.join(timeout=BEAT_SECONDS)
        self.set_state("idle")
        self._stop_requested |= self.stopping.is_set()  # a slice may find that its process must end

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        # Before anything that talks to Redis: the slice looks at this flag at its next window boundary.
        self.stopping.set()
        # An idle rq raises from here; where that falls into a handler of any error it would be forgotten.
        self._stop_requested = True
        super().request_stop(signum, frame)

    def _beat(self, job: QueueEntry, execution: Execution, done: threading.Event) -> None:
        while not done.wait(BEAT_SECONDS):
            try:
                self.maintain_heartbeats(job, execution)
            except Exception as error:  # a courtesy to rq: losing it must not stop the job
                self.log.warning("heartbeat of %s failed: %s", job.id, error)
