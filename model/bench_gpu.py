"""Speed and memory of the 13 B geometry on this machine, stage by stage and setting by setting, beside
diffusers' stock pipeline in the same run; random weights. Without a CUDA device the same rows at a reduced
scale.

A row that fails says why and the next one runs; rows come in the order of what is most worth knowing, and
when the time is spent the rest say that they were not run.
"""

import gc
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from importlib.metadata import version
from statistics import median
from typing import Any

import numpy as np
import torch
from diffusers import FlowMatchEulerDiscreteScheduler, HunyuanVideoImageToVideoPipeline
from PIL import Image
from torch import Tensor

from model import fit
from model.backends import attend_by
from model.bench import machine
from model.beside import beside
from model.compiled import compile_blocks
from model.denoiser import predict_velocity
from model.fit import GIB, TOLD
from model.geometry import Geometry
from model.quantize import held_bytes, quantize
from model.random_parts import (
    REAL,
    REDUCED,
    Scale,
    build_autoencoder,
    build_encoders,
    build_transformer,
    told,
)
from model.roofline import PRODUCTS, matmul_rate, seconds, wait
from model.sampler import sample
from model.schedule import sigmas
from model.tiles import Plan, attend_sparsely

FPS = 24
STEPS = 4
USED = TOLD - 100  # of the condition's tokens: a prompt of usual length is padded
FRAMES = (81, 121)
STAGES = ("condition", "encode", "decode-81", "decode-121")


@dataclass(frozen=True)
class Setting:
    """One row of denoising. `attention`: dense or sparse; "stock" is diffusers' pipeline, "overlap" ours with
    decoding beside denoising."""

    attention: str
    precision: str
    frames: int

    @property
    def name(self) -> str:
        return f"{self.attention}-{self.precision}-{self.frames}"

    @property
    def latents(self) -> int:
        return (self.frames - 1) // 4 + 1


def settings() -> Iterator[Setting]:
    """The most telling first."""
    for frames in FRAMES:
        for attention, precision in (
            ("dense", "bf16"),
            ("stock", "bf16"),
            ("sparse", "fp8"),
            ("dense", "fp8"),
        ):
            yield Setting(attention, precision, frames)
    for frames in FRAMES:
        for attention, precision in (("sparse", "bf16"), ("dense", "int8"), ("sparse", "int8")):
            yield Setting(attention, precision, frames)
    for attention in ("dense", "sparse"):
        yield Setting(attention, "int8-dynamic", 81)
    for frames in FRAMES:
        yield Setting("overlap", "bf16", frames)


class Bench:
    """What rows share: where, at which scale, how fast products are, and how long each stage took."""

    def __init__(self, scale: Scale, device: torch.device, *, compiled: bool) -> None:
        self.scale, self.device, self.compiled = scale, device, compiled
        self.repeats = (
            STEPS if device.type == "cuda" else 2
        )  # there a step's time varies by the load, not by chance
        self.stages: dict[str, float] = {}
        self.rates: dict[str, float] = {}

    def latents(self, frames: int) -> Tensor:
        shape = (1, 16, (frames - 1) // 4 + 1, self.scale.height // 8, self.scale.width // 8)
        return torch.randn(shape, generator=torch.Generator().manual_seed(1)).to(self.device)

    def measure_rates(self) -> dict[str, object]:
        report: dict[str, object] = {}
        for kind in ("bf16", "fp8", "int8"):
            try:
                self.rates[kind] = matmul_rate(kind, self.device)
                report[kind] = round(self.rates[kind] / 1e12, 3)
            except Exception as error:  # no such product on this device
                report[kind] = told_of(error)
        return report

    def stage(self, name: str) -> dict[str, object]:
        """The best of some, after a first run that pays for choosing kernels."""
        work = {"condition": self._condition, "encode": self._encode}.get(name)
        ready = work() if work else self._decode(int(name.rpartition("-")[2]))
        with torch.inference_mode():
            ready()
            best = min(seconds(ready, self.device) for _ in range(self.repeats // 2))
        self.stages[name] = best
        return {"seconds": round(best, 4)}

    def _condition(self) -> Callable[[], object]:
        llava, clip = build_encoders(self.scale, self.device)
        side = self.scale.vision["image_size"]
        patches = (side // self.scale.vision["patch_size"]) ** 2
        words = torch.ones(1, 351, dtype=torch.long, device=self.device)  # the template's 95 and 256
        seen = torch.full((1, patches + 95), 1, device=self.device)
        seen[:, :patches] = llava.config.image_token_id
        picture = torch.zeros(1, 3, side, side, device=self.device, dtype=torch.bfloat16)

        def run() -> None:
            llava.model.language_model(words)
            llava.model(input_ids=seen, pixel_values=picture)
            clip(words[:, :77])

        return run

    def _encode(self) -> Callable[[], object]:
        autoencoder = build_autoencoder(self.scale, self.device)
        shape = (1, 3, 1, self.scale.height, self.scale.width)
        picture = torch.zeros(shape, device=self.device, dtype=torch.bfloat16)
        return lambda: autoencoder.encode(picture)

    def _decode(self, frames: int) -> Callable[[], object]:
        autoencoder = build_autoencoder(self.scale, self.device)
        latents = self.latents(frames).bfloat16()
        return lambda: to_bytes(autoencoder.decode(latents).sample)

    def row(self, setting: Setting) -> dict[str, object]:
        if setting.attention == "stock":
            return self._stock(setting)
        if setting.attention == "overlap":
            return self._overlap(setting)
        transformer, report = self._prepared(setting)
        step = self._stepper(transformer, setting)
        if self.compiled:
            compile_blocks(transformer)
        try:
            first = seconds(lambda: step(1), self.device)
        except Exception as error:
            if (
                not self.compiled or setting.attention == "sparse"
            ):  # which needs it: uncompiled it holds all scores
                raise
            del transformer, step
            forget(self.device)
            transformer, report = self._prepared(setting)
            report["compiled"] = f"no, it failed: {told_of(error)}"
            step = self._stepper(transformer, setting)
            first = seconds(lambda: step(1), self.device)
        forget_peak(self.device)
        steps = [seconds(lambda: step(1), self.device) for _ in range(self.repeats)]
        figures = self._figures(setting, steps, report.pop("density", 1.0))
        return report | {"first_step_seconds": round(first, 3)} | figures

    def _prepared(self, setting: Setting) -> tuple[Any, dict[str, Any]]:
        transformer = build_transformer(self.scale, self.device)
        quantize(transformer, setting.precision)
        report: dict[str, Any] = {
            "compiled": self.compiled,
            "weights_gib": round(held_bytes(transformer) / GIB, 2),
        }
        if setting.attention == "sparse":
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
        return transformer, report

    def _stepper(self, transformer: Any, setting: Setting) -> Callable[[int], Tensor]:
        """A function that takes so many of the sampler's steps, from the same noise at each call."""
        noise, given = self.latents(setting.frames), told(self.scale, self.device, USED)
        context, grid = noise[:, :, :1], sigmas(STEPS, 5.0).to(self.device)

        def velocity(x: Tensor, sigma: Tensor) -> Tensor:
            return predict_velocity(transformer, x, sigma, given, context, "velocity")

        @torch.inference_mode()
        def steps(count: int) -> Tensor:
            return sample(velocity, noise, grid[: count + 1])

        return steps

    def _figures(self, setting: Setting, steps: list[float], density: float) -> dict[str, object]:
        """From seconds of steps to what they mean. `share_of_roofline`: the time that this device's own
        matrix products would take for the same arithmetic, of the time it took."""
        geometry = Geometry.of(build_geometry(self.scale))
        video = geometry.video_tokens(setting.latents, self.scale.height // 8, self.scale.width // 8)
        flops = geometry.forward_flops(video, USED, density)
        attended = round(density * geometry.attention_flops(video + USED))
        step = median(steps)
        figures: dict[str, object] = {
            "step_ms": round(1000 * step, 1),
            "steps_ms": [round(1000 * one, 1) for one in steps],
            "density": round(density, 3),
            "gflop": round(flops / 1e9, 1),
            "tflops": round(flops / step / 1e12, 3),
        }
        if {"bf16", PRODUCTS[setting.precision]} <= self.rates.keys():
            ideal = (flops - attended) / self.rates[PRODUCTS[setting.precision]] + attended / self.rates[
                "bf16"
            ]
            figures["share_of_roofline"] = round(ideal / step, 3)
        return figures | self._memory() | self._clip(setting, STEPS * step)

    def _memory(self) -> dict[str, object]:
        if self.device.type != "cuda":
            return {"peak_memory_gib": None}
        return {"peak_memory_gib": round(torch.cuda.max_memory_allocated(self.device) / GIB, 2)}

    def _clip(self, setting: Setting, denoise: float) -> dict[str, object]:
        """A whole clip as the sum of its stages, where all of them were measured."""
        parts = ("condition", "encode", f"decode-{setting.frames}")
        if not all(part in self.stages for part in parts):
            return {}
        clip = denoise + sum(self.stages[part] for part in parts)
        return {
            "clip_seconds": round(clip, 3),
            "clip_is": "condition + encode + 4 steps + decode, each measured by itself",
            "realtime_factor": round(clip * FPS / setting.frames, 3),
        }

    def _stock(self, setting: Setting) -> dict[str, object]:
        """diffusers' HunyuanVideoImageToVideoPipeline on the same weights, steps and condition, as it comes
        (nothing compiled, its own attention; its autoencoder tiled, as ours); told its embeddings, so that
        the condition's time is ours."""
        transformer = build_transformer(self.scale, self.device)
        pipeline = HunyuanVideoImageToVideoPipeline(
            text_encoder=None,
            tokenizer=None,
            transformer=transformer,
            vae=build_autoencoder(self.scale, self.device),
            scheduler=FlowMatchEulerDiscreteScheduler(),
            text_encoder_2=None,
            tokenizer_2=None,
            image_processor=None,
        )
        pipeline.set_progress_bar_config(disable=True)
        given = told(self.scale, self.device, USED)
        moments: list[float] = []

        def note(*_: object) -> dict:
            wait(self.device)
            moments.append(time.perf_counter())
            return {}

        def call() -> None:
            moments.clear()
            pipeline(
                image=Image.new("RGB", (self.scale.width, self.scale.height)),
                prompt_embeds=given.tokens,
                prompt_attention_mask=given.mask,
                pooled_prompt_embeds=given.pooled,
                width=self.scale.width,
                height=self.scale.height,
                num_frames=setting.frames,
                sigmas=sigmas(STEPS, 5.0)[:-1].tolist(),
                num_inference_steps=STEPS,
                callback_on_step_end=note,
                output_type="np",
            )

        forget_peak(self.device)
        began = time.perf_counter()
        total = seconds(call, self.device)
        # The first step also pays for choosing kernels, so the steps after it count.
        steps = [float(step) for step in np.diff(moments)]
        figures = self._figures(setting, steps, 1.0)
        figures |= {
            "first_step_with_encode_seconds": round(moments[0] - began, 3),
            "decode_seconds": round(began + total - moments[-1], 3),
            "clip_seconds": round(total + self.stages.get("condition", 0.0), 3),
            "clip_is": "one call, measured, and our condition",
        }
        figures["realtime_factor"] = round(
            (total + self.stages.get("condition", 0.0)) * FPS / setting.frames, 3
        )
        return {"compiled": False, "backend": "stock"} | figures

    def _overlap(self, setting: Setting) -> dict[str, object]:
        """Windows in a row: decoding each before the next is denoised, and beside it."""
        if self.device.type != "cuda":
            raise RuntimeError(
                "needs a CUDA device: on a CPU denoising and decoding take turns (model/beside.py)"
            )
        transformer, report = self._prepared(Setting("dense", setting.precision, setting.frames))
        if self.compiled:
            compile_blocks(transformer)
        autoencoder = build_autoencoder(self.scale, self.device)
        windows, step = 3, self._stepper(transformer, setting)

        @torch.inference_mode()
        def denoised() -> Iterator[Tensor]:
            for _ in range(windows):
                yield step(STEPS).bfloat16()

        @torch.inference_mode()
        def decode(latents: Tensor) -> np.ndarray:
            return to_bytes(autoencoder.decode(latents).sample)

        decode(next(denoised()))  # pays for compiling and choosing kernels
        turns = seconds(lambda: [decode(item) for item in denoised()], self.device)
        forget_peak(self.device)
        aside = seconds(lambda: list(beside(denoised(), decode, self.device)), self.device)
        played = windows * setting.frames / FPS
        return {
            "backend": report["backend"],
            "compiled": self.compiled,
            "windows": windows,
            "in_turns_seconds": round(turns, 3),
            "beside_seconds": round(aside, 3),
            "realtime_factor": round(aside / played, 3),
            **self._memory(),
        }


def build_geometry(scale: Scale) -> dict[str, Any]:
    return {"in_channels": 33, "guidance_embeds": False} | scale.dit


def to_bytes(video: Tensor) -> np.ndarray:
    """[1, 3, N, H, W] in -1..1 -> uint8 [N, H, W, 3] in the machine's memory."""
    return ((video[0].clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).permute(1, 2, 3, 0).cpu().numpy()


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


def forget_peak(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def fits_or_why(setting: Setting, scale: Scale, device: torch.device) -> None:
    """Raises fit.DoesNotFit where the arithmetic says that the row would run out of memory."""
    if device.type != "cuda" or scale is not REAL:
        return
    precision = "bf16" if setting.attention in ("stock", "overlap") else setting.precision
    wanted = fit.need(
        Geometry(),
        latents=setting.latents,
        height=scale.height,
        width=scale.width,
        precision=precision,
        overlapped=setting.attention == "overlap",
    )
    fit.require(wanted, torch.cuda.mem_get_info(device)[1])


def measure(
    *, rows: str = "*", minutes: float | None = None, compiled: bool | None = None, say: Callable[[str], None]
) -> dict[str, object]:
    """The report. `rows`: comma list of patterns, as `sparse-*` or `*-81`. `compiled` None: on a GPU."""
    began = time.perf_counter()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    scale = REAL if device.type == "cuda" else REDUCED
    bench = Bench(scale, device, compiled=device.type == "cuda" if compiled is None else compiled)
    longest = 0.0

    def tried(name: str, work: Callable[[], dict[str, object]]) -> dict[str, object]:
        nonlocal longest
        at = time.perf_counter()
        if minutes is not None and at - began + longest > 60 * minutes:
            return {"row": name, "not_run": f"the {minutes:g} minutes were spent"}
        try:
            result = {"row": name} | work()
        except Exception as error:  # the row's own fault: the others go on
            result = {"row": name, "not_run": told_of(error)}
        forget(device)
        took = time.perf_counter() - at
        longest = max(longest, took)
        outcome = result.get("not_run") or result.get("step_ms") or result.get("seconds") or "done"
        say(f"{name}: {outcome} ({took:.0f} s)")
        return result

    def denoise(setting: Setting) -> Callable[[], dict[str, object]]:
        def work() -> dict[str, object]:
            fits_or_why(setting, scale, device)
            return bench.row(setting)

        return work

    wanted = [pattern.strip() for pattern in rows.split(",")]
    chosen = [setting for setting in settings() if any(fnmatch(setting.name, one) for one in wanted)]
    parts = {part for setting in chosen for part in ("condition", "encode", f"decode-{setting.frames}")}
    stages = [name for name in STAGES if name in parts or any(fnmatch(name, one) for one in wanted)]
    rates = bench.measure_rates()
    say(f"{scale.name} on {device.type}; matrix products in TFLOP/s: {rates}")
    return {
        "machine": machine() | hardware(device),
        "versions": {name: version(name) for name in ("torch", "diffusers", "torchao")},
        "scale": scale.name,
        "why_this_scale": "the real geometry, on a CUDA device"
        if scale is REAL
        else "no CUDA device here: the same rows and code, much smaller; no figure of a GPU follows",
        "steps": STEPS,
        "matmul_tflops": rates,
        "stages": [tried(name, lambda name=name: bench.stage(name)) for name in stages],  # type: ignore[misc]
        "rows": [tried(setting.name, denoise(setting)) for setting in chosen],
        "minutes": round((time.perf_counter() - began) / 60, 2),
    }


def hardware(device: torch.device) -> dict[str, object]:
    if device.type != "cuda":
        return {"gpu": None}
    found = torch.cuda.get_device_properties(device)
    return {
        "gpu": found.name,
        "capability": f"{found.major}.{found.minor}",
        "memory_gib": round(found.total_memory / GIB, 1),
        "cuda": torch.version.cuda,
    }


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
