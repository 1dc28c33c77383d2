from tests.tiny import build_engine
from worker.room import largest_pixels


def test_a_worker_knows_its_largest_picture() -> None:
    """On whatever machine this runs: more than what is asked of it, and less than a wall of screens."""
    assert 64 * 64 < largest_pixels(build_engine()) < 1e9
