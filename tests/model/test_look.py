import pytest
import torch
from torch.nn import functional as F

from model.look import DRIFT, MOST, OCTAVES, followed, given_look, look_of


def picture(seed: int = 0, frames: int = 6) -> torch.Tensor:
    """Something with detail at every size, [1, 16, frames, 32, 32]."""
    rng = torch.Generator().manual_seed(seed)
    sizes = (2, 4, 8, 16, 32)
    layers = [torch.randn(frames, 16, size, size, generator=rng) for size in sizes]
    return sum(F.interpolate(layer, size=(32, 32), mode="bilinear") for layer in layers).transpose(0, 1)[None]


def test_its_own_look_changes_nothing() -> None:
    still = picture(frames=1).expand(-1, -1, 6, -1, -1)
    assert torch.allclose(given_look(still, look_of(still)), still, atol=1e-4)


def test_the_look_has_a_mean_and_a_strength_for_each_octave() -> None:
    assert look_of(picture()).shape == (OCTAVES + 2, 16)


@pytest.mark.parametrize("damage", [lambda x: 1.6 * x + 0.7, lambda x: 0.6 * x - 0.5])
def test_level_and_strength_come_back(damage) -> None:
    first = picture()
    mended = given_look(damage(first.flip(3)), look_of(first))
    assert torch.allclose(look_of(mended)[0], look_of(first)[0], atol=0.02)
    assert torch.allclose(look_of(mended)[1:], look_of(first)[1:], rtol=0.15)


def test_what_is_soft_is_sharpened_and_what_is_grainy_smoothed() -> None:
    first = picture()
    frames = first[0].transpose(0, 1)
    blurred = F.avg_pool2d(F.pad(frames, (1, 1, 1, 1), mode="replicate"), 3, 1)
    soft = (0.4 * frames + 0.6 * blurred).transpose(0, 1)[None]
    grainy = first + torch.randn(first.shape, generator=torch.Generator().manual_seed(2))
    finest = look_of(first)[1]
    for damaged in (soft, grainy):
        before = (look_of(damaged)[1] / finest - 1).abs().mean()
        after = (look_of(given_look(damaged, look_of(first)))[1] / finest - 1).abs().mean()
        assert after < 0.3 * before


def test_sixty_windows_in_a_row_stay() -> None:
    first = picture()
    window = first
    for _ in range(60):  # each a little brighter, stronger and softer than the one before
        window = given_look(1.1 * window + 0.2, look_of(first))
    ratio = look_of(window)[1:] / look_of(first)[1:]
    assert torch.allclose(look_of(window)[0], look_of(first)[0], atol=0.02)
    assert ((ratio > 0.85) & (ratio < 1.15)).all()


def test_what_is_gone_is_not_conjured_up() -> None:
    first, faint = picture(), 0.01 * picture(1)
    assert look_of(given_look(faint, look_of(first)))[1:].max() < 1.2 * MOST * look_of(faint)[1:].max()
    plain = torch.zeros_like(first)
    assert look_of(given_look(plain, look_of(first)))[1:].max() < 1e-5


def growing(first: int, last: int) -> torch.Tensor:
    """A window of a square that grows, from `first` to `last` cells of 32, before a plain ground."""
    latents = torch.zeros(1, 16, 6, 32, 32)
    for frame, size in enumerate(torch.linspace(first, last, 6).int().tolist()):
        middle = slice(16 - size // 2, 16 + size // 2)
        latents[0, 1, frame, middle, middle] = 3.0
    return latents


def test_what_grows_keeps_its_colour_where_the_look_goes_along() -> None:
    look = look_of(growing(8, 12))
    window = growing(14, 24)
    held, gone = (given_look(window, one) for one in (look[:, None], followed(window, look)))
    assert held[0, 1, -1, 16, 16] < 1.5
    assert gone[0, 1, -1, 16, 16] > 2.7
    assert (gone - window)[0, 1, -1].abs().mean() < 0.5 * (held - window)[0, 1, -1].abs().mean()


def test_the_look_goes_along_with_what_is_filmed_and_not_with_drift() -> None:
    look = look_of(growing(14, 14))
    drifted = growing(14, 14) + 0.9 * DRIFT
    torch.testing.assert_close(followed(drifted, look), look[:, None].expand(-1, 6, -1))
    window = growing(16, 28)
    wanted = followed(window, look)
    assert wanted[0, -1, 1] == pytest.approx(float(window[0, 1, -1].mean()), abs=1e-4)
    torch.testing.assert_close(wanted[:, :, 2:], look[:, None, 2:].expand(-1, 6, -1))


def test_what_has_grown_is_held_from_then_on() -> None:
    window = growing(14, 24)
    look = followed(window, look_of(growing(10, 14)))[:, -1]
    last = window[:, :, -1:].repeat(1, 1, 6, 1, 1)
    window = last
    for _ in range(60):  # each a little brighter than the one before
        wanted = followed(window + 0.5 * DRIFT, look)
        window, look = given_look(window + 0.5 * DRIFT, wanted), wanted[:, -1]
    assert torch.allclose(window.mean((2, 3, 4)), last.mean((2, 3, 4)), atol=0.02)
