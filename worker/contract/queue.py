"""The connection to Redis and the rq queue, which only wakes workers: whose turn it is the job store says.

Only a job's id travels, as JSON: nothing is ever unpickled.
"""

import json
import secrets
import zlib

from redis import Redis
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError, TimeoutError
from redis.retry import Retry
from rq import Queue
from rq.job import Job as QueueEntry
from rq.utils import now, utcformat

from worker.contract import keys
from worker.contract.settings import Settings

GENERATE = "worker.slice.generate"
SERIALIZER = "json"


def connect(settings: Settings, *, patient: bool = True) -> Redis:
    """A client that survives a Redis outage.

    patient: a worker waits minutes, since an outage at a job's end would else run it twice; the API (False)
    gives up after about a second and answers 503.
    """
    retries, cap = (200, 1.0) if patient else (3, 0.4)  # the cap stays well below a lease
    return Redis.from_url(
        settings.redis_url,
        retry=Retry(ExponentialBackoff(cap=cap, base=0.1), retries),
        retry_on_error=[ConnectionError, TimeoutError],
        health_check_interval=15,
        socket_connect_timeout=5,
        socket_timeout=30 if patient else 5,  # an rq worker widens it for its own blocking pops
    )


def generate_queue(redis: Redis, model: str) -> Queue:
    return Queue(keys.queue_generate(model), connection=redis, serializer=SERIALIZER)


class Wakes:
    """Makes what `wake` (lua/prelude.lua) takes, which does in one step what rq's enqueue does in several."""

    def __init__(self, redis: Redis) -> None:
        queue = generate_queue(redis, "")  # the script appends the model to its names
        # No timeout: a slice ends by its lease, deadline and cancel, not by an alarm in the main thread.
        made = queue.create_job(GENERATE, description=GENERATE, timeout=-1, result_ttl=0, failure_ttl=86400)
        own = ("data", "created_at", "enqueued_at", "origin")
        fields = {name: value for name, value in made.to_dict().items() if name not in own}
        names = {
            "queues": queue.redis_queues_keys,
            "origin": queue.name,
            "list": queue.key,
            "prefix": QueueEntry.redis_job_namespace_prefix,
        }
        self._alike = json.dumps({**names, "fields": fields})
        self._dumps = queue.serializer.dumps

    def entry(self, job_id: str) -> tuple[str, str, str, bytes]:
        """One more entry for some worker of the job's model to pop: there is a job to take, `job_id` or a
        better claim.

        One too many is harmless. Its own id is fresh each time: an entry that is just ending must not share
        its hash with the next.
        """
        data = zlib.compress(self._dumps((GENERATE, None, (job_id,), {})))
        return self._alike, f"{job_id}-{secrets.token_hex(4)}", utcformat(now()), data


def entries(redis: Redis, model: str) -> int:
    """How many entries wait to be popped by the workers of a model."""
    return redis.llen(keys.rq_list(keys.queue_generate(model)))
