"""Where training starts: tokens know their place, and following a motion is downhill from there."""

import pytest
import torch
from diffusers.models.transformers.transformer_hunyuan_video import HunyuanVideoRotaryPosEmbed

from model.autoencoder import PatchAutoencoder
from model.config import EngineConfig
from model.denoiser import predict_velocity
from model.load import WEIGHTS
from model.train import captions
from model.train.flow import channel_weights
from model.train.middle import MiddleRotaryPosEmbed
from model.train.mini import Mini
from model.train.places import _numbers
from model.train.recipe import RECIPES
from model.train.world import World

CONFIG = EngineConfig(name="mini")


@pytest.fixture(scope="module")
def mini() -> Mini:
    torch.manual_seed(0)
    return Mini(RECIPES["full"].geometry, CONFIG).eval().requires_grad_(False)


def velocity(mini: Mini, noise: torch.Tensor, prompt: str, context: torch.Tensor | None) -> torch.Tensor:
    seen = None if context is None else torch.zeros(len(noise), 3, 64, 64)
    condition = mini.conditioner(*mini.conditioner.tokenize([prompt] * len(noise)), seen)
    return predict_velocity(mini.transformer, noise, torch.ones(()), condition, context, "sample")


@pytest.mark.parametrize("prompt", ["a", "a red star on a blue background, the camera slowly zooms in " * 2])
@pytest.mark.parametrize("latents", [1, 8])
def test_the_first_block_tells_places(mini: Mini, prompt: str, latents: int) -> None:
    streams = []
    hook = mini.transformer.transformer_blocks[0].register_forward_hook(lambda *a: streams.append(a[2][0]))
    noise = torch.randn(CONFIG.latent_shape(latents))
    velocity(mini, noise, prompt, None if latents == 1 else noise[:, :, :1])
    hook.remove()
    places = streams[0].view(latents, 16, 16, -1)
    for axis, along in ((1, places[-1, :, 5]), (2, places[-1, 5])):
        place, opposite = (along[:, number] for number in _numbers(axis, "zoom"))
        assert torch.allclose(place, -opposite, atol=1e-4)
        assert (place[:7] < 0).all()
        assert (place[9:] > 0).all()
        assert (place[1:13] > place[:12]).all()  # at the very edge a large share grows no further


def test_a_zoom_is_downhill(mini: Mini) -> None:
    """Weighing places one way, as the text will learn to, lowers the loss of one zoom, the other way that of
    the other."""
    vae = PatchAutoencoder.from_pretrained(WEIGHTS / "mini" / "vae").eval().requires_grad_(False)
    weights = channel_weights(vae)
    world = World(11, canvases=4, size=128, scenes=0.0, turned=1.0)
    clips = {"zoom in": [], "zoom out": []}
    while min(map(len, clips.values())) < 3:
        clip = world.clip(25)
        clips.get(clip.camera, []).append(torch.from_numpy(clip.frames).permute(3, 0, 1, 2) / 127.5 - 1)
    norms = [block.norm1.linear for block in mini.transformer.transformer_blocks[1:]]
    norms += [block.norm.linear for block in mini.transformer.single_transformer_blocks]

    def loss(camera: str, weight: float) -> float:
        for linear in norms:
            scale = linear.bias[192:384]
            for axis in (1, 2):
                place, opposite = _numbers(axis, "zoom")
                scale[place], scale[opposite] = weight, -weight
        latents = vae.encode(torch.stack(clips[camera]))
        noise = torch.randn(latents.shape, generator=torch.Generator().manual_seed(0))
        found = velocity(mini, noise, captions.plain_caption(camera), latents[:, :, :1])
        return (weights * (found - (noise - latents)).square())[:, :, 1:].mean().item()

    outward, inward = loss("zoom in", 0.15), loss("zoom in", -0.15)
    assert inward < outward  # a picture that grows shows what lay nearer to the middle
    assert loss("zoom out", 0.15) < loss("zoom out", -0.15)
    loss("zoom in", 0.0)


def test_a_small_picture_lies_in_the_middle() -> None:
    stock = HunyuanVideoRotaryPosEmbed(2, 1, [16, 24, 24])
    middle = MiddleRotaryPosEmbed(stock, 32)
    full, small = torch.zeros(1, 33, 5, 32, 32), torch.zeros(1, 33, 5, 16, 16)
    for ours, theirs, cut in zip(middle(full), stock(full), middle(small), strict=True):
        assert torch.equal(ours, theirs)
        assert torch.equal(cut.view(5, 8, 8, -1), theirs.view(5, 16, 16, -1)[:, 4:12, 4:12])


def test_a_model_too_small_for_places_starts_as_well() -> None:
    recipe = RECIPES["smoke"].geometry
    small = Mini(recipe, CONFIG).eval().requires_grad_(False)
    noise = torch.randn(CONFIG.latent_shape(2))
    assert velocity(small, noise, "a star", noise[:, :, :1]).isfinite().all()
