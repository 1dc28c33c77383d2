"""API keys in Redis: a name, whose jobs a key's are, and the SHA-256 of its secret, which is told once.

A revoked key leaves its record behind: a server whose last key was revoked is closed, not open to everybody.
"""

import hashlib
import json
import re
import secrets
import time
from dataclasses import asdict, dataclass, replace

from redis import Redis
from redis.client import Pipeline

from worker.contract import keys
from worker.contract.errors import Conflict, InvalidRequest, NotFound

SECRET_PREFIX = "m141_"  # so that scanners for leaked secrets can tell one
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class ApiKey:
    """Times are Unix seconds; a limit of None is the server's own."""

    name: str
    sha256: str
    created_at: float
    revoked_at: float | None = None
    rate_limit_per_minute: int | None = None
    quota_seconds_per_day: float | None = None


class Access:
    """The keys in one Redis."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def all(self) -> list[ApiKey]:
        """By age, the revoked ones too."""
        found = [_key(name, record) for name, record in self._redis.hgetall(keys.API_KEYS).items()]
        return sorted(found, key=lambda key: (key.created_at, key.name))

    def create(
        self,
        name: str,
        *,
        rate_limit_per_minute: int | None = None,
        quota_seconds_per_day: float | None = None,
    ) -> tuple[ApiKey, str]:
        """The new key and its secret. The name of a revoked key may be given again, with the jobs it has.

        Raises:
            InvalidRequest: the name or a limit cannot be.
            Conflict: a key of that name is in use.
        """
        if not NAME.fullmatch(name):
            raise InvalidRequest("invalid_value", f"{name!r}: 1 to 64 letters, digits, dots, - and _", "name")
        for limit in (rate_limit_per_minute, quota_seconds_per_day):
            if limit is not None and not 0 < limit < 1e15:
                raise InvalidRequest("invalid_value", f"a limit must be above 0, not {limit:g}")
        secret = SECRET_PREFIX + secrets.token_urlsafe(32)
        key = ApiKey(
            name,
            sha256(secret),
            created_at=time.time(),
            rate_limit_per_minute=rate_limit_per_minute,
            quota_seconds_per_day=quota_seconds_per_day,
        )

        def put(pipe: Pipeline) -> None:
            record = pipe.hget(keys.API_KEYS, name)
            if record is not None and _key(name.encode(), record).revoked_at is None:
                raise Conflict("key_exists", f"there is a key {name} already; revoke it first")
            pipe.multi()
            pipe.hset(keys.API_KEYS, name, _record(key))

        self._redis.transaction(put, keys.API_KEYS)
        return key, secret

    def revoke(self, name: str) -> ApiKey:
        """From now on it opens nothing; what it had accepted goes on. Raises NotFound."""

        def put(pipe: Pipeline) -> ApiKey:
            record = pipe.hget(keys.API_KEYS, name)
            if record is None:
                raise NotFound("not_found", f"there is no key {name}")
            key = _key(name.encode(), record)
            if key.revoked_at is None:
                key = replace(key, revoked_at=time.time())
            pipe.multi()
            pipe.hset(keys.API_KEYS, name, _record(key))
            return key

        return self._redis.transaction(put, keys.API_KEYS, value_from_callable=True)


def sha256(secret: str) -> str:
    """What is kept of a secret. It is random and long, so a slow hash would guard nothing more."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _record(key: ApiKey) -> str:
    """Without what is None: the CREATE script reads the limits, and would take a null for a value."""
    told = {field: value for field, value in asdict(key).items() if value is not None and field != "name"}
    return json.dumps(told)


def _key(name: bytes, record: bytes) -> ApiKey:
    return ApiKey(name=name.decode(), **json.loads(record))
