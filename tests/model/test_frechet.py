"""The distance between sets of clips: its closed form, and that it sees what it is there to see."""

import cv2
import numpy as np
import pytest

from model.frechet import features, frechet_distance
from model.measure import flicker, mean_length, optical_flow
from model.train.world import World


def test_it_is_the_closed_form_of_independent_gaussians() -> None:
    rng = np.random.default_rng(1)
    real, made = rng.normal(0, 1, (200_000, 3)), rng.normal([1, 0, 0], [1, 2, 0.5], (200_000, 3))
    # In each dimension (m1 - m2)^2 + (s1 - s2)^2.
    assert frechet_distance(made, real) == pytest.approx(1 + 1 + 0.25, abs=0.05)
    assert frechet_distance(real, real) == pytest.approx(0, abs=1e-6)


def test_dependence_counts_where_means_and_deviations_agree() -> None:
    rng = np.random.default_rng(2)
    real = rng.normal(0, 1, (50_000, 2))
    made = np.repeat(rng.normal(0, 1, (50_000, 1)), 2, axis=1)
    assert frechet_distance(made, real) > 1


def test_one_clip_is_no_set() -> None:
    with pytest.raises(ValueError, match="got 1 and 5"):
        frechet_distance(np.zeros((1, 2)), np.zeros((5, 2)))


def spoilt(frames: np.ndarray, what: str, much: bool) -> np.ndarray:
    count = len(frames)
    if what == "blurred":
        return np.stack([cv2.GaussianBlur(frame, (0, 0), 3 if much else 1) for frame in frames])
    if what == "frozen":
        stays = count if much else count // 2
        return np.concatenate([np.repeat(frames[:1], stays, axis=0), frames[stays:]])
    if what == "tinted":
        lift = np.array([40 if much else 10, 0, 0])
    else:
        lift = (12 if much else 3) * (np.arange(count) % 2)[:, None, None, None]
    return np.clip(frames + lift, 0, 255).astype(np.uint8)


def all_features(clips: list[np.ndarray]) -> np.ndarray:
    return np.array([features(frames) for frames in clips])


@pytest.fixture(scope="module")
def clips() -> list[np.ndarray]:
    world = World(21, canvases=8)
    return [world.clip(9).frames for _ in range(16)]


@pytest.fixture(scope="module")
def real(clips: list[np.ndarray]) -> np.ndarray:
    return all_features(clips)


@pytest.mark.parametrize("what", ["blurred", "frozen", "flickering", "tinted"])
def test_the_more_is_wrong_the_farther(clips: list[np.ndarray], real: np.ndarray, what: str) -> None:
    little, much = (all_features([spoilt(frames, what, much) for frames in clips]) for much in (False, True))
    near, far = frechet_distance(little, real), frechet_distance(much, real)
    assert far > max(0.1, 1.5 * near), (near, far)


def test_flow_and_flicker_measure_what_was_done() -> None:
    picture = World(3, canvases=2).nature(1).frames[0]
    moved = np.roll(picture, 3, axis=1)
    assert mean_length(optical_flow(picture, moved)) == pytest.approx(3, abs=0.6)
    assert flicker(np.stack([picture, picture])) == 0
    assert flicker(np.stack([picture // 2, picture // 2 + 5])) == pytest.approx(5)
