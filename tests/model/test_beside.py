import threading
import time
from collections.abc import Iterator

import pytest
import torch

from model.beside import beside, piped


@pytest.mark.parametrize("run", [lambda items, use: beside(items, use, torch.device("cpu")), piped])
def test_in_order_and_errors_in_their_place(run) -> None:
    assert list(run(iter(range(5)), lambda item: item * item)) == [0, 1, 4, 9, 16]

    def broken() -> Iterator[int]:
        yield 1
        raise KeyError("made")

    items = run(broken(), float)
    assert next(items) == 1.0
    with pytest.raises(KeyError, match="made"):
        next(items)
    with pytest.raises(ZeroDivisionError):
        list(run(iter([0]), lambda item: 1 / item))


def test_the_next_is_made_while_this_one_is_used() -> None:
    """Each waits for the other: in turns, on one thread, neither would come."""
    meeting = threading.Barrier(2, timeout=20)

    def items() -> Iterator[int]:
        yield 0
        meeting.wait()
        yield 1

    def use(item: int) -> int:
        if item == 0:
            meeting.wait()
        return item

    assert list(piped(items(), use)) == [0, 1]


def test_closing_ends_both_threads() -> None:
    before = threading.active_count()
    made = []

    def items() -> Iterator[int]:
        for number in range(1000):
            made.append(number)
            yield number

    used = piped(items(), lambda item: item)
    next(used)
    used.close()
    deadline = time.monotonic() + 10
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() == before
    assert len(made) < 20


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu_what_is_used_has_been_computed() -> None:
    device = torch.device("cuda")

    def items() -> Iterator[torch.Tensor]:
        for number in range(6):
            large = torch.full((4096, 4096), 1.0 + number, device=device)
            for _ in range(20):
                large = large @ torch.eye(4096, device=device)
            yield large

    found = list(beside(items(), lambda item: item.mean().cpu().item(), device))
    assert found == pytest.approx([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
