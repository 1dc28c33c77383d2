"""Text-to-image by whatever model diffusers' AutoPipelineForText2Image knows, for the families whose own one
begins with a picture."""

import importlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from model.config import EngineConfig
from model.families.family import Check
from model.parts import problems

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline

FOLDER = "text_to_image"


class TextToImage:
    """A few-step model: how many steps and how much guidance it wants is in the engine's configuration."""

    def __init__(self, pipe: "DiffusionPipeline") -> None:
        self.pipe = pipe
        pipe.set_progress_bar_config(disable=True)

    @torch.inference_mode()
    def paint(
        self,
        config: EngineConfig,
        prompt: str,
        size: tuple[int, int],
        rng: torch.Generator,
        check: Check | None,
    ) -> np.ndarray:
        """uint8 [H, W, 3]. `check` is called before the first step and after every one, and may raise."""

        def after_step(pipe: object, index: int, timestep: object, told: dict[str, Any]) -> dict[str, Any]:
            if check is not None:
                check()
            return told

        if check is not None:
            check()
        height, width = size
        (picture,) = self.pipe(
            prompt=prompt,
            height=height,
            width=width,
            num_inference_steps=config.image_steps,
            guidance_scale=config.image_guidance,
            generator=rng,
            callback_on_step_end=after_step,
            output_type="np",
        ).images
        return (picture * 255).round().astype(np.uint8)


def text_to_image(folder: Path, dtype: torch.dtype) -> TextToImage | None:
    """From `folder/text_to_image`; None where there is no such folder. `painter_problems` is to be asked
    before."""
    if not (folder / FOLDER).is_dir():
        return None
    from diffusers import AutoPipelineForText2Image  # brings every pipeline there is

    pipe = AutoPipelineForText2Image.from_pretrained(folder / FOLDER, dtype=dtype, local_files_only=True)
    for part in pipe.components.values():
        if isinstance(part, torch.nn.Module):
            part.eval().requires_grad_(False)
    return TextToImage(pipe)


def painter_problems(folder: Path) -> list[str]:
    """What is wrong with `folder/text_to_image`, by its index of parts and their headers; nothing where it is
    left out."""
    if not (folder / FOLDER).is_dir():
        return []
    index = folder / FOLDER / "model_index.json"
    if not index.is_file():
        return [f"{FOLDER}: model_index.json is missing"]
    parts = {
        name: getattr(importlib.import_module(told[0]), told[1], None)
        for name, told in json.loads(index.read_text()).items()
        if isinstance(told, list) and told[0] in ("diffusers", "transformers")
    }
    return [f"{FOLDER}/{problem}" for problem in problems(folder / FOLDER, parts)]
