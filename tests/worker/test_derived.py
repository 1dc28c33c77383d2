"""Forks and changed prompts, rendered: shared windows are the same files, and frames follow the new words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.worker.test_slice import Killed, stop_at
from tests.worker.tiny_engine import FPS, TinyEngine, plan
from worker.contract import keys
from worker.contract.errors import Conflict, NotFound
from worker.contract.job import JobSpec, JobState, Origin, Shot
from worker.contract.trash import empty_trash
from worker.finish import join
from worker.resident import Outcome
from worker.slice import run_slice


@pytest.fixture
def frames(storage, tmp_path):
    """`frames(job)`: all of them, as a player of the joined segments sees them."""
    import av

    def decoded(job) -> np.ndarray:
        path = tmp_path / f"{job.id}.mp4"
        join(storage.get, job.segments, tmp_path / "none", path)
        with av.open(str(path)) as container:
            return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])

    return decoded


@pytest.fixture
def fork(store):
    """`fork(source, window, prompt)`: as the API would have accepted it."""

    def create(source, window: int, prompt: str = "dots", **changed):
        source = store.get(source.id)
        begins = source.segments[window].start_frame / FPS
        shots = (Shot("stripes", begins), Shot(prompt, source.spec.seconds - begins))
        origin = Origin(source.id, "fork", window)
        spec = replace(source.spec, shots=shots, image_key=source.image_key, origin=origin, **changed)
        return store.create(spec, windows_total=source.windows_total, shared=source.segments[:window])

    return create


def test_a_fork_shares_files_and_goes_its_own_way(resident, accept, fork, store, storage, frames):
    source = accept(100)
    run_slice(resident(), source.id)
    same, other = fork(source, 2, "stripes"), fork(source, 2)
    assert (other.windows_done, other.state) == (2, JobState.QUEUED)
    for job in (same, other):
        assert run_slice(resident(), job.id) is Outcome.SUCCEEDED
    source, same, other = (store.get(job.id) for job in (source, same, other))
    assert [s.key for s in other.segments[:2]] == [s.key for s in source.segments[:2]]
    assert not storage.exists(keys.segment(other.id, 1))
    np.testing.assert_array_equal(frames(same), frames(source))
    np.testing.assert_array_equal(frames(other)[:49], frames(source)[:49])
    assert not np.array_equal(frames(other)[49:], frames(source)[49:])
    assert f"../{source.id}/00001.m4s\n" in storage.get(keys.playlist(other.id)).decode()


def test_a_fork_that_is_killed_goes_on_with_the_same_frames(resident, accept, fork, store, redis, frames):
    source = accept(100)
    run_slice(resident(), source.id)
    whole, broken = fork(source, 1), fork(source, 1)
    run_slice(resident(), whole.id)
    with pytest.raises(Killed):
        run_slice(resident(TinyEngine(before_window=stop_at(2, Killed()))), broken.id)
    redis.delete(keys.lease(broken.id))
    assert store.requeue(broken.id)
    run_slice(resident(), broken.id)
    np.testing.assert_array_equal(frames(store.get(broken.id)), frames(store.get(whole.id)))


def test_shared_files_go_with_the_last_job_that_needs_them(resident, accept, fork, store, storage, frames):
    source = accept(100)
    run_slice(resident(), source.id)
    child = fork(source, 2)
    run_slice(resident(), child.id)
    grandchild = fork(child, 3, "waves")
    before = frames(store.get(child.id))
    store.delete(source.id)
    empty_trash(store, storage)
    np.testing.assert_array_equal(frames(store.get(child.id)), before)
    run_slice(resident(), grandchild.id)  # goes on from a window whose job is gone
    store.delete(child.id)
    empty_trash(store, storage)
    assert store.get(grandchild.id).state is JobState.SUCCEEDED
    frames(store.get(grandchild.id))
    store.delete(grandchild.id)
    empty_trash(store, storage)
    for job_id in (source.id, child.id, grandchild.id):
        assert not storage.exists(keys.segment(job_id, 0))
        assert not storage.exists(keys.segment(job_id, 2))
    assert store.trash() == []


def test_what_was_deleted_is_not_shared_any_more(resident, accept, fork, store):
    source = accept(60)
    run_slice(resident(), source.id)
    held = store.get(source.id)
    store.delete(source.id)
    with pytest.raises(Conflict, match="deleted"):
        store.create(held.spec, windows_total=3, shared=held.segments[:1])
    assert store.list("anonymous")[0] == []


def amend_to(store, job, prompt: str, window: int, *, shot: int = 1) -> None:
    def change(spec: JobSpec):
        shots = list(spec.shots)
        shots[shot] = replace(shots[shot], prompt=prompt)
        return replace(spec, shots=tuple(shots)), window

    store.amend(job.id, change)


def test_a_prompt_changed_while_it_renders_holds_from_its_shot_on(resident, accept, store, frames):
    shots = (Shot("stripes", 49 / FPS), Shot("stripes", 51 / FPS))
    plain, changed = accept(100, shots=shots), accept(100, shots=shots)
    run_slice(resident(), plain.id)

    def change(index: int) -> None:
        if index == 1:
            amend_to(store, changed, "dots", 2)
        if index == 2:
            # Not begun yet for the store: this is called just before.
            amend_to(store, changed, "waves", 2)
        if index == 3:
            with pytest.raises(Conflict, match="begun"):
                amend_to(store, changed, "late", 2)

    run_slice(resident(TinyEngine(before_window=change)), changed.id)
    plain, changed = store.get(plain.id), store.get(changed.id)
    assert changed.spec.shots[1].prompt == "waves"
    np.testing.assert_array_equal(frames(changed)[:49], frames(plain)[:49])
    assert not np.array_equal(frames(changed)[49:], frames(plain)[49:])
    asked = accept(100, shots=changed.spec.shots)
    run_slice(resident(), asked.id)
    np.testing.assert_array_equal(frames(store.get(asked.id)), frames(changed))


def test_what_was_begun_stays_when_its_worker_dies(resident, accept, store, redis):
    job = accept(100, shots=(Shot("stripes", 49 / FPS), Shot("stripes", 51 / FPS)))
    killed_in_the_third = TinyEngine(before_window=stop_at(3, Killed()))
    with pytest.raises(Killed):
        run_slice(resident(killed_in_the_third), job.id)
    redis.delete(keys.lease(job.id))
    assert store.requeue(job.id)
    with pytest.raises(Conflict, match="begun"):
        amend_to(store, job, "dots", 2)
    assert "amended" not in [event.type for event in store.events(job.id)]


def test_the_picture_follows_a_prompt_changed_in_time_only(accept, store):
    job = accept(60)
    amend_to(store, job, "dots", 0, shot=0)
    token = store.take(job.id, "worker-0")
    with pytest.raises(Conflict, match="begun"):
        amend_to(store, job, "waves", 0, shot=0)
    store.finish(job.id, token, JobState.CANCELED)
    with pytest.raises(Conflict, match="over"):
        amend_to(store, job, "waves", 1, shot=0)
    with pytest.raises(NotFound):
        store.amend("video_0", lambda spec: (spec, None))


def test_a_changed_priority_moves_a_job_in_the_line(accept, store):
    first, second = accept(60), accept(60)
    assert store.first_in_line("mini") == first.id
    store.amend(second.id, lambda spec: (replace(spec, priority=5), None))
    assert store.first_in_line("mini") == second.id
    assert len(plan(60)) == store.get(second.id).windows_total
