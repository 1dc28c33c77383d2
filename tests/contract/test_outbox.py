"""Webhooks owed: one per event that was asked for, with an id that stays, until sent or given up."""

import time

import pytest
from redis import Redis

from tests.contract.specs import segment, spec
from worker.contract import keys
from worker.contract.errors import NotFound
from worker.contract.job import JobError, JobState
from worker.contract.store import JobStore


def finished(store: JobStore, **changes: object) -> str:
    job = store.create(spec(**changes), windows_total=1)
    token = store.take(job.id, "worker-0")
    assert token is not None
    store.commit_window(job.id, token, segment(job.id, 0), timings={})
    store.finish(job.id, token, JobState.FAILED, error=JobError("engine_failure", "it broke"))
    return job.id


def test_one_entry_for_each_wanted_event(store: JobStore) -> None:
    job_id = finished(store)
    entries = store.take_due()
    assert [entry.type for entry in entries] == ["video.started", "video.segment", "video.failed"]
    assert len({entry.webhook_id for entry in entries}) == 3
    last = entries[-1]
    assert last.data == {
        "id": job_id,
        "status": "failed",
        "error": {"code": "engine_failure", "message": "it broke"},
    }
    assert (last.url, last.attempts) == ("http://127.0.0.1:9/hook", 1)


def test_only_what_was_asked_for(store: JobStore) -> None:
    finished(store, webhook_events=("video.completed",))
    finished(store, webhook_url=None)
    assert store.take_due() == []


def test_a_second_slice_does_not_start_the_video_again(store: JobStore) -> None:
    job = store.create(spec(webhook_events=("video.started",)), windows_total=1)
    token = store.take(job.id, "worker-0")
    assert token is not None
    for entry in store.take_due():
        store.mark_sent(entry.webhook_id)
    store.leave(job.id, token)
    store.take(job.id, "worker-1")
    assert store.take_due(time.time() + 999) == []


def test_a_taken_entry_is_held_and_comes_back_with_its_id(store: JobStore) -> None:
    finished(store, webhook_events=("video.failed",))
    (first,) = store.take_due()
    assert store.take_due() == []
    (again,) = store.take_due(time.time() + 61)
    assert (again.webhook_id, again.attempts) == (first.webhook_id, 2)


def test_a_clock_that_is_set_back_keeps_no_webhook_waiting(store: JobStore) -> None:
    finished(store, webhook_events=("video.failed",))
    ahead = time.time() + 3600
    (entry,) = store.take_due(ahead)
    store.retry_later(entry.webhook_id, ahead + 5, reason="answered 500")
    assert store.take_due(ahead) == []
    (again,) = store.take_due()
    assert (again.webhook_id, again.attempts) == (entry.webhook_id, 2)
    assert store.take_due() == []


def test_retry_then_dead_letter(store: JobStore, redis: Redis) -> None:
    finished(store, webhook_events=("video.failed",))
    (entry,) = store.take_due()
    store.retry_later(entry.webhook_id, time.time() + 5, reason="answered 500")
    assert store.take_due() == []
    (again,) = store.take_due(time.time() + 6)
    assert again.reason == "answered 500"
    store.dead_letter(entry.webhook_id, reason="answered 500 eight times")
    assert store.take_due(time.time() + 999) == []
    assert [(dead.webhook_id, dead.reason) for dead in store.dead_letters()] == [
        (entry.webhook_id, "answered 500 eight times")
    ]


def test_sent_is_forgotten(store: JobStore, redis: Redis) -> None:
    finished(store, webhook_events=("video.failed",))
    (entry,) = store.take_due()
    store.mark_sent(entry.webhook_id)
    assert store.take_due(time.time() + 999) == []
    assert store.dead_letters() == []
    assert redis.keys("magic141:outbox:*") == []


def test_a_dead_letter_is_owed_again_to_its_owner_alone(store: JobStore) -> None:
    finished(store, webhook_events=("video.failed",), owner="alice")
    (entry,) = store.take_due()
    with pytest.raises(NotFound):
        store.redeliver(entry.webhook_id, "alice")  # it is not dead yet
    store.dead_letter(entry.webhook_id)
    assert store.dead_letters("bob") == []
    with pytest.raises(NotFound):
        store.redeliver(entry.webhook_id, "bob")
    store.redeliver(entry.webhook_id, "alice")
    (again,) = store.take_due()
    assert (again.webhook_id, again.attempts, store.dead_letters()) == (entry.webhook_id, 1, [])


def test_old_dead_letters_are_forgotten(store: JobStore, redis: Redis) -> None:
    finished(store, webhook_events=("video.failed",))
    (entry,) = store.take_due()
    store.dead_letter(entry.webhook_id)
    assert store.forget_dead_letters(time.time() - 60) == 0
    assert store.forget_dead_letters(time.time() + 1) == 1
    assert store.dead_letters() == []
    assert redis.keys("magic141:outbox:*") == []


def test_a_late_answer_changes_nothing(store: JobStore, redis: Redis) -> None:
    """A courier is slower than its hold, and another one settles the entry meanwhile."""
    finished(store, webhook_events=("video.failed",))
    (entry,) = store.take_due()
    store.mark_sent(entry.webhook_id)
    store.dead_letter(entry.webhook_id, reason="answered 410")
    store.retry_later(entry.webhook_id, time.time() - 1, reason="answered 500")
    assert store.dead_letters() == []
    assert store.take_due() == []
    assert redis.keys("magic141:outbox*") == []


def test_given_up_by_one_and_delivered_by_another(store: JobStore, redis: Redis) -> None:
    finished(store, webhook_events=("video.failed",))
    (entry,) = store.take_due()
    store.dead_letter(entry.webhook_id, reason="answered 500 eight times")
    store.mark_sent(entry.webhook_id)
    assert store.dead_letters() == []
    assert redis.keys(keys.DEAD_LETTERS) == []
