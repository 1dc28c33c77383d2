"""How far does a long film wander off?"""

from typing import Any

import numpy as np
from tqdm import tqdm

from model.config import EngineConfig
from model.engine import Engine
from model.evaluate.films import film
from model.families.family import State
from model.measure import mean_length, optical_flow, sharpness

LAST = 5  # windows at the end over which a summary is taken


def anchor(engine: Engine) -> None:
    """From here on every window of a film is told, by its image tokens, of the picture that the film began
    with, and not of the frame that the window goes on from."""
    told, begun = engine.family.condition, {}

    def anchored(config: EngineConfig, prompt: str, state: State) -> Any:
        if "look" not in state:  # the first window
            begun["context"] = state["context"]
        return told(config, prompt, {**state, **begun})

    setattr(engine.family, "condition", anchored)  # noqa: B010 - a method, of this one family


def drift(engine: Engine, pictures: dict[str, np.ndarray], prompt: str, seconds: int) -> dict[str, object]:
    """Window by window, for each picture: sharpness as a share of the first window's, the distance of the
    mean colour from the first window's (of 255, the largest of the three channels), and mean optical flow in
    pixels a frame. `end` is the mean of the last five windows of all pictures; there colour is the worst
    one's."""
    curves = {}
    for name, picture in tqdm(pictures.items(), desc="drift"):
        frames = film(engine, picture, prompt, 0, seconds * engine.config.fps)
        size = engine.config.window_frames
        windows = [frames[1 + i : 1 + i + size] for i in range(0, len(frames) - size, size)]
        sharp = [float(np.mean([sharpness(frame) for frame in window[::6]])) for window in windows]
        colour = [window.mean((0, 1, 2)) for window in windows]
        flow = [
            float(np.mean([mean_length(optical_flow(window[i], window[i + 4])) / 4 for i in (0, 8, 16)]))
            for window in windows
        ]
        curves[name] = {
            "sharpness": [round(value / sharp[0], 3) for value in sharp],
            "colour_shift": [round(float(np.abs(value - colour[0]).max()), 1) for value in colour],
            "flow": [round(value, 3) for value in flow],
        }
    last = {
        key: [curve[key][-LAST:] for curve in curves.values()]
        for key in ("sharpness", "colour_shift", "flow")
    }
    return {
        "prompt": prompt,
        "seconds": seconds,
        "curves": curves,
        "end": {
            "sharpness": round(float(np.mean(last["sharpness"])), 3),
            "colour_shift": round(float(np.mean(last["colour_shift"], axis=1).max()), 1),
            "flow": round(float(np.mean(last["flow"])), 3),
        },
    }
