"""Speed and memory of the 13 B geometry on this machine, stage by stage and setting by setting, beside
diffusers' stock pipeline in the same run; random weights. Without a CUDA device the same rows at a reduced
scale.

A row that fails says why and the next one runs; rows come in the order of what is most worth knowing, and
when the time is spent the rest say that they were not run.
"""

import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from importlib.metadata import version
from typing import Any

import torch

from model import fit
from model.bench import machine
from model.bench_figures import compare
from model.bench_rows import Bench, forget, told_of
from model.bench_settings import STAGES, STEPS, Setting, settings
from model.dtype import working_dtype
from model.fit import GIB
from model.geometry import Geometry
from model.random_parts import REAL, REDUCED, Scale

Report = dict[str, Any]


class TimeSpent(BaseException):
    """The row under way has no more time. No Exception, so that nothing takes it for a failure of its own."""


def measure(
    *,
    rows: str = "*",
    minutes: float | None = None,
    compiled: bool | None = None,
    say: Callable[[str], None],
    keep: Callable[[Report], None] = lambda report: None,
) -> Report:
    """The report.

    `rows`: comma list of patterns, as `sparse-*` or `*-81`; stages that are named in full (`decode-121`) are
    the only ones to be run, else those that the rows need. `compiled` None: on a GPU. `minutes`: a row under
    way is ended then, as soon as the device answers. `keep` is called with the report so far after each row.
    """
    began = time.perf_counter()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    scale = REAL if device.type == "cuda" else REDUCED
    bench = Bench(scale, device, compiled=device.type == "cuda" if compiled is None else compiled)
    report: Report = {
        "machine": machine() | hardware(device),
        "versions": {name: version(name) for name in ("torch", "diffusers", "torchao")},
        "scale": scale.name,
        "why_this_scale": "the real geometry, on a CUDA device"
        if scale is REAL
        else "no CUDA device here: the same rows and code, much smaller; no figure of a GPU follows",
        "bf16_is": str(working_dtype(device)).removeprefix("torch."),
        "steps": STEPS,
        "matmul_tflops": bench.measure_rates(),
        "stages": [],
        "rows": [],
    }
    say(f"{scale.name} on {device.type}; matrix products in TFLOP/s: {report['matmul_tflops']}")

    def tried(kind: str, name: str, work: Callable[[Report], None]) -> None:
        result: Report = {"row": name}
        report[kind].append(result)
        at = time.perf_counter()
        left = None if minutes is None else 60 * minutes - (at - began)
        ended = None
        try:
            with limit(left):
                work(result)
        except TimeSpent:
            ended = f"the {minutes:g} minutes were spent"
        except Exception as error:  # the row's own fault: the others go on
            ended = told_of(error)
        if ended:
            result["cut_short" if "step_ms" in result else "not_run"] = ended
        forget(device)
        compare(report["rows"])
        report["minutes"] = round((time.perf_counter() - began) / 60, 2)
        keep(report)
        outcome = ended or result.get("step_ms") or result.get("seconds")
        say(f"{name}: {outcome} ({time.perf_counter() - at:.0f} s)")

    def denoise(setting: Setting, result: Report) -> None:
        fits_or_why(setting, scale, device)
        bench.row(setting, result)

    def run_stage(name: str) -> None:
        if all(name != done["row"] for done in report["stages"]):
            tried("stages", name, lambda result: result.update(bench.stage(name)))

    wanted = [pattern.strip() for pattern in rows.split(",")]
    named = [name for name in STAGES if name in wanted]
    for setting in settings():
        if any(fnmatch(setting.name, one) for one in wanted):
            for name in setting.stages:
                if name in named or not named:
                    run_stage(name)
            tried("rows", setting.name, lambda result, setting=setting: denoise(setting, result))  # type: ignore[misc]
    for name in named:
        run_stage(name)
    return report


@contextmanager
def limit(seconds: float | None) -> Iterator[None]:
    """Raises TimeSpent in what it is around once so many seconds have passed; on the main thread."""
    if seconds is None:
        yield
        return
    if seconds <= 0:
        raise TimeSpent

    def spent(*_: object) -> None:
        raise TimeSpent

    before = signal.signal(signal.SIGALRM, spent)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def fits_or_why(setting: Setting, scale: Scale, device: torch.device) -> None:
    """Raises fit.DoesNotFit where the arithmetic says that the row would run out of memory."""
    if device.type != "cuda" or scale is not REAL:
        return
    wanted = fit.need(
        Geometry(),
        latents=setting.latents,
        height=scale.height,
        width=scale.width,
        precision=setting.precision,
        overlapped=setting.attention == "overlap",
    )
    fit.require(wanted, torch.cuda.mem_get_info(device)[1])


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
