"""One worker process: a resident, warm engine serving a queue. `python -m worker.main --name worker-0`"""

from __future__ import annotations

import argparse
import logging
import os
import threading
import time

import numpy as np
import torch
from redis.exceptions import RedisError

from model.load import load_engine
from model.windows import Shot
from worker import reconcile
from worker import slice as slices
from worker.contract.queue import connect
from worker.contract.settings import Settings
from worker.contract.storage import Storage
from worker.contract.store import JobStore
from worker.resident import Resident
from worker.rq_worker import ResidentWorker

log = logging.getLogger(__name__)

SEEN_EVERY_SECONDS = 2.0
SEEN_TTL_SECONDS = 10


def main(argv: list[str] | None = None) -> int:
    """Load, warm up, announce, serve until SIGTERM. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="worker.main", description=__doc__)
    parser.add_argument("--name", default="worker-0", help="what jobs and health checks call this worker")
    name = parser.parse_args(argv).name
    settings = Settings.load()
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    logging.getLogger("rq").setLevel(logging.WARNING)  # at info it reports every pop and every sweep

    engine = load_engine(settings.model)
    warm_seconds = _warm_up(engine)
    log.info("%s: %s is warm after a first window of %.1f s", name, settings.model, warm_seconds)

    stopping = threading.Event()
    resident = Resident(
        engine, JobStore(connect(settings), settings), Storage(settings), settings, name, stopping
    )
    slices.install(resident)
    info = {
        "model": settings.model,
        "pid": os.getpid(),
        "threads": torch.get_num_threads(),
        "loaded_at": time.time(),
    }
    threading.Thread(target=_announce, args=(resident, info), name="announce", daemon=True).start()
    reconcile.start(resident.store, stopping)
    ResidentWorker(connect(settings), name, stopping).work(logging_level="WARNING")
    log.info("%s: stopped", name)
    return 0


def _warm_up(engine) -> float:
    """Render one grey window, so that the first job pays for no first call. Returns its seconds."""
    started = time.perf_counter()
    config = engine.config
    grey = np.full((64, 64, 3), 128, np.uint8)
    for _ in engine.generate([Shot("a grey wall", 1.0)], grey, num_frames=config.fps, seed=0):
        pass
    return time.perf_counter() - started


def _announce(resident: Resident, info: dict) -> None:
    """Keep this worker listed as warm while the process lives."""
    while not resident.stopping.is_set():
        try:
            resident.store.worker_seen(resident.worker, info, ttl=SEEN_TTL_SECONDS)
        except RedisError as error:
            log.warning("not announced: %s", error)
        resident.stopping.wait(SEEN_EVERY_SECONDS)


if __name__ == "__main__":
    raise SystemExit(main())
