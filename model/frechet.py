"""How far two sets of clips are apart: the Frechet distance in a space of features that is fixed and told.

The space of the usual distances (FID, FVD) is a network's that was trained on photographs and can't be had
offline. This one is not learned. A clip is 19 numbers, each a mean over its frames:

- 3 and 3: mean and standard deviation of L, a, b (CIE Lab, OpenCV's 0 to 255);
- 4: log of the mean magnitude of four octaves of the grey picture (differences of Gaussians with sigma 1, 2,
  4, 8): how much detail there is at each size;
- 4: the same of the difference of two frames that follow each other: how much of each size changes;
- 4: the camera's shift in x and y, growth and turn a frame, as `measure.camera_flow` finds them, in pixels
  90 pixels from the middle;
- 1: log of the mean length of the optical flow.
"""

from itertools import pairwise

import cv2
import numpy as np

from model.measure import REACH, camera_flow, grey, mean_length, optical_flow

OCTAVES = (1.0, 2.0, 4.0, 8.0, 16.0)
STEP = 4  # frames between the two that flow is measured over
SMALLEST = 1e-3


def features(frames: np.ndarray) -> np.ndarray:
    """uint8 [N, H, W, 3], N > 4 -> float64 [19]."""
    lab = np.stack([cv2.cvtColor(frame, cv2.COLOR_RGB2LAB) for frame in frames]).astype(np.float64)
    pictures = [grey(frame).astype(np.float32) for frame in frames]
    pairs = [(frames[i], frames[i + STEP]) for i in range(0, len(frames) - STEP, STEP)]
    flows = [optical_flow(*pair) for pair in pairs]
    cameras = [camera_flow(before, flow) for (before, _), flow in zip(pairs, flows, strict=True)]
    shift_x, shift_y, growth, turn = np.mean(cameras, axis=0) / STEP
    speed = np.mean([mean_length(flow) for flow in flows]) / STEP
    return np.array([
        *lab.mean((0, 1, 2)),
        *lab.std((1, 2)).mean(0),
        *np.mean([_octaves(picture) for picture in pictures], axis=0),
        *np.mean([_octaves(b - a) for a, b in pairwise(pictures)], axis=0),
        shift_x, shift_y, REACH * growth, REACH * turn,
        np.log(speed + SMALLEST),
    ])  # fmt: skip


def speed_of(found: np.ndarray) -> float:
    """Features [N, 19] -> the mean length of the optical flow of them all, in pixels a frame."""
    return float(np.exp(found[:, -1]).mean() - SMALLEST)


def _octaves(picture: np.ndarray) -> list[float]:
    blurred = [cv2.GaussianBlur(picture, (0, 0), sigma) for sigma in OCTAVES]
    return [float(np.log(np.abs(fine - coarse).mean() + SMALLEST)) for fine, coarse in pairwise(blurred)]


def frechet_distance(made: np.ndarray, real: np.ndarray) -> float:
    """|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)) of two sets of features [N, D] (Dowson and Landau 1982),
    each feature in units of its standard deviation in `real`.

    Both sets should be of one size: the distance of small samples is too large by an amount that depends on
    it. Raises ValueError for fewer than two clips.
    """
    if min(len(made), len(real)) < 2:
        raise ValueError(f"a set needs two clips or more, got {len(made)} and {len(real)}")
    scale = real.std(0) + SMALLEST
    made, real = made / scale, real / scale
    first, second = np.cov(made, rowvar=False), np.cov(real, rowvar=False)
    # The product's eigenvalues are real and not negative, but for rounding.
    roots = np.sqrt(np.clip(np.linalg.eigvals(first @ second).real, 0, None))
    gap = np.square(made.mean(0) - real.mean(0)).sum()
    return float(gap + np.trace(first) + np.trace(second) - 2 * roots.sum())
