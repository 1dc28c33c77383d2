"""The arithmetic of memory against what models of the real size hold, on the meta device."""

import pytest
import torch
from diffusers import AutoencoderKLHunyuanVideo, HunyuanVideoTransformer3DModel
from torch.nn import functional as F

from model.fit import (
    AUTOENCODER,
    GIB,
    TOLD,
    DoesNotFit,
    decode_bytes,
    denoise_bytes,
    largest_pixels,
    need,
    require,
    weights_bytes,
)
from model.geometry import Geometry
from tests.model.live import Live

REAL = Geometry()


@pytest.fixture
def no_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fused attention holds no scores; on the meta device torch has only the kind that does."""
    monkeypatch.setattr(
        F, "scaled_dot_product_attention", lambda query, key, value, **_: torch.empty_like(query)
    )


@pytest.mark.usefixtures("no_scores")
def test_a_forward_holds_what_is_said() -> None:
    """A few blocks of the real width: each lets go of what it held before the next begins."""
    with torch.device("meta"), torch.inference_mode():
        dit = HunyuanVideoTransformer3DModel(
            in_channels=33, guidance_embeds=False, num_layers=1, num_single_layers=2,
            image_condition_type="latent_concat",
        ).to(torch.bfloat16)  # fmt: skip
        for latents in (8, 31):
            grid = torch.empty(1, 33, latents, 68, 120, dtype=torch.bfloat16)
            told = torch.empty(1, TOLD, 4096, dtype=torch.bfloat16)
            pooled = torch.empty(1, 768, dtype=torch.bfloat16)
            with Live() as live:
                dit(grid, torch.empty(1), told, torch.ones(1, TOLD), pooled)
            said = denoise_bytes(REAL, REAL.video_tokens(latents, 68, 120) + TOLD)
            assert 0.97 * said < live.peak <= said


@pytest.mark.usefixtures("no_scores")
def test_so_does_the_decoder() -> None:
    with torch.device("meta"), torch.inference_mode():
        autoencoder = AutoencoderKLHunyuanVideo().to(torch.bfloat16)
        autoencoder.enable_tiling()
        assert sum(weight.numel() for weight in autoencoder.parameters()) == AUTOENCODER
        for latents, height, width in ((5, 32, 32), (9, 32, 32)):
            with Live() as live:
                frames = autoencoder.decode(
                    torch.empty(1, 16, latents, height, width, dtype=torch.bfloat16)
                ).sample
            said = decode_bytes(frames.shape[2], frames.shape[3], frames.shape[4])
            assert 0.9 * said < live.peak <= said


def test_what_cards_hold() -> None:
    """The 13 B model at 960x544, 121 frames: int8 in 24 GB without its encoders, in 32 GB with them."""
    alone = need(REAL, latents=31, height=544, width=960, precision="int8")
    together = need(REAL, latents=31, height=544, width=960, precision="int8", encoders="int8")
    whole = need(REAL, latents=31, height=544, width=960)
    assert alone.total < 24e9 < together.total < 32e9 < whole.total < 48e9
    assert weights_bytes(REAL, "bf16") == 2 * 12_810_991_680
    few = need(REAL, latents=31, height=544, width=960, resident_blocks=4)
    assert few.total < 16e9
    assert need(REAL, latents=31, height=544, width=960, overlapped=True).total == whole.total + whole.decode


def test_what_does_not_fit_says_how_much_it_takes() -> None:
    wanted = need(REAL, latents=31, height=544, width=960)
    require(wanted, 80 * GIB)
    with pytest.raises(
        DoesNotFit, match=r"takes 32\.4 GiB \(transformer 23\.9, .*there are 24\.0 GiB"
    ) as raised:
        require(wanted, 24 * GIB)
    assert raised.value.need == wanted


@pytest.mark.parametrize("gib", [4, 8, 40])
def test_the_largest_picture_just_fits(gib: int) -> None:
    pixels = largest_pixels(REAL, latents=31, free_bytes=gib * GIB)
    assert pixels > 0
    for share, fits in ((0.99, True), (1.01, False)):
        tokens = round(share * pixels) // 256 * 31 + TOLD
        decoded = decode_bytes(121, 1, round(share * pixels))
        assert (max(denoise_bytes(REAL, tokens), decoded) <= gib * GIB) is fits
    assert largest_pixels(REAL, latents=31, free_bytes=GIB) == 0
