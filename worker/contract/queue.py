"""The connection to Redis and the rq queue, which only wakes workers: whose turn it is the job store says.

Only a job's id travels, as JSON: nothing is ever unpickled.
"""

import secrets
from collections.abc import Sequence
from itertools import chain

from redis import Redis
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError, TimeoutError
from redis.retry import Retry
from rq import Queue

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


def generate_queue(redis: Redis) -> Queue:
    return Queue(keys.QUEUE_GENERATE, connection=redis, serializer=SERIALIZER)


def entry(queue: Queue, job_id: str) -> Sequence[str | bytes | int]:
    """One more entry for some worker to pop: there is a job to take, `job_id` or a better claim.

    As arguments of a script, whose `wake` does what rq's enqueue does in some round trips: rq's set of queues,
    its list, the entry's hash, its id, and what the hash holds. One entry too many is harmless. Its own id is
    fresh each time: an entry that is just ending must not share its hash with the next.
    """
    made = queue.create_job(
        GENERATE,
        args=(job_id,),
        job_id=f"{job_id}-{secrets.token_hex(4)}",
        timeout=-1,  # a slice ends by its own lease, deadline and cancel, not by an alarm in the main thread
        result_ttl=0,
        failure_ttl=86400,
    )
    made.enqueued_at = made.created_at
    names = (queue.redis_queues_keys, queue.key, made.key, made.id)
    return [*names, *chain.from_iterable(made.to_dict().items())]


def entries(redis: Redis) -> int:
    """How many entries wait to be popped."""
    return redis.llen(keys.rq_list(keys.QUEUE_GENERATE))
