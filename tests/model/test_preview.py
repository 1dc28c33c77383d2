"""What a window looks like before it is done."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from model.engine import Engine
from model.load import WEIGHTS, load_engine, make_preview
from model.preview import Preview, canvas, fit_preview
from model.windows import Shot
from tests.tiny import build_engine
from worker.cli import main


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.mean((one.astype(float) - other.astype(float)) ** 2)))


@pytest.fixture(scope="module")
def mini() -> Engine:
    return load_engine("mini")


def drawn() -> np.ndarray:
    """A picture unlike the canvases that a preview is fitted on: flat colours, hard edges."""
    picture = np.full((256, 256, 3), (40, 90, 200), np.uint8)
    picture[60:180, 40:130] = (250, 220, 30)
    picture[100:140, 90:220] = (200, 30, 60)
    return picture


def test_previews_become_the_decoded_window(mini: Engine) -> None:
    seen: list[tuple[int, np.ndarray]] = []
    windows = list(
        mini.generate(
            [Shot("the camera pans left", 9.0)],
            drawn(),
            num_frames=30,
            seed=0,
            watch=lambda window, frames: seen.append((window, frames)),
        )
    )
    steps = mini.config.video_steps
    assert [window for window, _ in seen] == [0] * steps + [1] * steps
    assert {(frames.shape, frames.dtype.name) for _, frames in seen[:steps]} == {((25, 32, 32, 3), "uint8")}
    decoded = torch.from_numpy(windows[0].frames).permute(0, 3, 1, 2).float()
    small = F.interpolate(decoded, (32, 32), mode="area").permute(0, 2, 3, 1).numpy()
    likeness = [psnr(frames, small) for _, frames in seen[:steps]]
    assert likeness[-1] > 28
    assert likeness[0] < likeness[-1]
    again = mini.generate([Shot("the camera pans left", 9.0)], drawn(), num_frames=30, seed=0)
    assert all(np.array_equal(a.frames, b.frames) for a, b in zip(again, windows, strict=True))


def test_a_linear_autoencoder_is_fitted_exactly() -> None:
    """Latents that hold the small frames themselves, mixed: the fit has to find the way back."""
    turn = torch.linalg.qr(torch.randn(12, 12, generator=torch.Generator().manual_seed(1))).Q

    def encoded(frames: torch.Tensor) -> torch.Tensor:
        small = F.interpolate(frames.permute(0, 3, 1, 2) / 127.5 - 1, scale_factor=1 / 8, mode="area")
        groups = [small[:1].repeat(4, 1, 1, 1), *small[1:].split(4)]
        codes = torch.stack([group.flatten(0, 1) for group in groups], dim=1)  # 12 T h w
        return torch.einsum("ij,jthw->ithw", turn, codes)[None]

    preview = fit_preview(encoded, 4)
    frames = canvas(torch.Generator().manual_seed(5), 9)
    small = F.interpolate(frames.permute(0, 3, 1, 2).float(), scale_factor=1 / 8, mode="area")
    found = preview.decode(encoded(frames)).astype(float)
    assert np.abs(found - small.permute(0, 2, 3, 1).numpy()).max() <= 0.51


def test_the_bundled_one_is_what_the_command_makes(mini: Engine, tmp_path: Path) -> None:
    (tmp_path / "vae").symlink_to(WEIGHTS / "mini" / "vae")
    make_preview("mini", tmp_path)
    made = Preview.load(tmp_path)
    assert torch.allclose(made.first, mini.preview.first, atol=1e-3)
    assert torch.allclose(made.later, mini.preview.later, atol=1e-3)


def test_without_one_nothing_can_be_watched() -> None:
    with pytest.raises(ValueError, match="has no preview: `magic141 models preview` makes it"):
        next(
            build_engine().generate(
                [Shot("a", 1.0)], drawn(), num_frames=3, seed=0, watch=lambda window, frames: None
            )
        )


def test_a_pyramid_has_none(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="helios-distilled denoises in a pyramid"):
        make_preview("helios-distilled", tmp_path)


def test_generate_shows_the_window_at_work(tmp_path: Path) -> None:
    Image.fromarray(drawn()).save(tmp_path / "p.png")
    told = ["generate", "the camera pans left", "--seconds", "0.5", "--seed", "1"]
    told += ["--image", str(tmp_path / "p.png"), "--preview", str(tmp_path / "now.webp")]
    assert main([*told, "--out", str(tmp_path / "v.mp4")]) == 0
    with Image.open(tmp_path / "now.webp") as moving:
        assert (moving.size, moving.n_frames) == ((32, 32), 25)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["now.webp", "p.png", "v.mp4"]
