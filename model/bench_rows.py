"""Stages and rows of `magic141 bench gpu`, measured one by one: what they share, and how each is run."""

import gc
from collections.abc import Callable, Iterator
from dataclasses import asdict
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import Tensor

from model.backends import attend_by
from model.bench_figures import clip_figures, forget_peak, memory, step_figures
from model.bench_settings import FPS, STEPS, USED, Setting
from model.bench_stages import noise, stage, timed
from model.bench_stock import run_stock
from model.beside import beside
from model.compiled import compile_blocks
from model.denoiser import predict_velocity
from model.families.family import to_pixels
from model.fit import GIB
from model.quantize import held_bytes, quantize
from model.random_parts import Scale, build_autoencoder, build_transformer, told
from model.roofline import matmul_rate, seconds
from model.sampler import sample
from model.schedule import sigmas
from model.tiles import Plan, attend_sparsely

REPEATS = 2  # steps after the first, which pays for compiling and for choosing kernels


class Bench:
    """Where, at which scale, how fast products are (FLOP/s by kind) and how many seconds each stage took."""

    def __init__(self, scale: Scale, device: torch.device, *, compiled: bool) -> None:
        self.scale, self.device, self.compiled = scale, device, compiled
        self.autoencoder = build_autoencoder(scale, device)
        self.stages: dict[str, float] = {}
        self.rates: dict[str, float] = {}

    def measure_rates(self) -> dict[str, object]:
        report: dict[str, object] = {}
        for kind in ("bf16", "fp8", "int8"):
            try:
                self.rates[kind] = matmul_rate(kind, self.device)
                report[kind] = round(self.rates[kind] / 1e12, 3)
            except Exception as error:  # no such product on this device
                report[kind] = told_of(error)
        return report

    @torch.inference_mode()
    def stage(self, name: str) -> dict[str, object]:
        forget_peak(self.device)
        self.stages[name] = timed(stage(name, self.scale, self.autoencoder), self.device)
        return {"seconds": round(self.stages[name], 4), **memory(self.device)}

    def row(self, setting: Setting, report: dict[str, Any]) -> None:
        """Fills `report` as it goes, so that what was measured is there whatever ends it."""
        if setting.attention == "stock":
            self._stock(setting, report)
            return
        if setting.attention == "overlap" and self.device.type != "cuda":
            raise RuntimeError(
                "needs a CUDA device: on a CPU denoising and decoding take turns (model/beside.py)"
            )
        step = self._first_step(setting, report)
        forget_peak(self.device)
        steps: list[float] = []
        for _ in range(REPEATS):
            steps.append(seconds(lambda: step(1), self.device))
            report.update(step_figures(setting, self.scale, steps, report["density"], self.rates))
            report.update(clip_figures(setting, STEPS * median(steps), self.stages), **memory(self.device))
        if setting.attention == "overlap":
            self._beside(setting, step, STEPS * median(steps), report)

    def _first_step(self, setting: Setting, report: dict[str, Any]) -> Callable[[int], Tensor]:
        transformer = self._prepared(setting, report)
        step = self._stepper(transformer, setting)
        if self.compiled:
            compile_blocks(transformer, dynamic=False)
        try:
            first = seconds(lambda: step(1), self.device)
        except Exception as error:
            if not self.compiled or setting.sparse:  # which needs it: uncompiled it holds all scores
                raise
            why = told_of(error)
        else:
            report["first_step_seconds"] = round(first, 3)
            return step
        del transformer, step
        forget(self.device)
        step = self._stepper(self._prepared(setting, report), setting)
        report["compiled"] = f"no, it failed: {why}"
        report["first_step_seconds"] = round(seconds(lambda: step(1), self.device), 3)
        return step

    def _prepared(self, setting: Setting, report: dict[str, Any]) -> Any:
        transformer = build_transformer(self.scale, self.device)
        quantize(transformer, setting.precision)
        report |= {
            "compiled": self.compiled,
            "weights_gib": round(held_bytes(transformer) / GIB, 2),
            "density": 1.0,
        }
        if self.device.type == "cuda":
            gc.collect()
            torch.cuda.empty_cache()
            # Of the DiT and the autoencoder, the encoders being elsewhere.
            report["resident_gib"] = round(torch.cuda.memory_allocated(self.device) / GIB, 2)
        if setting.sparse:
            attend_sparsely(transformer, self.scale.tiling)
            grid = (setting.latents, self.scale.height // 16, self.scale.width // 16)
            plan = Plan(self.scale.tiling, grid, USED, 1, torch.device("cpu"))
            report |= {"backend": "flex", "tiling": asdict(self.scale.tiling), "density": plan.density}
            if self.device.type == "cpu" and not self.compiled:
                # The figures count the products that are wanted; here all are computed.
                report["backend"] = (
                    "dense with the mask written out (uncompiled, on a CPU): no faster than dense"
                )
        else:
            report["backend"] = str(attend_by(transformer))
        return transformer

    def _stepper(self, transformer: Any, setting: Setting) -> Callable[[int], Tensor]:
        """A function that takes so many of the sampler's steps, from the same noise at each call."""
        start = noise(self.scale, setting.frames, self.device)
        given = told(self.scale, self.device, USED)
        context, grid = start[:, :, :1], sigmas(STEPS, 5.0).to(self.device)

        def velocity(x: Tensor, sigma: Tensor) -> Tensor:
            return predict_velocity(transformer, x, sigma, given, context, "velocity")

        @torch.inference_mode()
        def steps(count: int) -> Tensor:
            return sample(velocity, start, grid[: count + 1])

        return steps

    def _stock(self, setting: Setting, report: dict[str, Any]) -> None:
        report.update(compiled=False, backend="stock")
        forget_peak(self.device)
        first, steps = run_stock(self.scale, setting.frames, self.autoencoder)
        report.update(step_figures(setting, self.scale, steps, 1.0, self.rates), **memory(self.device))
        report["first_step_with_encode_seconds"] = round(first, 3)
        decode = f"decode-{setting.frames}"
        if not {"condition", decode} <= self.stages.keys():
            return
        clip = first + (STEPS - 1) * median(steps) + self.stages["condition"] + self.stages[decode]
        report.update(
            clip_seconds=round(clip, 3),
            clip_is=f"its encode and {STEPS} steps (of which {1 + len(steps)} were run, the others as long as"
            " those after the first), and our condition and decode",
            realtime_factor=round(clip * FPS / setting.frames, 3),
        )

    def _beside(
        self, setting: Setting, step: Callable[[int], Tensor], denoise: float, report: dict[str, Any]
    ) -> None:
        """A window denoised while the one before it is decoded, as an engine does in the middle of a video.
        `decode_hidden_share`: 1 where decoding costs no time beside denoising, 0 where they might as well
        take turns."""
        alone = self.stages.get(f"decode-{setting.frames}")
        if alone is None:
            raise RuntimeError(f"the stage decode-{setting.frames} was not measured")
        latents = noise(self.scale, setting.frames, self.device).to(self.autoencoder.dtype)

        def windows() -> Iterator[Tensor | None]:
            yield latents
            step(STEPS)
            yield None

        @torch.inference_mode()
        def decode(item: Tensor | None) -> np.ndarray | None:
            return None if item is None else to_pixels(self.autoencoder.decode(item).sample)

        forget_peak(self.device)
        together = seconds(lambda: list(beside(windows(), decode, self.device)), self.device)
        report.update(
            denoise_seconds=round(denoise, 3),
            decode_seconds=round(alone, 3),
            together_seconds=round(together, 3),
            decode_hidden_share=round((denoise + alone - together) / alone, 3),
            together_realtime_factor=round(together * FPS / setting.frames, 3),
            **memory(self.device),
        )


def told_of(error: BaseException) -> str:
    """An error in a line or two."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {' '.join(lines[:3])[:400]}"


def forget(device: torch.device) -> None:
    """Lets go of the last row: its tensors, its compiled code, the allocator's pools."""
    torch._dynamo.reset()
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    forget_peak(device)
