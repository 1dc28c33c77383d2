"""The model families, as data: what each one is, where its weights come from, how its windows are cut."""

from dataclasses import dataclass, replace
from typing import Literal

from model.config import EngineConfig


@dataclass(frozen=True)
class Preset:
    """`config` holds the model's default size and its sampling; what a folder's own engine.json says
    goes before it."""

    family: Literal["mini", "hunyuan", "wan", "helios"]
    config: EngineConfig
    repository: str | None = None
    """Hub id of weights in diffusers' format; None: bundled, or published by nobody."""
    lora: tuple[str, str] | None = None
    """Hub id and file of a LoRA that is fused into the transformer, from the folder's `lora/`."""
    painter: str | None = None
    """Hub id of the text-to-image model that makes a missing picture; None: the model itself does."""


PAINTER = "Tongyi-MAI/Z-Image-Turbo"

_HUNYUAN = EngineConfig(
    "magic141",
    height=544,
    width=960,
    new_latents=30,
    context_latents=1,
    image_steps=9,
    image_guidance=0.0,
    prediction="velocity",
)

_WAN = EngineConfig(
    "wan2.1-i2v-4step",
    height=480,
    width=832,
    fps=16,
    new_latents=20,
    context_latents=1,
    image_steps=9,
    image_guidance=0.0,
    prediction="velocity",
)

_HELIOS = EngineConfig(
    "helios-distilled",
    height=384,
    width=640,
    new_latents=9,
    alone=True,
    video_steps=3,  # one in each stage of the pyramid; the first window takes twice as many
    image_steps=9,
    image_guidance=0.0,
    prediction="velocity",
)

PRESETS = {
    "mini": Preset("mini", EngineConfig("mini")),
    "magic141": Preset("hunyuan", _HUNYUAN, painter=PAINTER),
    "hunyuan-i2v-33ch": Preset(
        "hunyuan",
        replace(
            _HUNYUAN,
            name="hunyuan-i2v-33ch",
            video_steps=50,
            shift=7.0,
            picture_in_noise=0.001,
            vlm_sees_prompt=True,
        ),
        repository="hunyuanvideo-community/HunyuanVideo-I2V-33ch",
        painter=PAINTER,
    ),
    "wan2.1-i2v-4step": Preset(
        "wan",
        _WAN,
        repository="Wan-AI/Wan2.1-I2V-14B-480P-Diffusers",
        lora=("lightx2v/Wan2.1-Distill-Loras", "wan2.1_i2v_lora_rank64_lightx2v_4step.safetensors"),
        painter=PAINTER,
    ),
    "helios-distilled": Preset("helios", _HELIOS, repository="BestWishYsh/Helios-Distilled", painter=PAINTER),
}
