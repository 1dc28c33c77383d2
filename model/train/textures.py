"""Procedural pictures: 1/f noise, dead-leaves canvases and named backgrounds. Knows no motion and no
captions."""

import cv2
import numpy as np

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (214, 40, 40),
    "orange": (240, 140, 30),
    "yellow": (240, 220, 50),
    "green": (50, 160, 70),
    "cyan": (60, 200, 210),
    "blue": (45, 85, 210),
    "purple": (125, 60, 175),
    "pink": (245, 140, 185),
    "white": (240, 240, 240),
    "black": (25, 25, 28),
}
SHAPES = ("circle", "square", "triangle", "star", "cross")
BACKGROUNDS = ("plain", "striped", "checkered", "spotted", "cloudy")


def noise(rng: np.random.Generator, size: int, exponent: float = 1.0) -> np.ndarray:
    """A field of 1/f^exponent noise, float32 [size, size], zero mean and unit variance: the spectrum of
    natural scenes (Field 1987) has an exponent near 1."""
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None, :])
    frequency[0, 0] = np.inf
    phase = rng.uniform(0, 2 * np.pi, frequency.shape)
    field = np.fft.irfft2(frequency**-exponent * np.exp(1j * phase), s=(size, size))
    return ((field - field.mean()) / (field.std() + 1e-9)).astype(np.float32)


def polygon(rng: np.random.Generator, radius: float) -> np.ndarray:
    """The outline of a leaf: a smooth or an angular closed curve around 0, float32 [K, 2] in pixels."""
    corners = int(rng.choice([3, 4, 5, 6, 24]))
    angle = (
        np.sort(rng.uniform(0, 2 * np.pi, corners))
        if corners < 24
        else np.linspace(0, 2 * np.pi, 24, endpoint=False)
    )
    reach = radius * (
        rng.uniform(0.6, 1.2, corners) if corners < 24 else 1 + 0.25 * np.sin(angle * rng.integers(1, 5))
    )
    points = np.stack([np.cos(angle) * reach, np.sin(angle) * reach * rng.uniform(0.3, 1.0)], 1)
    turn = rng.uniform(0, 2 * np.pi)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return (points @ rotation).astype(np.float32)


def dead_leaves(rng: np.random.Generator, size: int) -> np.ndarray:
    """A dead-leaves picture (Lee, Mumford and Huang 2001) whose leaves carry 1/f texture and shading, uint8
    [size, size, 3].

    Radii follow a power law, so that edges and flat parts occur at every scale, as in photographs.
    """
    texture = [noise(rng, size, rng.uniform(0.6, 1.6)) for _ in range(3)]
    palette = rng.uniform(10, 245, (rng.integers(3, 9), 3))
    canvas = palette[0] + 25 * np.stack(texture, -1) * rng.uniform(0.2, 1.0, 3)
    canvas = canvas.astype(np.float32)
    for _ in range(int(rng.integers(40, 260))):
        radius = min(size / 3, 6 * rng.uniform(0.001, 1) ** -0.7)
        centre = rng.uniform(0, size, 2)
        points = polygon(rng, radius) + centre
        low = np.clip(np.floor(points.min(0)).astype(int) - 1, 0, size - 1)
        high = np.clip(np.ceil(points.max(0)).astype(int) + 2, 1, size)
        extent = high - low
        if (extent < 2).any():
            continue
        mask = np.zeros((extent[1], extent[0]), np.uint8)
        cv2.fillPoly(mask, [np.round((points - low) * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
        alpha = (mask / 255.0).astype(np.float32)[..., None]
        box = canvas[low[1] : high[1], low[0] : high[0]]
        grain = texture[int(rng.integers(3))][low[1] : high[1], low[0] : high[0], None]
        colour = palette[rng.integers(len(palette))] + rng.normal(0, 18, 3)
        slope = rng.normal(0, 25, 2) / max(extent)
        light = (
            np.arange(extent[0])[None, :, None] * slope[0] + np.arange(extent[1])[:, None, None] * slope[1]
        )
        leaf = colour + grain * rng.uniform(0, 30) * rng.uniform(0.5, 1, 3) + light
        box += alpha * (leaf.astype(np.float32) - box)
    light = cv2.resize(noise(rng, 8, 1.0), (size, size), interpolation=cv2.INTER_CUBIC)[..., None]
    canvas *= 1 + rng.uniform(0, 0.25) * light
    if rng.random() < 0.5:
        canvas = cv2.GaussianBlur(canvas, (0, 0), float(rng.uniform(0.4, 1.6)))
    return np.clip(canvas, 0, 255).astype(np.uint8)


def background(rng: np.random.Generator, size: int, colour: str, kind: str) -> np.ndarray:
    """A background of a named colour and kind (BACKGROUNDS), uint8 [size, size, 3]."""
    y, x = np.mgrid[:size, :size].astype(np.float32)
    turn, period = rng.uniform(0, np.pi), float(rng.uniform(24, 56))
    along, across = x * np.cos(turn) + y * np.sin(turn), -x * np.sin(turn) + y * np.cos(turn)
    wave_u, wave_v = np.sin(2 * np.pi * along / period), np.sin(2 * np.pi * across / period)
    pattern = {
        "plain": lambda: np.zeros_like(x),
        "striped": lambda: np.clip(3 * wave_u, -1, 1),
        "checkered": lambda: np.clip(6 * wave_u * wave_v, -1, 1),
        "spotted": lambda: np.clip(6 * (wave_u * wave_v - 0.35), -0.3, 1),
        "cloudy": lambda: 0.6 * noise(rng, size, 1.5),
    }[kind]()
    shade = 1 + 0.22 * pattern + 0.02 * noise(rng, size, 0.8)
    lift = 22 * pattern if colour == "black" else 0 * pattern
    picture = (
        np.array(COLOURS[colour], np.float32) * shade[..., None] * rng.uniform(0.9, 1.08) + lift[..., None]
    )
    return np.clip(picture, 0, 255).astype(np.uint8)


def outline(shape: str) -> np.ndarray:
    """A named shape (SHAPES) as a polygon in the unit disc, y down, float32 [K, 2]."""
    if shape == "circle":
        angle = np.linspace(0, 2 * np.pi, 64, endpoint=False)
        return np.stack([np.cos(angle), np.sin(angle)], 1).astype(np.float32)
    if shape == "cross":
        w = 0.32
        points = [
            (-w, -1),
            (w, -1),
            (w, -w),
            (1, -w),
            (1, w),
            (w, w),
            (w, 1),
            (-w, 1),
            (-w, w),
            (-1, w),
            (-1, -w),
            (-w, -w),
        ]
        return np.array(points, np.float32)
    corners, inner = {"square": (4, 1.0), "triangle": (3, 1.0), "star": (10, 0.45)}[shape]
    start = -np.pi / 4 if shape == "square" else -np.pi / 2
    angle = start + np.linspace(0, 2 * np.pi, corners, endpoint=False)
    reach = np.where(np.arange(corners) % 2 == 0, 1.0, inner) if shape == "star" else np.ones(corners)
    return np.stack([np.cos(angle) * reach, np.sin(angle) * reach], 1).astype(np.float32)


def sprite(rng: np.random.Generator, size: int, colour: str, shape: str) -> np.ndarray:
    """A shaded shape that fills a square with a margin of a tenth, with alpha, uint8 [size, size, 4]."""
    points = (outline(shape) * 0.45 + 0.5) * size
    mask = np.zeros((size, size), np.uint8)
    cv2.fillPoly(mask, [np.round(points * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    y, x = np.mgrid[:size, :size].astype(np.float32) / size - 0.5
    turn = rng.uniform(0, 2 * np.pi)
    shade = 1 + 0.16 * (x * np.cos(turn) + y * np.sin(turn)) + 0.03 * noise(rng, size, 1.0)
    colour_rgb = np.array(COLOURS[colour], np.float32) * rng.uniform(0.92, 1.08)
    picture = np.clip(colour_rgb * shade[..., None], 0, 255).astype(np.uint8)
    return np.dstack([picture, mask])
