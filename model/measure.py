"""Measurements on frames: how the camera moved, which shape and colours are seen, how alike two pictures are.

None of it is learned, so that a model can't please its own judge. Needs OpenCV (extra `train`).
"""

import cv2
import numpy as np

from model.train import motion, textures

REACH = 90.0  # pixels from the middle at which a turn or a zoom is compared with a shift, at 256x256


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    """Peak signal-to-noise ratio of two uint8 pictures, in dB."""
    error = np.mean((a.astype(np.float64) - b.astype(np.float64)) ** 2)
    return float("inf") if error == 0 else float(10 * np.log10(255**2 / error))


def grey(picture: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)


def optical_flow(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Where each pixel went, float32 [H, W, 2], in pixels (DIS, Kroeger et al. 2016)."""
    method = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    return method.calc(grey(before), grey(after), np.zeros((*before.shape[:2], 2), np.float32))


def mean_length(flow: np.ndarray) -> float:
    """How far things moved, in pixels: the mean length of the optical flow [H, W, 2]."""
    return float(np.linalg.norm(flow, axis=-1).mean())


def flicker(frames: np.ndarray) -> float:
    """Mean absolute difference of frames that follow each other, of 255: in a still scene there should be
    none (VBench's temporal flickering, Huang et al. 2024, is 1 minus it)."""
    return float(np.abs(np.diff(frames.astype(np.int16), axis=0)).mean())


def camera_flow(before: np.ndarray, flow: np.ndarray) -> tuple[float, float, float, float]:
    """The similarity that carries `before` (uint8 [H, W, 3]) along `flow` [H, W, 2]: shift x, shift y
    (pixels), log scale, turn (radians, clockwise positive), about the middle; outliers left out."""
    height, width = before.shape[:2]
    y, x = np.mgrid[:height:4, :width:4].astype(np.float64)
    moved = flow[::4, ::4].reshape(-1, 2).astype(np.float64)
    points = np.stack([x.ravel() - width / 2, y.ravel() - height / 2], 1)
    slopes = (cv2.Sobel(grey(before), cv2.CV_32F, dx, 1 - dx) for dx in (1, 0))
    slope = cv2.magnitude(*slopes)[::4, ::4].ravel()
    keep = slope >= np.quantile(slope, 0.5)  # flow is only seen where there is texture
    fitted, _ = cv2.estimateAffinePartial2D(
        points[keep], points[keep] + moved[keep], ransacReprojThreshold=2.0
    )
    if fitted is None:
        return 0.0, 0.0, 0.0, 0.0
    scale = float(np.hypot(fitted[0, 0], fitted[1, 0]))
    return (
        float(fitted[0, 2]),
        float(fitted[1, 2]),
        float(np.log(max(scale, 1e-6))),
        float(np.arctan2(fitted[1, 0], fitted[0, 0])),
    )


def named_camera(frames: np.ndarray, step: int = 4) -> str:
    """The camera motion (motion.CAMERA) that frames [N, H, W, 3] show, by the median of the flows over `step`
    frames."""
    pairs = [(frames[i], frames[i + step]) for i in range(0, len(frames) - step, step)]
    flows = [camera_flow(before, optical_flow(before, after)) for before, after in pairs]
    dx, dy, grow, turn = np.median(np.array(flows), axis=0) / step
    strengths = {
        "pan left": dx, "pan right": -dx, "pan up": dy, "pan down": -dy,
        "zoom in": grow * REACH, "zoom out": -grow * REACH,
        "rotate counterclockwise": turn * REACH, "rotate clockwise": -turn * REACH,
    }  # fmt: skip
    best = max(strengths, key=strengths.__getitem__)
    return best if strengths[best] > 0.15 * motion.PAN_PIXELS else "still"


def named_object(frames: np.ndarray, colour: str, step: int = 4) -> str:
    """The motion (motion.OBJECT) of the largest region of `colour` in frames [N, H, W, 3]: the one whose
    path, or whose half or three quarters, is nearest to its own. "" where it's lost from sight or where the
    ground moves as well."""
    masks = [_region(frame, colour) for frame in frames[::step]]
    if not all(mask.sum() >= 100 for mask in masks) or _ground_moves(frames[::step], masks, step):
        return ""
    track = np.array([_placed(mask) for mask in masks])
    apart: dict[str, float] = {}
    for name in motion.OBJECT:
        phases = np.linspace(0, 1, 16, endpoint=False) if name in motion.CYCLES else (0.0,)
        paths = [[motion.object_path(name, i * step, phase) for i in range(len(track))] for phase in phases]
        for path in paths:
            wanted = np.array([(at[0, 2], at[1, 2], REACH * np.log(at[0, 0])) for at in path])
            for share in (0.5, 0.75, 1.0):
                far = np.linalg.norm(track - track[0] - share * (wanted - wanted[0]), axis=1).mean()
                apart[name] = min(apart.get(name, np.inf), float(far))
    return min(apart, key=apart.__getitem__)


def _placed(mask: np.ndarray) -> tuple[float, float, float]:
    """x and y of a region's middle, and the logarithm of its size, in pixels at REACH."""
    y, x = np.nonzero(mask)
    return float(x.mean()), float(y.mean()), REACH * float(np.log(len(x))) / 2


def _ground_moves(frames: np.ndarray, masks: list[np.ndarray], step: int) -> bool:
    """Whether most of what is textured away from the `masks` moves by a quarter of a pan or more."""
    wide = np.ones((25, 25), np.uint8)
    speeds = []
    for before, after, *seen in zip(frames, frames[1:], masks, masks[1:], strict=False):
        away = cv2.dilate(seen[0] | seen[1], wide) == 0
        slope = cv2.magnitude(*(cv2.Sobel(grey(before), cv2.CV_32F, dx, 1 - dx) for dx in (1, 0)))
        kept = away & (slope >= np.quantile(slope, 0.5))
        flow = optical_flow(before, after)[kept]
        speeds.append(np.median(np.linalg.norm(flow, axis=1)) if len(flow) else 0.0)
    return float(np.median(speeds)) / step > 0.25 * motion.PAN_PIXELS


def _region(picture: np.ndarray, colour: str) -> np.ndarray:
    """uint8 [H, W], 1 where the largest region of a named colour is."""
    nearest = (_named_colours(picture) == list(textures.COLOURS).index(colour)).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(nearest)
    sizes = stats[1:, cv2.CC_STAT_AREA]
    return (labels == 1 + sizes.argmax()).astype(np.uint8) if len(sizes) else nearest


def _named_colours(picture: np.ndarray) -> np.ndarray:
    """The index of the colour of textures.COLOURS nearest to each pixel, [H, W]."""
    lab = cv2.cvtColor(cv2.medianBlur(picture, 7), cv2.COLOR_RGB2LAB).astype(np.float32)
    table = cv2.cvtColor(np.array([list(textures.COLOURS.values())], np.uint8), cv2.COLOR_RGB2LAB)[0]
    return np.linalg.norm(lab[:, :, None] - table.astype(np.float32), axis=-1).argmin(-1)


def named_scene(picture: np.ndarray) -> tuple[str, str, str]:
    """(colour, shape, background colour) as seen: the border's commonest named colour is the background; the
    largest connected region of another named colour is the object, its shape the one whose outline overlaps
    it most."""
    names = list(textures.COLOURS)
    nearest = _named_colours(picture)
    border = np.concatenate(
        [nearest[:12].ravel(), nearest[-12:].ravel(), nearest[:, :12].ravel(), nearest[:, -12:].ravel()]
    )
    ground = int(np.bincount(border, minlength=len(names)).argmax())
    best: tuple[int, int, np.ndarray] = (0, ground, np.zeros_like(nearest, np.uint8))
    for colour in range(len(names)):
        if colour == ground:
            continue
        count, labels, stats, _ = cv2.connectedComponentsWithStats((nearest == colour).astype(np.uint8))
        for label in range(1, count):
            if stats[label, cv2.CC_STAT_AREA] > best[0]:
                best = (int(stats[label, cv2.CC_STAT_AREA]), colour, (labels == label).astype(np.uint8))
    return names[best[1]], _shape(best[2]), names[ground]


def _shape(mask: np.ndarray) -> str:
    if mask.sum() < 100:
        return ""
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    hull = max(contours, key=cv2.contourArea)
    filled = cv2.drawContours(np.zeros_like(mask), [hull], -1, 1, cv2.FILLED)
    x, y, w, h = cv2.boundingRect(hull)
    seen = cv2.resize(filled[y : y + h, x : x + w], (64, 64), interpolation=cv2.INTER_AREA) > 0
    overlaps = {}
    for shape in textures.SHAPES:
        points = textures.outline(shape)
        points = (points - points.min(0)) / np.ptp(points, axis=0) * 63
        wanted = cv2.fillPoly(np.zeros((64, 64), np.uint8), [np.round(points).astype(np.int32)], 1) > 0
        overlaps[shape] = (seen & wanted).sum() / (seen | wanted).sum()
    return max(overlaps, key=overlaps.__getitem__)


def sharpness(picture: np.ndarray) -> float:
    """Mean gradient magnitude of the grey picture."""
    flat = grey(picture).astype(np.float32)
    return float(np.hypot(np.diff(flat, axis=0)[:, :-1], np.diff(flat, axis=1)[:-1]).mean())
