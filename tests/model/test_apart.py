"""What runs apart comes back or raises as if it had not, and leaves no thread."""

import threading

import pytest

from model.apart import apart


def test_the_result_comes_back_and_the_thread_ends() -> None:
    before = threading.active_count()
    name = apart(lambda: threading.current_thread().name)
    assert name == "apart"
    assert threading.active_count() == before


def test_what_it_raises_is_raised_here() -> None:
    def stop() -> None:
        raise KeyError("enough")

    with pytest.raises(KeyError, match="enough"):
        apart(stop)


def test_even_an_exit_comes_through() -> None:
    def leave() -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        apart(leave)
