"""From seconds of steps and stages to what they mean."""

from collections.abc import Mapping
from statistics import median
from typing import Any

import torch

from model.bench_settings import FPS, STEPS, USED, Setting
from model.fit import GIB
from model.geometry import Geometry
from model.random_parts import Scale
from model.roofline import PRODUCTS


def step_figures(
    setting: Setting, scale: Scale, steps: list[float], density: float, rates: Mapping[str, float]
) -> dict[str, Any]:
    """`share_of_roofline`: the time that this device's own matrix products (`rates`, FLOP/s) would take for
    the same arithmetic, of the time it took; in bfloat16 that is the share of their rate."""
    geometry = Geometry.of({"in_channels": 33, "guidance_embeds": False} | scale.dit)
    video = geometry.video_tokens(setting.latents, scale.height // 8, scale.width // 8)
    flops = geometry.forward_flops(video, USED, density)
    attended = round(density * geometry.attention_flops(video + USED))
    step, product = median(steps), PRODUCTS[setting.precision]
    figures: dict[str, Any] = {
        "step_ms": round(1000 * step, 1),
        "steps_ms": [round(1000 * one, 1) for one in steps],
        "density": round(density, 3),
        "gflop": round(flops / 1e9, 1),
        "tflops": round(flops / step / 1e12, 3),
    }
    if {"bf16", product} <= rates.keys():
        ideal = (flops - attended) / rates[product] + attended / rates["bf16"]
        figures["share_of_roofline"] = round(ideal / step, 3)
    return figures


def clip_figures(setting: Setting, denoise: float, stages: Mapping[str, float]) -> dict[str, Any]:
    """A whole clip as the sum of its stages, where all of them were measured."""
    if not all(stage in stages for stage in setting.stages):
        return {}
    clip = denoise + sum(stages[stage] for stage in setting.stages)
    return {
        "clip_seconds": round(clip, 3),
        "clip_is": f"condition + encode + {STEPS} steps + decode, each measured by itself",
        "realtime_factor": round(clip * FPS / setting.frames, 3),
    }


def compare(rows: list[dict[str, Any]]) -> None:
    """Tells each row how many times as fast as the stock pipeline it is at the same number of frames: a step
    (`step_against_stock`), and a clip (`clip_against_stock`)."""
    for row in rows:
        stock = f"stock-bf16-{row['row'].rpartition('-')[2]}"
        slow = next((other for other in rows if other["row"] == stock), {})
        for figure, name in (("step_ms", "step"), ("clip_seconds", "clip")):
            if figure in row and figure in slow:
                row[f"{name}_against_stock"] = round(slow[figure] / row[figure], 2)


def memory(device: torch.device) -> dict[str, Any]:
    """The most that was allocated since `forget_peak`."""
    if device.type != "cuda":
        return {"peak_memory_gib": None}
    return {"peak_memory_gib": round(torch.cuda.max_memory_allocated(device) / GIB, 2)}


def forget_peak(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
