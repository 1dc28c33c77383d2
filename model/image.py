"""A user's picture made to fit the model."""

import numpy as np
from PIL import Image


def fit(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Scales and centre-crops uint8 [H, W, 3] to uint8 [height, width, 3] without distorting it."""
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise ValueError(f"expected uint8 [H, W, 3], got {image.dtype} {list(image.shape)}")
    if image.shape[:2] == (height, width):
        return image
    scale = max(height / image.shape[0], width / image.shape[1])
    high, wide = height / scale, width / scale
    top, left = (image.shape[0] - high) / 2, (image.shape[1] - wide) / 2
    box = (left, top, left + wide, top + high)
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.LANCZOS, box=box))
