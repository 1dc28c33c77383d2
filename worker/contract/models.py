"""The model families as data, for whoever must not import torch."""

import math
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class ModelInfo:
    """What a family can be asked for."""

    name: str
    description: str
    licence: str
    sizes: tuple[str, ...]
    """`WIDTHxHEIGHT`; the first is the default."""
    fps: int
    min_seconds: float
    max_seconds: float
    max_shots: int
    guidance: bool
    """Whether a negative prompt means anything to it."""
    steps: int
    """Denoising steps of a video window."""
    first_window_frames: int
    window_frames: int
    """New frames in each window after the first."""
    repository: str | None = None
    """Where its weights come from; None: they are bundled, or were never published."""
    min_memory_gib: float = 0.1
    """What its weights take in bfloat16, by arithmetic; what a window needs comes on top of that."""


TENCENT = (
    "Tencent Hunyuan Community License: no use in the European Union, the United Kingdom or South Korea, "
    "whatever the weights were converted or trained to"
)
_MAGIC141 = ModelInfo(
    name="magic141",
    description="Magic 1-For-1's 4-step student of HunyuanVideo-I2V, 13 B. Its authors published no "
    "weights: bring your own; `magic141 models convert` takes a checkpoint of theirs.",
    licence=TENCENT,
    sizes=("960x544", "544x960", "832x624", "624x832", "720x720"),
    fps=24,
    min_seconds=0.5,
    max_seconds=120,
    max_shots=16,
    guidance=False,
    steps=4,
    first_window_frames=121,
    window_frames=120,
    min_memory_gib=40,
)

MODELS = {
    "mini": ModelInfo(
        name="mini",
        description="The Magic141 geometry, small, trained on a procedural world by this project; for CPUs.",
        licence="Apache-2.0",
        sizes=("256x256",),
        fps=24,
        min_seconds=0.5,
        max_seconds=120,
        max_shots=16,
        guidance=False,
        steps=4,
        first_window_frames=25,
        window_frames=24,
    ),
    "magic141": _MAGIC141,
    "hunyuan-i2v-33ch": replace(
        _MAGIC141,
        name="hunyuan-i2v-33ch",
        description="HunyuanVideo-I2V, 13 B, 33 channels, not distilled.",
        steps=50,
        repository="hunyuanvideo-community/HunyuanVideo-I2V-33ch",
    ),
    "wan2.1-i2v-4step": ModelInfo(
        name="wan2.1-i2v-4step",
        description="Wan2.1-I2V-14B-480P with lightx2v's LoRA, which makes four steps enough.",
        licence="Apache-2.0",
        sizes=("832x480", "480x832"),
        fps=16,
        min_seconds=0.5,
        max_seconds=120,
        max_shots=16,
        guidance=False,
        steps=4,
        first_window_frames=81,
        window_frames=80,
        repository="Wan-AI/Wan2.1-I2V-14B-480P-Diffusers",
        min_memory_gib=43,
    ),
    "helios-distilled": ModelInfo(
        name="helios-distilled",
        description="Helios, 14 B, distilled: minutes of video by chunks of 33 frames.",
        licence="Apache-2.0",
        sizes=("640x384",),
        fps=24,
        min_seconds=0.5,
        max_seconds=120,
        max_shots=16,
        guidance=False,
        steps=3,
        first_window_frames=34,
        window_frames=33,
        repository="BestWishYsh/Helios-Distilled",
        min_memory_gib=38,
    ),
}


def window_start(index: int, model: str) -> int:
    """The first frame of a window."""
    info = MODELS[model]
    return 0 if index == 0 else info.first_window_frames + (index - 1) * info.window_frames


def window_at(start_seconds: float, model: str) -> int:
    """The first window of a shot that begins then: it begins then or later, within half a frame."""
    info = MODELS[model]
    frame = start_seconds * info.fps - 0.5
    return 0 if frame <= 0 else 1 + max(0, math.ceil((frame - info.first_window_frames) / info.window_frames))


def windows_total(num_frames: int, model: str = "mini") -> int:
    """Windows that cover `num_frames` frames; the same arithmetic as model.windows.plan_windows."""
    info = MODELS[model]
    rest = max(0, num_frames - info.first_window_frames)
    return 1 + math.ceil(rest / info.window_frames)
