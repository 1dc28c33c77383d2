"""Text-to-image for the families whose own model needs a picture to begin with."""

import numpy as np
import torch

from model.config import EngineConfig
from model.families.family import Check


class NoPainter:
    """Stands where no text-to-image model was loaded."""

    def paint(
        self,
        config: EngineConfig,
        prompt: str,
        size: tuple[int, int],
        rng: torch.Generator,
        check: Check | None,
    ) -> np.ndarray:
        """Raises ValueError."""
        raise ValueError(f"{config.name} was loaded without a text-to-image model: give a picture")
