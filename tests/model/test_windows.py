import pytest

from model.config import EngineConfig
from model.windows import Shot, plan_windows, prompt_at

CONFIG = EngineConfig(name="any")


@pytest.mark.parametrize("num_frames", [1, 2, 24, 25, 26, 48, 49, 120, 480, 1440, 1441])
def test_windows_cover_each_frame_once(num_frames: int) -> None:
    covered = [
        frame
        for plan in plan_windows(num_frames, CONFIG)
        for frame in range(plan.start_frame, plan.start_frame + plan.num_frames)
    ]
    assert covered == list(range(num_frames))


def test_the_first_window_also_holds_the_picture() -> None:
    assert [plan.num_frames for plan in plan_windows(60, CONFIG)] == [25, 24, 11]


def test_no_frames_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        plan_windows(0, CONFIG)


def test_a_window_follows_the_shot_it_starts_in() -> None:
    shots = (Shot("one", 2.0), Shot("two", 1.0))
    assert [prompt_at(shots, frame, 24) for frame in (0, 47, 48, 71, 72, 999)] == [
        "one",
        "one",
        "two",
        "two",
        "two",
        "two",
    ]
