"""What an engine is, as data that is saved beside its weights."""

import json
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class EngineConfig:
    """Geometry, windows and sampling of one model.

    Latent frame 0 of a window holds one frame, each later one `frames_per_latent`. A window denoises
    `new_latents` latent frames after its context: one latent frame (the picture) in the first window,
    `context_latents` in every later one.
    """

    name: str
    height: int = 256
    width: int = 256
    fps: int = 24
    latent_channels: int = 16
    pixels_per_latent: int = 8
    frames_per_latent: int = 4
    new_latents: int = 6
    context_latents: int = 2
    video_steps: int = 4
    image_steps: int = 16
    image_guidance: float = 1.0  # of text-to-image, away from the empty prompt; 1 is none
    image_tokens: bool = True  # in the condition; False leaves the words alone
    keeps_look: bool = False  # whether later windows are given the first one's look, as in look.given_look
    to_camera: tuple[str, ...] = ()  # commands in their plainest words: a look is held under these,
    to_things: tuple[str, ...] = ()  # under these it goes along, as in look.followed
    shift: float = 5.0
    prediction: Literal["sample", "velocity"] = "sample"
    picture_in_noise: float = 0.0  # that share of the first frame's latents is mixed into a window's noise
    vlm_sees_prompt: bool = False  # HunyuanVideo-I2V's condition; Magic141's model sees the first frame alone
    attention: str = "auto"  # of a large DiT: one of diffusers' backends, the best exact one, or "tiles"
    compiled: bool = False  # whether its blocks are compiled; the warm-up pays for it
    precision: str | None = None  # of its weights, one of quantize's; None: as the folder stores them
    offload: str = "none"  # what waits in the machine's memory, one of choices.OFFLOADS
    alone: bool = False  # a window's latents are decoded by themselves, the first of them to one frame

    @property
    def size(self) -> tuple[int, int]:
        """Height, width."""
        return self.height, self.width

    @property
    def window_frames(self) -> int:
        """Frames that a window adds; the first adds one more, the picture itself."""
        return self.new_latents * self.frames_per_latent - (self.frames_per_latent - 1) * self.alone

    def latent_shape(self, latents: int) -> tuple[int, int, int, int, int]:
        """[1, C, T, h, w] of a window of `latents` latent frames."""
        side = self.pixels_per_latent
        return (1, self.latent_channels, latents, self.height // side, self.width // side)

    def save(self, folder: Path) -> None:
        (folder / "engine.json").write_text(json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def load(cls, folder: Path, preset: "EngineConfig | None" = None) -> "EngineConfig":
        """What the folder's engine.json doesn't say is the preset's, or this class's default.

        Raises ValueError for a name that means nothing here: what it was to change would stay as it is.
        """
        told = json.loads((folder / "engine.json").read_text())
        if unknown := sorted(set(told) - {field.name for field in fields(cls)}):
            raise ValueError(f"{folder / 'engine.json'}: nothing is called {', '.join(unknown)}")
        told = {name: tuple(value) if isinstance(value, list) else value for name, value in told.items()}
        return cls(**told) if preset is None else replace(preset, **told)
