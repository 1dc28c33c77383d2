"""One worker process: a resident, warm engine serving a queue. `python -m worker.main --name worker-0`

On several GPUs together: `torchrun --nproc-per-node 8 -m worker.main --name worker-0`.
"""

from __future__ import annotations

import argparse
import logging
import os
import time

import numpy as np

from model.config import EngineConfig
from model.engine import Engine
from model.load import load_engine
from model.windows import Shot
from worker.contract.logs import start_logging
from worker.contract.models import MODELS
from worker.contract.settings import Settings
from worker.contract.tracing import start_tracing
from worker.room import largest_pixels
from worker.serve import serve

log = logging.getLogger("worker.main")  # run by `python -m` its __name__ is another


def main(argv: list[str] | None = None) -> int:
    """Load, warm up, serve until SIGTERM. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="worker.main", description=__doc__)
    parser.add_argument("--name", default="worker-0", help="what jobs and health checks call this worker")
    name = parser.parse_args(argv).name
    settings = Settings.load()
    start_logging(settings, service="worker", worker=name)
    start_tracing("worker", name)
    rank, ranks = (int(os.environ.get(key, told)) for key, told in (("RANK", 0), ("WORLD_SIZE", 1)))
    if ranks > 1:  # by torchrun: one worker in front, the others compute with it
        return _shared(rank, ranks, settings, name)
    engine = _load(settings)
    return _serve(engine, settings, name)


def _load(settings: Settings) -> Engine:
    engine = load_engine(settings.model, settings.model_path)
    check_plan(engine.config, settings.model)
    return engine


def _shared(rank: int, ranks: int, settings: Settings, name: str) -> int:
    from model.parallel import Together, follow, join

    join(rank, ranks)
    engine = _load(settings)
    if rank > 0:
        follow(engine)
        return 0
    together = Together(engine)
    try:
        return _serve(together, settings, name)  # type: ignore[arg-type]
    finally:
        together.dismiss()


def _serve(engine: Engine, settings: Settings, name: str) -> int:
    log.info("%s: %s is warm after a warm-up of %.1f s", name, settings.model, warm_up(engine))
    status = serve(engine, settings, name, largest_pixels=largest_pixels(engine))
    log.info("%s: stopped, status %d", name, status)
    return status


def check_plan(config: EngineConfig, model: str) -> None:
    """Raises ValueError where the engine cuts a video in other windows than the API, which plans by its own
    table: every job would end as one of the wrong length."""
    info = MODELS.get(model)
    engine = (config.fps, config.window_frames + 1, config.window_frames)
    planned = info and (info.fps, info.first_window_frames, info.window_frames)
    if engine != planned:
        told = "frames a second, in the first window and in the later ones"
        raise ValueError(f"{model}: the weights' engine.json says {engine}, the API plans {planned}: {told}")


def warm_up(engine: Engine) -> float:
    """Paint a picture and render two windows of it, so that the first job pays for no first call.

    Returns the seconds it took. Two windows, since the first has another shape than all that follow.
    """
    started = time.perf_counter()
    config = engine.config
    if engine.painter is None:
        picture = np.full((*config.size, 3), 127, np.uint8)
    else:
        picture = engine.paint("a grey wall", seed=0)
    num_frames = config.window_frames + 2
    for _ in engine.generate([Shot("a grey wall", 2.0)], picture, num_frames=num_frames, seed=0):
        pass
    return time.perf_counter() - started


if __name__ == "__main__":
    raise SystemExit(main())
