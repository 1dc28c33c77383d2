"""A worker's life once its engine is warm: serve the queue, be seen, look for lost jobs, until SIGTERM."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from redis.exceptions import RedisError

from worker import reconcile
from worker import slice as slices
from worker.contract.queue import connect
from worker.contract.settings import Settings
from worker.contract.storage import Storage
from worker.contract.store import JobStore
from worker.publish import outlast
from worker.resident import Resident
from worker.rq_worker import ResidentWorker

if TYPE_CHECKING:
    from model.engine import Engine

log = logging.getLogger(__name__)

SEEN_EVERY_SECONDS = 2.0
SEEN_TTL_SECONDS = 10


def serve(engine: Engine, settings: Settings, name: str, *, largest_pixels: int | None = None) -> int:
    """Run slices on `engine` until SIGTERM or SIGINT; a slice that is running is left at its next window.

    `largest_pixels`, if known, is announced: requests for larger pictures are refused while no other worker
    can hold them. Returns the exit status: 1 after an error that leaves the engine in doubt.
    """
    stopping = threading.Event()
    store = JobStore(connect(settings), settings)
    storage = Storage(settings)
    outlast(storage.ensure_bucket, lambda: None)
    resident = Resident(engine, store, storage, settings, name, stopping)
    slices.install(resident)
    threading.Thread(target=_announce, args=(resident, largest_pixels), name="announce", daemon=True).start()
    reconcile.start(store, stopping)
    ResidentWorker(connect(settings), name, settings.model, stopping).work(logging_level="WARNING")
    stopping.set()  # rq also ends by itself, when Redis stays away too long
    return int(resident.faulty.is_set())


def _announce(resident: Resident, largest_pixels: int | None) -> None:
    """Keep this worker listed as warm while the process lives."""
    info = {
        "model": resident.settings.model,
        "paints": resident.engine.painter is not None,
        "pid": os.getpid(),
        "threads": torch.get_num_threads(),
        "loaded_at": time.time(),
    }
    if largest_pixels is not None:
        info["largest_pixels"] = largest_pixels
    while not resident.stopping.is_set():
        try:
            resident.store.worker_seen(resident.worker, info | _memory(), ttl=SEEN_TTL_SECONDS)
        except RedisError as error:
            log.warning("not announced: %s", error)
        resident.stopping.wait(SEEN_EVERY_SECONDS)


def _memory() -> dict[str, object]:
    """What the process holds now, and what torch has of its GPU, in bytes; nothing where it is not told."""
    told: dict[str, object] = {}
    with contextlib.suppress(OSError):  # not Linux
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        told["resident_bytes"] = pages * os.sysconf("SC_PAGE_SIZE")
    if torch.cuda.is_initialized():
        told["gpu_bytes"] = {
            "allocated": torch.cuda.memory_allocated(),
            "reserved": torch.cuda.memory_reserved(),
        }
    return told
