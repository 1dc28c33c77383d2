import torch

from model.look import kept_near, look_of


def test_what_is_near_is_left_alone() -> None:
    picture = torch.randn(1, 16, 1, 32, 32)
    window = picture * 1.2 + 0.3
    assert torch.allclose(kept_near(window, look_of(picture), 0.5), window, atol=1e-5)


def test_what_runs_away_is_held() -> None:
    picture, window = torch.randn(1, 16, 1, 32, 32), torch.randn(1, 16, 6, 32, 32)
    for _ in range(60):  # every window a little brighter and stronger than the one before
        window = kept_near(1.1 * window + 0.2, look_of(picture), 0.5)
    (mean, std), (wanted, size) = look_of(window), look_of(picture)
    assert ((mean - wanted).abs() <= 0.51 * size).all()
    assert (std <= 1.51 * size).all()


def test_a_plain_window_stays_plain() -> None:
    picture, plain = torch.randn(1, 16, 1, 32, 32), torch.zeros(1, 16, 6, 32, 32)
    assert look_of(kept_near(plain, look_of(picture), 0.5))[1].max() < 1e-6
