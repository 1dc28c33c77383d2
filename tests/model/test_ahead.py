import threading

import pytest

from model.ahead import ahead


def test_order_is_kept() -> None:
    assert list(ahead(iter(range(20)))) == list(range(20))


def test_the_next_item_is_made_while_the_reader_works() -> None:
    second_made = threading.Event()

    def items():
        yield 1
        second_made.set()
        yield 2

    reader = ahead(items())
    assert next(reader) == 1
    assert second_made.wait(5)


def test_an_error_comes_after_what_was_made_before_it() -> None:
    def items():
        yield 1
        raise KeyError("broken")

    reader = ahead(items())
    assert next(reader) == 1
    with pytest.raises(KeyError, match="broken"):
        next(reader)


def test_closing_stops_the_thread() -> None:
    before = threading.active_count()
    reader = ahead(iter(range(10**9)))
    next(reader)
    reader.close()
    assert threading.active_count() == before
