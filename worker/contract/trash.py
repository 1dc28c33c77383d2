"""Files that nobody needs any more: noted in the step that makes them so, deleted afterwards, by anybody."""

from collections.abc import Sequence

from redis import Redis

from worker.contract import keys, scripts
from worker.contract.storage import Storage


class Trash:
    """A job's files stay for as long as its record does, or one of a job that shares windows of it."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._discard = redis.register_script(scripts.DISCARD)

    def discard(self, job_id: str) -> None:
        """Note a job's files for deletion, unless something needs them: for who wrote after its deletion."""
        self._discard(args=[job_id])

    def trash(self) -> Sequence[str]:
        """Ids of the jobs whose files are to be deleted."""
        return sorted(member.decode() for member in self._redis.smembers(keys.TRASH))

    def emptied(self, job_id: str) -> None:
        self._redis.srem(keys.TRASH, job_id)


def empty_trash(trash: Trash, storage: Storage) -> None:
    """Delete what was noted. Raises Unavailable; what is left is still noted."""
    for job_id in trash.trash():
        storage.delete_prefix(keys.video_prefix(job_id))
        trash.emptied(job_id)
