"""Shares of a batch on threads of their own."""

import threading

import pytest
import torch

from model.conditioning import Condition
from model.train.cores import Cores
from model.train.critic import Critic
from model.train.mini import Mini
from model.train.recipe import SMALLEST
from model.train.teacher import CONFIG


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(("examples", "shares"), [(1, [1]), (2, [1, 1]), (3, [1, 2]), (8, [4, 4])])
def test_shares_cover_every_example_once(two_threads: None, examples: int, shares: list[int]) -> None:
    found = Cores().each(examples, lambda share: list(range(examples))[share])
    assert [len(share) for share in found] == shares
    assert [one for share in found for one in share] == list(range(examples))


def test_each_works_with_one_thread_and_at_the_same_time(two_threads: None) -> None:
    meeting = threading.Barrier(2, timeout=60)  # broken, were they to come one after the other

    def work(_: slice) -> int:
        meeting.wait()
        return torch.get_num_threads()

    assert Cores().each(2, work) == [1, 1]
    assert torch.get_num_threads() == 2


def test_an_error_in_a_share_is_not_lost(two_threads: None) -> None:
    def work(share: slice) -> None:
        if share.start:
            raise ValueError("the second")

    with pytest.raises(ValueError, match="the second"):
        Cores().each(2, work)


def test_a_critic_looks_at_its_own_threads_features(two_threads: None) -> None:
    torch.manual_seed(0)
    mini = Mini(SMALLEST.geometry, CONFIG).requires_grad_(False)
    critic = Critic(mini.transformer)
    noisy = torch.randn(2, 16, 2, 32, 32)
    told = mini.conditioner(*mini.conditioner.tokenize(["pan left", "zoom in"]), None)
    meeting = threading.Barrier(2, timeout=60)

    def looks(share: slice) -> torch.Tensor:
        condition = Condition(told.tokens[share], told.mask[share], told.pooled[share])
        return critic(noisy[share], torch.tensor([0.5]), condition, None, "sample")[1]

    def meet(*_: object) -> None:
        """Both have their features before either looks at them."""
        meeting.wait()

    with torch.no_grad():
        alone = [looks(slice(0, 1)), looks(slice(1, 2))]
        critic.transformer.norm_out.register_forward_hook(meet)
        together = Cores().each(2, looks)
    assert not torch.allclose(alone[0], alone[1], atol=1e-3)
    for one, other in zip(alone, together, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-3)
