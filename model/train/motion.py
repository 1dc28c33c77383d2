"""Named motions as one affine map a frame. The camera words follow the film's use: to pan left turns the
camera left, so the picture's content moves right."""

import numpy as np

PAN_PIXELS = 2.0  # a frame at 256x256: one latent cell (8 px) a latent frame (4 frames)
ZOOM_RATE = 1.02  # a frame: 1.6x a second
TURN_RADIANS = np.deg2rad(1.0)  # a frame: 24 degrees a second
BOUNCE_FRAMES, BOUNCE_PIXELS = 24, 48.0
ORBIT_FRAMES, ORBIT_PIXELS = 48, 32.0  # what begins in the middle of the picture stays in it
GROW_RATE = 1.015

CAMERA = (
    "pan left",
    "pan right",
    "pan up",
    "pan down",
    "zoom in",
    "zoom out",
    "rotate clockwise",
    "rotate counterclockwise",
    "still",
)
OBJECT = ("move left", "move right", "move up", "move down", "bounce", "grow", "shrink", "orbit", "still")
CYCLES = ("bounce", "orbit")

_DIRECTION = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}  # in the picture, y down


def affine(scale: float = 1.0, turn: float = 0.0, shift: tuple[float, float] = (0.0, 0.0)) -> np.ndarray:
    """x -> scale * R(turn) x + shift as float64 [3, 3]; a positive turn is clockwise on the screen (y
    down)."""
    c, s = scale * np.cos(turn), scale * np.sin(turn)
    return np.array([[c, -s, shift[0]], [s, c, shift[1]], [0, 0, 1]])


def camera_path(motion: str, frame: float) -> np.ndarray:
    """Where the scene's points (origin in the middle) lie on the screen `frame` frames after the start, [3,
    3]."""
    verb, _, way = motion.partition(" ")
    if verb == "pan":
        dx, dy = _DIRECTION[way]
        return affine(shift=(-dx * PAN_PIXELS * frame, -dy * PAN_PIXELS * frame))
    if verb == "zoom":
        return affine(scale=ZOOM_RATE ** (frame if way == "in" else -frame))
    if verb == "rotate":  # a camera that turns clockwise sees its picture turn the other way
        return affine(turn=TURN_RADIANS * frame * (-1 if way == "clockwise" else 1))
    return affine()


def object_path(motion: str, frame: float, phase: float) -> np.ndarray:
    """Where an object's own points lie relative to its home, `frame` frames after the start, [3, 3].

    `phase` (0 to 1) is where in its cycle a bounce or an orbit starts.
    """
    verb, _, way = motion.partition(" ")
    if verb == "move":
        dx, dy = _DIRECTION[way]
        return affine(shift=(dx * PAN_PIXELS * frame, dy * PAN_PIXELS * frame))
    if verb == "bounce":
        height = abs(np.sin(np.pi * (frame / BOUNCE_FRAMES + phase)))
        return affine(shift=(0.0, BOUNCE_PIXELS * (0.5 - height)))
    if verb == "orbit":
        angle = 2 * np.pi * (frame / ORBIT_FRAMES + phase)
        return affine(shift=(ORBIT_PIXELS * np.cos(angle), ORBIT_PIXELS * np.sin(angle)))
    if verb in ("grow", "shrink"):
        return affine(scale=GROW_RATE ** (frame if verb == "grow" else -frame))
    return affine()
