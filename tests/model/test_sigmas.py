"""At which sigmas a sampling looks, as training draws them."""

import pytest
import torch

from model.schedule import sigmas
from model.train.flow import sampling_sigmas


@pytest.mark.parametrize("pure", [0.0, 0.5, 1.0])
def test_the_first_sigma_comes_as_often_as_told_and_the_others_alike(pure: float) -> None:
    torch.manual_seed(0)
    drawn = sampling_sigmas(8000, 4, 8.0, torch.device("cpu"), pure=pure)
    shares = [float((drawn == sigma).float().mean()) for sigma in sigmas(4, 8.0)[:-1]]
    assert sum(shares) == pytest.approx(1.0)
    assert shares == pytest.approx([pure + (1 - pure) / 4, *3 * [(1 - pure) / 4]], abs=0.02)
