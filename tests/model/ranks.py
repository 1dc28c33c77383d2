"""One of two ranks, run as a process: python -m tests.model.ranks RANK FILE."""

import sys

import numpy as np
import torch

from model.parallel import Together, follow, join
from model.windows import Shot
from tests.model.dits import build_dit
from tests.tiny import build_engine


class Enough(Exception):
    pass


def main(rank: int, file: str) -> None:
    torch.set_num_threads(1)
    engine = build_engine()
    told = engine.transformer.config
    engine.transformer = build_dit(
        2, 32, in_channels=told.in_channels, out_channels=told.out_channels,
        text_embed_dim=told.text_embed_dim, pooled_projection_dim=told.pooled_projection_dim,
    )  # fmt: skip
    picture = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    asked = {"num_frames": 60, "seed": 3}  # three windows of different length
    shots = [Shot("pan left", 1.0), Shot("a much longer prompt: the camera zooms in", 9.0)]
    if rank == 0:
        alone = np.concatenate([window.frames for window in engine.generate(shots, picture, **asked)])
        painted = engine.paint("a red circle", seed=1)
    join(rank, 2, init_method=f"file://{file}")
    if rank > 0:
        return follow(engine)
    together = Together(engine)
    assert_near(together.paint("a red circle", seed=1), painted)
    assert_near(
        np.concatenate([window.frames for window in together.generate(shots, picture, **asked)]), alone
    )
    # Stopped in the middle of a step, left after a window, asked wrongly: the other rank is there afterwards.
    checks = iter(range(99))

    def check() -> None:
        if next(checks) == 3:
            raise Enough

    try:
        list(together.generate(shots, picture, **asked, check=check))
    except Enough:
        pass
    else:
        raise AssertionError("nothing was stopped")
    windows = together.generate(shots, picture, **asked)
    next(windows)
    windows.close()
    try:
        list(together.generate(shots, picture, **asked, start_window=2))
    except ValueError:
        pass
    else:
        raise AssertionError("a window without a state")
    # What the shots are by now is rank 0's to say.
    steered = together.generate(shots, picture, **asked, steer=lambda window: shots)
    assert_near(np.concatenate([window.frames for window in steered]), alone)
    together.dismiss()
    print("done")


def assert_near(found: np.ndarray, wanted: np.ndarray) -> None:
    """Sums in another order: a level of 255 more or less here and there."""
    assert found.shape == wanted.shape
    apart = np.abs(found.astype(int) - wanted)
    assert apart.max() <= 2, apart.max()
    assert apart.mean() < 0.02, apart.mean()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
