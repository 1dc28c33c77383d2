import pytest
import torch

from model.sampler import sample
from model.schedule import sigmas


def test_grids_of_the_paper() -> None:
    assert sigmas(4, 5.0).tolist() == pytest.approx([1, 0.9375, 0.8333, 0.625, 0], abs=1e-4)
    assert sigmas(8, 5.0).tolist() == pytest.approx(
        [1, 0.9722, 0.9375, 0.8929, 0.8333, 0.75, 0.625, 0.4167, 0], abs=1e-4
    )


def test_the_grid_is_diffusers_own() -> None:
    from diffusers import FlowMatchEulerDiscreteScheduler

    theirs = FlowMatchEulerDiscreteScheduler(shift=5.0)
    theirs.set_timesteps(sigmas=torch.linspace(1, 0, 9)[:-1].tolist())
    assert torch.allclose(theirs.sigmas, sigmas(8, 5.0), atol=1e-6)


@pytest.mark.parametrize("steps", [1, 4, 8])
def test_euler_is_exact_where_the_data_is_one_point(steps: int) -> None:
    target, noise = torch.tensor([2.0, -1.0]), torch.tensor([0.3, 0.7])
    reached = sample(lambda x, sigma: (x - target) / sigma, noise, sigmas(steps, 5.0))
    assert torch.allclose(reached, target, atol=1e-5)


def test_euler_meets_the_closed_form_of_a_gaussian() -> None:
    """Data N(0, s^2): the flow carries noise z to s z, as the number of steps grows."""
    s, noise = 0.5, torch.tensor([1.0, -2.0])

    def velocity(x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        variance = (1 - sigma) ** 2 * s**2 + sigma**2
        return x * (sigma - (1 - sigma) * s**2) / variance

    errors = [
        float((sample(velocity, noise, sigmas(n, 1.0)) - s * noise).abs().max()) for n in (10, 100, 1000)
    ]
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 2e-3


def test_check_stops_between_steps() -> None:
    seen = []

    def check() -> None:
        seen.append(1)
        if len(seen) == 3:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        sample(lambda x, sigma: x, torch.ones(1), sigmas(8, 5.0), check)
    assert len(seen) == 3
