"""The storage server is killed in the middle of a slice and comes back: one slice, nothing lost."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path

from tests.worker.tiny_engine import TinyEngine
from worker.contract.job import JobState
from worker.contract.storage import Storage
from worker.local.s3 import start_s3
from worker.slice import run_slice


def test_a_storage_outage_is_sat_out(resident, accept, store, settings, tmp_path: Path):
    server = start_s3(tmp_path)
    keys = {"access_key": server.access_key, "secret_key": server.secret_key}
    changed = {"s3_endpoint": server.endpoint} | {f"s3_{name}": value for name, value in keys.items()}
    held = resident(TinyEngine(step_seconds=0.05), **changed)
    held = replace(held, storage=Storage(held.settings))
    job = accept(25 + 24 * 7)
    work = threading.Thread(target=run_slice, args=(held, job.id))
    work.start()
    while not store.get(job.id).segments:
        time.sleep(0.02)
    server.process.kill()
    server.process.wait()
    time.sleep(1.5)
    stalled_at = store.get(job.id).windows_done
    time.sleep(0.5)
    assert store.get(job.id).windows_done == stalled_at < 8
    server = start_s3(tmp_path, port=server.port, **keys)
    work.join(timeout=30)
    job = store.get(job.id)
    assert (job.state, job.attempts, job.windows_done) == (JobState.SUCCEEDED, 1, 8)
    assert held.storage.size(job.video_key) > 0
    server.stop()
