"""A slice from taking to leaving: the order of commits, resume, cancel, retry, and stale workers."""

from __future__ import annotations

import io
import json
import threading
import time

import av
import numpy as np
import pytest
from PIL import Image

from tests.worker.tiny_engine import TinyEngine
from worker import slice as slices
from worker.contract import keys
from worker.contract.errors import LeaseLost
from worker.contract.job import JobState, Segment
from worker.resident import Outcome
from worker.slice import run_slice


class Killed(BaseException):
    """Stands for SIGKILL: nothing in the worker handles it."""


def frames_of(storage, job) -> np.ndarray:
    """All frames as a player sees them: init segment and committed segments."""
    data = storage.get(keys.init_segment(job.id)) + b"".join(storage.get(s.key) for s in job.segments)
    with av.open(io.BytesIO(data)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


def stop_at(window: int, error: BaseException, *, times: int = 1):
    """An engine hook that raises before `window`, the first `times` times."""
    left = [times]

    def hook(index: int) -> None:
        if index == window and left[0]:
            left[0] -= 1
            raise error

    return hook


def test_a_job_from_prompt_to_video(resident, accept, store, storage):
    job = accept(60)
    assert run_slice(resident(), job.id) is Outcome.SUCCEEDED
    job = store.get(job.id)
    assert (job.state, job.windows_done, job.attempts, job.windows_redone) == (JobState.SUCCEEDED, 3, 1, 0)
    assert [(s.start_frame, s.num_frames) for s in job.segments] == [(0, 25), (25, 24), (49, 11)]
    with av.open(io.BytesIO(storage.get(job.video_key))) as container:
        video = np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])
    np.testing.assert_array_equal(video, frames_of(storage, job))
    painted = np.asarray(Image.open(io.BytesIO(storage.get(job.image_key))))
    np.testing.assert_array_equal(painted, TinyEngine().paint("stripes", seed=7))
    stages = "queued text_to_image first_segment denoise decode encode upload finish total"
    assert set(job.timings) == set(stages.split())
    manifest = json.loads(storage.get(keys.manifest(job.id)))
    assert (manifest["seed"], len(manifest["windows"]), manifest["engine"]) == (7, 3, {"model": "tiny"})
    playlist = storage.get(keys.playlist(job.id)).decode()
    assert "00002.m4s" in playlist
    assert playlist.endswith("#EXT-X-ENDLIST\n")
    assert all(storage.exists(keys.window_state(job.id, index)) for index in range(3))  # to fork from
    assert run_slice(resident(), job.id) is Outcome.REFUSED


def test_segment_then_state_then_playlist_then_record(resident, accept, store, storage, monkeypatch):
    steps: list[str] = []
    put, commit = storage.put, store.commit_window

    def recording_put(key, data, content_type):
        put(key, data, content_type)
        steps.append(key.removeprefix(keys.video_prefix(job.id)))

    def recording_commit(job_id, token, segment, **measured):
        for name in (segment.key, keys.window_state(job_id, segment.index), keys.playlist(job_id)):
            assert storage.exists(name)
        steps.append(f"record {segment.index}")
        return commit(job_id, token, segment, **measured)

    monkeypatch.setattr(storage, "put", recording_put)
    monkeypatch.setattr(store, "commit_window", recording_commit)
    job = accept(49)
    run_slice(resident(), job.id)
    assert steps[:10] == [
        "image.png",
        "init.mp4",
        *("00000.m4s", "state/00000.safetensors", "playlist.m3u8", "record 0"),
        *("00001.m4s", "state/00001.safetensors", "playlist.m3u8", "record 1"),
    ]


def test_upload_of_a_window_overlaps_the_next_ones_denoising(resident, accept, storage, monkeypatch):
    """The first segment's upload ends only when the second window is at work: in turn, never."""
    put, second = storage.put, threading.Event()
    seen = []

    def waiting_put(key, data, content_type):
        if key.endswith("00000.m4s"):
            seen.append(second.wait(timeout=20))
        put(key, data, content_type)

    monkeypatch.setattr(storage, "put", waiting_put)
    engine = TinyEngine(before_window=lambda index: second.set() if index == 1 else None)
    run_slice(resident(engine), accept(49).id)
    assert seen == [True]


def test_a_killed_slice_goes_on_with_the_same_frames(resident, accept, store, storage, redis):
    whole, broken = accept(100), accept(100)
    run_slice(resident(), whole.id)
    with pytest.raises(Killed):
        run_slice(resident(TinyEngine(before_window=stop_at(2, Killed()))), broken.id)
    assert store.get(broken.id).windows_done == 2
    redis.delete(keys.lease(broken.id))  # as time would
    assert broken.id in store.expired()
    assert store.requeue(broken.id)
    assert run_slice(resident(worker="worker-1"), broken.id) is Outcome.SUCCEEDED
    whole, broken = store.get(whole.id), store.get(broken.id)
    assert (broken.attempts, broken.windows_redone, broken.worker) == (2, 1, "worker-1")
    np.testing.assert_array_equal(frames_of(storage, broken), frames_of(storage, whole))
    assert storage.get(broken.video_key) == storage.get(whole.video_key)


def test_nobody_takes_a_killed_workers_job_while_its_lease_lives(resident, accept, store):
    job = accept(49)
    with pytest.raises(Killed):
        run_slice(resident(TinyEngine(before_window=stop_at(1, Killed()))), job.id)
    assert run_slice(resident(worker="worker-1"), job.id) is Outcome.REFUSED


def test_cancel_keeps_the_part_that_was_made(resident, accept, store, storage):
    job = accept(25 + 24 * 20)
    engine = TinyEngine(step_seconds=0.1)
    slice_thread = threading.Thread(target=run_slice, args=(resident(engine), job.id))
    slice_thread.start()
    while not store.get(job.id).segments:
        time.sleep(0.02)
    store.request_cancel(job.id)
    asked = time.monotonic()
    slice_thread.join(timeout=10)
    assert time.monotonic() - asked < 4.0  # the whole job would take eight
    job = store.get(job.id)
    assert (job.state, job.error.code) == (JobState.CANCELED, "canceled")
    assert storage.get(keys.playlist(job.id)).decode().endswith("#EXT-X-ENDLIST\n")
    assert len(frames_of(storage, job)) == sum(s.num_frames for s in job.segments)


def test_a_passed_deadline_fails_the_job_with_its_reason(resident, accept, store):
    job = accept(25 + 24 * 20, deadline_at=time.time() + 0.5)
    assert run_slice(resident(TinyEngine(step_seconds=0.1)), job.id) is Outcome.FAILED
    job = store.get(job.id)
    assert (job.state, job.error.code) == (JobState.FAILED, "deadline_passed")


def test_stopping_leaves_at_the_next_boundary_and_another_goes_on(resident, accept, store, storage):
    job, whole = accept(100), accept(100)
    first = resident()
    first.stopping.set()
    assert run_slice(first, job.id) is Outcome.LEFT
    left = store.get(job.id)
    assert (left.state, left.windows_done) == (JobState.QUEUED, 1)
    assert run_slice(resident(worker="worker-1"), job.id) is Outcome.SUCCEEDED
    run_slice(resident(), whole.id)
    job = store.get(job.id)
    assert job.windows_redone == 0
    np.testing.assert_array_equal(frames_of(storage, job), frames_of(storage, store.get(whole.id)))


def test_a_long_job_gives_way_to_a_short_one_and_then_goes_on(resident, accept, store, storage):
    whole = accept(25 + 24 * 11)
    run_slice(resident(), whole.id)
    long, short = accept(25 + 24 * 11), []

    def arrive(index: int) -> None:
        if index == 2:
            short.append(accept(30).id)

    slices.install(resident(TinyEngine(before_window=arrive)))
    slices.generate(long.id)
    given_way = store.get(long.id)
    assert (given_way.state, given_way.attempts) == (JobState.QUEUED, 1)
    assert 5 <= given_way.windows_done < 12
    slices.generate(long.id)  # whatever woke the worker: it is the other one's turn
    assert store.get(short[0]).state is JobState.SUCCEEDED
    slices.generate(short[0])
    job = store.get(long.id)
    assert (job.state, job.windows_redone) == (JobState.SUCCEEDED, 0)
    np.testing.assert_array_equal(frames_of(storage, job), frames_of(storage, store.get(whole.id)))
    slices.generate(long.id)  # an entry too many finds nothing to do


def test_an_engine_error_is_retried_then_succeeds(resident, accept, store):
    job = accept(49)
    engine = TinyEngine(before_window=stop_at(1, RuntimeError("boom"), times=2))
    held = [resident(engine) for _ in range(3)]
    assert [run_slice(one, job.id) for one in held] == [Outcome.LEFT, Outcome.LEFT, Outcome.SUCCEEDED]
    assert [one.faulty.is_set() for one in held] == [True, True, False]
    assert store.get(job.id).attempts == 3


def test_slices_left_for_a_deploy_are_no_errors(resident, accept, store):
    job = accept(25 + 24 * 5)
    for _ in range(3):
        stopped = resident()
        stopped.stopping.set()
        assert run_slice(stopped, job.id) is Outcome.LEFT
    engine = TinyEngine(before_window=stop_at(4, RuntimeError("boom"), times=1))
    assert [run_slice(resident(engine), job.id) for _ in range(2)] == [Outcome.LEFT, Outcome.SUCCEEDED]


def test_an_engine_that_keeps_failing_fails_the_job_and_tells_no_path(resident, accept, store):
    job = accept(49)
    error = FileNotFoundError("/srv/weights/missing.safetensors")
    engine = TinyEngine(before_window=stop_at(1, error, times=9))
    outcomes = [run_slice(resident(engine), job.id) for _ in range(3)]
    assert outcomes == [Outcome.LEFT, Outcome.LEFT, Outcome.FAILED]
    job = store.get(job.id)
    assert (job.state, job.error.code, job.windows_done) == (JobState.FAILED, "engine_error", 1)
    assert job.error.message == "FileNotFoundError while rendering window 1"


def test_a_worker_that_lost_its_lease_changes_nothing(resident, accept, store, redis):
    job = accept(100)
    stale = store.take(job.id, "worker-0")
    redis.delete(keys.lease(job.id))
    assert store.requeue(job.id)
    assert run_slice(resident(worker="worker-1"), job.id) is Outcome.SUCCEEDED
    before = store.get(job.id)
    with pytest.raises(LeaseLost):
        store.commit_window(job.id, stale, Segment(0, 0, 25, "elsewhere", 1), timings={})
    with pytest.raises(LeaseLost):
        store.finish(job.id, stale, JobState.FAILED)
    assert store.get(job.id) == before


def test_a_slice_whose_job_was_taken_over_stops_without_a_trace(resident, accept, store, redis):
    job = accept(25 + 24 * 20)

    def usurp(index: int) -> None:
        if index == 2:
            redis.delete(keys.lease(job.id))
            assert store.requeue(job.id)
            assert store.take(job.id, "worker-1") is not None

    engine = TinyEngine(step_seconds=0.02, before_window=usurp)
    assert run_slice(resident(engine, lease_seconds=1.0), job.id) is Outcome.LOST
    job = store.get(job.id)
    assert (job.state, job.worker) == (JobState.RUNNING, "worker-1")
    assert job.windows_done <= 2


def test_a_job_deleted_while_it_is_rendered_leaves_no_file(resident, accept, store, storage):
    job = accept(25 + 24 * 20)

    def forget(index: int) -> None:
        if index == 3:
            store.delete(job.id)
            storage.delete_prefix(keys.video_prefix(job.id))

    engine = TinyEngine(step_seconds=0.02, before_window=forget)
    assert run_slice(resident(engine), job.id) is Outcome.LOST
    found = storage._s3.list_objects_v2(Bucket=storage.bucket, Prefix=keys.video_prefix(job.id))
    assert "Contents" not in found


def test_an_uploaded_image_is_what_the_video_starts_from(resident, accept, store, storage):
    picture = TinyEngine().paint("something else", seed=99)
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    key = keys.input_image("0" * 64)
    storage.put(key, buffer.getvalue(), "image/png")
    job = accept(30, image_key=key)
    assert run_slice(resident(), job.id) is Outcome.SUCCEEDED
    job = store.get(job.id)
    assert job.image_key == key
    assert "text_to_image" not in job.timings
    error = frames_of(storage, job)[0].astype(float) - picture
    assert 10 * np.log10(255**2 / np.mean(error**2)) > 26


def test_a_video_renders_the_same_twice_and_otherwise_with_another_seed(resident, accept, store, storage):
    jobs = [accept(30), accept(30), accept(30, seed=8)]
    for job in jobs:
        run_slice(resident(), job.id)
    first, again, other = (storage.get(store.get(job.id).video_key) for job in jobs)
    assert first == again
    assert first != other
