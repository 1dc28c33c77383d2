"""API keys in Redis, and what a key may ask for."""

from collections.abc import Iterator
from dataclasses import replace
from unittest import mock

import pytest
from redis import Redis

from tests.contract.specs import segment, spec
from tests.contract.store_laws import Snapshot
from worker.contract import keys
from worker.contract.access import Access, sha256
from worker.contract.errors import Conflict, InvalidRequest, LimitReached, NotFound, QueueFull
from worker.contract.settings import Settings
from worker.contract.store import JobStore


@pytest.fixture
def access(redis: Redis) -> Iterator[Access]:
    yield Access(redis)
    redis.delete(keys.API_KEYS)


def limited(redis: Redis, **limits: object) -> JobStore:
    return JobStore(redis, Settings(**limits))  # type: ignore[arg-type]


def test_a_secret_is_told_once_and_kept_as_a_hash(access: Access, redis: Redis) -> None:
    key, secret = access.create("alice")
    other, another = access.create("bob", rate_limit_per_minute=3, quota_seconds_per_day=60.5)
    assert len(secret) > 40
    assert secret != another
    assert key.sha256 == sha256(secret)
    assert access.all() == [key, other]
    assert secret[5:] not in str(Snapshot.of(redis).raw)


def test_a_name_is_given_again_once_its_key_is_revoked(access: Access) -> None:
    first, _ = access.create("alice")
    with pytest.raises(Conflict):
        access.create("alice")
    revoked = access.revoke("alice")
    assert revoked.revoked_at is not None
    assert access.revoke("alice") == revoked
    assert access.all() == [revoked]
    again, _ = access.create("alice")
    assert access.all() == [again]
    assert again.sha256 != first.sha256
    with pytest.raises(NotFound):
        access.revoke("nobody")


@pytest.mark.parametrize("name", ["", "a b", "-a", "a\n", "é", "a:b", "x" * 65])
def test_names_that_cannot_be(name: str, access: Access) -> None:
    with pytest.raises(InvalidRequest):
        access.create(name)


@pytest.mark.parametrize("limit", [0, -1, float("nan"), float("inf")])
def test_limits_that_cannot_be(limit: float, access: Access) -> None:
    with pytest.raises(InvalidRequest):
        access.create("a", quota_seconds_per_day=limit)


def test_two_at_once_make_one_key(access: Access, redis: Redis) -> None:
    """Somebody takes the name between the look and the writing of it."""
    hget, raced = Redis.hget, iter([True])

    def late(pipe: Redis, *args: object) -> object:
        found = hget(pipe, *args)
        if next(raced, False):
            Access(redis).create("alice", rate_limit_per_minute=1)
        return found

    with mock.patch("redis.client.Pipeline.hget", late), pytest.raises(Conflict):
        access.create("alice")
    assert access.all()[0].rate_limit_per_minute == 1


def test_the_rate_counts_jobs_in_any_minute(redis: Redis) -> None:
    store = limited(redis, rate_limit_per_minute=2)
    store.create(spec(owner="a"), windows_total=2)
    store.create(spec(owner="a"), windows_total=2)
    before = Snapshot.of(redis)
    with pytest.raises(LimitReached) as refused:
        store.create(spec(owner="a"), windows_total=2)
    assert refused.value.code == "rate_limited"
    assert 55 <= refused.value.retry_after <= 60
    assert Snapshot.of(redis) == before
    store.create(spec(owner="b"), windows_total=2)
    accepted = f"{keys.ACCEPTED_PREFIX}a"
    newest, oldest = (float(at) for at in redis.lrange(accepted, 0, -1))
    redis.lset(accepted, 1, oldest - 45)
    with pytest.raises(LimitReached) as refused:
        store.create(spec(owner="a"), windows_total=2)
    assert 10 <= refused.value.retry_after <= 15
    redis.lset(accepted, 1, oldest - 60)
    store.create(spec(owner="a"), windows_total=2)
    assert [float(at) for at in redis.lrange(accepted, 1, -1)] == [newest]
    with pytest.raises(LimitReached):
        store.create(spec(owner="a"), windows_total=2)
    redis.lset(accepted, 1, newest + 500)  # the clock was set back
    store.create(spec(owner="a"), windows_total=2)
    assert 0 < redis.ttl(accepted) <= 60


def test_the_quota_counts_seconds_of_video_in_a_day(redis: Redis) -> None:
    store = limited(redis, quota_seconds_per_day=4.5)
    store.create(spec(owner="a"), windows_total=2)
    store.create(spec(owner="a"), windows_total=2)
    before = Snapshot.of(redis)
    with pytest.raises(LimitReached, match=r"0\.5 s are left") as refused:
        store.create(spec(owner="a"), windows_total=2)
    assert refused.value.code == "quota_exceeded"
    seconds, _ = redis.time()
    assert abs(refused.value.retry_after - (86400 - seconds % 86400)) <= 1
    assert Snapshot.of(redis) == before
    store.create(spec(owner="a", seconds=0.5), windows_total=1)
    store.create(spec(owner="b"), windows_total=2)
    (asked,) = redis.keys(f"{keys.ASKED_PREFIX}*:a")
    assert 0 < redis.ttl(asked) <= 86400
    redis.rename(asked, f"{keys.ASKED_PREFIX}{seconds // 86400 - 1}:a")  # that was yesterday
    store.create(spec(owner="a"), windows_total=2)


def test_tenths_add_up(redis: Redis) -> None:
    store = limited(redis, quota_seconds_per_day=1.0)
    for _ in range(10):
        store.create(spec(seconds=0.1), windows_total=1)
    with pytest.raises(LimitReached):
        store.create(spec(seconds=0.1), windows_total=1)


def test_what_is_sent_again_or_refused_is_not_charged(redis: Redis) -> None:
    store = limited(redis, quota_seconds_per_day=4, rate_limit_per_minute=2, queue_limit=2)
    once = store.create(spec(), windows_total=2, idempotency=("key", "body"))
    for _ in range(3):
        assert store.create(spec(), windows_total=2, idempotency=("key", "body")).id == once.id
        with pytest.raises(Conflict):
            store.create(spec(), windows_total=2, idempotency=("key", "other"))
    store.create(spec(owner="b"), windows_total=2)
    for _ in range(3):
        with pytest.raises(QueueFull):
            store.create(spec(), windows_total=2)
    store.request_cancel(once.id)
    store.create(spec(), windows_total=2)
    # And at the limit the same request is still answered with the same job.
    assert store.create(spec(), windows_total=2, idempotency=("key", "body")).id == once.id


def test_shared_windows_are_not_charged_again(redis: Redis) -> None:
    store = limited(redis, quota_seconds_per_day=3)
    source = store.create(spec(), windows_total=2)
    shared = [replace(segment(source.id, 0), num_frames=24)]
    store.create(spec(), windows_total=2, shared=shared)
    with pytest.raises(LimitReached, match="0 s are left"):
        store.create(spec(), windows_total=2, shared=shared)


def test_a_keys_own_limits_go_before_the_servers(access: Access, redis: Redis) -> None:
    access.create("rich", rate_limit_per_minute=3, quota_seconds_per_day=100)
    access.create("poor", quota_seconds_per_day=1)
    access.create("plain")
    store = limited(redis, rate_limit_per_minute=1, quota_seconds_per_day=2)
    for _ in range(3):
        store.create(spec(owner="rich"), windows_total=2)
    store.create(spec(owner="plain"), windows_total=2)
    for owner, code in [("rich", "rate_limited"), ("plain", "rate_limited"), ("poor", "quota_exceeded")]:
        with pytest.raises(LimitReached) as refused:
            store.create(spec(owner=owner), windows_total=2)
        assert refused.value.code == code


def test_without_limits_nothing_is_counted(store: JobStore, redis: Redis) -> None:
    store.create(spec(owner="a"), windows_total=2)
    assert not redis.keys(f"{keys.ACCEPTED_PREFIX}*") + redis.keys(f"{keys.ASKED_PREFIX}*")
